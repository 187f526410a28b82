//! No secret, neither of a check nor of a receiver, is in a body, in the log, in a
//! span or in an event.
#![cfg(all(feature = "tracing", feature = "webhook"))]

#[path = "telemetry/corpus/mod.rs"]
mod corpus;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use corpus::{is_telling, marked, secrets, unmarked, with_check};
use health_core::config::RuntimeOptions;
use health_core::event::Event;
use health_core::notify::{PushMonitor, Webhook};
use health_core::{Health, testing};
use test_support::receiver::{Answer, next, receiver};
use test_support::{BOUND, eventually, free_address};
use tracing_subscriber::fmt::format::FmtSpan;

/// The log of the process, by `tracing` and by `log`.
static LOG: Mutex<Vec<u8>> = Mutex::new(Vec::new());

struct Writer;

impl io::Write for Writer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut log = LOG.lock().unwrap_or_else(PoisonError::into_inner);
        log.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Captures the log of the HTTP client.
impl log::Log for Writer {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        let line = format!("{} {}\n", record.target(), record.args());
        io::Write::write_all(&mut Writer, line.as_bytes()).expect("it takes everything");
    }

    fn flush(&self) {}
}

fn logged() -> String {
    let log = LOG.lock().unwrap_or_else(PoisonError::into_inner);
    String::from_utf8_lossy(&log).into_owned()
}

/// At the level trace, the client logs the bytes of the request.
fn log_everything() {
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_span_events(FmtSpan::FULL)
        .with_writer(|| Writer);
    // Not `init`, which would install a logger for `log` as well.
    tracing::subscriber::set_global_default(subscriber.finish()).expect("it is the only one");
    log::set_logger(&Writer).expect("it is the only one");
    log::set_max_level(log::LevelFilter::Debug);
}

const TOKENS: [&str; 3] = ["s3cr3tpath", "s3cr3tquery", "s3cr3theader"];

/// A URL with secrets, as chat services have them.
fn with_secrets(url: &str) -> String {
    format!("{url}/{}?token={}", TOKENS[0], TOKENS[1])
}

fn webhook(url: &str) -> Webhook {
    Webhook::new(with_secrets(url))
        .bearer(TOKENS[2])
        .sign_with(TOKENS[2])
        .backoff(Duration::from_millis(5))
        .max_backoff(Duration::from_millis(20))
        .max_batch(1_000)
        .with_causes()
}

#[tokio::test]
async fn no_marked_secret_is_in_a_webhook_its_log_a_span_or_an_event() {
    log_everything();
    let texts: Vec<String> = secrets().collect();
    let (url, told) = receiver(&[Answer::Code(200)]);
    let (refusing, _refused) = receiver(&[Answer::Code(401)]);
    let (garbled, _garbage) = receiver(&[Answer::Garbage]);
    let away = format!("http://{}/away", free_address());
    let builder = Health::builder()
        .runtime(RuntimeOptions::new().trace_runs(true))
        .notify(webhook(&url))
        .notify(webhook(&refusing))
        .notify(webhook(&garbled))
        .notify(webhook(&away))
        .notify(PushMonitor::new(with_secrets(&away)).failure_url(with_secrets(&away)));
    let builder = texts
        .iter()
        .enumerate()
        .fold(builder, |builder, (number, text)| {
            with_check(builder, number, &unmarked(text))
        });
    let health = builder.start().expect("it starts");
    let mut events = health.subscribe();
    let mut seen = String::new();
    let mut turned = 0;
    while turned < texts.len() {
        let event = tokio::time::timeout(BOUND, events.next()).await;
        let event = event.expect("in time").expect("an event");
        match &event {
            Event::Transition(turn) => {
                turned += 1;
                write!(seen, "{:?}", turn.report.cause()).expect("a text");
            }
            Event::Lagged(missed) => turned += usize::try_from(*missed).expect("a few"),
            _ => {}
        }
        write!(seen, "{event:?}").expect("a text");
    }
    let mut bodies = String::new();
    let mut checks = BTreeSet::new();
    while checks.len() < texts.len() {
        let request = next(&told);
        let turns = match request.body["turns"].as_array() {
            Some(turns) => turns.clone(),
            None => vec![request.body.clone()],
        };
        let names = turns.iter().filter_map(|turn| turn["check"].as_str());
        checks.extend(names.map(str::to_owned));
        for turn in &turns {
            // The JSON, and the texts in it.
            for key in ["message", "cause"] {
                bodies += turn[key].as_str().unwrap_or_default();
                bodies.push('\n');
            }
        }
        bodies += &String::from_utf8_lossy(&request.raw);
    }
    testing::flush(&health);
    // Each kind of failure of a receiver has been logged.
    let expected = [
        "the receiver rejected a request",
        "the receiver is not reachable",
    ];
    eventually("both failures are in the log", async || {
        expected.iter().all(|line| logged().contains(line))
    })
    .await;
    health.stop().await;
    let log = logged();
    assert!(log.contains("ureq"), "the client's own log is seen too");
    assert!(bodies.contains("***") && log.contains("***"));
    for (place, shown) in [("bodies", &bodies), ("log", &log), ("events", &seen)] {
        for text in &texts {
            for secret in marked(text).into_iter().filter(|secret| is_telling(secret)) {
                assert!(!shown.contains(secret), "{secret} is in the {place}");
            }
        }
        for token in TOKENS {
            assert!(!shown.contains(token), "{token} is in the {place}");
        }
    }
}
