//! Each body of a webhook matches its schema, and each key of the schema occurs.

use std::collections::BTreeSet;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::routing::post;
use health_core::check::FailureClass;
use health_core::notify::Webhook;
use health_core::testing::Fake;
use health_core::{CheckOptions, Health, Outcome};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::mpsc::{self, UnboundedReceiver};

fn schema() -> Value {
    let schema = include_str!("../../../health-core/schemas/webhook.schema.json");
    serde_json::from_str(schema).expect("the text is valid JSON")
}

/// Uses the schema without the keys that a later version may add.
fn errors(body: &Value) -> Vec<String> {
    let mut schema = schema();
    schema["unevaluatedProperties"] = json!(false);
    schema["oneOf"][1]["properties"]["turns"]["items"]["unevaluatedProperties"] = json!(false);
    let validator = jsonschema::validator_for(&schema).expect("a schema");
    validator.iter_errors(body).map(|e| e.to_string()).collect()
}

fn keys(object: &Value) -> BTreeSet<String> {
    object
        .as_object()
        .expect("an object")
        .keys()
        .cloned()
        .collect()
}

/// A receiver that accepts everything.
async fn receiver() -> (String, UnboundedReceiver<Value>) {
    let (tell, told) = mpsc::unbounded_channel();
    let receive = move |body: Bytes| async move {
        let _ = tell.send(serde_json::from_slice::<Value>(&body).expect("the text is valid JSON"));
    };
    let listener = TcpListener::bind("127.0.0.1:0")
        .await
        .expect("the loopback interface has a free port");
    let url = format!(
        "http://{}/",
        listener
            .local_addr()
            .expect("a bound socket has an address")
    );
    let receiver = axum::serve(listener, Router::new().route("/", post(receive)));
    tokio::spawn(receiver.into_future());
    (url, told)
}

/// The bodies of a service in which every verdict and every key occurs.
async fn bodies(max_batch: usize) -> Vec<Value> {
    let (url, mut told) = receiver().await;
    let idle = CheckOptions::new().initial_delay(Duration::from_hours(1));
    let described = idle
        .clone()
        .critical()
        .liveness()
        .readiness()
        .tags(["storage"])
        .description("The orders database answers a query.");
    let health = Health::builder()
        .check("database", described, || async {})
        .check(
            "schema",
            CheckOptions::new().after(["database"]),
            || async {},
        )
        .check("cache", idle, || async {})
        .notify(
            Webhook::new(url)
                .with_causes()
                .label("service", "orders")
                .min_interval(Duration::ZERO)
                .max_batch(max_batch),
        )
        .start()
        .expect("it starts");
    // Both are passing first results, which are batched.
    Fake::of(&health, "database").pass();
    Fake::of(&health, "cache").pass();
    let mut bodies = Vec::new();
    let mut known = 0;
    while known < 3 {
        let body = told.recv().await.expect("a body");
        known += turns(&body).len();
        bodies.push(body);
    }
    let error = std::io::Error::other("refused");
    for (outcome, followers) in [
        (Outcome::warn("slow"), 0),
        (
            Outcome::fail("down")
                .class(FailureClass::Unreachable)
                .because(error),
            1,
        ),
        (Outcome::pass(), 1),
    ] {
        Fake::of(&health, "database").set(outcome);
        // `schema` is skipped, and runs again.
        let mut waited_for = 1 + followers;
        while waited_for > 0 {
            let body = told.recv().await.expect("a body");
            waited_for -= turns(&body).len();
            bodies.push(body);
        }
    }
    health.stop().await;
    while let Ok(body) = told.try_recv() {
        bodies.push(body);
    }
    bodies
}

/// The states in a body.
fn turns(body: &Value) -> Vec<&Value> {
    match body["event"].as_str().expect("an event") {
        "health.check.turned" => vec![body],
        "health.checks.turned" => body["turns"].as_array().expect("turns").iter().collect(),
        _ => Vec::new(),
    }
}

#[tokio::test]
async fn every_body_matches_the_schema_and_uses_every_key() {
    let mut bodies_of_all = bodies(1).await;
    bodies_of_all.extend(bodies(100).await);
    let (mut events, mut verdicts) = (BTreeSet::new(), BTreeSet::new());
    let (mut of_bodies, mut of_states) = (BTreeSet::new(), BTreeSet::new());
    let envelope = keys(&schema()["properties"]);
    for body in &bodies_of_all {
        assert_eq!(errors(body), Vec::<String>::new(), "{body}");
        events.insert(body["event"].as_str().expect("an event"));
        of_bodies.extend(keys(body).intersection(&envelope).cloned());
        for state in turns(body) {
            verdicts.insert(state["to"].as_str().expect("a verdict"));
            of_states.extend(keys(state));
        }
    }
    let kinds = [
        "health.check.turned",
        "health.checks.turned",
        "health.stopped",
    ];
    assert_eq!(events, BTreeSet::from(kinds));
    for verdict in ["ok", "degraded", "error", "skipped"] {
        assert!(verdicts.contains(verdict), "{verdict} in {verdicts:?}");
    }
    assert_eq!(of_bodies, envelope);
    let documented = keys(&schema()["$defs"]["state"]["properties"]);
    let missing: Vec<_> = documented.difference(&of_states).collect();
    assert!(missing.is_empty(), "{missing:?} occur in no body");
}

#[test]
fn the_schema_refuses_invalid_bodies() {
    let state = json!({
        "check": "database", "probes": ["readiness"], "critical": true, "from": "ok",
        "to": "error", "held_s": 1.5, "consecutive": 1, "missed": 0,
    });
    let body = |event: &str, content: &Value| {
        let mut body = json!({
            "schema_version": 1, "event": event, "id": "0".repeat(32),
            "at": "2026-11-21T10:15:27.120Z",
        });
        let content = content.as_object().expect("an object").clone();
        body.as_object_mut().expect("an object").extend(content);
        body
    };
    let with = |key: &str, value: Value| {
        let mut state = state.clone();
        state[key] = value;
        state
    };
    let timed = with("at", json!("2026-11-21T10:15:27.120Z"));
    let pair = |one: &Value, two: &Value| json!({ "turns": [one, two] });
    for valid in [
        body("health.check.turned", &state),
        body("health.checks.turned", &pair(&timed, &timed)),
        body("health.stopped", &json!({})),
    ] {
        assert_eq!(errors(&valid), Vec::<String>::new(), "{valid}");
    }
    for broken in [
        body("health.check.turned", &json!({})),
        body("health.check.turned", &with("to", json!("gone"))),
        body("health.check.turned", &with("undocumented", json!(1))),
        body("health.checks.turned", &pair(&timed, &state)),
        body(
            "health.checks.turned",
            &pair(&timed, &json!({"at": timed["at"]})),
        ),
        body("health.checks.turned", &json!({ "turns": [timed] })),
        body("health.stopped", &state),
        body("health.started", &json!({})),
    ] {
        assert_ne!(errors(&broken), Vec::<String>::new(), "{broken}");
    }
}

#[test]
fn the_examples_in_the_guide_match_the_schema() {
    let guide = include_str!("../../../docs/notifications.md");
    let blocks: Vec<&str> = guide.split("```json\n").skip(1).collect();
    assert!(!blocks.is_empty());
    for block in blocks {
        let (example, _) = block.split_once("```").expect("its end");
        let example: Value = serde_json::from_str(example).expect("the text is valid JSON");
        assert_eq!(errors(&example), Vec::<String>::new(), "{example}");
    }
}
