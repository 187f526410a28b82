//! Secrets in addresses: `scheme://user:password@host`, the same without a
//! scheme, `user/password@host` of Oracle, and the paths of webhooks.

use std::ops::Range;

use crate::text::mask::{run_end, run_start};

pub(super) fn find(text: &str, found: &mut Vec<Range<usize>>) {
    urls(text, found);
    if !text.contains('@') {
        return;
    }
    let may_be_oracle = mentions_oracle(text);
    let mut at = 0;
    for word in text.split(|c: char| c.is_ascii_whitespace()) {
        if !word.contains("://") || word.contains("@//") {
            let oracle = || may_be_oracle.then(|| oracle_password(word)).flatten();
            let password = user_password(word).or_else(oracle);
            found.extend(password.map(|part| at + part.start..at + part.end));
        }
        at += word.len() + 1;
    }
}

fn urls(text: &str, found: &mut Vec<Range<usize>>) {
    const MARK: &str = "://";
    let mut marks = text.match_indices(MARK).map(|(at, _)| at).peekable();
    while let Some(mark) = marks.next() {
        let from = mark + MARK.len();
        // The next URL of the same word limits this one, so the time is linear.
        let bound = marks.peek().copied().unwrap_or(text.len());
        let end = url_end(&text[..bound], mark, from);
        let scheme = scheme(text, mark);
        let url = &text[from..end];
        if let Some(user) = user_info(scheme, url) {
            found.push(from..from + user);
        }
        if let Some(path) = secret_path(url) {
            found.push(from + path.start..from + path.end);
        }
    }
    percent_encoded(text, found);
}

/// Returns the letters before `://`.
fn scheme(text: &str, mark: usize) -> &str {
    let is_scheme = |byte: u8| byte.is_ascii_alphanumeric() || b"+.-".contains(&byte);
    &text[run_start(text, mark, is_scheme)..mark]
}

/// Returns the end of a URL: a space, or the quote that was opened before it.
/// Other quotes can be part of a password.
fn url_end(text: &str, mark: usize, from: usize) -> usize {
    let start = mark - scheme(text, mark).len();
    let opened = start.checked_sub(1).map(|before| text.as_bytes()[before]);
    let mut at = from;
    let bytes = text.as_bytes();
    while at < bytes.len() {
        let byte = bytes[at];
        let closes = || {
            bytes
                .get(at + 1)
                .is_none_or(|next| !next.is_ascii_alphanumeric() && *next != b'@')
        };
        let ends = byte.is_ascii_whitespace()
            || matches!(byte, b'<' | b'>')
            || byte == b'"' && closes()
            || matches!(byte, b'\'' | b'`') && opened == Some(byte) && closes();
        if ends {
            break;
        }
        at += 1;
    }
    at
}

/// Returns the length of the user part, without the `@`.
fn user_info(scheme: &str, url: &str) -> Option<usize> {
    let is_web = scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https");
    let host_end = url.find(['/', '?', '#']).unwrap_or(url.len());
    let authority = &url[..host_end];
    if let Some(user) = authority.rfind('@') {
        // The path of a web page can contain `@`, and a database password can
        // contain `/`.
        let has_password = authority[..user].contains(':');
        let user = if is_web || !has_password {
            user
        } else {
            let query = url[user..].find('?').map_or(url.len(), |at| user + at);
            url[..query].rfind('@').unwrap_or(user)
        };
        return is_secret_user(scheme, &url[..user]).then_some(user);
    }
    let user = url.rfind('@')?;
    let (_, after_colon) = authority.split_once(':')?;
    let is_port = after_colon.bytes().all(|byte| byte.is_ascii_digit());
    let is_host = authority.starts_with('[') || is_port && (is_web || after_colon.len() > 2);
    (!is_host).then_some(user)
}

/// Returns whether a user without a password can be a token; `git` cannot.
fn is_secret_user(scheme: &str, user: &str) -> bool {
    let is_plain = user.len() <= 16 && user.bytes().all(|byte| byte.is_ascii_lowercase());
    let logs_in = ["ssh", "git+ssh", "sftp", "rsync", "svn+ssh"].contains(&scheme);
    !(is_plain && logs_in)
}

/// Returns the part of a path that is the secret of a webhook.
fn secret_path(url: &str) -> Option<Range<usize>> {
    const PATHS: [&str; 7] = [
        "hooks.slack.com/services/",
        "hooks.slack.com/workflows/",
        "discord.com/api/webhooks/",
        "discordapp.com/api/webhooks/",
        "webhook.office.com/webhookb2/",
        "api.telegram.org/bot",
        "hc-ping.com/",
    ];
    PATHS.into_iter().find_map(|path| {
        let from = url.find(path)? + path.len();
        let to = if path.ends_with("bot") {
            run_end(url, from, |byte| !b"?#),;/".contains(&byte))
        } else {
            run_end(url, from, |byte| !b"?#),;".contains(&byte))
        };
        let to = from + url[from..to].trim_end_matches([':', '.']).len();
        Some(from..to)
    })
}

/// Finds the user part of a percent-encoded URL:
/// `postgres%3A%2F%2Fapp%3Ahunter2%40db`.
fn percent_encoded(text: &str, found: &mut Vec<Range<usize>>) {
    for mark in ["%3A%2F%2F", "%3a%2f%2f"] {
        let mut parts = text.match_indices(mark).map(|(at, _)| at).peekable();
        while let Some(at) = parts.next() {
            let from = at + mark.len();
            let bound = parts.peek().copied().unwrap_or(text.len());
            let end = run_end(&text[..bound], from, |byte| {
                byte.is_ascii_alphanumeric() || b"%-._~!$*+".contains(&byte)
            });
            let url = &text[from..end];
            let host_end = url
                .find("%2F")
                .or_else(|| url.find("%2f"))
                .unwrap_or(url.len());
            if let Some(user) = url[..host_end].rfind("%40") {
                found.push(from..from + user);
            }
        }
    }
}

/// Words before `:` that do not begin an address with a password.
#[rustfmt::skip]
const LABELS: &[&str] = &[
    "User", "acct", "arn", "bcc", "cc", "email", "from", "jdbc", "mail", "mailto", "npm",
    "recipient", "sender", "sip", "sips", "to", "urn", "xmpp",
];

/// Finds the password of `user:password@host`.
fn user_password(word: &str) -> Option<Range<usize>> {
    let at = word.rfind('@')?;
    let host = &word[at + 1..];
    let is_host = host.starts_with(|c: char| c.is_ascii_alphanumeric() || "[/(".contains(c));
    if !is_host || host.starts_with("sha256:") || host.starts_with("sha512:") {
        return None;
    }
    let last_pair = last_pair(&word[..at]);
    let mut name_start = 0;
    for colon in word[..at].match_indices(':').map(|(colon, _)| colon) {
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"_.%+-".contains(&byte);
        let start = name_start + run_start(&word[name_start..colon], colon - name_start, is_name);
        name_start = colon + 1;
        let name = &word[start..colon];
        if LABELS.contains(&name) {
            return None;
        }
        let password = &word[colon + 1..at];
        let is_port = password
            .trim_start_matches(|c: char| c.is_ascii_digit())
            .starts_with('/');
        let is_number = name.bytes().all(|byte| byte.is_ascii_digit());
        let starts_other = password.is_empty() || password.starts_with(['"', '\'', '\\', ':']);
        let is_path = name.len() == 1 && password.starts_with('/');
        let is_other = is_port || starts_other || is_path || Some(colon) < last_pair;
        if !is_number && !is_other {
            return Some(colon + 1..at);
        }
    }
    None
}

/// Returns where the last pair of a connection string begins, if there is one
/// before it: the `;` in `db,1433;Uid=app`.
fn last_pair(text: &str) -> Option<usize> {
    let mut starts = text.match_indices(';').map(|(at, _)| at);
    starts.rfind(|at| {
        let key = at + 1;
        let end = run_end(text, key, |byte| byte.is_ascii_alphabetic() || byte == b'_');
        end > key + 1 && text[end..].starts_with('=')
    })
}

fn mentions_oracle(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    ["oracle", "ora-", "sqlplus", ":1521", "tns", "@//"]
        .iter()
        .any(|hint| lower.contains(hint))
}

/// Finds the password of `scott/tiger@host`.
fn oracle_password(word: &str) -> Option<Range<usize>> {
    let at = word.rfind('@')?;
    let slash = word[..at].find('/')?;
    let name = &word[..slash];
    let has_name = name.ends_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
    let password = &word[slash + 1..at];
    let is_password = !password.is_empty() && !password.contains('/');
    (has_name && is_password).then_some(slash + 1..at)
}
