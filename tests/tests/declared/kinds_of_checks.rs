//! Every kind of check that the attribute can declare, run by `Health`.

use std::rc::Rc;
use std::sync::Arc;

use health_axum::report::Verdict;
use health_axum::{Health, HealthState, Outcome, health_check, health_checks};

#[derive(Clone)]
struct Url(String);

struct Cache {
    answers: bool,
}

#[derive(HealthState)]
pub(crate) struct AppState {
    url: Url,
    limit: u64,
    cache: Arc<Cache>,
}

impl AppState {
    pub(crate) fn new() -> Self {
        AppState {
            url: Url("localhost".into()),
            limit: 7,
            cache: Arc::new(Cache { answers: true }),
        }
    }
}

#[health_check]
async fn by_reference(url: &Url, limit: &u64) -> Result<(), String> {
    tokio::task::yield_now().await;
    if url.0 == "localhost" && *limit == 7 {
        Ok(())
    } else {
        Err("other values".into())
    }
}

#[health_check]
async fn by_value(url: Url, cache: Arc<Cache>) -> bool {
    url.0 == "localhost" && cache.answers
}

#[health_check]
fn plain(state: &AppState) -> Outcome {
    if state.limit > 7 {
        Outcome::pass()
    } else {
        Outcome::warn("the limit is low")
    }
}

#[health_check(local)]
async fn local(url: &Url) -> Result<(), Box<dyn std::error::Error>> {
    let held = Rc::new(url.0.len());
    tokio::task::yield_now().await;
    let shared = Rc::clone(&held);
    let other = tokio::task::spawn_local(async move { *shared }).await?;
    if other == *held {
        Ok(())
    } else {
        Err("another length".into())
    }
}

#[health_checks]
impl Cache {
    #[health_check(name = "cache")]
    async fn ping(&self, limit: u64) -> bool {
        tokio::task::yield_now().await;
        self.answers && limit == 7
    }

    #[health_check(name = "cache-size", after(Self::ping))]
    fn size(self: Arc<Self>) -> Result<(), &'static str> {
        if Arc::strong_count(&self) > 1 {
            Err("it is used")
        } else {
            Ok(())
        }
    }

    /// Asks for the version.
    #[health_check(name = "cache-version", after(Cache::ping, fixture_ledger::db))]
    async fn version() {}
}

async fn verdict(health: &Health, name: &str) -> Verdict {
    let report = health.refresh(name).await;
    report.expect("there is a check of this name").verdict()
}

#[tokio::test]
async fn every_kind_of_check_runs_with_its_parameters() {
    let health = Health::builder()
        .state(AppState::new())
        .start()
        .expect("everything is provided");
    assert_eq!(verdict(&health, "by_reference").await, Verdict::Pass);
    assert_eq!(verdict(&health, "by_value").await, Verdict::Pass);
    assert_eq!(verdict(&health, "plain").await, Verdict::Warn);
    assert_eq!(verdict(&health, "local").await, Verdict::Pass);
    assert_eq!(verdict(&health, "cache").await, Verdict::Pass);
    assert_eq!(verdict(&health, "cache-size").await, Verdict::Fail);
}

#[tokio::test]
async fn a_method_runs_after_its_dependencies() {
    let silent = AppState {
        cache: Arc::new(Cache { answers: false }),
        ..AppState::new()
    };
    let health = Health::builder().state(silent).start();
    let health = health.expect("everything is provided");
    assert_eq!(verdict(&health, "cache").await, Verdict::Fail);
    let version = health
        .refresh("cache-version")
        .await
        .expect("the check is registered");
    assert_eq!(version.verdict(), Verdict::Skipped);
    assert_eq!(version.blocked_by(), Some("cache"));
    assert_eq!(version.description(), Some("Asks for the version."));
}
