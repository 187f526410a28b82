//! What is logged, and what is not.
#![cfg(feature = "tracing")]

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::SeqCst};
use std::time::Duration;

use health_core::config::HttpOptions;
use health_core::http::{Guard, Headers, RequestHead};
use health_core::testing::Fake;
use health_core::{CheckOptions, Health, Outcome, testing};
use serde_json::{Value, json};
use test_support::Log;
use tokio::time::sleep;

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(60 * 60);

/// The events with this message.
fn events(log: &Log, message: &str) -> Vec<Value> {
    let mut events = log.events();
    events.retain(|event| event["message"] == message);
    events
}

fn turns(log: &Log) -> Vec<Value> {
    events(log, "health check status changed")
}

fn answers(log: &Log) -> Vec<Value> {
    let mut events = log.events();
    events.retain(|event| {
        let probe = event["probe"].as_str();
        probe.is_some_and(|probe| event["message"] == format!("{probe} status changed"))
    });
    events
}

/// A check that follows a switch.
fn switched(switch: &Arc<AtomicBool>) -> impl Fn() -> std::future::Ready<bool> + use<> {
    let switch = Arc::clone(switch);
    move || std::future::ready(switch.load(SeqCst))
}

fn body(health: &Health, path: &str, query: &str, accept: &str) -> String {
    let headers = [("accept", accept)];
    let head = RequestHead::new("GET", path)
        .with_query(Some(query))
        .with_headers(&headers);
    let answer = health.internal_endpoint().respond_cached(head);
    String::from_utf8(answer.into_body().to_vec()).expect("the bytes are UTF-8")
}

fn body_json(health: &Health, path: &str) -> Value {
    serde_json::from_str(&body(health, path, "", "application/json"))
        .expect("the text is valid JSON")
}

#[tokio::test(start_paused = true)]
async fn a_transition_is_one_log_event_and_healthy_runs_are_none() {
    let (log, _guard) = Log::capture_json();
    let switch = Arc::new(AtomicBool::new(true));
    let options = CheckOptions::new()
        .interval(SECOND)
        .liveness()
        .readiness()
        .critical();
    let health = Health::builder()
        .check("database", options, switched(&switch))
        .start()
        .expect("it starts");
    sleep(SECOND / 2).await;
    testing::flush(&health);
    log.clear();
    sleep(1_200 * SECOND).await;
    assert!(
        health
            .check("database")
            .expect("the check is registered")
            .consecutive()
            > 1_000
    );
    testing::flush(&health);
    assert_eq!(log.text(), "");

    switch.store(false, SeqCst);
    sleep(20 * SECOND).await;
    testing::flush(&health);
    let told = turns(&log);
    assert_eq!(told.len(), 1, "{told:?}");
    let turn = &told[0];
    for (field, value) in [
        ("level", json!("ERROR")),
        ("target", json!("health")),
        ("check", json!("database")),
        ("probes", json!("liveness readiness")),
        ("critical", json!(true)),
        ("from", json!("ok")),
        ("to", json!("error")),
        ("consecutive", json!(1)),
    ] {
        assert_eq!(turn[field], value, "{field}: {turn}");
    }
    let held = turn["held_s"].as_u64().expect("whole seconds");
    assert!((1_199..=1_202).contains(&held), "{turn}");
    assert_eq!(turn["incident"].as_str().map(str::len), Some(6), "{turn}");
}

#[tokio::test(start_paused = true)]
async fn the_log_and_every_answer_show_the_same_incident_id() {
    let (log, _guard) = Log::capture_json();
    let switch = Arc::new(AtomicBool::new(true));
    let health = Health::builder()
        .check("database", CheckOptions::new(), switched(&switch))
        .check(
            "schema",
            CheckOptions::new().after(["database"]),
            || async {},
        )
        .start()
        .expect("it starts");
    sleep(SECOND).await;
    assert_eq!(
        health
            .check("database")
            .expect("the check is registered")
            .incident(),
        None
    );
    assert_eq!(body_json(&health, "/health/database").get("incident"), None);
    testing::flush(&health);
    assert!(
        turns(&log)
            .iter()
            .all(|turn| turn.get("incident").is_none())
    );

    testing::flush(&health);
    log.clear();
    switch.store(false, SeqCst);
    health.refresh("database").await;
    sleep(SECOND).await;
    let incident = health
        .check("database")
        .expect("the check is registered")
        .incident();
    let incident = incident.expect("an incident").to_string();
    testing::flush(&health);
    let told: Vec<Value> = turns(&log);
    assert_eq!(told[0]["incident"], *incident, "{told:?}");
    assert_eq!(
        (&told[1]["check"], &told[1]["to"]),
        (&json!("schema"), &json!("skipped"))
    );
    assert_ne!(told[1]["incident"], *incident, "each check has its own");
    assert_eq!(
        body_json(&health, "/health")["checks"]["database"]["incident"],
        *incident
    );
    assert_eq!(
        body_json(&health, "/health/database")["incident"],
        *incident
    );
    let ietf = body(&health, "/health", "", "application/health+json");
    let ietf: Value = serde_json::from_str(&ietf).expect("the text is valid JSON");
    let entry = &ietf["checks"]["database:responseTime"][0];
    assert_eq!(entry["incident"], *incident, "{ietf}");
    let text = body(&health, "/health", "verbose", "text/plain");
    let line = format!("[-]database failed: returned false (incident {incident})\n");
    assert!(text.contains(&line), "{text}");

    testing::flush(&health);
    log.clear();
    switch.store(true, SeqCst);
    health.refresh("database").await;
    testing::flush(&health);
    assert_eq!(
        turns(&log)[0]["incident"],
        *incident,
        "its end has its name too"
    );
    assert_eq!(
        health
            .check("database")
            .expect("the check is registered")
            .incident(),
        None
    );
    assert_eq!(body_json(&health, "/health/database").get("incident"), None);

    switch.store(false, SeqCst);
    health.refresh("database").await;
    let next = health
        .check("database")
        .expect("the check is registered")
        .incident();
    assert_ne!(next.expect("another").to_string(), incident);
}

#[tokio::test(start_paused = true)]
async fn a_lasting_failure_is_logged_at_growing_intervals_with_its_latest_reason() {
    let (log, _guard) = Log::capture_json();
    let runs = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&runs);
    let health = Health::builder()
        .check("database", CheckOptions::new().critical(), move || {
            let run = counted.fetch_add(1, SeqCst);
            std::future::ready(Outcome::fail(format!("refused {run}")))
        })
        .start()
        .expect("it starts");
    sleep(25 * HOUR).await;
    assert!(runs.load(SeqCst) > 8_000);
    testing::flush(&health);
    let told = turns(&log);
    assert_eq!(told.len(), 1, "{told:?}");
    let reminders = events(&log, "health check still not passing");
    let lasting: Vec<u64> = reminders
        .iter()
        .map(|event| event["lasting_s"].as_u64().expect("seconds"))
        .collect();
    let expected = [300, 3_600, 21_600, 86_400];
    assert_eq!(lasting.len(), expected.len(), "{lasting:?}");
    for (after, expected) in lasting.iter().zip(expected) {
        assert!((expected..expected + 12).contains(after), "{lasting:?}");
    }
    let last = reminders.last().expect("one");
    let consecutive = last["consecutive"].as_u64().expect("a number");
    assert!(consecutive > 8_000, "{last}");
    assert_eq!(last["reason"], format!("refused {}", consecutive - 1));
    assert_eq!(last["incident"], told[0]["incident"]);
    assert_eq!(last["level"], "ERROR");
    drop(health);
}

/// axum provides the address of the client only on request.
#[tokio::test(start_paused = true)]
async fn a_missing_client_address_is_logged_once() {
    let (log, _guard) = Log::capture_json();
    let guard = Guard::new().addresses(["10.0.0.0/8"]);
    let health = Health::builder()
        .http(HttpOptions::new().guard(guard))
        .start()
        .expect("it starts");
    for _ in 0..3 {
        let head = RequestHead::new("GET", "/health");
        health.internal_endpoint().respond_cached(head);
    }
    testing::flush(&health);
    let lines = log.lines("into_make_service_with_connect_info");
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].contains("WARN"), "{lines:?}");
}

#[tokio::test(start_paused = true)]
async fn secrets_are_masked_in_messages_and_causes() {
    let (log, _guard) = Log::capture_json();
    let health = Health::builder()
        .check("database", CheckOptions::new(), || async {
            let error = io::Error::other("postgres://app:hunter2@db/orders: refused");
            Outcome::fail("token=hunter2 was refused").because(error)
        })
        .start()
        .expect("it starts");
    sleep(HOUR).await;
    testing::flush(&health);
    let text = log.text();
    assert!(text.contains("postgres://***@db/orders: refused"), "{text}");
    assert!(text.contains("token=*** was refused"), "{text}");
    assert!(text.contains("still not passing"), "{text}");
    assert!(!text.contains("hunter2"), "{text}");
    drop(health);
}

#[tokio::test(start_paused = true)]
async fn a_probe_status_change_is_logged_with_the_checks_that_caused_it() {
    let (log, _guard) = Log::capture_json();
    let health = Health::builder()
        .check("cache", CheckOptions::new(), || async {})
        .check("database", CheckOptions::new().critical(), || async {})
        .check("queue", CheckOptions::new().critical(), || async {})
        .check(
            "migrations",
            CheckOptions::new().startup().critical(),
            || async {},
        )
        .start()
        .expect("it starts");
    sleep(SECOND).await;
    let seen = |log: &Log| -> Vec<(String, String, String, String)> {
        testing::flush(&health);
        let answers = answers(log);
        log.clear();
        let text = |event: &Value, field: &str| {
            // A field without a value is left out.
            event[field].as_str().unwrap_or_default().to_owned()
        };
        let fields = ["level", "probe", "to", "checks"];
        answers
            .iter()
            .map(|event| fields.map(|field| text(event, field)).into())
            .collect()
    };
    let event = |level: &str, probe: &str, to: &str, checks: &str| {
        [level, probe, to, checks].map(str::to_owned).into()
    };
    assert_eq!(
        seen(&log),
        [
            event("INFO", "startup", "healthy", ""),
            event("INFO", "readiness", "healthy", ""),
        ],
        "the beginning"
    );
    Fake::of(&health, "cache").fail("gone");
    assert_eq!(
        seen(&log),
        [event("WARN", "readiness", "degraded", "cache")]
    );
    Fake::of(&health, "queue").fail("gone");
    assert_eq!(
        seen(&log),
        [event("ERROR", "readiness", "unhealthy", "queue")]
    );
    Fake::of(&health, "database").fail("gone");
    assert_eq!(seen(&log), [], "it was so before");
    for name in ["database", "queue"] {
        Fake::of(&health, name).pass();
    }
    assert_eq!(
        seen(&log),
        [event("WARN", "readiness", "degraded", "cache")]
    );

    let drained = health.drain();
    testing::flush(&health);
    let drains = answers(&log);
    assert_eq!(drains.len(), 1, "{drains:?}");
    assert_eq!(drains[0]["draining"], true);
    assert_eq!(
        seen(&log),
        [event("INFO", "readiness", "unhealthy", "")],
        "a drain is no alarm"
    );
    Fake::of(&health, "database").fail("gone");
    assert_eq!(seen(&log), [], "and nothing flips during it");
    drained.await;
}

/// Clients can cause these events, so each is logged once.
#[tokio::test(start_paused = true)]
async fn a_guard_that_cannot_recognize_a_client_is_logged_once() {
    let (log, _guard) = Log::capture_json();
    let guard = Guard::new()
        .addresses(["10.0.0.0/8"])
        .when(|_| panic!("no token=hunter2 here"));
    let health = Health::builder()
        .http(HttpOptions::new().guard(guard))
        .start()
        .expect("it starts");
    testing::flush(&health);
    log.clear();
    let none: [(&str, &str); 0] = [];
    let via = [("via", "1.1 ingress")];
    let requests: [(&str, &dyn Headers); 4] = [
        ("", &none),
        ("10.244.0.7", &via),
        ("203.0.113.9", &via),
        ("203.0.113.9", &none),
    ];
    for (peer, headers) in requests.repeat(3) {
        for path in ["/health", "/readyz"] {
            let head = RequestHead::new("GET", path)
                .with_peer(peer.parse().ok())
                .with_headers(headers);
            assert_eq!(
                health.internal_endpoint().respond_cached(head).status(),
                200
            );
        }
    }
    testing::flush(&health);
    let text = log.text();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 3, "{text}");
    assert!(lines[0].contains("address of the connection"), "{text}");
    assert!(lines[1].contains("a rule of the guard panicked"), "{text}");
    assert!(
        lines[1].contains("no token=") && !text.contains("hunter2"),
        "{text}"
    );
    assert!(lines[2].contains(r#""peer":"10.244.0.7""#), "{text}");
}
