//! The routes of the order service.

use std::fmt;

use actix_web::error::{JsonPayloadError, ResponseError};
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};
use actix_web::web::{self, Data, Json, JsonConfig, Path, PathConfig, Query, QueryConfig};
use actix_web::{HttpResponse, Resource};
use orders::{AppState, NewOrder, Order, Orders, Page, Problem};

const LARGEST_BODY: usize = 4 * 1024;

pub(crate) fn configure(config: &mut web::ServiceConfig) {
    let json = JsonConfig::default().limit(LARGEST_BODY);
    let orders = web::resource("/orders")
        .get(list)
        .route(web::head().to(list))
        .post(place);
    let order = web::resource("/orders/{id}")
        .get(show)
        .route(web::head().to(show));
    let cancel = web::resource("/orders/{id}/cancel").post(cancel);
    config
        .app_data(json.error_handler(|error, _| not_understood(&error).into()))
        .app_data(
            QueryConfig::default()
                .error_handler(|error, _| refused(error.status_code(), error.to_string()).into()),
        )
        .app_data(
            PathConfig::default().error_handler(|_, _| Failure(Problem::no_such_order()).into()),
        )
        .service(with_allow(orders, "GET,HEAD,POST"))
        .service(with_allow(order, "GET,HEAD"))
        .service(with_allow(cancel, "POST"))
        .default_service(web::to(async || answer(&Problem::no_such_path())));
}

/// Answers other methods with the list of allowed ones.
fn with_allow(resource: Resource, methods: &'static str) -> Resource {
    resource.default_service(web::to(move || async move {
        let mut response = answer(&Problem::wrong_method());
        let methods = HeaderValue::from_static(methods);
        response.headers_mut().insert(header::ALLOW, methods);
        response
    }))
}

async fn place(app: Data<AppState>, order: Json<NewOrder>) -> Result<HttpResponse, Failure> {
    let order = app.place(&order).await?;
    let location = format!("/orders/{}", order.id);
    let mut response = HttpResponse::Created();
    Ok(response
        .insert_header((header::LOCATION, location))
        .json(order))
}

async fn show(app: Data<AppState>, id: Path<i64>) -> Result<Json<Order>, Failure> {
    Ok(Json(app.order(*id).await?))
}

async fn cancel(app: Data<AppState>, id: Path<i64>) -> Result<Json<Order>, Failure> {
    Ok(Json(app.store.cancel(*id).await?))
}

async fn list(app: Data<AppState>, page: Query<Page>) -> Result<Json<Orders>, Failure> {
    let orders = app.store.list(page.after, page.limit).await?;
    Ok(Json(Orders::new(orders, *page)))
}

/// Invalid JSON, or JSON that is not an order.
fn not_understood(error: &JsonPayloadError) -> Failure {
    let status = match error {
        JsonPayloadError::ContentType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        JsonPayloadError::Deserialize(wrong) if wrong.is_data() => StatusCode::UNPROCESSABLE_ENTITY,
        other => other.status_code(),
    };
    refused(status, error.to_string())
}

/// A request that cannot be parsed, with the message of the framework.
fn refused(status: StatusCode, detail: String) -> Failure {
    // actix-web has its own version of `http`.
    let status = http::StatusCode::from_u16(status.as_u16());
    Failure(Problem::new(status.unwrap_or_default(), detail))
}

/// A [`Problem`] as a response.
#[derive(Debug)]
struct Failure(Problem);

impl<E: Into<Problem>> From<E> for Failure {
    fn from(error: E) -> Self {
        Failure(error.into())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0)
    }
}

impl ResponseError for Failure {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.0.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    fn error_response(&self) -> HttpResponse {
        answer(&self.0)
    }
}

fn answer(problem: &Problem) -> HttpResponse {
    let status = StatusCode::from_u16(problem.status());
    let mut response = HttpResponse::build(status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR));
    response.content_type(Problem::MEDIA_TYPE);
    if let Some(seconds) = problem.retry_after() {
        response.insert_header((header::RETRY_AFTER, seconds));
    }
    response.json(problem)
}
