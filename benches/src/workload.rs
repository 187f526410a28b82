//! The checks that are measured: trivial ones, since the framework is meant and
//! not what the checks do.

use std::error::Error;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use health_core::{CheckOptions, Health, HealthBuilder, Probe, Status};
use tokio::time::sleep;

/// Checks that pass at the first poll, critical for readiness, at the default
/// interval of 10 s.
pub fn passing(checks: usize) -> HealthBuilder {
    passing_every(Duration::from_secs(10), checks)
}

/// The same at another interval.
pub fn passing_every(interval: Duration, checks: usize) -> HealthBuilder {
    let options = CheckOptions::new().interval(interval).critical();
    declare(checks, |builder, name| {
        builder.check(name, options.clone(), || async {})
    })
}

/// Checks that wait before they pass.
pub fn waiting(wait: Duration, checks: usize) -> HealthBuilder {
    let options = CheckOptions::new().critical();
    declare(checks, |builder, name| {
        builder.check(name, options.clone(), move || sleep(wait))
    })
}

/// Checks of a minute with everything that a card shows. Each fails from time to
/// time, and one in eight at any time.
pub fn with_outages(checks: usize) -> HealthBuilder {
    let options = CheckOptions::new()
        .interval(Duration::from_secs(60))
        .description("The shard of the tenant answers a query.")
        .tags(["storage", "eu-west-1"]);
    let number = AtomicUsize::new(0);
    declare(checks, |builder, name| {
        let number = number.fetch_add(1, Ordering::Relaxed);
        let minute = AtomicUsize::new(0);
        builder.check(name, options.clone(), move || {
            let minute = minute.fetch_add(1, Ordering::Relaxed);
            let passes = !(minute / 5 + number).is_multiple_of(8);
            async move { passes }
        })
    })
}

/// Ends when every check has passed once.
pub async fn settled(health: &Health) {
    while health.status(Probe::Readiness) != Status::Pass {
        sleep(Duration::from_millis(5)).await;
    }
}

/// Runs every check at once, and ends when each has a result.
///
/// # Errors
///
/// If a check has vanished.
pub async fn refreshed(health: &Health) -> Result<(), Box<dyn Error>> {
    let snapshot = health.snapshot();
    let asked: Vec<_> = snapshot
        .checks()
        .iter()
        .map(|check| {
            let (health, name) = (health.clone(), check.name().to_owned());
            tokio::spawn(async move { health.refresh(&name).await })
        })
        .collect();
    for answered in asked {
        answered.await?.ok_or("a check has vanished")?;
    }
    Ok(())
}

/// How many runs there have been of checks that always pass.
pub fn runs(health: &Health) -> u64 {
    let snapshot = health.snapshot();
    let reports = snapshot.checks().iter();
    reports.map(|report| u64::from(report.consecutive())).sum()
}

fn declare(checks: usize, add: impl Fn(HealthBuilder, String) -> HealthBuilder) -> HealthBuilder {
    (0..checks).fold(Health::builder(), |builder, number| {
        add(builder, format!("check-{number:05}"))
    })
}
