//! Status codes and headers of responses.

use bytes::Bytes;
use http::header::{
    ALLOW, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, VARY, X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderMap, HeaderValue, Response, StatusCode};

use crate::http::render::Format;
use crate::http::request::RequestHead;
use crate::http::route::{Method, Rejection};

const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");
const BY_ACCEPT: HeaderValue = HeaderValue::from_static("accept");
const NO_SNIFF: HeaderValue = HeaderValue::from_static("nosniff");
const ALLOWED: HeaderValue = HeaderValue::from_static("GET, HEAD, OPTIONS");

/// Returns a response that is not stored.
pub(super) fn with_code(code: StatusCode, format: Format, body: Bytes) -> Response<Bytes> {
    // Leaves room for headers of the server: a clone of a full map has none.
    let mut headers = HeaderMap::with_capacity(5);
    headers.insert(CONTENT_TYPE, format.content_type());
    headers.insert(CACHE_CONTROL, NO_STORE);
    headers.insert(VARY, BY_ACCEPT);
    if format == Format::Text {
        headers.insert(X_CONTENT_TYPE_OPTIONS, NO_SNIFF);
    }
    let mut response = Response::new(body);
    *response.status_mut() = code;
    *response.headers_mut() = headers;
    response
}

pub(super) fn rejected(rejection: Rejection, head: RequestHead<'_>) -> Response<Bytes> {
    let answer = match rejection {
        Rejection::UnknownPath => error(StatusCode::NOT_FOUND, "path not found"),
        Rejection::UnknownCheck => error(StatusCode::NOT_FOUND, "check not found"),
        Rejection::WrongMethod => with_allow(error(
            StatusCode::METHOD_NOT_ALLOWED,
            "method not allowed; use GET, HEAD or OPTIONS",
        )),
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
