//! Reported checks in the answer, on the status page, in the metrics and in the log.

#![cfg(feature = "tracing")]
#![expect(clippy::float_cmp, reason = "counts are whole numbers")]

use std::sync::mpsc;
use std::time::{Duration, SystemTime};

use health_core::config::{HttpOptions, RuntimeOptions};
use health_core::http::{Guard, Page, RequestHead};
use health_core::reported::{Gate, Heartbeat, Reported, Supervised, Switch};
use health_core::{CheckOptions, Health, HealthBuilder};
use serde_json::Value;
use test_support::{Log, until};
use tokio::time::sleep;

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);

fn builder() -> HealthBuilder {
    let http = HttpOptions::new()
        .path("/status", Page::StatusPage)
        .path("/metrics", Page::Metrics)
        .guard(Guard::new().bearer("correct horse battery staple"));
    Health::builder().http(http)
}

/// Starts health with one critical check.
fn started(source: impl Into<Reported>) -> Health {
    let critical = CheckOptions::new().critical();
    let builder = builder().reported(source, critical);
    builder.start().expect("it starts")
}

/// All views of one check.
struct Seen {
    answer: Value,
    page: String,
    metrics: String,
    name: &'static str,
}

impl Seen {
    fn of(health: &Health, name: &'static str) -> Self {
        let headers = [("authorization", "Bearer correct horse battery staple")];
        let get = |path: &str| {
            let head = RequestHead::new("GET", path).with_headers(&headers);
            let answer = health.internal_endpoint().respond_cached(head);
            String::from_utf8(answer.into_body().to_vec()).expect("the bytes are UTF-8")
        };
        let answer: Value = serde_json::from_str(&get("/health")).expect("the text is valid JSON");
        Seen {
            answer: answer["checks"][name].clone(),
            page: get(&format!("/status/{name}")),
            metrics: get("/metrics"),
            name,
        }
    }

    fn status(&self) -> &str {
        self.answer["status"].as_str().expect("a status")
    }

    fn history(&self, field: &str) -> u64 {
        let history = &self.answer["history"];
        history[field]
            .as_u64()
            .unwrap_or_else(|| panic!("{history}"))
    }

    /// The value of a series without other labels.
    fn metric(&self, family: &str) -> f64 {
        self.value(&format!("{family}{{check=\"{}\"}}", self.name))
    }

    /// The number of results, which must be the same for each probe.
    fn results(&self, status: &str) -> f64 {
        let prefix = format!("health_checks_total{{check=\"{}\",", self.name);
        let suffix = format!("status=\"{status}\"}} ");
        let mut lines = self.metrics.lines();
        let line = lines.find(|line| line.starts_with(&prefix) && line.contains(&suffix));
        let line = line.unwrap_or_else(|| panic!("no results in {}", self.metrics));
        line.rsplit_once(' ')
            .expect("a value")
            .1
            .parse()
            .expect("a number")
    }

    fn value(&self, series: &str) -> f64 {
        let mut lines = self.metrics.lines();
        let value = lines.find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
        let value = value.unwrap_or_else(|| panic!("no {series} in {}", self.metrics));
        value.parse().expect("a number")
    }

    /// The age of the last result in the answer.
    fn age(&self) -> Duration {
        let at = self.answer["checked_at"].as_str().expect("a time");
        let at = humantime::parse_rfc3339(at).expect("a time");
        SystemTime::now().duration_since(at).unwrap_or_default()
    }

    /// No view shows a duration, since a report does not take time.
    fn has_no_latency(&self) {
        assert!(
            self.answer.get("response_time_ms").is_none(),
            "{}",
            self.answer
        );
        assert!(
            self.answer["history"].get("p50_ms").is_none(),
            "{}",
            self.answer
        );
        assert!(!self.page.contains("Median"), "{}", self.page);
        assert!(!self.page.contains("<dt>Took"), "{}", self.page);
        let runs = self.metric("health_check_duration_seconds_count");
        assert!(runs.abs() < f64::EPSILON, "{runs}");
    }
}

/// The verdicts of a check in the log, in order.
fn logged(log: &Log, health: &Health, name: &str) -> Vec<String> {
    health_core::testing::flush(health);
    let mut events = log.events();
    events.retain(|event| {
        event["message"] == "health check status changed" && event["check"] == name
    });
    let to = |event: &Value| event["to"].as_str().expect("a verdict").to_owned();
    events.iter().map(to).collect()
}

#[tokio::test(start_paused = true)]
async fn a_closed_gate_is_not_counted_as_a_failure() {
    let (log, _guard) = Log::capture_json();
    let gate = Gate::new("schema");
    let health = started(&gate);
    sleep(5 * MINUTE).await;
    let closed = Seen::of(&health, "schema");
    assert_eq!(closed.status(), "error", "readiness waits for it");
    assert_eq!(closed.answer["message"], "not open yet");
    assert_eq!(closed.results("error"), 0.0);
    assert_eq!(closed.metric("health_check_consecutive_failures"), 0.0);
    assert_eq!(
        closed.metric("health_check_last_success_timestamp_seconds"),
        0.0
    );
    assert_eq!(closed.history("runs"), 0);
    assert!(closed.answer.get("incident").is_none(), "{}", closed.answer);
    assert_eq!(logged(&log, &health, "schema"), [""; 0]);
    closed.has_no_latency();

    gate.open();
    sleep(5 * MINUTE).await;
    let open = Seen::of(&health, "schema");
    assert_eq!(open.status(), "ok");
    assert_eq!((open.history("runs"), open.history("failed")), (1, 0));
    assert!(
        open.answer["history"].get("last_failure_at").is_none(),
        "{}",
        open.answer
    );
    assert!(!open.page.contains("Last failure"), "{}", open.page);
    assert_eq!((open.results("success"), open.results("error")), (1.0, 0.0));
    assert!(open.metric("health_check_last_success_timestamp_seconds") > 0.0);
    assert_eq!(logged(&log, &health, "schema"), ["ok"]);
    open.has_no_latency();
}

#[tokio::test(start_paused = true)]
async fn a_heartbeat_shows_its_last_beat_and_counts_beats() {
    let (log, _guard) = Log::capture_json();
    let beat = Heartbeat::new("consumer", 30 * SECOND);
    let health = started(&beat);
    let before = Seen::of(&health, "consumer");
    assert_eq!(before.status(), "unknown");
    assert_eq!(before.history("runs"), 0);
    assert_eq!(before.results("success"), 0.0);
    for _ in 0..60 {
        beat.beat();
        sleep(SECOND).await;
    }
    beat.beat();
    let beating = Seen::of(&health, "consumer");
    assert_eq!(beating.status(), "ok");
    assert!(beating.age() < 30 * SECOND, "{:?}", beating.age());
    assert_eq!(
        (beating.history("runs"), beating.results("success")),
        (61, 61.0)
    );
    let success = "health_check_last_success_timestamp_seconds";
    assert!(beating.metric(success) > 0.0);
    assert!(
        beating.page.contains("<dt>Last report</dt>") && beating.page.contains(">just now</time>"),
        "{}",
        beating.page
    );
    assert_eq!(logged(&log, &health, "consumer"), ["ok"]);
    assert_eq!(beating.metric("health_check_runs_total"), 61.0);
    beating.has_no_latency();

    sleep(5 * MINUTE).await;
    let silent = Seen::of(&health, "consumer");
    assert_eq!(silent.status(), "error");
    assert_eq!(silent.answer["message"], "no heartbeat for 30s");
    assert_eq!(
        (silent.results("success"), silent.results("error")),
        (61.0, 1.0),
        "a counter does not go back"
    );
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let age = now.expect("after 1970").as_secs_f64() - silent.metric(success);
    assert!(
        (300.0..330.0).contains(&age),
        "the last beat was {age} s ago"
    );
    assert_eq!(silent.history("runs"), 62);
    assert!(silent.page.contains("Last failure"), "{}", silent.page);
    let incident = silent.answer["incident"].as_str().expect("an incident");
    assert!(silent.page.contains(incident), "{}", silent.page);

    beat.beat();
    let again = Seen::of(&health, "consumer");
    assert_eq!(
        (again.results("success"), again.results("error")),
        (62.0, 1.0)
    );
    assert_eq!(logged(&log, &health, "consumer"), ["ok", "error", "ok"]);
}

#[tokio::test(start_paused = true)]
async fn a_switch_counts_its_changes() {
    let (log, _guard) = Log::capture_json();
    let switch = Switch::new("maintenance");
    let health = started(&switch);
    sleep(MINUTE).await;
    let on = Seen::of(&health, "maintenance");
    assert_eq!((on.status(), on.history("runs")), ("ok", 1));
    assert_eq!((on.results("success"), on.results("error")), (1.0, 0.0));

    switch.off_for("the index is rebuilt", 10 * MINUTE);
    sleep(MINUTE).await;
    let off = Seen::of(&health, "maintenance");
    assert_eq!(off.status(), "error");
    assert_eq!(off.answer["message"], "the index is rebuilt");
    assert!(off.page.contains("the index is rebuilt"), "{}", off.page);
    assert_eq!((off.results("success"), off.results("error")), (1.0, 1.0));

    sleep(10 * MINUTE).await;
    let back = Seen::of(&health, "maintenance");
    assert_eq!((back.status(), back.history("runs")), ("ok", 3));
    assert_eq!((back.results("success"), back.results("error")), (2.0, 1.0));
    assert_eq!(logged(&log, &health, "maintenance"), ["error", "ok"]);
    back.has_no_latency();
}

#[tokio::test(start_paused = true)]
async fn the_end_of_a_supervised_task_counts_as_one_failure() {
    let (log, _guard) = Log::capture_json();
    let (end, ended) = tokio::sync::oneshot::channel::<()>();
    let task = tokio::spawn(async move {
        let _ = ended.await;
    });
    let mail = Supervised::new("mail", task);
    let health = started(&mail);
    sleep(MINUTE).await;
    let running = Seen::of(&health, "mail");
    assert_eq!((running.status(), running.history("runs")), ("ok", 1));
    drop(end);
    sleep(10 * MINUTE).await;
    let gone = Seen::of(&health, "mail");
    assert_eq!((gone.status(), gone.history("failed")), ("error", 1));
    assert_eq!((gone.results("success"), gone.results("error")), (1.0, 1.0));
    assert_eq!(gone.metric("health_check_consecutive_failures"), 1.0);
    let incident = gone.answer["incident"].as_str().expect("an incident");
    assert!(gone.page.contains(incident), "{}", gone.page);
    assert_eq!(logged(&log, &health, "mail"), ["error"]);
    gone.has_no_latency();
}

/// The watchdog needs the real clock.
#[test]
fn the_watchdog_shows_its_last_sample_and_counts_samples() {
    let (log, _guard) = Log::capture_json();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .expect("a runtime can be built");
    let options = RuntimeOptions::new().watchdog(SECOND);
    let entered = runtime.enter();
    let health = builder().runtime(options).start().expect("it starts");
    drop(entered);
    until("samples are counted", || {
        let seen = Seen::of(&health, "runtime");
        seen.status() == "ok" && seen.results("success") >= 5.0
    });
    let seen = Seen::of(&health, "runtime");
    assert!(seen.page.contains("<dt>Last report</dt>"), "{}", seen.page);
    assert_eq!(seen.history("failed"), 0);
    assert!(seen.history("runs") >= 5);
    seen.has_no_latency();
    let first = seen.answer["checked_at"]
        .as_str()
        .expect("a time")
        .to_owned();
    until("a later time of the last report", || {
        let later = Seen::of(&health, "runtime");
        later.answer["checked_at"]
            .as_str()
            .is_some_and(|at| at > &*first)
    });

    let (release, released) = mpsc::channel::<()>();
    runtime.spawn(async move {
        let _ = released.recv();
    });
    until("the blocked worker is found", || {
        Seen::of(&health, "runtime").status() == "error"
    });
    let stuck = Seen::of(&health, "runtime");
    assert!(
        stuck.results("success") >= 5.0,
        "a counter does not go back"
    );
    assert!(stuck.results("error") >= 1.0);
    drop(release);
    until("the worker goes on", || {
        Seen::of(&health, "runtime").status() == "ok"
    });
    let turns = logged(&log, &health, "runtime");
    assert_eq!(turns.last().map(String::as_str), Some("ok"), "{turns:?}");
    assert!(turns.contains(&"error".to_owned()), "{turns:?}");
    drop(health);
    runtime.shutdown_background();
}

/// A check without a result is neither degraded nor an incident in the log.
#[tokio::test(start_paused = true)]
async fn a_missing_first_result_is_not_a_change() {
    let (log, _guard) = Log::capture_json();
    let slow = CheckOptions::new().timeout(5 * MINUTE).interval(5 * MINUTE);
    let heartbeat = Heartbeat::new("consumer", 30 * MINUTE);
    let health = builder()
        .check("report", slow, || sleep(2 * MINUTE))
        .reported(&heartbeat, CheckOptions::new())
        .start()
        .expect("it starts");
    sleep(MINUTE).await;
    health_core::testing::flush(&health);
    let changed = |event: &Value| {
        let message = event["message"].as_str().unwrap_or_default();
        message.ends_with("status changed")
    };
    assert!(!log.events().iter().any(changed), "{}", log.text());
    assert!(Seen::of(&health, "report").answer.get("incident").is_none());
    let page = Seen::of(&health, "report").page;
    assert!(
        page.contains("no result yet") && !page.contains("Incident"),
        "{page}"
    );
}
