//! What is logged about receivers. One test, because the events of two tests in one
//! process could not be told apart.

use std::net::TcpListener;
use std::time::Duration;

use health_core::notify::{PushMonitor, Webhook};
use health_core::testing::Fake;
use health_core::{CheckOptions, Health, Outcome};
use test_support::receiver::{Answer, next, receiver, serve, url};
use test_support::{BOUND, free_address};

use crate::{process_log, without_declared};

const SHORT: Duration = Duration::from_millis(5);

fn webhook(url: &str) -> Webhook {
    Webhook::new(format!("{url}?token=hunter2"))
        .bearer("hunter2")
        .sign_with("hunter2")
        .min_interval(Duration::ZERO)
        .backoff(SHORT)
        .max_backoff(4 * SHORT)
}

fn start(webhook: Webhook) -> Health {
    let idle = CheckOptions::new().initial_delay(BOUND * 60);
    without_declared()
        .check("database", idle, || async {})
        .notify(webhook)
        .start()
        .expect("it starts")
}

fn turn(health: &Health, outcome: Outcome) {
    Fake::of(health, "database").set(outcome);
}

#[tokio::test]
async fn a_receiver_outage_is_logged_twice_and_without_secrets() {
    let log = process_log();

    // Unreachable, and back.
    let address = free_address();
    let health = start(webhook(&url(address)));
    turn(&health, Outcome::fail("down"));
    log.until("the receiver is not reachable");
    let listener = TcpListener::bind(address).expect("the same socket");
    let told = serve(listener, &[Answer::Code(503), Answer::Code(200)]);
    next(&told);
    next(&told);
    log.until("the receiver is reachable again");
    health.stop().await;
    assert_eq!(log.lines("the receiver is not reachable").len(), 1);
    assert_eq!(log.lines("the receiver is reachable again").len(), 1);
    assert_eq!(log.lines("health stopped before").len(), 0);

    // A single failure is not an outage.
    let (address, told) = receiver(&[Answer::Code(503), Answer::Code(200)]);
    let health = start(webhook(&address));
    turn(&health, Outcome::fail("down"));
    next(&told);
    next(&told);
    health.stop().await;
    assert_eq!(log.lines("reachable").len(), 2, "those of before");

    // The same refusal, repeated.
    let (address, told) = receiver(&[Answer::Code(401)]);
    let health = start(webhook(&address));
    for outcome in [
        Outcome::fail("down"),
        Outcome::pass(),
        Outcome::fail("down"),
    ] {
        turn(&health, outcome);
        next(&told);
    }
    health.stop().await;
    let refused = log.lines("the receiver rejected a request");
    assert_eq!(refused.len(), 1, "{refused:?}");
    assert!(refused[0].contains("it answered 401"), "{refused:?}");

    // Unreachable until the end.
    let health = start(webhook(&url(free_address())));
    turn(&health, Outcome::fail("down"));
    health.stop().await;
    let undelivered = log.lines("health stopped before");
    assert_eq!(undelivered.len(), 1, "{undelivered:?}");
    assert!(undelivered[0].contains(r#""checks":1"#), "{undelivered:?}");

    // A push monitor that is unreachable.
    let monitor = format!("http://{}/hunter2", free_address());
    let health = without_declared()
        .notify(PushMonitor::new(&monitor).failure_url(&monitor))
        .start()
        .expect("it starts");
    log.until("push monitor 127.0.0.1");
    drop(health);

    // The HTTP client logs by itself, at the levels debug and trace.
    let mut secret = log.lines("hunter2");
    secret.retain(|line| !line.contains("ureq"));
    assert!(secret.is_empty(), "{secret:?}");
}
