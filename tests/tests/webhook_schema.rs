//! Each body of a webhook is what its schema says.

use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::routing::post;
use health_core::{CheckOptions, Health, Outcome, Webhook, testing};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::mpsc;

fn schema() -> Value {
    let schema = include_str!("../../health-core/schemas/webhook.schema.json");
    serde_json::from_str(schema).expect("JSON")
}

#[tokio::test]
async fn every_kind_of_turn_matches_and_has_no_key_that_is_not_documented() {
    let (tell, mut told) = mpsc::unbounded_channel();
    let receive = move |body: Bytes| async move {
        let _ = tell.send(serde_json::from_slice::<Value>(&body).expect("JSON"));
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a socket");
    let url = format!("http://{}/", listener.local_addr().expect("an address"));
    let receiver = axum::serve(listener, Router::new().route("/", post(receive)));
    tokio::spawn(receiver.into_future());

    let idle = CheckOptions::new().initial_delay(Duration::from_hours(1));
    let described = idle.clone().critical().liveness().readiness();
    let health = Health::builder()
        .check("database", described, || async {})
        .check(
            "schema",
            CheckOptions::new().after(&["database"]),
            || async {},
        )
        .webhook(
            Webhook::new(url)
                .with_causes()
                .label("service", "orders")
                .when(|_| true),
        )
        .start()
        .expect("it starts");
    let error = std::io::Error::other("refused");
    let mut bodies = Vec::new();
    for outcome in [
        Outcome::warn("slow"),
        Outcome::fail("down").because(error),
        Outcome::pass(),
    ] {
        testing::force(&health, "database", outcome);
        // `schema` follows: it runs, is skipped, and runs again.
        for _ in ["database", "schema"] {
            bodies.push(told.recv().await.expect("a turn"));
        }
    }
    health.stop().await;

    let schema = schema();
    let validator = jsonschema::validator_for(&schema).expect("a schema");
    let documented = schema["properties"].as_object().expect("properties");
    let mut kinds = Vec::new();
    for body in &bodies {
        let errors: Vec<String> = validator.iter_errors(body).map(|e| e.to_string()).collect();
        assert!(errors.is_empty(), "{errors:?}: {body}");
        for key in body.as_object().expect("an object").keys() {
            assert!(documented.contains_key(key), "{key} is not documented");
        }
        kinds.push(body["to"].as_str().expect("a verdict"));
    }
    for kind in ["ok", "degraded", "error", "skipped"] {
        assert!(kinds.contains(&kind), "{kind} in {kinds:?}");
    }
    let broken = serde_json::json!({"event": "health.check.turned", "to": "gone"});
    assert!(!validator.is_valid(&broken), "the schema says something");
}

#[test]
fn the_example_in_the_guide_matches() {
    let guide = include_str!("../../docs/hooks.md");
    let (_, rest) = guide.split_once("```json\n").expect("an example");
    let (example, _) = rest.split_once("```").expect("its end");
    let example: Value = serde_json::from_str(example).expect("JSON");
    let validator = jsonschema::validator_for(&schema()).expect("a schema");
    assert!(validator.is_valid(&example));
}
