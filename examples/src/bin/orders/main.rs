//! An order service whose readiness follows its database.
//!
//! `cargo run --bin orders`, then see what it prints.

mod routes;

use std::io::{self, Write as _};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use axum::Router;
use examples::orders::{DiskSpace, Progress, Settings, Store, Worker};
use health_axum::{Health, HealthState, Outcome, health_check};
use tokio::net::TcpListener;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

/// What the handlers use, and the health checks: each field can be a parameter
/// of a check.
#[derive(Clone, HealthState)]
struct AppState {
    store: Store,
    worker: Progress,
    disk: DiskSpace,
}

/// Without the database no request can be served, so this decides readiness.
#[health_check(timeout = "2s", interval = "2s", critical)]
async fn database(store: &Store) -> Result<(), sqlx::Error> {
    store.probe().await
}

/// A full disk is near. A plain function, since asking a disk can block.
#[health_check]
fn disk(disk: &DiskSpace) -> io::Result<Outcome> {
    let free = disk.free()?;
    let outcome = if free < disk.least() {
        Outcome::warn("the disk is nearly full")
    } else {
        Outcome::pass()
    };
    #[expect(clippy::cast_precision_loss, reason = "it is for reading")]
    let free = free as f64;
    Ok(outcome.observe(free, "bytes"))
}

/// While the worker stands still orders are accepted all the same: degraded.
#[health_check(interval = "2s")]
fn worker(progress: &Progress) -> Outcome {
    let age = progress.age();
    let outcome = if age > Duration::from_secs(5) {
        Outcome::fail("orders are accepted, but not shipped")
    } else {
        Outcome::pass()
    };
    outcome.observe(age.as_secs_f64(), "seconds")
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    log_to_stderr();
    let settings = Settings::from_env()?;
    let store = Store::open(&settings.database_url).await?;
    let worker = Worker::start(store.clone());
    let state = AppState {
        store: store.clone(),
        worker: worker.progress(),
        disk: DiskSpace::beside(store.path(), settings.disk_min_free),
    };
    let health = Health::builder()
        .state(state.clone())
        .version(env!("CARGO_PKG_VERSION"))
        .expect(["database", "disk", "worker"])
        .start()?;
    let app = routes::router()
        .with_state(state)
        .merge(health_axum::routes(&health));
    let listener = TcpListener::bind(settings.address)
        .await
        .with_context(|| format!("cannot listen on {}", settings.address))?;
    let hello = what_to_try(listener.local_addr()?, store.path());
    // Not `println!`, which panics when nobody reads it any more.
    let _ = io::stdout().write_all(hello.as_bytes());

    let served = async {
        serve(listener, app, &health).await?;
        worker.stop().await?;
        store.close().await;
        anyhow::Ok(())
    };
    tokio::select! {
        result = served => result,
        () = overdue(&health) => {
            tracing::warn!("requests were cut off, since they took too long");
            Ok(())
        }
    }
}

/// Serves until the drain is over and the requests that are in flight are answered.
async fn serve(listener: TcpListener, app: Router, health: &Health) -> io::Result<()> {
    axum::serve(listener, app)
        .with_graceful_shutdown(health.drain_on_signal())
        .await
}

/// A client that never ends its request does not keep the process from stopping.
async fn overdue(health: &Health) {
    health.drain_on_signal().await;
    tokio::time::sleep(Duration::from_secs(5)).await;
}

/// `RUST_LOG` says how much; the default shows each check that turns, and why.
fn log_to_stderr() {
    let filter = EnvFilter::builder()
        .with_default_directive(LevelFilter::INFO.into())
        .from_env_lossy();
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .init();
}

fn what_to_try(mut address: SocketAddr, database: Option<&Path>) -> String {
    if address.ip().is_unspecified() {
        address.set_ip(Ipv4Addr::LOCALHOST.into());
    }
    let hint = match database {
        Some(file) => format!(
            "Its orders are in {}:\nmove that file away and back, and /readyz answers 503 and 200.",
            file.display()
        ),
        None => "Its orders are in memory, and gone when it stops.".to_owned(),
    };
    format!(
        r#"orders listens on http://{address}
  curl http://{address}/readyz
  curl http://{address}/livez
  curl http://{address}/health
  curl http://{address}/orders -H 'content-type: application/json' -d '{{"item":"tea","quantity":2}}'
  curl http://{address}/orders
{hint}
"#
    )
}
