//! Serves the health checks of [`health_core`] with actix-web.
//!
//! This is the only crate that an application needs: it re-exports the items of
//! health-core, and `#[health_check]` requires no other dependency in
//! `Cargo.toml`.
//!
//! ```no_run
//! use actix_web::{App, HttpServer, web};
//! use health_actix::{Health, health_check};
//!
//! #[health_check(timeout = "2s", critical)]
//! async fn queue() -> bool {
//!     true
//! }
//!
//! #[actix_web::main]
//! async fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     // Outside of the factory, which runs once per worker.
//!     let health = Health::builder().start()?;
//!     let drained = health.drain_on_signal();
//!     HttpServer::new(move || {
//!         App::new()
//!             .route("/", web::get().to(|| async { "hello" }))
//!             .configure(health_actix::configure(&health))
//!     })
//!     .bind("127.0.0.1:3000")?
//!     .shutdown_signal(drained)
//!     .run()
//!     .await?;
//!     Ok(())
//! }
//! ```
//!
//! `shutdown_signal` lets requests in flight complete, for at most 30 s or
//! `shutdown_timeout`. `actix-server` 2.6 sometimes cuts them off anyway; 2.10
//! does not: `cargo update actix-server`.

#![cfg_attr(docsrs, feature(doc_cfg))]

use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderMap, HeaderValue};
use actix_web::web::{self, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use bytes::Bytes;
use health_core::http::{Endpoint, Headers, RequestHead};
use tokio::runtime::Handle;

// Only the trait: the derive macro is defined by this crate.
pub use health_core::__private::macros::{
    ActixHealthState as HealthState, actix_app as app, actix_health_check as health_check,
    actix_health_checks as health_checks,
};
pub use health_core::check::HealthState;
#[cfg(feature = "webhook")]
pub use health_core::notify;
#[cfg(feature = "testing")]
pub use health_core::testing;
pub use health_core::{
    CheckOptions, Health, HealthBuilder, HealthCheck, IntoOutcome, Outcome, Probe, StartError,
    Status, async_trait, check, config, error, event, http, metrics, report, reported,
};

#[doc(hidden)]
pub use health_core as __core;
#[doc(hidden)]
pub use health_core::{__private, via};

/// Returns the routes for the application's own port: the probes and a `/health`
/// of one word, for [`App::configure`](actix_web::App::configure) or the
/// `configure` of a scope.
///
/// They show neither names nor metrics. Those are in [`configure_internal`] and
/// on the port of [`Health::serve`], and a client that a
/// [`Guard`](http::Guard) recognizes sees everything at `/health`:
/// [public and internal mounts](http::Endpoint#public-and-internal-mounts).
///
/// Start [`Health`] outside of the application's factory, which runs once per
/// worker: all workers then share one, and no check depends on a worker. Each
/// worker is watched if
/// [`RuntimeOptions::watchdog`](config::RuntimeOptions::watchdog) is set.
///
/// Configure it on the `App` itself or in a separate scope, so that
/// authentication, rate limits and redirects do not apply to probes. `wrap` on
/// the `App` wraps all routes: exclude probes from an access log with
/// `Logger::default().exclude_regex(endpoint.probe_paths("").to_regex())`
/// ([`Endpoint::probe_paths`](http::Endpoint::probe_paths)), and add other
/// middleware to a scope (`web::scope("")`) that is registered after this.
///
/// ```
/// use actix_web::App;
/// use health_actix::Health;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), health_actix::StartError> {
/// let health = Health::builder().start()?;
/// let app = App::new().configure(health_actix::configure(&health));
/// # let _ = app;
/// # Ok(())
/// # }
/// ```
pub fn configure(health: &Health) -> impl FnOnce(&mut ServiceConfig) + Clone + Send + use<> {
    mount(health, health.endpoint())
}

/// Returns the routes of all pages, with the names of the checks, the groups,
/// the metrics, the status page and the OpenAPI document. For an application or
/// a scope that only operators and monitors reach.
///
/// They include those of [`configure`]: mount one of the two in a scope, not
/// both.
///
/// ```
/// use actix_web::{App, web};
/// use health_actix::Health;
/// use health_actix::config::HttpOptions;
/// use health_actix::http::Page;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), health_actix::StartError> {
/// let http = HttpOptions::new().path("/metrics", Page::Metrics);
/// let health = Health::builder().http(http).start()?;
/// let public = App::new().configure(health_actix::configure(&health));
/// // On another `HttpServer`: `/metrics`, `/health/{check}` and so on.
/// let internal = App::new().configure(health_actix::configure_internal(&health));
/// // Or on one server, if the proxy in front keeps `/internal` to itself.
/// let both = public
///     .service(web::scope("/internal").configure(health_actix::configure_internal(&health)));
/// # let _ = (both, internal);
/// # Ok(())
/// # }
/// ```
pub fn configure_internal(
    health: &Health,
) -> impl FnOnce(&mut ServiceConfig) + Clone + Send + use<> {
    mount(health, health.internal_endpoint())
}

fn mount(
    health: &Health,
    endpoint: Endpoint,
) -> impl FnOnce(&mut ServiceConfig) + Clone + Send + use<> {
    let health = health.clone();
    move |config: &mut ServiceConfig| {
        // Each worker has its own runtime.
        if let Ok(runtime) = Handle::try_current() {
            health.watch_runtime(&runtime);
        }
        // In a scope the path of the request has a prefix, so the matched
        // pattern is used.
        for path in endpoint.paths() {
            let (page, page_path) = (endpoint.clone(), Arc::<str>::from(path));
            let serve = move |request: HttpRequest| answer(&page, &request, &page_path);
            config
                .route(path, web::route().to(serve.clone()))
                .route(&format!("{path}/"), web::route().to(serve));
        }
        // After the paths without a pattern, since routes are tried in order.
        for path in endpoint.check_paths() {
            let (check, check_path) = (endpoint.clone(), Arc::<str>::from(path));
            let serve = move |request: HttpRequest| {
                // The last parameter is the check: a scope may have another one
                // of this name.
                let name = request.match_info().iter().last();
                let name = name.map_or("", |(_, name)| name);
                answer(&check, &request, &format!("{check_path}/{name}"))
            };
            config
                .route(&format!("{path}/{{check}}"), web::route().to(serve.clone()))
                .route(&format!("{path}/{{check}}/"), web::route().to(serve));
        }
    }
}

fn answer(
    endpoint: &Endpoint,
    request: &HttpRequest,
    path: &str,
) -> impl Future<Output = HttpResponse> + use<> {
    // actix-web creates the answer to `HEAD` from the one to `GET`.
    let method = match request.method().as_str() {
        "HEAD" => "GET",
        other => other,
    };
    let headers = Lines(request.headers());
    let head = RequestHead::new(method, path)
        .with_query(request.uri().query())
        .with_headers(&headers)
        .with_peer(request.peer_addr().map(|address| address.ip()));
    let answer = endpoint.respond(head);
    async { response(answer.await) }
}

/// The header fields of actix-web, which uses another version of `http`.
struct Lines<'a>(&'a HeaderMap);

impl Headers for Lines<'_> {
    fn value(&self, name: &::http::HeaderName, nth: usize) -> Option<&[u8]> {
        let value = match nth {
            0 => self.0.get(name.as_str()),
            nth => self.0.get_all(name.as_str()).nth(nth),
        };
        value.map(HeaderValue::as_bytes)
    }
}

/// actix-web uses another version of `http`, so each part is converted.
fn response(answer: ::http::Response<Bytes>) -> HttpResponse {
    let (head, body) = answer.into_parts();
    let status = StatusCode::from_u16(head.status.as_u16());
    let mut response = HttpResponse::build(status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR));
    for (name, value) in &head.headers {
        response.insert_header((name.as_str(), value.as_bytes()));
    }
    response.body(body)
}

/// The code of the README compiles.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
