//! Parses the request: page, method and format.

use crate::http::exclude::Exclusions;
use crate::http::render::Format;
use crate::http::render::exposition::Exposition;
#[cfg(feature = "status-page")]
use crate::http::render::html::query::Query;
use crate::http::request::RequestHead;
use crate::registry::details::Details;
use crate::registry::page::Page;

/// Returns whether the request has the flag `verbose`. Its value is ignored, as in
/// kube-apiserver.
pub(super) fn is_verbose(head: &RequestHead<'_>) -> bool {
    head.parameter("verbose").is_some()
}

/// Returns the format of the answer: that of `?format=`, otherwise that of
/// `Accept`, otherwise text for `?verbose` on the page of a probe (`by_verbose`).
/// Pages with a format of their own, such as the metrics, do not use it.
///
/// An unknown format is ignored instead of rejected, because a monitor without an
/// answer raises an alarm.
pub(super) fn format(page: &Page, head: &RequestHead<'_>, by_verbose: bool) -> Format {
    let usual = match page {
        Page::Probe(_) if by_verbose => Format::Text,
        _ => Format::default(),
    };
    let by_query = head.parameter("format").and_then(Format::named);
    by_query
        .or_else(|| Format::accepted(head.accept()?))
        .unwrap_or(usual)
}

/// Returns the format of metrics, with the same precedence as [`format`].
pub(super) fn exposition(head: &RequestHead<'_>) -> Exposition {
    let by_query = head.parameter("format").and_then(Exposition::named);
    by_query
        .or_else(|| Exposition::accepted(head.accept()?))
        .unwrap_or_default()
}

/// The requested answer.
#[derive(Clone)]
pub(super) struct Route {
    pub(super) method: Method,
    pub(super) page: Page,
    pub(super) check: Option<usize>,
    /// Whether a warning has the code 429 for Consul.
    pub(super) for_consul: bool,
    pub(super) format: Format,
    /// The format of metrics; `None` for other pages.
    pub(super) exposition: Option<Exposition>,
    pub(super) verbose: bool,
    pub(super) details: Details,
    pub(super) excluded: Exclusions,
    /// The query of the status page; `None` for other pages.
    #[cfg(feature = "status-page")]
    pub(super) query: Option<Box<Query>>,
}

#[cfg(feature = "status-page")]
impl Route {
    /// Returns the query of the status page.
    pub(super) fn query(&self) -> &Query {
        static EMPTY: Query = Query::EMPTY;
        self.query.as_deref().unwrap_or(&EMPTY)
    }
}

/// A method that a probe may use.
#[derive(Clone, Copy)]
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

/// The reason for rejecting a request.
#[derive(Clone, Copy)]
pub(super) enum Rejection {
    UnknownPath,
    UnknownCheck,
    WrongMethod,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::probe::Probe;

    #[test]
    fn query_parameters_are_found_at_any_position() {
        let head = |query| RequestHead::new("GET", "/readyz").with_query(query);
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
    fn the_query_takes_precedence_and_no_format_is_refused() {
        let format = |page, query, accept: &str, by_verbose| {
            let headers = [("accept", accept)];
            let head = RequestHead::new("GET", "/").with_query(query);
            format(&page, &head.with_headers(&headers), by_verbose)
        };
        let health = |query, accept| format(Page::Health, query, accept, true);
        assert_eq!(health(None, "*/*"), Format::Json);
        assert_eq!(
            health(Some("format=text"), "application/json"),
            Format::Text
        );
        assert_eq!(health(Some("format=yaml"), "text/plain"), Format::Text);
        assert_eq!(health(Some("format=null"), "*/*"), Format::Json);
        let probe = |query, accept| format(Page::Probe(Probe::Readiness), query, accept, true);
        assert_eq!(probe(Some("verbose"), "*/*"), Format::Text);
        assert_eq!(probe(Some("verbose&format=json"), "*/*"), Format::Json);
        assert_eq!(probe(Some("verbose"), "application/json"), Format::Json);
    }
}
