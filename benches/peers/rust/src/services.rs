//! One service for each peer, written as its documentation shows.

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use async_trait::async_trait;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use axum::routing::get;
use axum::{Json, Router};
use axum_health::indicator::{HealthDetail, HealthIndicator};
use futures_util::future::join_all;
use health::Reporter as _;
use health_axum::{CheckOptions, Health, HealthBuilder, StartError};
use serde_json::{Map, Value, json};

use crate::check::{self, Kind, RUNS};

const TIMEOUT: Duration = Duration::from_secs(2);

#[derive(Clone, Copy, Debug)]
pub struct Checks {
    pub count: usize,
    pub kind: Kind,
}

// Ours.

pub fn ours(checks: Checks) -> Result<Router, StartError> {
    let options = CheckOptions::new().timeout(TIMEOUT).critical();
    let health = started(checks, &options)?;
    Ok(health_axum::internal_routes(&health))
}

/// Run when somebody asks, and never twice at once.
pub fn ours_on_demand(checks: Checks) -> Result<Router, StartError> {
    let options = CheckOptions::new().timeout(TIMEOUT).cache(Duration::ZERO);
    let health = started(checks, &options.critical())?;
    Ok(health_axum::internal_routes(&health))
}

fn started(checks: Checks, options: &CheckOptions) -> Result<Health, StartError> {
    let add = |builder: HealthBuilder, number| {
        let run = move || check::run(checks.kind, number);
        builder.check(check::name(number), options.clone(), run)
    };
    (0..checks.count).fold(Health::builder(), add).start()
}

pub fn serve_ours_on_actix(checks: Checks) -> Result<(), Box<dyn Error>> {
    use actix_web::{App, HttpResponse, HttpServer, web};
    actix_web::rt::System::new().block_on(async move {
        let options = CheckOptions::new().timeout(TIMEOUT).critical();
        let health = started(checks, &options)?;
        let server = HttpServer::new(move || {
            let fixed = || async {
                let mut answer = HttpResponse::Ok();
                answer
                    .content_type("application/json")
                    .body(crate::CONSTANT)
            };
            let runs = || async { RUNS.load(Ordering::Relaxed).to_string() };
            App::new()
                .route("/static", web::get().to(fixed))
                .route("/runs", web::get().to(runs))
                .configure(health_actix::configure_internal(&health))
        });
        let server = server.disable_signals().bind("127.0.0.1:0")?;
        println!("{}", server.addrs()[0].port());
        server.run().await?;
        Ok(())
    })
}

// A handler by hand: every request runs every check, together, within a timeout.

pub fn by_hand(checks: Checks) -> Router {
    Router::new().route(
        "/health",
        get(move || async move {
            let runs = (0..checks.count).map(|number| async move {
                let run = tokio::time::timeout(TIMEOUT, check::run(checks.kind, number));
                (check::name(number), matches!(run.await, Ok(Ok(()))))
            });
            answer(join_all(runs).await)
        }),
    )
}

fn answer(checks: Vec<(String, bool)>) -> impl IntoResponse {
    let healthy = checks.iter().all(|(_, passed)| *passed);
    let word = |passed| if passed { "ok" } else { "error" };
    let checks: Map<String, Value> = checks
        .into_iter()
        .map(|(name, passed)| (name, json!({ "status": word(passed) })))
        .collect();
    let code = if healthy {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    let status = if healthy { "healthy" } else { "unhealthy" };
    (code, Json(json!({ "status": status, "checks": checks })))
}

// axum-health.

struct Indicator {
    checks: Checks,
    number: usize,
}

#[async_trait]
impl HealthIndicator for Indicator {
    fn name(&self) -> String {
        check::name(self.number)
    }

    async fn details(&self) -> HealthDetail {
        match check::run(self.checks.kind, self.number).await {
            Ok(()) => HealthDetail::up(),
            Err(error) => HealthDetail::down().with_detail("error", error.to_string()),
        }
    }
}

pub fn axum_health(checks: Checks) -> Router {
    let add = |builder: axum_health::service::HealthBuilder, number| {
        builder.with_indicator(Indicator { checks, number })
    };
    let health = (0..checks.count).fold(axum_health::service::Health::builder(), add);
    Router::new()
        .route("/health", get(axum_health::health_check))
        .layer(health.build())
}

// health: periodic checks in the background, the answer by hand.

pub fn health(checks: Checks) -> Router {
    let config = health::Config {
        check_interval: Duration::from_secs(10),
        ..health::Config::default()
    };
    let reporters = (0..checks.count).map(|number| {
        let run = move || check::run(checks.kind, number);
        let checked = health::check_future(check::name(number), run);
        let reporter = health::PeriodicChecker::new(checked, config.clone());
        tokio::spawn(reporter.clone().run());
        move || reporter.status() == Some(health::Status::Healthy)
    });
    let reporters: Arc<[_]> = reporters.collect();
    Router::new().route(
        "/health",
        get(move || async move {
            let standing = reporters.iter().enumerate();
            answer(
                standing
                    .map(|(number, is_healthy)| (check::name(number), is_healthy()))
                    .collect(),
            )
        }),
    )
}
