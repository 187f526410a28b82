//! Secrets in the texts of errors: drivers quote the URL that they were given.

use std::borrow::Cow;

const MASK: &str = "***";

/// Words after which a value is secret, in lower case.
const SECRET_KEYS: [&str; 9] = [
    "password",
    "passwd",
    "pwd",
    "secret",
    "token",
    "api_key",
    "apikey",
    "access_key",
    "credential",
];

/// Words after which the next word is secret.
const SECRET_SCHEMES: [&str; 2] = ["bearer ", "basic "];

/// The text without what looks like a secret: the user part of a URL, the value
/// of `password=` and the like, the token after `Bearer`.
///
/// It sees patterns, not meanings: what a check should not tell belongs in no
/// text at all.
pub(crate) fn masked(text: &str) -> Cow<'_, str> {
    let secrets = secrets(text);
    if secrets.is_empty() {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len());
    let mut end = 0;
    for (from, to) in secrets {
        if from >= end {
            shown.push_str(&text[end..from]);
            shown.push_str(MASK);
        }
        end = end.max(to);
    }
    shown.push_str(&text[end..]);
    Cow::Owned(shown)
}

/// Where secrets stand, by their beginnings. All offsets are at ASCII characters
/// or at the ends of the text, so they never cut a character.
fn secrets(text: &str) -> Vec<(usize, usize)> {
    // Changes no length, so that offsets hold for both.
    let lower = text.to_ascii_lowercase();
    let mut found = Vec::new();
    for (at, _) in lower.match_indices("://") {
        let from = at + "://".len();
        let authority = &text[from..word_end(text, from)];
        if let Some(user) = authority.rfind('@') {
            found.push((from, from + user));
        }
    }
    for key in SECRET_KEYS {
        for (at, _) in lower.match_indices(key) {
            found.extend(value_after(text, at + key.len()));
        }
    }
    for scheme in SECRET_SCHEMES {
        for (at, _) in lower.match_indices(scheme) {
            let from = at + scheme.len();
            found.push((from, word_end(text, from)));
        }
    }
    found.retain(|(from, to)| from < to);
    found.sort_unstable();
    found
}

/// The value after a key: `=value`, `: value`, `"="value"` and the like.
fn value_after(text: &str, key_end: usize) -> Option<(usize, usize)> {
    let rest = &text[key_end..];
    // The key may be the beginning of a longer word, such as `token_uri`.
    let name = rest.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-');
    let before = name.trim_start_matches(['"', '\'', '\\', ' ']);
    let value = before.strip_prefix(['=', ':'])?;
    let value = value.trim_start_matches(' ');
    let quote = value.chars().next().filter(|c| ['"', '\''].contains(c));
    let value = quote.map_or(value, |quote| &value[quote.len_utf8()..]);
    let from = text.len() - value.len();
    let to = match quote {
        Some(quote) => value.find(quote).map_or(text.len(), |length| from + length),
        None => value_end(text, from),
    };
    Some((from, to))
}

fn value_end(text: &str, from: usize) -> usize {
    let ends =
        |c: char| c.is_whitespace() || ['&', ';', ',', '"', '\'', ')', '}', ']'].contains(&c);
    text[from..]
        .find(ends)
        .map_or(text.len(), |length| from + length)
}

fn word_end(text: &str, from: usize) -> usize {
    let ends = |c: char| c.is_whitespace() || ['"', '\'', '`', '<', '>'].contains(&c);
    text[from..]
        .find(ends)
        .map_or(text.len(), |length| from + length)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_looks_like_a_secret_is_masked() {
        for (text, shown) in [
            ("connection refused", "connection refused"),
            (
                "postgres://app:hunter2@db:5432/orders",
                "postgres://***@db:5432/orders",
            ),
            (
                "at \"redis://:hunter2@cache/0\": refused",
                "at \"redis://***@cache/0\": refused",
            ),
            ("amqp://u:p@ss/w@rd@mq/", "amqp://***@mq/"),
            (
                "https://api.example/health?x=1",
                "https://api.example/health?x=1",
            ),
            (
                "https://api.example/?token=hunter2&x=1",
                "https://api.example/?token=***&x=1",
            ),
            (
                "host=db user=app password=hunter2 dbname=x",
                "host=db user=app password=*** dbname=x",
            ),
            ("Password: hunter2, retry", "Password: ***, retry"),
            (
                "{\"client_secret\":\"hunter 2\",\"x\":1}",
                "{\"client_secret\":\"***\",\"x\":1}",
            ),
            ("PWD='hunter 2';", "PWD='***';"),
            (
                "authorization: Bearer hunter2.x.y sent",
                "authorization: Bearer *** sent",
            ),
            ("AWS_SECRET_ACCESS_KEY=hunter2", "AWS_SECRET_ACCESS_KEY=***"),
            ("the token expired", "the token expired"),
            ("password=", "password="),
            ("größe=1 password=größe", "größe=1 password=***"),
        ] {
            assert_eq!(masked(text), shown);
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,80}") {
            let _ = masked(&text);
        }

        #[test]
        fn a_secret_in_its_place_is_never_shown(
            before in "[a-z ]{0,10}",
            secret in "[A-Z0-9!$%*+._~-]{4,20}",
            after in "[a-z ]{0,10}",
        ) {
            for text in [
                format!("{before} postgres://app:{secret}@db/x {after}"),
                format!("{before} password={secret} {after}"),
                format!("{before} \"api_key\": \"{secret}\" {after}"),
                format!("{before} Bearer {secret} {after}"),
            ] {
                prop_assert!(!masked(&text).contains(&secret), "{}", masked(&text));
            }
        }
    }
}
