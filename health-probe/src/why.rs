//! The page that has the private causes.

use crate::{ProbeError, Reason};

pub(crate) const HINT: &str = "causes are withheld: set HEALTH_GUARD_TOKEN to the token of the service's guard, \
     or let the guard recognize 127.0.0.1 and ::1";

/// Returns whether causes are missing in the text, or the checks, which a public
/// port shows to recognized clients only.
pub(crate) fn is_public(text: &str) -> bool {
    let lists_checks = text.lines().any(|line| line.starts_with('['));
    !lists_checks || text.contains("withheld")
}

/// Returns the path of `/health` beside the page of a probe.
pub(crate) fn page_of(probe: &str) -> String {
    let path = probe.split('?').next().unwrap_or_default();
    let parent = path.rfind('/').map_or("", |slash| &path[..slash]);
    format!("{parent}/health?format=text&verbose")
}

/// Returns the token if it can be sent in a header field.
///
/// # Errors
///
/// If it contains anything but visible ASCII characters and spaces.
pub(crate) fn token(token: &str) -> Result<String, ProbeError> {
    let is_plain = |byte: u8| byte.is_ascii_graphic() || byte == b' ';
    if token.bytes().all(is_plain) {
        return Ok(token.to_owned());
    }
    let text = "the token has characters that a header field cannot have";
    Err(ProbeError::new(Reason::Usage, text))
}

/// Returns the text without characters that could control a terminal.
pub(crate) fn printable(text: &str) -> String {
    let is_plain = |c: char| c == '\n' || !c.is_control();
    let plain = text.chars().map(|c| if is_plain(c) { c } else { ' ' });
    plain.collect::<String>().trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn public_answers_are_recognized() {
        for text in ["ok", "health check failed", "[-]database failed: withheld"] {
            assert!(is_public(text), "{text}");
        }
        assert!(!is_public("[+]database ok\nhealth check passed"));
    }

    #[test]
    fn the_health_path_is_next_to_the_probe() {
        for (probe, page) in [
            ("/readyz", "/health"),
            ("/internal/livez?verbose", "/internal/health"),
            ("/", "/health"),
        ] {
            assert_eq!(page_of(probe), format!("{page}?format=text&verbose"));
        }
    }
}
