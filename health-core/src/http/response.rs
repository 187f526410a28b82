//! What stands around a body: the code and the headers.

use bytes::Bytes;
use http::header::{
    ALLOW, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY,
    VARY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};

use crate::http::render::Format;
use crate::http::request::RequestHead;
use crate::http::route::{Method, Refusal};

const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");
const BY_ACCEPT: HeaderValue = HeaderValue::from_static("accept");
const NO_SNIFF: HeaderValue = HeaderValue::from_static("nosniff");
const ALLOWED: HeaderValue = HeaderValue::from_static("GET, HEAD, OPTIONS");

/// Nothing is loaded, run, sent or framed, even if a text should find a way in.
const FOR_BROWSERS: [(HeaderName, HeaderValue); 4] = [
    (X_CONTENT_TYPE_OPTIONS, NO_SNIFF),
    (
        CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(
            "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; \
             form-action 'none'; frame-ancestors 'none'",
        ),
    ),
    (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
];

pub(super) fn with_code(code: StatusCode, format: Format, body: Bytes) -> Response<Bytes> {
    // With room for what a server adds: a clone of a map that is filled has none.
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

pub(super) fn refused(refusal: Refusal, head: RequestHead<'_>) -> Response<Bytes> {
    let answer = match refusal {
        Refusal::UnknownPath => error(StatusCode::NOT_FOUND, "there is no such path"),
        Refusal::UnknownCheck => error(StatusCode::NOT_FOUND, "there is no such check"),
        Refusal::WrongMethod => {
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

/// The headers of `GET`, its length among them, and nothing behind them.
pub(super) fn without_body(mut response: Response<Bytes>) -> Response<Bytes> {
    let length = std::mem::take(response.body_mut()).len();
    response.headers_mut().insert(CONTENT_LENGTH, length.into());
    response
}
