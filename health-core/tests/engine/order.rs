//! Checks with dependencies (`after`).

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use health_core::report::Verdict;
use health_core::reported::{Gate, Heartbeat};
use health_core::{CheckOptions, Health, HealthBuilder, Probe, Status};
use tokio::time::sleep;

const SECOND: Duration = Duration::from_secs(1);

fn often() -> CheckOptions {
    CheckOptions::new().interval(SECOND).critical()
}

/// A switch that controls a check, and the number of its runs.
#[derive(Clone)]
struct Switch(Arc<(AtomicBool, AtomicUsize)>);

impl Switch {
    fn new(on: bool) -> Self {
        Switch(Arc::new((AtomicBool::new(on), AtomicUsize::new(0))))
    }

    fn set(&self, on: bool) {
        self.0.0.store(on, SeqCst);
    }

    fn runs(&self) -> usize {
        self.0.1.load(SeqCst)
    }

    fn check(&self) -> impl Fn() -> std::future::Ready<bool> + Send + Sync + 'static {
        let Switch(inner) = self.clone();
        move || {
            inner.1.fetch_add(1, SeqCst);
            std::future::ready(inner.0.load(SeqCst))
        }
    }
}

fn verdict(health: &Health, name: &str) -> Verdict {
    health.check(name).expect("there is such a check").verdict()
}

#[tokio::test(start_paused = true)]
async fn a_check_is_skipped_while_its_dependency_fails_and_names_the_root_cause() {
    let (database, schema, queries) = (Switch::new(false), Switch::new(true), Switch::new(true));
    let health = Health::builder()
        .check("queries", often().after(["schema"]), queries.check())
        .check("schema", often().after(["database"]), schema.check())
        .check("database", often(), database.check())
        .start()
        .expect("it starts");
    sleep(5 * SECOND).await;
    assert_eq!((schema.runs(), queries.runs()), (0, 0));
    assert!(database.runs() >= 4);
    for name in ["schema", "queries"] {
        let check = health.check(name).expect("the check is registered");
        assert_eq!(check.verdict(), Verdict::Skipped, "{name}");
        assert_eq!(check.blocked_by(), Some("database"), "{name}");
    }
    let request = http::Request::get("/health/queries")
        .body(())
        .expect("the request is valid");
    let answer = health.internal_endpoint().respond_cached(&request);
    assert_eq!(answer.status(), 503);
    let incident = health
        .check("queries")
        .expect("the check is registered")
        .incident();
    let incident = incident.expect("it goes on");
    let expected = format!(
        r#"{{"status":"skipped","critical":true,"incident":"{incident}","blocked_by":"database"}}"#
    );
    assert_eq!(&answer.body()[..], expected.as_bytes());

    database.set(true);
    let recovery = health
        .refresh("database")
        .await
        .expect("the check is registered");
    assert_eq!(recovery.verdict(), Verdict::Pass);
    sleep(Duration::from_millis(1)).await;
    assert_eq!(
        verdict(&health, "queries"),
        Verdict::Pass,
        "at once, not an interval later"
    );
    assert_eq!(health.status(Probe::Readiness), Status::Pass);

    database.set(false);
    health.refresh("database").await;
    sleep(Duration::from_millis(1)).await;
    assert_eq!(
        verdict(&health, "queries"),
        Verdict::Skipped,
        "at once as well"
    );
}

/// The checks in the middle of the chain stay skipped, so no verdict of theirs
/// changes when another check becomes the root cause.
#[tokio::test(start_paused = true)]
async fn the_root_cause_is_updated_at_once() {
    let (database, schema) = (Switch::new(true), Switch::new(false));
    let seldom = || often().interval(60 * SECOND);
    let beat = Heartbeat::new("worker", 600 * SECOND);
    let health = Health::builder()
        .check("database", seldom(), database.check())
        .check("schema", seldom().after(["database"]), schema.check())
        .check("queries", seldom().after(["schema"]), || async {})
        .check("reports", seldom().after(["queries"]), || async {})
        .reported(&beat, CheckOptions::new().after(["reports"]))
        .start()
        .expect("it starts");
    let blocked_by = |name: &str| {
        let check = health.check(name).expect("there is such a check");
        check.blocked_by().map(str::to_owned)
    };
    sleep(SECOND).await;
    for name in ["queries", "reports", "worker"] {
        assert_eq!(blocked_by(name).as_deref(), Some("schema"), "{name}");
    }
    database.set(false);
    health.refresh("database").await;
    sleep(Duration::from_millis(1)).await;
    for name in ["schema", "queries", "reports", "worker"] {
        assert_eq!(blocked_by(name).as_deref(), Some("database"), "{name}");
    }
}

/// A check that counts only for startup ends once startup has passed, even if it is
/// due then and waits for the result of a dependency.
#[tokio::test(start_paused = true)]
async fn a_completed_startup_check_is_no_longer_skipped() {
    let database = Switch::new(true);
    let runs = database.check();
    let gate = Gate::new("warm");
    let hangs_later = move || {
        let is_first = runs().into_inner();
        let database = database.clone();
        async move {
            if database.runs() > 1 {
                std::future::pending::<()>().await;
            }
            is_first
        }
    };
    let on_demand = CheckOptions::new().cache(SECOND / 2).timeout(2 * SECOND);
    let health = Health::builder()
        .check("database", on_demand, hangs_later)
        .check("schema", often().startup().after(["database"]), || async {})
        .reported(&gate, CheckOptions::new().startup().critical())
        .start()
        .expect("it starts");
    // The second run of `schema` waits for the second one of `database`.
    sleep(2 * SECOND).await;
    assert_eq!(verdict(&health, "schema"), Verdict::Pass);
    gate.open();
    assert_eq!(health.status(Probe::Startup), Status::Pass);
    sleep(10 * SECOND).await;
    assert_eq!(verdict(&health, "database"), Verdict::Fail);
    assert_eq!(verdict(&health, "schema"), Verdict::Pass);
}

#[tokio::test(start_paused = true)]
async fn a_check_waits_for_the_first_result_of_its_dependency() {
    let second = Switch::new(true);
    let health = Health::builder()
        .check("first", often().timeout(SECOND), || sleep(SECOND / 2))
        .check("second", often().after(["first"]), second.check())
        .start()
        .expect("it starts");
    sleep(SECOND / 4).await;
    assert_eq!(
        (second.runs(), verdict(&health, "second")),
        (0, Verdict::Unknown)
    );
    sleep(SECOND / 2).await;
    assert_eq!(
        (second.runs(), verdict(&health, "second")),
        (1, Verdict::Pass)
    );
}

#[tokio::test(start_paused = true)]
async fn liveness_does_not_fail_for_skipped_checks() {
    let health = Health::builder()
        .check("database", CheckOptions::new(), || async { false })
        .check("alive", often().liveness().after(["database"]), || async {})
        .start()
        .expect("it starts");
    sleep(SECOND).await;
    assert_eq!(verdict(&health, "alive"), Verdict::Skipped);
    assert_eq!(health.status(Probe::Liveness), Status::Pass);
}

fn refused(builder: HealthBuilder) -> String {
    let error = builder.start().expect_err("it is refused");
    let text = error.to_string().replace(file!(), "FILE");
    // The lines depend on how rustfmt breaks them.
    let digits = text
        .split("FILE:")
        .map(|part| part.trim_start_matches(char::is_numeric));
    digits.collect::<Vec<_>>().join("FILE")
}

#[tokio::test]
async fn invalid_dependencies_are_refused() {
    let check = || async {};
    let builder = Health::builder()
        .check("cache", often().after(["queue"]), check)
        .check("queue", often().after(["database"]), check)
        .check("database", often().after(["cache"]), check)
        .check("outside", often().after(["cache", "databse"]), check)
        .check("itself", often().after(["itself"]), check);
    assert_eq!(
        refused(builder),
        "health cannot start, 3 problems:
  - check `outside` (FILE) depends on unknown check `databse`
    help: did you mean `database`?
  - check `cache` (FILE) waits for `queue`, which waits for `database`, which waits for `cache`
    help: take one of them out of the `after` of another
  - check `itself` (FILE) waits for `itself`
    help: take one of them out of the `after` of another"
    );
}

/// The wait for a first result is not followed by an extra run.
#[tokio::test(start_paused = true)]
async fn a_check_that_waited_runs_once_and_then_once_per_interval() {
    let start = tokio::time::Instant::now();
    let runs = Arc::new(std::sync::Mutex::new(Vec::new()));
    let seen = Arc::clone(&runs);
    let slow = CheckOptions::new()
        .timeout(Duration::from_secs(50))
        .interval(Duration::from_secs(60));
    let _health = Health::builder()
        .check("first", slow, || sleep(Duration::from_secs(40)))
        .check(
            "second",
            CheckOptions::new()
                .after(["first"])
                .interval(Duration::from_secs(10)),
            move || {
                seen.lock()
                    .expect("no thread panicked")
                    .push(start.elapsed().as_secs());
                async {}
            },
        )
        .start()
        .expect("it starts");
    sleep(Duration::from_secs(48)).await;
    assert_eq!(*runs.lock().expect("no thread panicked"), [40]);
    sleep(Duration::from_secs(4)).await;
    assert_eq!(runs.lock().expect("no thread panicked").len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_dependent_runs_once_after_a_slow_first_result_on_demand() {
    let api = Switch::new(true);
    let token = CheckOptions::new().cache(SECOND).timeout(2 * SECOND);
    let health = Health::builder()
        .check("token", token, || sleep(SECOND * 3 / 2))
        .check("api", often().after(["token"]), api.check())
        .start()
        .expect("it starts");
    sleep(Duration::from_millis(2_300)).await;
    assert_eq!(verdict(&health, "api"), Verdict::Pass);
    assert_eq!(api.runs(), 1, "the next is an interval after the first");
}
