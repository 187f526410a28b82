//! Rocket 0.5, which has its own types for requests and responses.

use std::io::Cursor;

use health_core::http::{Endpoint, RequestHead};
use rocket::http::{Method, Status};
use rocket::route::{Handler, Outcome, Route};
use rocket::{Build, Data, Request, Response, Rocket};

#[derive(Clone)]
struct Probes(Endpoint);

#[rocket::async_trait]
impl Handler for Probes {
    async fn handle<'r>(&self, request: &'r Request<'_>, _: Data<'r>) -> Outcome<'r> {
        let header = |name| (name, request.headers().get_one(name).unwrap_or_default());
        let headers = ["accept", "authorization"].map(header);
        let head = RequestHead::new(request.method().as_str(), request.uri().path().as_str())
            .with_query(request.uri().query().map(|query| query.as_str()))
            .with_headers(&headers);
        let (parts, body) = self.0.respond(head).await.into_parts();
        let mut response = Response::build();
        response.status(Status::new(parts.status.as_u16()));
        response.sized_body(body.len(), Cursor::new(body));
        for (name, value) in &parts.headers {
            let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
            response.raw_header(name.as_str().to_owned(), value);
        }
        Outcome::Success(response.finalize())
    }
}

#[rocket::get("/")]
fn business() -> &'static str {
    "business"
}

/// Its own routes first, health for the rest. Rocket answers `HEAD` by `GET`.
pub fn app(health: &Endpoint) -> Rocket<Build> {
    let route = |method| Route::ranked(20, method, "/<_..>", Probes(health.clone()));
    rocket::build()
        .mount("/", rocket::routes![business])
        .mount("/", [Method::Get, Method::Options].map(route))
}
