//! The routes of the order service.

use axum::extract::rejection::{JsonRejection, PathRejection, QueryRejection};
use axum::extract::{DefaultBodyLimit, Path, Query, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use examples::orders::{CancelError, NewOrder, Order, PAGE_LIMIT};
use serde::{Deserialize, Serialize};

use crate::AppState;

const LARGEST_BODY: usize = 4 * 1024;

pub(crate) fn router() -> Router<AppState> {
    Router::new()
        .route("/orders", get(list).post(place))
        .route("/orders/{id}", get(show))
        .route("/orders/{id}/cancel", post(cancel))
        .fallback(async || Problem::new(StatusCode::NOT_FOUND, "there is no such path"))
        .method_not_allowed_fallback(async || {
            Problem::new(
                StatusCode::METHOD_NOT_ALLOWED,
                "see `Allow` for the methods",
            )
        })
        .layer(DefaultBodyLimit::max(LARGEST_BODY))
}

async fn place(
    State(app): State<AppState>,
    order: Result<Json<NewOrder>, JsonRejection>,
) -> Result<impl IntoResponse, Problem> {
    let Json(order) = order?;
    let order = app.store.place(&order).await?;
    let location = format!("/orders/{}", order.id);
    Ok((
        StatusCode::CREATED,
        [(header::LOCATION, location)],
        Json(order),
    ))
}

async fn show(
    State(app): State<AppState>,
    id: Result<Path<i64>, PathRejection>,
) -> Result<Json<Order>, Problem> {
    let Path(id) = id?;
    let order = app.store.get(id).await?;
    Ok(Json(order.ok_or_else(Problem::no_such_order)?))
}

async fn cancel(
    State(app): State<AppState>,
    id: Result<Path<i64>, PathRejection>,
) -> Result<Json<Order>, Problem> {
    let Path(id) = id?;
    Ok(Json(app.store.cancel(id).await?))
}

#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Page {
    after: i64,
    limit: u32,
}

impl Default for Page {
    fn default() -> Self {
        let (after, limit) = (0, 20);
        Page { after, limit }
    }
}

#[derive(Serialize)]
struct Orders {
    orders: Vec<Order>,
    /// Where the list goes on, if this page is full.
    next: Option<String>,
}

async fn list(
    State(app): State<AppState>,
    page: Result<Query<Page>, QueryRejection>,
) -> Result<Json<Orders>, Problem> {
    let Query(Page { after, limit }) = page?;
    if !(1..=PAGE_LIMIT).contains(&limit) {
        let detail = format!("`limit` is 1 to {PAGE_LIMIT}");
        return Err(Problem::new(StatusCode::BAD_REQUEST, detail));
    }
    let orders = app.store.list(after, limit).await?;
    let full = orders.len() == limit as usize;
    let last = orders.last().filter(|_| full);
    let next = last.map(|order| format!("/orders?after={}&limit={limit}", order.id));
    Ok(Json(Orders { orders, next }))
}

/// What went wrong, for the client: RFC 9457.
#[derive(Debug)]
struct Problem {
    status: StatusCode,
    detail: String,
}

impl Problem {
    fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        let detail = detail.into();
        Problem { status, detail }
    }

    fn no_such_order() -> Self {
        Problem::new(StatusCode::NOT_FOUND, "there is no such order")
    }
}

impl From<JsonRejection> for Problem {
    fn from(rejection: JsonRejection) -> Self {
        Problem::new(rejection.status(), rejection.body_text())
    }
}

impl From<PathRejection> for Problem {
    fn from(_: PathRejection) -> Self {
        Problem::no_such_order()
    }
}

impl From<QueryRejection> for Problem {
    fn from(rejection: QueryRejection) -> Self {
        Problem::new(rejection.status(), rejection.body_text())
    }
}

/// The input was checked before, so the database itself is in trouble: the
/// client may try again, and only the log says why.
impl From<sqlx::Error> for Problem {
    fn from(error: sqlx::Error) -> Self {
        tracing::error!(%error, "a request failed");
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, "try again later")
    }
}

impl From<CancelError> for Problem {
    fn from(error: CancelError) -> Self {
        match error {
            CancelError::NotFound => Problem::no_such_order(),
            CancelError::TooLate(_) => Problem::new(StatusCode::CONFLICT, error.to_string()),
            CancelError::Database(error) => error.into(),
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        #[derive(Serialize)]
        struct Body {
            title: &'static str,
            status: u16,
            detail: String,
        }
        let body = Json(Body {
            title: self.status.canonical_reason().unwrap_or("Error"),
            status: self.status.as_u16(),
            detail: self.detail,
        });
        let mut response = (self.status, body).into_response();
        let headers = response.headers_mut();
        let problem = HeaderValue::from_static("application/problem+json");
        headers.insert(header::CONTENT_TYPE, problem);
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("2"));
        }
        response
    }
}
