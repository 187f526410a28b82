//! The signature of a webhook body.

use std::env;
use std::fmt::Write as _;

use hmac::{Hmac, KeyInit, Mac};
use http::HeaderValue;
use sha2::Sha256;

use crate::registry::error::Problem;

/// The header of GitHub's webhooks. Many receivers can already verify it. It
/// covers the raw body only, which contains an `id` and the time against
/// replays.
pub(super) const HEADER: &str = "x-hub-signature-256";

/// The source of the secret.
#[derive(Clone)]
pub(super) enum Secret {
    Value(Vec<u8>),
    Variable(String),
}

impl Secret {
    /// Reads the secret.
    pub(super) fn key(&self) -> Result<SigningKey, Vec<Problem>> {
        let bad = |what, help| Err(vec![Problem::setting(what, help)]);
        let (what, bytes) = match self {
            Secret::Value(bytes) => ("the secret of a webhook".to_owned(), bytes.clone()),
            Secret::Variable(name) => {
                let what = format!("`{name}`, the secret of a webhook,");
                let Some(value) = env::var_os(name) else {
                    return bad(
                        format!("{what} is not set"),
                        format!(
                            "set the environment variable `{name}`, for example to the output of `openssl rand -hex 32`"
                        ),
                    );
                };
                (what, value.into_encoded_bytes())
            }
        };
        let wrong = match &*bytes {
            [] => "is empty",
            [.., b'\n' | b'\r'] => "ends with a line break",
            _ => return Ok(SigningKey(bytes)),
        };
        bad(
            format!("{what} {wrong}"),
            "give it the same bytes as the receiver has".to_owned(),
        )
    }
}

/// A validated secret.
pub(super) struct SigningKey(Vec<u8>);

impl SigningKey {
    /// Returns `sha256=` and the HMAC-SHA256 of the body in hexadecimal digits.
    pub(super) fn sign(&self, body: &[u8]) -> HeaderValue {
        let mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("HMAC takes keys of any length");
        let code = mac.chain_update(body).finalize().into_bytes();
        let mut signature = "sha256=".to_owned();
        for byte in code {
            let _ = write!(signature, "{byte:02x}");
        }
        HeaderValue::try_from(signature).expect("hexadecimal digits")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_matches_the_example_of_github() {
        let secret = Secret::Value(b"It's a Secret to Everybody".to_vec());
        let key = secret.key().expect("a secret");
        assert_eq!(
            key.sign(b"Hello, World!"),
            "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
        );
    }

    #[test]
    fn an_unusable_secret_is_refused() {
        for (secret, what) in [
            (Secret::Value(Vec::new()), "is empty"),
            (
                Secret::Value(b"hunter2\n".to_vec()),
                "ends with a line break",
            ),
            (
                Secret::Variable("HEALTH_NO_SUCH_SECRET".into()),
                "is not set",
            ),
        ] {
            let problem = secret.key().err().expect("a problem")[0].to_string();
            assert!(problem.contains(what), "{problem}");
            assert!(!problem.contains("hunter2"), "{problem}");
        }
    }
}
