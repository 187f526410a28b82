//! The head of a request, independent of any web framework.

use std::fmt;
use std::net::IpAddr;

use http::header::{ACCEPT, AUTHORIZATION, HeaderName};
use http::{HeaderMap, HeaderValue};

/// The header fields of a request, as [`RequestHead`] reads them.
///
/// [`http::HeaderMap`] implements it, and so does an array of names and values.
/// Implement it for the header map of a framework that has its own types. A
/// value is only looked up when it is needed, and never copied.
///
/// ```
/// use health_core::http::{Headers, RequestHead};
/// use http::HeaderName;
///
/// /// The header fields of a framework that keeps them in a list.
/// struct Fields(Vec<(String, Vec<u8>)>);
///
/// impl Headers for Fields {
///     fn value(&self, name: &HeaderName, nth: usize) -> Option<&[u8]> {
///         let lines = self.0.iter().filter(|(key, _)| key.eq_ignore_ascii_case(name.as_str()));
///         lines.map(|(_, value)| &value[..]).nth(nth)
///     }
/// }
///
/// let fields = Fields(vec![("Accept".into(), b"text/plain".into())]);
/// let head = RequestHead::new("GET", "/health").with_headers(&fields);
/// assert_eq!(head.header("accept"), Some("text/plain"));
/// ```
pub trait Headers: Sync {
    /// Returns the value of the field line named `name`, or `None` if the
    /// request has fewer lines of this name. `nth` counts from 0, in the order
    /// in which the lines were sent.
    fn value(&self, name: &HeaderName, nth: usize) -> Option<&[u8]>;
}

impl Headers for HeaderMap {
    fn value(&self, name: &HeaderName, nth: usize) -> Option<&[u8]> {
        let value = match nth {
            0 => self.get(name),
            nth => self.get_all(name).iter().nth(nth),
        };
        value.map(HeaderValue::as_bytes)
    }
}

/// The names are compared without regard to case.
impl<N, V, const COUNT: usize> Headers for [(N, V); COUNT]
where
    N: AsRef<str> + Sync,
    V: AsRef<[u8]> + Sync,
{
    fn value(&self, name: &HeaderName, nth: usize) -> Option<&[u8]> {
        nth_line(self, name, nth)
    }
}

/// The names are compared without regard to case.
impl<N, V> Headers for &[(N, V)]
where
    N: AsRef<str> + Sync,
    V: AsRef<[u8]> + Sync,
{
    fn value(&self, name: &HeaderName, nth: usize) -> Option<&[u8]> {
        nth_line(self, name, nth)
    }
}

fn nth_line<'a, N, V>(lines: &'a [(N, V)], name: &HeaderName, nth: usize) -> Option<&'a [u8]>
where
    N: AsRef<str>,
    V: AsRef<[u8]>,
{
    let is_named = |line: &&(N, V)| line.0.as_ref().eq_ignore_ascii_case(name.as_str());
    let line = lines.iter().filter(is_named).nth(nth)?;
    Some(line.1.as_ref())
}

const NO_HEADERS: &[(&str, &str); 0] = &[];

/// The parts of a request that an answer depends on.
///
/// Adapters make one from an [`http::Request`], or from the parts of a
/// framework that has its own version of `http`. A rule of
/// [`Guard::when`](crate::http::Guard::when) reads it.
///
/// ```
/// use health_core::http::RequestHead;
///
/// let head = RequestHead::new("GET", "/health/orders-db")
///     .with_query(Some("verbose"))
///     .with_headers(&[("Accept", "text/plain")])
///     .with_peer("10.1.2.3".parse().ok());
/// assert_eq!(head.path(), "/health/orders-db");
/// assert_eq!(head.header("accept"), Some("text/plain"));
/// ```
#[derive(Clone, Copy)]
pub struct RequestHead<'a> {
    method: &'a str,
    path: &'a str,
    query: Option<&'a str>,
    headers: &'a dyn Headers,
    peer: Option<IpAddr>,
}

impl<'a> RequestHead<'a> {
    /// Creates a head without query, header fields and peer.
    ///
    /// `path` is the path of the URI as it was sent: percent-encoded, without
    /// the query.
    pub fn new(method: &'a str, path: &'a str) -> Self {
        RequestHead {
            method,
            path,
            query: None,
            headers: NO_HEADERS,
            peer: None,
        }
    }

    /// Sets the query of the URI as it was sent, without the `?`.
    #[must_use]
    pub fn with_query(mut self, query: Option<&'a str>) -> Self {
        self.query = query;
        self
    }

    /// Sets the header fields.
    #[must_use]
    pub fn with_headers(mut self, headers: &'a dyn Headers) -> Self {
        self.headers = headers;
        self
    }

    /// Sets the address at the other end of the connection, without its port.
    ///
    /// A [`Guard`](crate::http::Guard) by address needs it.
    #[must_use]
    pub fn with_peer(mut self, peer: Option<IpAddr>) -> Self {
        self.peer = peer;
        self
    }

    /// Returns the method.
    pub fn method(&self) -> &'a str {
        self.method
    }

    /// Returns the path as it was sent, percent-encoded.
    pub fn path(&self) -> &'a str {
        self.path
    }

    /// Returns the query as it was sent, percent-encoded.
    pub fn query(&self) -> Option<&'a str> {
        self.query
    }

    /// Returns the first value of this header field, or `None` if there is none
    /// or if it is not UTF-8. The name is compared without regard to case.
    pub fn header(&self, name: &str) -> Option<&'a str> {
        let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
        self.text(&name)
    }

    /// Returns every value of this header field, in the order in which the
    /// lines were sent.
    ///
    /// ```
    /// use health_core::http::RequestHead;
    ///
    /// let lines = [("Via", "1.1 cdn"), ("Via", "1.1 ingress")];
    /// let head = RequestHead::new("GET", "/health").with_headers(&lines);
    /// assert_eq!(head.header_lines("via").count(), 2);
    /// ```
    pub fn header_lines(&self, name: &str) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        let name = HeaderName::from_bytes(name.as_bytes()).ok();
        let headers = self.headers;
        (0..).map_while(move |nth| headers.value(name.as_ref()?, nth))
    }

    /// Returns the address at the other end of the connection.
    ///
    /// Behind a proxy it is the address of the proxy.
    pub fn peer(&self) -> Option<IpAddr> {
        self.peer
    }

    pub(crate) fn accept(&self) -> Option<&'a str> {
        self.text(&ACCEPT)
    }

    pub(crate) fn authorization(&self) -> Option<&'a [u8]> {
        self.headers.value(&AUTHORIZATION, 0)
    }

    pub(crate) fn has(&self, name: &HeaderName) -> bool {
        self.headers.value(name, 0).is_some()
    }

    /// Returns the values of all lines of a header field, in order.
    pub(crate) fn lines(&self, name: &'static HeaderName) -> impl Iterator<Item = &'a [u8]> {
        let headers = self.headers;
        (0..).map_while(move |nth| headers.value(name, nth))
    }

    fn text(&self, name: &HeaderName) -> Option<&'a str> {
        std::str::from_utf8(self.headers.value(name, 0)?).ok()
    }

    /// Returns the first value of this query parameter; empty for `key` alone.
    pub(crate) fn parameter(&self, wanted: &str) -> Option<&'a str> {
        self.parameters(wanted).next()
    }

    /// Returns every value of this query parameter.
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
        RequestHead::new(request.method().as_str(), request.uri().path())
            .with_query(request.uri().query())
            .with_headers(request.headers())
    }
}

/// Omits the header fields, which contain tokens and cookies.
impl fmt::Debug for RequestHead<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestHead")
            .field("method", &self.method)
            .field("path", &self.path)
            .field("query", &self.query)
            .field("peer", &self.peer)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn header_lines_of_one_name_keep_their_order() {
        let mut map = HeaderMap::new();
        map.append("x-forwarded-for", HeaderValue::from_static("192.0.2.1"));
        map.append("via", HeaderValue::from_static("1.1 cdn"));
        map.append(
            "x-forwarded-for",
            HeaderValue::from_static("192.0.2.2, 192.0.2.3"),
        );
        let list = [
            ("X-Forwarded-For", "192.0.2.1"),
            ("via", "1.1 cdn"),
            ("x-forwarded-for", "192.0.2.2, 192.0.2.3"),
        ];
        let sources: [&dyn Headers; 3] = [&map, &list, &list.as_slice()];
        for headers in sources {
            let head = RequestHead::new("GET", "/health").with_headers(headers);
            let lines: Vec<&[u8]> = head.header_lines("X-FORWARDED-FOR").collect();
            assert_eq!(lines, [&b"192.0.2.1"[..], b"192.0.2.2, 192.0.2.3"]);
            assert_eq!(head.header("VIA"), Some("1.1 cdn"));
            assert_eq!(head.header("forwarded"), None);
            assert_eq!(head.header("not a name"), None);
            assert_eq!(head.header_lines("not a name").count(), 0);
        }
    }

    #[test]
    fn debug_output_has_no_header_fields() {
        let secret = [("Authorization", "Bearer correct horse battery staple")];
        let head = RequestHead::new("GET", "/health").with_headers(&secret);
        assert!(!format!("{head:?}").contains("horse"));
    }

    /// A request that is held across an `.await` must not make the task's
    /// future `!Send`.
    #[test]
    fn a_request_head_is_send() {
        fn assert_send<T: Send>(_: T) {}
        assert_send(RequestHead::new("GET", "/health"));
    }
}
