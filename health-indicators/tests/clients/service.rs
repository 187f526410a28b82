//! The check of another service that uses this framework, over its own port.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use health_core::check::{FailureClass, Indicator};
use health_core::http::HealthServer;
use health_core::report::Verdict;
use health_core::{CheckOptions, Health, HealthBuilder, Outcome, Probe, Status};
use health_indicators::http::{Service, service};
use reqwest::Client;

use crate::socket::answering;

/// A database that can be stopped.
#[derive(Clone, Default)]
struct Database(Arc<AtomicBool>);

impl Database {
    fn set_down(&self, is_down: bool) {
        self.0.store(is_down, Ordering::SeqCst);
    }
}

/// The tests request the runs: the interval is an hour.
fn options() -> CheckOptions {
    CheckOptions::new()
        .interval(Duration::from_secs(3600))
        .timeout(Duration::from_secs(60))
        .critical()
}

fn with_database(builder: HealthBuilder, database: &Database) -> HealthBuilder {
    let down = Arc::clone(&database.0);
    builder.check("database", options(), move || {
        let is_up = !down.load(Ordering::SeqCst);
        async move { is_up }
    })
}

fn with_service(builder: HealthBuilder, name: &str, check: Service) -> HealthBuilder {
    let (check, client) = (Arc::new(check), Client::new());
    builder.check(name, options(), move || {
        let (check, client) = (Arc::clone(&check), client.clone());
        async move { check.check(&client).await }
    })
}

fn serve(health: &Health) -> (HealthServer, String) {
    let server = health.serve("127.0.0.1:0").expect("a port");
    let url = format!("http://{}/health", server.address());
    (server, url)
}

/// The verdict of a check, and its message.
type Seen = (Verdict, Option<String>);

fn passing() -> Seen {
    (Verdict::Pass, None)
}

fn because(verdict: Verdict, names: &str) -> Seen {
    (verdict, Some(format!("unhealthy because of {names}")))
}

/// Returns the next result of a check.
async fn run(health: &Health, name: &str) -> Seen {
    let report = health.refresh(name).await.expect("the check");
    (report.verdict(), report.message().map(str::to_owned))
}

/// Runs the checks in this order until the last of them has this message. A run that
/// started before a change does not see it.
async fn eventually(order: &[(&Health, &str)], wanted: Seen) {
    let until = std::time::Instant::now() + Duration::from_secs(60);
    loop {
        let mut seen = passing();
        for (health, name) in order {
            seen = run(health, name).await;
        }
        if seen == wanted {
            return;
        }
        assert!(std::time::Instant::now() < until, "{seen:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_deepest_cause_is_named() {
    let database = Database::default();
    let ledger = with_database(Health::builder(), &database).start();
    let ledger = ledger.expect("it starts");
    let (_ledger_server, url) = serve(&ledger);
    let payments = with_service(
        Health::builder(),
        "ledger",
        service("payments", url).fails(),
    );
    let payments = payments.start().expect("it starts");
    let (_payments_server, url) = serve(&payments);
    let orders = with_service(Health::builder(), "payments", service("orders", url));
    let orders = orders.start().expect("it starts");

    let first = [(&ledger, "database"), (&payments, "ledger")];
    let all = [first[0], first[1], (&orders, "payments")];
    eventually(&all, passing()).await;
    database.set_down(true);
    eventually(&first, because(Verdict::Fail, "database")).await;
    eventually(&all, because(Verdict::Warn, "ledger > database")).await;
    // The service is degraded and keeps serving, although the check is critical.
    assert_ne!(orders.status(Probe::Readiness), Status::Fail);
    database.set_down(false);
    eventually(&all, passing()).await;
}

/// Each service fails while the other does, so each could keep the other failing.
#[tokio::test(flavor = "multi_thread")]
async fn services_that_check_each_other_recover() {
    let database = Database::default();
    // The address of the second service must be known before it starts.
    let reserved = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = reserved.local_addr().expect("an address");
    drop(reserved);
    let to_payments = service("orders", format!("http://{address}/health")).fails();
    let orders = with_service(
        with_database(Health::builder(), &database),
        "payments",
        to_payments,
    );
    let orders = orders.start().expect("it starts");
    let (_orders_server, url) = serve(&orders);
    let payments = with_service(
        Health::builder(),
        "orders",
        service("payments", url).fails(),
    );
    let payments = payments.start().expect("it starts");
    let _payments_server = payments.serve(address).expect("its port");

    let of_orders = [(&orders, "database"), (&payments, "orders")];
    let of_payments = [of_orders[0], of_orders[1], (&orders, "payments")];
    eventually(&of_payments, passing()).await;
    eventually(&of_orders, passing()).await;
    database.set_down(true);
    eventually(&of_orders, because(Verdict::Fail, "database")).await;
    eventually(&of_payments, because(Verdict::Fail, "orders > database")).await;
    database.set_down(false);
    eventually(&of_orders, passing()).await;
    eventually(&of_payments, passing()).await;
}

async fn of_body(body: &str) -> Outcome {
    let length = body.len();
    let answer = format!("HTTP/1.1 503 x\r\ncontent-length: {length}\r\n\r\n{body}");
    let url = format!("http://127.0.0.1:{}/health", answering(answer).await.port);
    Indicator::check(&service("orders", url), &Client::new()).await
}

fn unhealthy(check: &str) -> String {
    format!(r#"{{"status":"unhealthy","checks":{{"ledger":{check}}}}}"#)
}

#[tokio::test]
async fn each_answer_has_its_class() {
    let via = |via: &[&str]| {
        let via = serde_json::json!(via);
        unhealthy(&format!(
            r#"{{"status":"error","critical":true,"detail":{{"cause":["database"],"via":{via}}}}}"#
        ))
    };
    let far: Vec<String> = (0..8).map(|hop| format!("s{hop}")).collect();
    let far: Vec<&str> = far.iter().map(String::as_str).collect();
    let strange =
        r#"{"status":"unhealthy","checks":{"<b>hunter2":{"status":"error","critical":true}}}"#;
    let refused = (Status::Warn, Some(FailureClass::Refused));
    let misconfigured = (Status::Warn, Some(FailureClass::Misconfigured));
    let passing = (Status::Pass, None);
    for (body, wanted) in [
        (r#"{"status":"healthy"}"#.to_owned(), passing),
        (r#"{"status":"degraded"}"#.to_owned(), passing),
        (r#"{"status":"unhealthy"}"#.to_owned(), refused),
        (
            unhealthy(r#"{"status":"unknown","critical":true}"#),
            refused,
        ),
        // One that is not critical does not make it unhealthy.
        (unhealthy(r#"{"status":"error","critical":false}"#), refused),
        (via(&["payments"]), refused),
        (via(&["payments", "orders"]), passing),
        (via(&far[..7]), refused),
        (via(&far), passing),
        ("<html>".to_owned(), misconfigured),
        ("{}".to_owned(), misconfigured),
        (format!("{}1", "[".repeat(200_000)), misconfigured),
        (strange.to_owned(), refused),
    ] {
        let outcome = of_body(&body).await;
        let seen = (outcome.status(), outcome.failure_class());
        assert_eq!(seen, wanted, "{}", &body[..body.len().min(200)]);
        let text = outcome.message().unwrap_or_default();
        assert!(!text.contains("hunter2"), "{text}");
    }
    let nowhere = service("orders", "http://127.0.0.1:1/health");
    let outcome = nowhere.check(&Client::new()).await;
    assert_eq!(outcome.status(), Status::Warn);
    assert_eq!(outcome.failure_class(), Some(FailureClass::Unreachable));
    assert_eq!(outcome.message(), Some("no connection"));
    let failing = nowhere.fails().check(&Client::new()).await;
    assert_eq!(failing.status(), Status::Fail);
    assert_eq!(failing.failure_class(), Some(FailureClass::Unreachable));
}
