//! Gates that startup waits for.

use std::time::Duration;

use health_core::config::HttpOptions;
use health_core::config::Settings;
use health_core::event::Event;
use health_core::http::{Details, RequestHead};
use health_core::report::{Answer, Verdict};
use health_core::reported::Gate;
use health_core::testing::Fake;
use health_core::{CheckOptions, Health, HealthBuilder, Probe, Status};
use tokio::time::{sleep, timeout};

fn started(builder: HealthBuilder) -> Health {
    builder.start().expect("it starts")
}

fn refused(builder: HealthBuilder) -> String {
    let error = builder.start().expect_err("it is refused");
    error.to_string().replace(file!(), "FILE")
}

fn report(health: &Health, name: &str) -> (Verdict, Option<String>) {
    let check = health.check(name).expect("there is such a check");
    (check.verdict(), check.message().map(str::to_owned))
}

fn fails(message: &str) -> (Verdict, Option<String>) {
    (Verdict::Fail, Some(message.to_owned()))
}

const PASSES: (Verdict, Option<String>) = (Verdict::Pass, None);

#[tokio::test]
async fn startup_and_readiness_wait_for_a_gate() {
    let (schema, cache) = (Gate::new("schema"), Gate::new("cache"));
    let health = started(
        Health::builder()
            .reported(&schema, blocking())
            .reported(&cache, blocking()),
    );
    let statuses = || Probe::ALL.map(|probe| health.status(probe));
    let [pass, fail] = [Status::Pass, Status::Fail];
    assert_eq!(statuses(), [pass, fail, fail]);
    assert_eq!(report(&health, "schema"), fails("not open yet"));
    schema.open();
    assert_eq!(report(&health, "schema"), PASSES);
    assert_eq!(statuses(), [pass, fail, fail], "one of two");
    cache.open();
    assert_eq!(statuses(), [pass, pass, pass]);
    drop((schema, cache));
    assert_eq!(statuses(), [pass, pass, pass], "it is final");
}

#[tokio::test]
async fn a_gate_opened_before_the_start_delays_nothing() {
    let gate = Gate::new("schema");
    gate.open();
    assert!(gate.is_open());
    let builder = Health::builder().reported(&gate, blocking());
    drop(gate);
    let health = started(builder);
    assert_eq!(health.status(Probe::Readiness), Status::Pass);
    assert_eq!(report(&health, "schema"), PASSES);
}

#[tokio::test]
async fn one_gate_opens_in_every_health() {
    let gate = Gate::new("schema");
    let one = started(Health::builder().reported(&gate, blocking()));
    drop(one);
    let healths = [(); 2].map(|()| started(Health::builder().reported(&gate, blocking())));
    gate.open();
    let later = started(Health::builder().reported(&gate, blocking()));
    for health in healths.iter().chain([&later]) {
        assert_eq!(health.status(Probe::Startup), Status::Pass);
    }
}

#[tokio::test]
async fn a_gate_can_be_opened_outside_a_runtime() {
    let gate = Gate::new("schema");
    let health = started(Health::builder().reported(&gate, blocking()));
    let opened = std::thread::spawn(move || gate.open()).join();
    assert!(opened.is_ok());
    assert_eq!(health.status(Probe::Readiness), Status::Pass);
}

#[tokio::test]
async fn a_gate_dropped_before_it_is_opened_fails_with_that_message() {
    let gate = Gate::new("schema");
    let health = started(Health::builder().reported(&gate, blocking()));
    let clone = gate.clone();
    drop(gate);
    assert_eq!(report(&health, "schema"), fails("not open yet"));
    drop(clone);
    assert_eq!(
        report(&health, "schema"),
        fails("dropped before it was opened")
    );
    assert_eq!(health.status(Probe::Startup), Status::Fail);
}

#[tokio::test(start_paused = true)]
async fn a_dependent_runs_as_soon_as_its_gate_opens() {
    let gate = Gate::new("schema");
    let health = started(Health::builder().reported(&gate, blocking()).check(
        "orders",
        CheckOptions::new().after(["schema"]),
        || async {},
    ));
    sleep(Duration::from_secs(60)).await;
    let orders = health
        .refresh("orders")
        .await
        .expect("the check is registered");
    assert_eq!(orders.verdict(), Verdict::Skipped);
    assert_eq!(orders.blocked_by(), Some("schema"));
    let mut events = health.subscribe();
    gate.open();
    let ran = async {
        while health
            .check("orders")
            .expect("the check is registered")
            .verdict()
            != Verdict::Pass
        {
            events.next().await.expect("an event");
        }
    };
    timeout(Duration::from_millis(1), ran)
        .await
        .expect("at once");
}

#[tokio::test]
async fn a_gate_is_reported_like_any_check() {
    let gate = Gate::new("schema");
    let health = started(Health::builder().reported(&gate, blocking()));
    let mut events = health.subscribe();
    let report = health
        .refresh("schema")
        .await
        .expect("the check is registered");
    assert!(report.is_critical() && report.counts_for(Probe::Startup));
    assert_eq!(report.last_status(), Some(Status::Fail));
    assert_eq!(report.response_time(), None, "nothing ran");
    assert!(report.checked_at().is_some());
    gate.open();
    gate.open();
    let Some(Event::Completed(ran)) = events.next().await else {
        panic!("it was reported");
    };
    assert_eq!(ran.verdict(), Verdict::Pass);
    let Some(Event::Transition(turn)) = events.next().await else {
        panic!("it turned");
    };
    assert_eq!(turn.from, Verdict::Fail);
    drop(health);
    assert!(events.next().await.is_none(), "to open it again is nothing");
}

#[tokio::test]
async fn a_fake_overrides_a_gate() {
    let gate = Gate::new("schema");
    let health = started(Health::builder().reported(&gate, blocking()));
    Fake::of(&health, "schema").warn("drill");
    assert_eq!(report(&health, "schema").0, Verdict::Warn);
    let open = Gate::new("open");
    let other = started(Health::builder().reported(&open, blocking()));
    Fake::of(&other, "open").fail("drill");
    assert_eq!(report(&other, "open"), fails("drill"));
    Fake::of(&other, "open").release();
    assert_eq!(report(&other, "open"), fails("not open yet"));
}

#[tokio::test]
async fn a_gate_does_not_change_a_stopped_health() {
    let gate = Gate::new("schema");
    let health = started(Health::builder().reported(&gate, blocking()));
    health.stop().await;
    gate.open();
    assert_eq!(report(&health, "schema"), fails("not open yet"));
    let again = started(Health::builder().reported(&gate, blocking()));
    assert_eq!(again.status(Probe::Readiness), Status::Pass);
}

/// Startup waits for the gate.
fn blocking() -> CheckOptions {
    CheckOptions::new().startup().critical()
}

#[tokio::test]
async fn a_gate_follows_the_rules_for_names_and_options() {
    let gate = Gate::new("my-gate");
    let settings: Settings =
        serde_json::from_str(r#"{"my-gate": {"timeout": "2s", "failure_threshold": 3}}"#)
            .expect("legal JSON");
    let builder = Health::builder()
        .reported(&gate, blocking())
        .reported(&Gate::new("startup"), blocking())
        .reported(&Gate::new("Schema"), blocking())
        .check("my.gate", CheckOptions::new(), || async {})
        .settings(settings);
    let line = line!() - 5;
    let [own, startup, schema, namesake] = [line, line + 1, line + 2, line + 3];
    assert_eq!(
        refused(builder),
        format!(
            "health cannot start, 7 problems:
  - `startup` cannot be the name of a check: the framework uses this name for the start
    help: write for example `\"startup-check\"`
  - `Schema` cannot be the name of a check: a name cannot contain `S`
    help: use `a` to `z`, digits, `-`, `_` and `.`: `\"schema\"`
  - two checks are named `my-gate`: FILE:{own}, FILE:{namesake}
    help: give one of them another name: `.check(\"other-my-gate\", ..)`
  - check `Schema` (FILE:{schema}): the gate was dropped, so it can never be opened
    help: keep a clone of it where the step ends that startup waits for
  - check `my-gate` (FILE:{own}): with its settings, it is reported and never run, so `timeout` has no effect on it
    help: leave `timeout` out
  - check `my-gate` (FILE:{own}): with its settings, it is reported and never run, so `failure_threshold` has no effect on it
    help: leave `failure_threshold` out
  - check `startup` (FILE:{startup}): the gate was dropped, so it can never be opened
    help: keep a clone of it where the step ends that startup waits for"
        )
    );
}

#[tokio::test]
async fn settings_can_disable_a_gate() {
    let gate = Gate::new("schema");
    let vars = [("HEALTH_CHECK_SCHEMA_ENABLED", "false")];
    let health = started(
        Health::builder()
            .reported(&gate, blocking())
            .require(["schema"])
            .settings(Settings::from_vars(vars)),
    );
    assert_eq!(health.status(Probe::Readiness), Status::Pass);
    assert!(health.check("schema").is_none());
    gate.open();
}

fn body(health: &Health, path: &str) -> String {
    let (path, query) = match path.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (path, None),
    };
    let head = RequestHead::new("GET", path).with_query(query);
    let answer = health.internal_endpoint().respond_cached(head);
    String::from_utf8(answer.into_body().to_vec()).expect("the bytes are UTF-8")
}

fn answer(health: &Health, path: &str) -> Answer {
    serde_json::from_str(&body(health, path)).expect("the text is valid JSON")
}

#[tokio::test]
async fn answers_with_details_name_the_checks_that_startup_waits_for() {
    let (schema, cache) = (Gate::new("schema"), Gate::new("cache"));
    let builder = Health::builder().http(HttpOptions::new().probe_details(Details::Checks));
    let health = started(
        builder
            .reported(&schema, blocking())
            .reported(&cache, blocking()),
    );
    for path in ["/readyz", "/startupz", "/health"] {
        let startup = &answer(&health, path).checks["startup"];
        assert_eq!(startup.status, Verdict::Fail, "{path}");
        let waits = Some("waits for cache, schema");
        assert_eq!(startup.message.as_deref(), waits, "{path}");
        assert!(startup.critical, "{path}");
        let ietf = body(&health, &format!("{path}?format=health-json"));
        assert!(ietf.contains("waits for cache, schema"), "{ietf}");
    }
    assert!(!answer(&health, "/livez").checks.contains_key("startup"));
    assert_eq!(
        body(&health, "/readyz?format=text"),
        "[-]startup failed: waits for cache, schema\nreadyz check failed\n",
    );
    cache.open();
    let readyz = body(&health, "/readyz?format=text");
    assert!(readyz.contains("waits for schema\n"), "{readyz}");
    schema.open();
    for path in ["/readyz", "/startupz", "/health"] {
        let text = body(&health, path);
        assert!(!text.contains("startup"), "{text}");
    }
}

#[tokio::test]
async fn answers_without_details_name_no_check() {
    let gate = Gate::new("schema");
    let health = started(
        Health::builder()
            .http(HttpOptions::new().details(Details::Status))
            .reported(&gate, blocking()),
    );
    for path in ["/readyz", "/startupz", "/health"] {
        assert_eq!(body(&health, path), r#"{"status":"unhealthy"}"#);
        let text = body(&health, &format!("{path}?format=text"));
        assert!(!text.contains("schema"), "{text}");
    }
}

#[tokio::test]
async fn the_list_of_checks_that_startup_waits_for_is_bounded() {
    let gates: Vec<Gate> = (0..8).map(|nth| Gate::new(format!("gate-{nth}"))).collect();
    let builder = gates.iter().fold(Health::builder(), |builder, gate| {
        builder.reported(gate, blocking())
    });
    let health = started(builder);
    assert_eq!(
        answer(&health, "/health").checks["startup"]
            .message
            .as_deref(),
        Some("waits for gate-0, gate-1, gate-2, gate-3, gate-4 and 3 more")
    );
}

/// A gate that has not been opened yet, as at every start.
#[tokio::test(start_paused = true)]
async fn a_gate_that_is_not_open_yet_has_not_failed() {
    let gate = Gate::new("migrations");
    let builder = Health::builder()
        .http(HttpOptions::new().path("/metrics", health_core::http::Page::Metrics));
    let health = started(builder.reported(&gate, blocking()));
    let failures = "status=\"error\"} 0";
    sleep(std::time::Duration::from_secs(60)).await;
    let waiting = health.check("migrations").expect("the check is registered");
    assert_eq!(report(&health, "migrations"), fails("not open yet"));
    assert_eq!((waiting.incident(), waiting.history().runs()), (None, 0));
    gate.open();
    let open = health.check("migrations").expect("the check is registered");
    assert_eq!(open.history().success_rate(), Some(1.0));
    assert_eq!(open.history().last_failure_at(), None);
    let metrics = body(&health, "/metrics");
    let results = metrics
        .lines()
        .find(|line| line.starts_with("health_checks_total") && line.contains("error"));
    assert!(
        results.is_some_and(|line| line.ends_with(failures)),
        "{metrics}"
    );
}
