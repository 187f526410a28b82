//! Status codes and headers of responses.

use bytes::Bytes;
use http::header::{
    ALLOW, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY,
    VARY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};

use crate::http::render::Format;
use crate::http::request::RequestHead;
use crate::http::route::{Method, Rejection};

const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");
const BY_ACCEPT: HeaderValue = HeaderValue::from_static("accept");
const NO_SNIFF: HeaderValue = HeaderValue::from_static("nosniff");
const ALLOWED: HeaderValue = HeaderValue::from_static("GET, HEAD, OPTIONS");

/// Disables embedding, sniffing and all scripts except that of the status page,
/// in case a text contains markup. The hash is that of
/// [`SCRIPT`](crate::http::render::html::SCRIPT); a test compares them. The
/// script reads its own page only, and the form leads to it.
const FOR_BROWSERS: [(HeaderName, HeaderValue); 4] = [
    (X_CONTENT_TYPE_OPTIONS, NO_SNIFF),
    (
        CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(
            "default-src 'none'; script-src 'sha256-R4FKUYSTIBhX8dr3xJ7ts8Q5tIL6xlq0rSCGlK4zYKc='; connect-src 'self'; \
             style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'self'; \
             frame-ancestors 'none'",
        ),
    ),
    (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
];

pub(super) fn with_code(code: StatusCode, format: Format, body: Bytes) -> Response<Bytes> {
    // Leaves room for headers of the server: a clone of a full map has none.
    let mut headers = HeaderMap::with_capacity(5);
    headers.insert(CONTENT_TYPE, format.content_type());
    headers.insert(CACHE_CONTROL, NO_STORE);
    headers.insert(VARY, BY_ACCEPT);
    match format {
        Format::Text => {
            headers.insert(X_CONTENT_TYPE_OPTIONS, NO_SNIFF);
        }
        Format::Html => headers.extend(FOR_BROWSERS),
        Format::Json | Format::HealthJson => {}
    }
    let mut response = Response::new(body);
    *response.status_mut() = code;
    *response.headers_mut() = headers;
    response
}

pub(super) fn refused(refusal: Rejection, head: RequestHead<'_>) -> Response<Bytes> {
    let answer = match refusal {
        Rejection::UnknownPath => error(StatusCode::NOT_FOUND, "there is no such path"),
        Rejection::UnknownCheck => error(StatusCode::NOT_FOUND, "there is no such check"),
        Rejection::WrongMethod => {
            with_allow(error(StatusCode::METHOD_NOT_ALLOWED, "a probe only reads"))
        }
    };
    match Method::named(head.method()) {
        Some(Method::Head) => without_body(answer),
        _ => answer,
    }
}

fn error(code: StatusCode, what: &'static str) -> Response<Bytes> {
    let body = Bytes::from(format!(r#"{{"error":"{what}"}}"#));
    with_code(code, Format::Json, body)
}

pub(super) fn with_allow(mut response: Response<Bytes>) -> Response<Bytes> {
    response.headers_mut().insert(ALLOW, ALLOWED);
    response
}

/// Removes the body and keeps the headers of `GET`, including its length.
pub(super) fn without_body(mut response: Response<Bytes>) -> Response<Bytes> {
    let length = std::mem::take(response.body_mut()).len();
    response.headers_mut().insert(CONTENT_LENGTH, length.into());
    response
}
