//! What a request asks for.

use super::Details;
use super::exclude::Exclusions;
use super::paths::Page;
use crate::head::RequestHead;
use crate::render::Format;
use crate::render::exposition::Exposition;
use crate::render::html::Refresh;

/// A known flag counts by its presence, whatever its value, as kube-apiserver
/// reads it; what is unknown is ignored.
pub(super) fn is_verbose(head: &RequestHead<'_>) -> bool {
    head.parameter("verbose").is_some()
}

/// What is no number of seconds is ignored, as all that is unknown.
pub(super) fn refresh(head: &RequestHead<'_>) -> Refresh {
    let named = head.parameter("refresh").and_then(Refresh::named);
    named.unwrap_or_default()
}

/// `?format=` is heard first, then `Accept`. A format that is not known is never
/// refused, because a monitor that gets no answer raises an alarm.
pub(super) fn format(page: Page, head: &RequestHead<'_>) -> Format {
    match page {
        Page::StatusPage => return Format::Html,
        Page::OpenApi => return Format::Json,
        Page::Metrics => return Format::Text,
        Page::Health | Page::Probe(_) | Page::Group(_) => {}
    }
    let by_query = head.parameter("format").and_then(Format::named);
    by_query
        .or_else(|| Format::accepted(head.accepted()?))
        .unwrap_or_default()
}

/// As [`format`], for metrics.
pub(super) fn exposition(head: &RequestHead<'_>) -> Exposition {
    let by_query = head.parameter("format").and_then(Exposition::named);
    by_query
        .or_else(|| Exposition::accepted(head.accepted()?))
        .unwrap_or_default()
}

/// The answer that is asked for.
#[derive(Clone, Debug)]
pub(super) struct Route {
    pub(super) method: Method,
    pub(super) page: Page,
    pub(super) check: Option<usize>,
    pub(super) format: Format,
    /// Of metrics, which are no answer to a probe.
    pub(super) exposition: Option<Exposition>,
    pub(super) verbose: bool,
    pub(super) details: Details,
    pub(super) excluded: Exclusions,
    pub(super) refresh: Refresh,
}

/// A method that a probe may use.
#[derive(Clone, Copy, Debug)]
pub(super) enum Method {
    Get,
    Head,
    Options,
}

impl Method {
    pub(super) fn named(method: &str) -> Option<Method> {
        match method {
            "GET" => Some(Method::Get),
            "HEAD" => Some(Method::Head),
            "OPTIONS" => Some(Method::Options),
            _ => None,
        }
    }
}

/// Why there is no answer.
#[derive(Clone, Copy, Debug)]
pub(super) enum Refusal {
    UnknownPath,
    UnknownCheck,
    WrongMethod,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_found_wherever_they_stand() {
        let head = |query| RequestHead::new("GET", "/readyz").query(query);
        for query in [
            "verbose",
            "verbose=0",
            "a=b&verbose",
            "verbose=&uptime_kuma_cachebuster=1",
        ] {
            assert!(is_verbose(&head(Some(query))), "{query}");
        }
        for query in ["", "verbos", "verbosee=1", "x=verbose"] {
            assert!(!is_verbose(&head(Some(query))), "{query}");
        }
        assert!(!is_verbose(&head(None)));
    }

    #[test]
    fn the_query_is_heard_before_the_header_and_nothing_is_refused() {
        let format = |query, accept| {
            format(
                Page::Health,
                &RequestHead::new("GET", "/").query(query).accept(accept),
            )
        };
        assert_eq!(format(None, None), Format::Json);
        assert_eq!(
            format(Some("format=text"), Some("application/json")),
            Format::Text
        );
        assert_eq!(
            format(Some("format=yaml"), Some("text/plain")),
            Format::Text
        );
        assert_eq!(format(Some("format=yaml"), None), Format::Json);
    }
}
