//! Checks on the fields of the state, run by `Health`.
#![allow(clippy::unused_async, reason = "these checks have nothing to wait for")]

use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::{self, ThreadId};

use health_axum::check::{BlockingIndicator, FailureClass, Indicator};
use health_axum::config::HttpOptions;
use health_axum::http::RequestHead;
use health_axum::report::{CheckReport, Verdict};
use health_axum::testing::declared;
use health_axum::{Health, HealthState, Outcome, health_check};

#[derive(Clone)]
struct Pool {
    host: &'static str,
    answers: bool,
}

async fn ping(pool: &Pool) -> Outcome {
    tokio::task::yield_now().await;
    if pool.answers {
        Outcome::pass().observe(pool.host, "host")
    } else {
        Outcome::fail("no answer").class(FailureClass::Unreachable)
    }
}

async fn local(limit: &u64) -> Result<(), String> {
    let held = Rc::new(*limit);
    tokio::task::yield_now().await;
    let other = tokio::task::spawn_local(async move { *held }).await;
    other.map(drop).map_err(|error| error.to_string())
}

/// Counts its runs, to show that it is created once.
#[derive(Default)]
struct Counting {
    runs: AtomicU32,
    most: u32,
}

impl Counting {
    fn at_most(most: u32) -> Self {
        Counting {
            most,
            ..Counting::default()
        }
    }
}

impl Indicator<Arc<str>> for Counting {
    async fn check(&self, name: &Arc<str>) -> Outcome {
        let runs = self.runs.fetch_add(1, Ordering::Relaxed) + 1;
        if runs <= self.most {
            Outcome::pass().observe(runs, name.to_string())
        } else {
            Outcome::fail("too many runs")
        }
    }
}

struct ElsewhereThan(ThreadId);

impl BlockingIndicator<u8> for ElsewhereThan {
    fn check(&self, _: &u8) -> Outcome {
        if thread::current().id() == self.0 {
            Outcome::fail("it holds the thread of the application")
        } else {
            Outcome::pass()
        }
    }
}

#[derive(Clone, HealthState)]
struct AppState {
    /// The primary accepts writes.
    ///
    /// No part of the description.
    #[health(check = ping, timeout = "2s", critical, tags("db", "primary"))]
    primary: Pool,
    #[health(check = ping, after(database))]
    #[health(skip)]
    replica: Pool,
    #[health(check = local, local)]
    limit: u64,
    #[health(name = "runs-of-one", check = Counting::at_most(2))]
    counted: Arc<str>,
    #[health(check = ElsewhereThan(thread::current().id()))]
    blocking: u8,
    #[health(check = |port: &u16| *port > 0)]
    port: u16,
    #[health(check = async |port: &i16| *port > 0)]
    offset: i16,
    /// The cache, if there is one.
    #[health(check = ping, tags("optional"), timeout = "1s")]
    cache: Option<Pool>,
    #[health(check = ping, after(cache), tags("optional"))]
    #[health(skip)]
    search: std::option::Option<Pool>,
    #[health(check = ElsewhereThan(thread::current().id()))]
    optional_blocking: Option<u8>,
    #[health(check = local, local)]
    optional_limit: Option<u64>,
}

/// Gets the primary, since the replica is not a parameter.
#[health_check(after(primary))]
async fn database(pool: &Pool) -> bool {
    pool.host == "primary"
}

fn state() -> AppState {
    let pool = |host| Pool {
        host,
        answers: true,
    };
    AppState {
        primary: pool("primary"),
        replica: pool("replica"),
        limit: 7,
        counted: "runs".into(),
        blocking: 1,
        port: 80,
        offset: -1,
        cache: None,
        search: None,
        optional_blocking: None,
        optional_limit: None,
    }
}

fn names(health: &Health) -> Vec<String> {
    let snapshot = health.snapshot();
    let checks = snapshot.checks().iter();
    checks.map(|check| check.name().to_owned()).collect()
}

#[tokio::test]
async fn a_field_that_is_none_has_no_check() {
    let state = AppState {
        search: Some(state().primary),
        ..state()
    };
    let health = Health::builder()
        .require(["cache"])
        .http(HttpOptions::new().group("optional"))
        .state(state)
        .start();
    let health = health.expect("the check is declared, if not configured");
    let names = names(&health);
    assert!(!names.iter().any(|name| name == "cache"), "{names:?}");
    assert!(names.iter().any(|name| name == "search"), "{names:?}");
    assert!(health.refresh("cache").await.is_none());
    // A dependency that is not configured does not block its dependents.
    assert_eq!(verdict(&health, "search").await, Verdict::Pass);
}

#[tokio::test]
async fn a_group_of_fields_that_are_none_passes() {
    let health = Health::builder()
        .http(HttpOptions::new().group("optional"))
        .state(state())
        .start();
    let health = health.expect("nothing of the group is configured");
    let head = RequestHead::new("GET", "/health/groups/optional");
    let response = health.internal_endpoint().respond_cached(head);
    assert_eq!(response.status(), 200);
}

#[tokio::test]
async fn a_field_that_is_some_is_checked_as_its_value() {
    let mut cache = state().primary;
    cache.answers = false;
    let state = AppState {
        cache: Some(cache),
        search: Some(state().primary),
        optional_blocking: Some(1),
        optional_limit: Some(7),
        ..state()
    };
    let health = Health::builder().state(state).start();
    let health = health.expect("everything is provided");
    let cache = report(&health, "cache").await;
    assert_eq!(cache.failure_class(), Some(FailureClass::Unreachable));
    assert_eq!(cache.description(), Some("The cache, if there is one."));
    assert_eq!(report(&health, "search").await.blocked_by(), Some("cache"));
    for name in ["optional_blocking", "optional_limit"] {
        assert_eq!(verdict(&health, name).await, Verdict::Pass, "{name}");
    }
}

async fn report(health: &Health, name: &str) -> CheckReport {
    let report = health.refresh(name).await;
    report.expect("there is a check of this name")
}

async fn verdict(health: &Health, name: &str) -> Verdict {
    report(health, name).await.verdict()
}

#[tokio::test]
async fn every_kind_of_check_gets_its_own_field() {
    let health = Health::builder().state(state()).start();
    let health = health.expect("everything is provided");
    for name in [
        "primary", "replica", "database", "limit", "blocking", "port",
    ] {
        assert_eq!(verdict(&health, name).await, Verdict::Pass, "{name}");
    }
    assert_eq!(verdict(&health, "offset").await, Verdict::Fail);
}

#[tokio::test]
async fn fields_of_one_type_are_separate_checks() {
    let mut state = state();
    state.replica.answers = false;
    let health = Health::builder().state(state).start();
    let health = health.expect("everything is provided");
    assert_eq!(verdict(&health, "primary").await, Verdict::Pass);
    let replica = report(&health, "replica").await;
    assert_eq!(replica.verdict(), Verdict::Fail);
    assert_eq!(replica.failure_class(), Some(FailureClass::Unreachable));
}

#[tokio::test]
async fn options_and_doc_comments_work_as_on_a_function() {
    let mut state = state();
    state.primary.answers = false;
    let health = Health::builder().state(state).start();
    let health = health.expect("everything is provided");
    let primary = report(&health, "primary").await;
    assert_eq!(primary.description(), Some("The primary accepts writes."));
    assert!(primary.tags().eq(["db", "primary"]));
    assert!(primary.is_critical());
    let replica = report(&health, "replica").await;
    assert_eq!(replica.verdict(), Verdict::Skipped);
    assert_eq!(replica.blocked_by(), Some("primary"));
    assert!(!replica.is_critical());
}

#[tokio::test]
async fn a_value_is_created_once_for_all_runs() {
    let health = Health::builder().state(state()).start();
    let health = health.expect("everything is provided");
    let mut verdicts = Vec::new();
    for _ in 0..4 {
        verdicts.push(verdict(&health, "runs-of-one").await);
    }
    assert!(verdicts.contains(&Verdict::Fail), "{verdicts:?}");
}

#[derive(HealthState)]
#[health(secondary)]
struct Fake {
    pool: Pool,
    limit: u64,
    counted: Arc<str>,
    blocking: u8,
    port: u16,
    offset: i16,
    cache: Option<Pool>,
    optional_blocking: Option<u8>,
    optional_limit: Option<u64>,
}

#[tokio::test]
async fn checks_find_their_fields_by_type_in_another_state() {
    let AppState {
        primary: mut pool,
        limit,
        counted,
        blocking,
        port,
        offset,
        ..
    } = state();
    pool.answers = false;
    let fake = Fake {
        pool,
        limit,
        counted,
        blocking,
        port,
        offset,
        cache: None,
        optional_blocking: Some(1),
        optional_limit: None,
    };
    let health = Health::builder().state(fake).start();
    let health = health.expect("the fake has a value of each type");
    assert_eq!(verdict(&health, "primary").await, Verdict::Fail);
    for name in ["port", "optional_blocking"] {
        assert_eq!(verdict(&health, name).await, Verdict::Pass, "{name}");
    }
    assert!(health.refresh("cache").await.is_none());
}

#[tokio::test]
async fn a_state_without_the_type_does_not_start() {
    let error = Health::builder().start().expect_err("nothing is provided");
    let text = error.to_string();
    assert!(text.contains("check `primary`"), "{text}");
    assert!(
        text.contains("needs `primary: &field_checks::Pool`"),
        "{text}"
    );
}

#[test]
fn field_checks_are_declared() {
    let names = declared();
    for name in ["primary", "replica", "runs-of-one", "database"] {
        assert!(names.contains(&name), "{names:?}");
    }
}
