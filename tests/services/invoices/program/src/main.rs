//! `invoices serve`, `invoices routes` and `invoices probe`.

use std::error::Error;
use std::process::ExitCode;
use std::time::Duration;

use health_axum::CheckOptions;
use health_axum::config::HttpOptions;
use health_axum::http::Page;
use health_axum::reported::{Heartbeat, Supervised};
use invoices_queue::Queue;
use invoices_settings::Settings;
use invoices_store::Store;
use tokio::net::TcpListener;
use tracing_subscriber::EnvFilter;

#[tokio::main]
async fn main() -> Result<ExitCode, Box<dyn Error>> {
    let settings = Settings::from_env();
    match std::env::args().nth(1).as_deref() {
        Some("serve") => serve(&settings).await?,
        Some("routes") => routes()?,
        // Its own commands come first, so it calls the probe itself.
        Some("probe") => {
            let url = format!("http://{}/readyz", settings.address);
            health_probe::main_if_asked_at(&url);
        }
        _ => {
            eprintln!("usage: invoices serve | routes | probe");
            return Ok(ExitCode::FAILURE);
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn routes() -> Result<(), Box<dyn Error>> {
    let (store, queue) = (Store::default(), Queue::new());
    let health = invoices_checks::checks(&store, &queue)
        .for_tests()
        .start()?;
    let (_, document) = invoices_api::app(store, queue, &health);
    println!("{}", serde_json::to_string_pretty(&document)?);
    Ok(())
}

async fn serve(settings: &Settings) -> Result<(), Box<dyn Error>> {
    tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(&settings.log))
        .with_writer(std::io::stderr)
        .init();
    let (store, queue) = (Store::default(), Queue::new());
    let rounds = Heartbeat::new("booking", Duration::from_secs(30));
    let booking = tokio::spawn(book(store.clone(), queue.clone(), rounds.clone()));
    let booking = Supervised::new("booking-task", booking);
    let health = invoices_checks::checks(&store, &queue)
        .reported(&rounds, CheckOptions::new().liveness().critical())
        .reported(&booking, CheckOptions::new().critical())
        .http(HttpOptions::new().path("/metrics", Page::Metrics))
        .start()?;
    let internal = health.serve(&*settings.internal_address)?;
    let (app, _) = invoices_api::app(store, queue, &health);
    let listener = TcpListener::bind(&settings.address).await?;
    println!(
        "listening on http://{} and http://{}",
        listener.local_addr()?,
        internal.address()
    );
    axum::serve(listener, app)
        .with_graceful_shutdown(health.drain_on_signal())
        .await?;
    rounds.finish();
    booking.finish();
    health.stop().await;
    Ok(())
}

/// Books one invoice after the other.
async fn book(store: Store, queue: Queue, rounds: Heartbeat) {
    loop {
        rounds.beat();
        // An empty queue is no reason to be restarted.
        let next = tokio::time::timeout(Duration::from_secs(5), queue.take());
        if let Ok(Some(invoice)) = next.await {
            store.add(invoice).await;
        }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_check_is_linked() {
        let mut names = invoices_checks::NAMES;
        names.sort_unstable();
        assert_eq!(health_axum::testing::declared(), names);
    }
}
