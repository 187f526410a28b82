//! What a request says.

use std::net::IpAddr;

use http::HeaderValue;
use http::header::{ACCEPT, AUTHORIZATION, HeaderName};

/// Parsed once: as a text it would be for each request.
static FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// What an answer depends on.
///
/// Adapters whose framework has its own version of `http` make one from parts.
#[derive(Clone, Copy, Debug)]
pub struct RequestHead<'a> {
    method: &'a str,
    path: &'a str,
    query: Option<&'a str>,
    accept: Option<&'a str>,
    pub(crate) authorization: Option<&'a str>,
    pub(crate) peer: Option<IpAddr>,
    pub(crate) forwarded_for: Option<&'a str>,
}

impl<'a> RequestHead<'a> {
    /// `path` is the path of the URI as it came, percent-encoded, without the
    /// query.
    ///
    /// ```
    /// use health_core::RequestHead;
    ///
    /// let head = RequestHead::new("GET", "/health/orders-db")
    ///     .query(Some("verbose"))
    ///     .accept(Some("text/plain"));
    /// # let _ = head;
    /// ```
    pub fn new(method: &'a str, path: &'a str) -> Self {
        RequestHead {
            method,
            path,
            query: None,
            accept: None,
            authorization: None,
            peer: None,
            forwarded_for: None,
        }
    }

    /// The query of the URI as it came.
    #[must_use]
    pub fn query(mut self, query: Option<&'a str>) -> Self {
        self.query = query;
        self
    }

    /// The value of the header `Accept`.
    #[must_use]
    pub fn accept(mut self, accept: Option<&'a str>) -> Self {
        self.accept = accept;
        self
    }

    /// The value of the header `Authorization`.
    #[must_use]
    pub fn authorization(mut self, authorization: Option<&'a str>) -> Self {
        self.authorization = authorization;
        self
    }

    /// The address at the other end of the connection.
    #[must_use]
    pub fn peer(mut self, peer: Option<IpAddr>) -> Self {
        self.peer = peer;
        self
    }

    /// The value of the **last** header `X-Forwarded-For`: what stands before
    /// it may be the client's own.
    #[must_use]
    pub fn forwarded_for(mut self, forwarded_for: Option<&'a str>) -> Self {
        self.forwarded_for = forwarded_for;
        self
    }

    /// The method.
    pub fn method(&self) -> &'a str {
        self.method
    }

    /// The path as it came, percent-encoded.
    pub fn path(&self) -> &'a str {
        self.path
    }

    /// The value of `Accept`, as it came.
    pub(crate) fn accepted(&self) -> Option<&'a str> {
        self.accept
    }

    /// What comes first in the query as `key` or `key=value`.
    pub(crate) fn parameter(&self, wanted: &str) -> Option<&'a str> {
        self.parameters(wanted).next()
    }

    /// Everything that comes in the query as `key` or `key=value`.
    pub(crate) fn parameters(&self, wanted: &str) -> impl Iterator<Item = &'a str> {
        let pairs = self.query.into_iter().flat_map(|query| query.split('&'));
        pairs.filter_map(move |pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            (key == wanted).then_some(value)
        })
    }
}

impl<'a, Body> From<&'a http::Request<Body>> for RequestHead<'a> {
    fn from(request: &'a http::Request<Body>) -> Self {
        let headers = request.headers();
        let text = |value: Option<&'a HeaderValue>| value.and_then(|value| value.to_str().ok());
        RequestHead::new(request.method().as_str(), request.uri().path())
            .query(request.uri().query())
            .accept(text(headers.get(ACCEPT)))
            .authorization(text(headers.get(AUTHORIZATION)))
            .forwarded_for(text(headers.get_all(&FORWARDED_FOR).iter().next_back()))
    }
}
