//! Masks secrets in texts, because error texts of clients contain the URLs,
//! headers and settings that they were given.
//!
//! The text is searched for syntactic forms. Each family of forms has a file:
//! the value of a key ([`keyed`]), the user part of an address ([`address`]),
//! and tokens with a known prefix ([`token`]). All of them take linear time,
//! since texts come from other systems.
//!
//! There are crates that wrap a secret in a type (`secrecy`, `redact`), and
//! tools that search repositories, but no maintained crate that finds secrets
//! in a text.

pub(crate) mod address;
pub(crate) mod keyed;
pub(crate) mod token;
pub(crate) mod words;

use std::borrow::Cow;
use std::ops::Range;

pub(crate) const MASK: &str = "***";

/// Replaces everything that looks like a secret by `***`.
///
/// Masking a masked text again does not change it.
pub(crate) fn masked(text: &str) -> Cow<'_, str> {
    let secrets = secrets(text);
    if secrets.is_empty() {
        return Cow::Borrowed(text);
    }
    Cow::Owned(hide(text, 0..text.len(), &secrets))
}

/// Masks the parts of one text: the key can be in one part and its value in the
/// next, as in `wrong password` and `hunter2`.
pub(crate) fn mask_chain(parts: &mut [String]) {
    const JOINT: &str = ": ";
    let joined = parts.join(JOINT);
    let secrets = secrets(&joined);
    if secrets.is_empty() {
        return;
    }
    let mut start = 0;
    for part in parts {
        let end = start + part.len();
        *part = hide(&joined, start..end, &secrets);
        start = end + JOINT.len();
    }
}

/// Returns whether this key marks this value as a secret.
pub(crate) fn is_secret(key: &str, value: &str) -> bool {
    words::key(key).is_some() && !words::is_placeholder(value)
}

/// Returns a part of the text without the secrets in it.
fn hide(text: &str, part: Range<usize>, secrets: &[Range<usize>]) -> String {
    let mut shown = String::with_capacity(part.len());
    let mut end = part.start;
    for secret in secrets {
        let from = secret.start.max(part.start);
        let to = secret.end.min(part.end);
        if from < to && from >= end {
            shown.push_str(&text[end..from]);
            shown.push_str(MASK);
            end = to;
        }
    }
    shown.push_str(&text[end..part.end]);
    shown
}

/// Returns the positions of the secrets, in order and without overlaps.
fn secrets(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    keyed::find(text, &mut found);
    address::find(text, &mut found);
    token::find(text, &mut found);
    found.retain(|secret| secret.start < secret.end && !is_mask(&text[secret.clone()]));
    found.sort_unstable_by_key(|secret| (secret.start, secret.end));
    let mut merged: Vec<Range<usize>> = Vec::with_capacity(found.len());
    for secret in found {
        match merged.last_mut() {
            Some(last) if secret.start < last.end => last.end = last.end.max(secret.end),
            _ => merged.push(secret),
        }
    }
    merged
}

fn is_mask(text: &str) -> bool {
    text.bytes().all(|byte| byte == b'*')
}

/// Returns the end of the run of matching bytes, starting at `from`.
fn run_end(text: &str, from: usize, fits: fn(u8) -> bool) -> usize {
    let bytes = text.as_bytes()[from..].iter();
    from + bytes.take_while(|byte| fits(**byte)).count()
}

/// Returns the start of the run of matching bytes that ends at `to`.
fn run_start(text: &str, to: usize, fits: fn(u8) -> bool) -> usize {
    let bytes = text.as_bytes()[..to].iter().rev();
    to - bytes.take_while(|byte| fits(**byte)).count()
}

/// Returns whether the text has an ASCII character of this kind.
fn has(text: &str, kind: fn(&u8) -> bool) -> bool {
    text.as_bytes().iter().any(kind)
}

/// Returns whether a word looks generated: words of a sentence have no digit,
/// and no capital after the first letter.
fn looks_random(word: &str) -> bool {
    let has_later_upper = word.bytes().skip(1).any(|byte| byte.is_ascii_uppercase());
    has(word, u8::is_ascii_digit) || has(word, u8::is_ascii_lowercase) && has_later_upper
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;
    use test_support::processor_time;

    use super::*;

    #[test]
    fn a_secret_is_replaced_and_the_rest_is_kept() {
        for (text, shown) in [
            ("connection refused", "connection refused"),
            (
                "postgres://app:hunter2@db:5432/orders",
                "postgres://***@db:5432/orders",
            ),
            ("amqp://u:p@ss/w@rd@mq/", "amqp://***@mq/"),
            ("password=hunter2 dbname=x", "password=*** dbname=x"),
            ("größe=1 password=größe", "größe=1 password=***"),
            ("PWD='hunter 2';", "PWD='***';"),
            ("password=a%26b", "password=***"),
            ("no x-api-key: A!A-", "no x-api-key: ***"),
            ("no x-api-key: absent", "no x-api-key: absent"),
        ] {
            assert_eq!(masked(text), shown);
        }
    }

    #[test]
    fn a_key_and_its_value_can_be_in_two_parts() {
        let mut parts = ["refused, password".into(), "hunter2".into(), "at db".into()];
        mask_chain(&mut parts);
        assert_eq!(parts, ["refused, password", "***", "at db"]);
    }

    #[test]
    fn masking_takes_linear_time() {
        for part in [
            "a",
            ":",
            "@",
            "://",
            "a://",
            "a:b@",
            "password",
            "password=",
            "password=\"",
            "password='",
            "password=\\\"",
            "password=,a",
            "password=[",
            "password={",
            "password={}}",
            "password=A { a",
            "passphrase=a ",
            "passphrase: ",
            "token provided: ",
            "credentials a:",
            "?u=&p=",
            "a:b;c=",
            ";c=@",
            "Digest response=\"",
            "LOGIN ",
            "<password>",
            "token: ",
            "authorization: ",
            "authorization: a ",
            "cookie: ",
            "cookie: a=",
            "Bearer ",
            "AUTH ",
            "-----BEGIN ",
            "-----BEGIN PRIVATE KEY-----",
            "%3A%2F%2F",
            "a%40",
            ":AA",
            "1:AA",
            "-p mysql ",
            "secret value ",
            "eyJ",
            "a_",
            "a/b@",
            "@//",
            "by ",
            "Some(",
            "password=Some(",
            "key ",
            "api key ",
            "ä",
            "\\",
            "\"",
            "'",
        ] {
            let time = |length: usize| {
                let text = part.repeat(length / part.len());
                let start = processor_time();
                std::hint::black_box(masked(&text));
                processor_time().saturating_sub(start)
            };
            let long = time(32 * 1024);
            // Quadratic time would take seconds.
            assert!(long < Duration::from_millis(800), "{part:?}: {long:?}");
        }
    }

    proptest! {
        #[test]
        fn masking_never_panics(text in "\\PC{0,80}") {
            let once = masked(&text).into_owned();
            prop_assert_eq!(masked(&once).into_owned(), once.clone());
        }

        #[test]
        fn masking_mixed_patterns_never_panics(
            parts in prop::collection::vec(
                prop::sample::select(vec![
                    "password", "token", "authorization", "cookie", "AUTH", "Bearer", "-p", "mysql",
                    "=", ":", ": ", "://", "@", "\"", "'", "\\", "[", "]", "(", ")", "<", ">", "ä", " ",
                    "a", "1", "%22", "%3D", ";", ",", "&", "\n", "key", "value", "Some(", "b\"", "=>",
                    "{", "}", "passphrase", "provided", "credentials", "LOGIN", "?u=a&p=", "Digest ",
                    "response", "A { a: ", ";c=",
                ]),
                0..24,
            ),
        ) {
            let text = parts.concat();
            let _ = masked(&text);
            let mut halves = [text[..0].to_owned(), text];
            mask_chain(&mut halves);
        }

        #[test]
        fn a_secret_after_a_key_is_masked(
            // A word that begins an error message, or letters that spell no key.
            before in "(bad|invalid|missing|no|wrong|your|the|[a-m ]{0,10})",
            secret in "[A-Z0-9!$%*+._~-]{4,20}",
            after in "[a-z ]{0,10}",
        ) {
            // `-*X` looks like a mask and is kept.
            let is_real = |c: &char| c.is_ascii_alphanumeric() && *c != 'X';
            prop_assume!(secret.chars().filter(is_real).count() > 1);
            // `$1` is a parameter of SQL.
            prop_assume!(!secret.starts_with('$') || secret.contains(|c: char| c.is_ascii_alphabetic()));
            for text in [
                format!("{before} postgres://app:{secret}@db/x {after}"),
                format!("{before} password={secret} {after}"),
                format!("{before} \"api_key\": \"{secret}\" {after}"),
                format!("{before} password: Some(\"{secret}\") {after}"),
                format!("{before} x-api-key: {secret}\n {after}"),
                format!("{before} app:{secret}@tcp(db) {after}"),
                format!("{before} {{\\\"password\\\":\\\"{secret}\\\"}} {after}"),
            ] {
                prop_assert!(!masked(&text).contains(&secret), "{}", masked(&text));
            }
        }
    }
}
