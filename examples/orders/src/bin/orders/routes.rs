//! The routes of the order service.

use axum::extract::rejection::{JsonRejection, PathRejection, QueryRejection};
use axum::extract::{DefaultBodyLimit, Path, Query, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use orders::{AppState, NewOrder, Order, Orders, Page, Problem};
use tower_http::trace::{DefaultMakeSpan, DefaultOnResponse, HttpMakeClassifier, TraceLayer};
use tracing::Level;

const LARGEST_BODY: usize = 4 * 1024;

pub(crate) fn router() -> Router<AppState> {
    Router::new()
        .route("/orders", get(list).post(place))
        .route("/orders/{id}", get(show))
        .route("/orders/{id}/cancel", post(cancel))
        .fallback(async || Failure(Problem::no_such_path()))
        .method_not_allowed_fallback(async || Failure(Problem::wrong_method()))
        .layer(DefaultBodyLimit::max(LARGEST_BODY))
        .layer(access_log())
}

/// Logs each request with its method and path. Routes that are merged later, those of
/// health, are not logged.
fn access_log() -> TraceLayer<HttpMakeClassifier> {
    TraceLayer::new_for_http()
        .make_span_with(DefaultMakeSpan::new().level(Level::INFO))
        .on_response(DefaultOnResponse::new().level(Level::INFO))
}

async fn place(
    State(app): State<AppState>,
    order: Result<Json<NewOrder>, JsonRejection>,
) -> Result<impl IntoResponse, Failure> {
    let Json(order) = order.map_err(|error| refused(error.status(), error.body_text()))?;
    let order = app.place(&order).await?;
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
) -> Result<Json<Order>, Failure> {
    let Path(id) = id.map_err(|_| Problem::no_such_order())?;
    Ok(Json(app.order(id).await?))
}

async fn cancel(
    State(app): State<AppState>,
    id: Result<Path<i64>, PathRejection>,
) -> Result<Json<Order>, Failure> {
    let Path(id) = id.map_err(|_| Problem::no_such_order())?;
    Ok(Json(app.store.cancel(id).await?))
}

async fn list(
    State(app): State<AppState>,
    page: Result<Query<Page>, QueryRejection>,
) -> Result<Json<Orders>, Failure> {
    let Query(page) = page.map_err(|error| refused(error.status(), error.body_text()))?;
    let orders = app.store.list(page.after, page.limit).await?;
    Ok(Json(Orders::new(orders, page)))
}

/// A request that cannot be parsed, with the message of the framework.
fn refused(status: StatusCode, detail: String) -> Problem {
    Problem::new(status, detail)
}

/// A [`Problem`] as a response.
struct Failure(Problem);

impl<E: Into<Problem>> From<E> for Failure {
    fn from(error: E) -> Self {
        Failure(error.into())
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let Failure(problem) = self;
        let status = StatusCode::from_u16(problem.status());
        let status = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let retry_after = problem.retry_after();
        let mut response = (status, Json(problem)).into_response();
        let headers = response.headers_mut();
        let media_type = HeaderValue::from_static(Problem::MEDIA_TYPE);
        headers.insert(header::CONTENT_TYPE, media_type);
        if let Some(seconds) = retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static(seconds));
        }
        response
    }
}
