//! Words by which keys, placeholders and sentences are recognized.

use crate::text::mask::has;

/// Words that name a secret if they are the last word of a key.
#[rustfmt::skip]
const SECRETS: &[&str] = &[
    "auth", "authorization", "credential", "credentials", "jwt", "kennwort", "otp", "pass",
    "passcode", "passwort", "psk", "pw", "secrets", "sig", "signature", "tokens",
];

/// Suffixes of such words, which also occur alone: `dbpassword`, `authtoken`.
#[rustfmt::skip]
const SECRET_ENDINGS: &[&str] = &[
    "password", "passwords", "passwd", "pwd", "passphrase", "secret", "token", "apikey",
    "accesskey", "accountkey", "authkey", "encryptionkey", "masterkey", "privatekey", "secretkey",
    "signingkey", "sessid", "sessionid", "subscriptionkey",
];

/// Words before `key` that make it a secret, unlike `primary key` and `cache
/// key`.
#[rustfmt::skip]
const SECRET_KEYS: &[&str] = &[
    "access", "account", "api", "app", "application", "auth", "client", "encryption", "function",
    "functions", "hmac",
    // The second word of `ClickHouse`.
    "house", "instrumentation", "keystore", "license", "master", "private", "secret", "service", "shared", "signing", "storage",
    "subscription", "webhook",
];

/// Words after a secret one with which the key names something else:
/// `token_uri`, `passwordPolicy`, `TokenService.java`.
#[rustfmt::skip]
const ABOUT_SECRETS: &[&str] = &[
    "age", "algorithm", "arn", "attempts", "authentication", "budget", "bucket", "bytes", "cache",
    "check", "class", "client", "controller", "count", "counter", "decoder", "duration", "encoder",
    "encryption", "endpoint", "error", "exception", "expired", "expires", "expiry", "exchange",
    "failed", "factory", "field", "file", "filter", "format", "handler", "helper", "host", "id",
    "ids", "in", "index", "info", "invalid", "is", "issuer", "kind", "len", "length", "lifetime",
    "limit", "limits", "location", "manager", "max", "mechanism", "method", "min", "mismatch",
    "missing", "name", "names", "parser", "path", "per", "pair", "policy", "prompt", "provider",
    "rate", "ref", "remaining", "renewal", "repository", "required", "reset", "revoked", "rotation",
    "sent", "server", "service", "size", "source", "status", "store", "stream", "throughput",
    "timeout", "total", "ttl", "type", "uri", "url", "usage", "used", "valid", "validator",
    "verifier", "verified", "version", "window",
    // File extensions in stack traces.
    "c", "cc", "conf", "cpp", "crt", "cs", "go", "h", "ini", "java", "js", "json", "kt", "log",
    "php", "pem", "py", "rb", "rs", "scala", "sql", "swift", "toml", "ts", "tsx", "txt", "yaml",
    "yml",
];

/// Words before a secret one with which the key is a number or an action.
#[rustfmt::skip]
const ABOUT_SECRETS_BEFORE: &[&str] = &[
    "bad", "expected", "fetch", "find", "get", "has", "invalid", "is", "load", "missing", "needs",
    "no", "parse", "read", "refresh_when", "unexpected", "unknown", "unrecognized", "use", "verify",
    "wrong",
    // `OAuth2`
    "o",
];

/// Values that are not secret.
#[rustfmt::skip]
const PLACEHOLDERS: &[&str] = &[
    "-", "...", "empty", "false", "hidden", "masked", "n/a", "nil", "no", "none", "none,", "null",
    "omitted", "optional", "redacted", "required", "sensitive", "set", "true", "undefined", "unset",
    "yes",
];

/// Values of `auth=` that name a method.
#[rustfmt::skip]
const METHODS: &[&str] = &[
    "basic", "bearer", "digest", "external", "gssapi", "login", "md5", "ntlm", "oauth", "oauth2",
    "peer", "plain", "scram-sha-1", "scram-sha-256", "scram-sha-512", "trust",
];

/// Words that continue a sentence after a colon.
#[rustfmt::skip]
const PROSE: &[&str] = &[
    "a", "access", "account", "already", "an", "and", "are", "as", "at", "authentication",
    "authorization", "bad", "because", "bytes", "can", "canceled", "cancelled", "cannot", "cause", "caused", "check",
    "configured", "connection", "could", "denied", "deadline", "did", "does", "end", "environment",
    "error", "errors", "eof", "exceeded", "expected", "expired", "expires", "failed", "failure",
    "field", "for", "forbidden", "found", "got", "has", "header", "host", "illegal", "in",
    "incorrect", "input", "insufficient", "invalid", "is", "issuer", "it", "key", "kubernetes",
    "length", "line", "malformed", "method", "mismatch", "mismatched", "missing", "must", "need",
    "never", "no", "not", "of", "on", "only", "operation", "or", "out", "permission", "please",
    "policy", "provided", "rate", "read", "refused", "rejected", "request", "requires", "response",
    "retry", "revoked", "scope", "server", "session", "should", "signature", "some", "status",
    "such", "the", "there", "this", "timed", "timeout", "to", "token", "too", "try", "trying",
    "unable", "unauthenticated", "unauthorized", "unexpected", "unknown", "unsupported", "use",
    "user", "validation", "value", "verification", "was", "were", "will", "with", "wrong", "you",
    "your",
];

/// Words before a key that begin an error message: `invalid token: …`.
#[rustfmt::skip]
const ERROR_WORDS: &[&str] = &[
    "bad", "current", "expected", "expired", "incorrect", "invalid", "last", "malformed", "missing",
    "near", "next", "no", "the", "unexpected", "unknown", "unrecognized", "wrong", "your",
];

pub(super) fn is_placeholder(value: &str) -> bool {
    let value = value.trim_end_matches(['.', ',', ';', ':']);
    let inner = value.trim_matches(['*', '<', '>', '[', ']', '(', ')', 'x', 'X', '•']);
    inner.is_empty()
        || PLACEHOLDERS.contains(&&*inner.to_ascii_lowercase())
        || PLACEHOLDERS.contains(&&*value.to_ascii_lowercase())
        || is_parameter(value)
        || value.starts_with("${")
        || value.starts_with("{{")
        || value.starts_with("$(")
        || value.starts_with('<') && value.ends_with('>')
}

/// Schemes of `Authorization`.
#[rustfmt::skip]
const SCHEMES: &[&str] = &[
    "api-key", "apikey", "apitoken", "aws4-hmac-sha256", "basic", "bearer", "bot", "digest",
    "geniekey", "hawk", "hmac", "key", "negotiate", "ntlm", "oauth", "sharedaccesssignature",
    "sharedkey", "sharedkeylite", "signature", "splunk", "ssws", "token",
];

pub(super) fn is_scheme(word: &str) -> bool {
    SCHEMES.contains(&&*word.to_ascii_lowercase())
}

pub(super) fn is_method(value: &str) -> bool {
    METHODS.contains(&&*value.to_ascii_lowercase())
}

/// Returns whether `<word> key` names a secret.
pub(super) fn makes_key_secret(word: &str) -> bool {
    SECRET_KEYS.contains(&&*word.to_ascii_lowercase())
}

/// Returns whether a word continues a sentence and is not a value. An
/// identifier such as `invalid_grant` does if its first word does.
pub(super) fn is_prose(word: &str) -> bool {
    let word = word.trim_end_matches(['.', ',', ';', ':', '!', '?', '\'']);
    let first = word.split(['_', '-']).next().unwrap_or_default();
    let is_identifier = first.len() < word.len();
    let is_lower = |text: &str| !has(text, u8::is_ascii_uppercase);
    let mut rest = word.chars();
    rest.next();
    is_lower(rest.as_str())
        && (is_lower(word) || !is_identifier)
        && PROSE.contains(&&*first.to_ascii_lowercase())
}

/// Returns whether this can be a word of a sentence: letters that are lower-case
/// after the first one, and the punctuation of a sentence.
pub(super) fn is_word(value: &str) -> bool {
    let word = value.trim_end_matches(['.', ',', ';', ':', '!', '?']);
    let mut letters = word.chars();
    let starts = letters.next().is_some_and(char::is_alphabetic);
    starts && letters.all(|c| c.is_lowercase() || matches!(c, '-' | '_' | '\''))
}

/// Returns whether the value is a parameter of SQL: `$1` or `:1`. A statement has
/// at most a few dozen of them.
fn is_parameter(value: &str) -> bool {
    let number = value.strip_prefix(['$', ':']);
    number.is_some_and(|number| {
        number.len() <= 3
            && !number.starts_with('0')
            && number.bytes().all(|byte| byte.is_ascii_digit())
    })
}

/// Returns whether a key names a password, a word that parsers do not use.
pub(super) fn is_password(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    ["password", "passwd", "pwd", "passphrase"]
        .iter()
        .any(|ending| key.ends_with(ending))
}

pub(super) fn is_error_word(word: &str) -> bool {
    ERROR_WORDS.contains(&&*word.to_ascii_lowercase())
}

/// The kind of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Key {
    /// Almost always a secret: `password`, `api_key`.
    Secret,
    /// `token` and `auth`, which also occur in messages of parsers and in
    /// sentences.
    Vague,
    /// `tokens`, which often has a count.
    Plural,
    Authorization,
    Cookie,
    SetCookie,
}

/// Returns the kind of this key, if its value is secret: `PGPASSWORD`,
/// `clientSecret`, `x-api-key`.
pub(super) fn key(identifier: &str) -> Option<Key> {
    // Only the end of a long identifier matters.
    let start = identifier.len().saturating_sub(MAX_KEY_LEN);
    let end = &identifier[start..];
    if !may_be_key(end) {
        return None;
    }
    let words = split(end);
    let last = words.last()?;
    match last.as_str() {
        "cookie" if words.len() > 1 && words[words.len() - 2] == "set" => {
            return Some(Key::SetCookie);
        }
        "cookie" | "cookies" => return Some(Key::Cookie),
        _ => {}
    }
    // Databases number their sessions, so a short number is not masked.
    if words.ends_with(&["session".to_owned(), "id".to_owned()]) {
        return Some(Key::Vague);
    }
    let at = (0..words.len()).rev().find(|&at| is_secret(&words, at))?;
    let is_about = |word: &String| ABOUT_SECRETS.contains(&word.as_str());
    let after = &words[at + 1..];
    // The ID of a secret can be one, such as `secret_id` of Vault.
    if after.iter().any(is_about) && !(words[at] == "secret" && after == ["id"]) {
        return None;
    }
    let before = &words[..at];
    if before
        .iter()
        .any(|word| ABOUT_SECRETS_BEFORE.contains(&word.as_str()))
    {
        return None;
    }
    Some(match words[at].as_str() {
        "authorization" => Key::Authorization,
        "tokens" | "secrets" | "credentials" => Key::Plural,
        "token" | "auth" | "pass" | "signature" | "credential" if before.is_empty() => Key::Vague,
        _ => Key::Secret,
    })
}

/// The maximum length of a key, in bytes.
const MAX_KEY_LEN: usize = 64;

/// Returns whether the identifier contains a part of a word for a secret. Most
/// words do not, and need no allocation.
fn may_be_key(identifier: &str) -> bool {
    const PARTS: [&str; 14] = [
        "pass", "pw", "secret", "token", "key", "cred", "auth", "sig", "cookie", "jwt", "otp",
        "psk", "sess", "wort",
    ];
    let bytes = identifier.as_bytes();
    let is_part = |part: &str| {
        bytes
            .windows(part.len())
            .any(|window| window.eq_ignore_ascii_case(part.as_bytes()))
    };
    PARTS.into_iter().any(is_part)
}

/// Returns whether the word at `at`, or it and the previous one, name a secret.
fn is_secret(words: &[String], at: usize) -> bool {
    let word = words[at].as_str();
    if word == "key" || word == "keys" {
        return at > 0 && SECRET_KEYS.contains(&words[at - 1].as_str());
    }
    SECRETS.contains(&word)
        || SECRET_ENDINGS.iter().any(|ending| word.ends_with(ending))
        || word.ends_with("dbpass")
        || word.ends_with("userpass")
}

/// Splits an identifier into lower-case words without trailing digits.
fn split(identifier: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let bytes = identifier.as_bytes();
    for (at, &byte) in bytes.iter().enumerate() {
        let next_is_lower = bytes.get(at + 1).is_some_and(u8::is_ascii_lowercase);
        let before = at.checked_sub(1).map(|before| bytes[before]);
        let starts = byte.is_ascii_uppercase()
            && before.is_some_and(|before| {
                before.is_ascii_lowercase()
                    || before.is_ascii_digit()
                    || before.is_ascii_uppercase() && next_is_lower
            });
        if !byte.is_ascii_alphanumeric() || starts {
            words.push(String::new());
        }
        if byte.is_ascii_alphanumeric() {
            let word = words.last_mut().expect("there is one word at least");
            word.push(char::from(byte.to_ascii_lowercase()));
        }
    }
    for word in &mut words {
        let kept = word.trim_end_matches(|c: char| c.is_ascii_digit()).len();
        word.truncate(kept);
    }
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_are_split_into_words() {
        assert_eq!(split("AWSAccessKeyId"), ["aws", "access", "key", "id"]);
        assert_eq!(split("x-api-key"), ["x", "api", "key"]);
        assert_eq!(split("sasl.Password2"), ["sasl", "password"]);
        assert_eq!(split("PGPASSWORD"), ["pgpassword"]);
    }

    #[test]
    fn the_last_words_of_a_key_decide() {
        for secret in [
            "password",
            "PGPASSWORD",
            "dbPassword",
            "password2",
            "client_secret",
            "x-api-key",
            "AccountKey",
            "SharedAccessKey",
            "X-Amz-Signature",
            "secret_id",
            "secret_key_base",
            "passwordHash",
            "AWS_SECRET_ACCESS_KEY",
            "Ocp-Apim-Subscription-Key",
        ] {
            assert!(key(secret).is_some(), "{secret}");
        }
        for other in [
            "token_uri",
            "SharedAccessKeyName",
            "secretName",
            "secretKeyRef",
            "password_policy",
            "primary_key",
            "cache_key",
            "publicKey",
            "max",
            "TokenService.java",
            "token.rs",
            "tokenizer",
            "compass",
            "keyboard",
        ] {
            assert_eq!(key(other), None, "{other}");
        }
    }
}
