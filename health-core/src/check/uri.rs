//! Validation of URIs.

use crate::check::rules::is_template_char;

/// Returns whether the text only has characters of a URI reference ([RFC
/// 3986][rfc]).
///
/// [rfc]: https://www.rfc-editor.org/rfc/rfc3986#section-2
pub(crate) fn is_uri(text: &str) -> bool {
    let fits = |c| is_template_char(c) && !matches!(c, '{' | '}' | '|');
    !text.is_empty() && text.chars().all(fits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_uri_is_a_valid_link() {
        for uri in [
            "https://example.com/a?b=c#d",
            "/runbook",
            "mailto:x@y",
            "%7B",
        ] {
            assert!(is_uri(uri), "{uri}");
        }
        for other in ["", "a b", "/ä", "a\nb", "<a>", "\"", "`", "/{id}", "a|b"] {
            assert!(!is_uri(other), "{other}");
        }
    }
}
