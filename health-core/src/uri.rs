//! What may stand where a URI is wanted.

/// Whether these are characters of a URI ([RFC 3986][rfc]), absolute or not.
///
/// [rfc]: https://www.rfc-editor.org/rfc/rfc3986#section-2
pub(crate) fn is_uri(text: &str) -> bool {
    is_template(text) && !text.contains(['{', '}', '|'])
}

/// Whether these are characters of a URI template ([RFC 6570][rfc]), each brace
/// with its partner.
///
/// [rfc]: https://www.rfc-editor.org/rfc/rfc6570#section-2
pub(crate) fn is_template(text: &str) -> bool {
    let mut open = false;
    let fits = |c: char| match c {
        '{' | '}' => std::mem::replace(&mut open, c == '{') != (c == '{'),
        '"' | '<' | '>' | '\\' | '^' | '`' => false,
        c => c.is_ascii_graphic(),
    };
    !text.is_empty() && text.chars().all(fits) && !open
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_uris_and_endpoints_are_templates() {
        for uri in [
            "https://example.com/a?b=c#d",
            "/runbook",
            "mailto:x@y",
            "%7B",
        ] {
            assert!(is_uri(uri) && is_template(uri), "{uri}");
        }
        for template in ["/orders/{id}", "/{a}/{b}{?c,d}", "{+path}|"] {
            assert!(is_template(template) && !is_uri(template), "{template}");
        }
        for neither in ["", "a b", "/ä", "a\nb", "<a>", "\"", "`"] {
            assert!(!is_uri(neither) && !is_template(neither), "{neither}");
        }
        for unbalanced in ["{", "}", "{{a}}", "a}b{", "{a"] {
            assert!(!is_template(unbalanced), "{unbalanced}");
        }
    }
}
