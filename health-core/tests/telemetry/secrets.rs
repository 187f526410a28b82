//! Masking of secrets: a corpus of texts with secrets, and one of harmless texts.
#![cfg(feature = "tracing")]

use std::time::Duration;

use crate::corpus::{harmless, is_telling, marked, secrets, unmarked, with_check};
use health_core::config::HttpOptions;
use health_core::http::{Guard, RequestHead};
use health_core::{Health, Outcome, testing};
use test_support::Log;
use tokio::time::sleep;
use tracing_subscriber::fmt::format::FmtSpan;
use tracing_subscriber::util::SubscriberInitExt;

const MASK: &str = "***";

/// The masked text of a cause.
fn kept(text: &str) -> String {
    let outcome = Outcome::fail("it failed").because(text);
    outcome.cause().join(": ")
}

/// The parts of a text around its secrets, in order.
fn surroundings(text: &str) -> Vec<&str> {
    text.split('«')
        .filter_map(|part| part.split('»').next_back())
        .collect()
}

/// Whether a secret, or five letters of it, are in a text and not also in the text
/// around it.
fn is_shown(secret: &str, shown: &str, around: &str) -> bool {
    const PART: usize = 5;
    // A secret of one or two letters occurs in other words.
    let secret = secret.trim();
    let letters: Vec<char> = secret.chars().collect();
    let mut parts = letters.windows(PART).map(String::from_iter);
    secret.len() > 2 && shown.contains(secret)
        || parts.any(|part: String| shown.contains(&part) && !around.contains(&part))
}

#[test]
fn no_marked_secret_survives() {
    let mut failures = Vec::new();
    let mut count = 0;
    for text in secrets() {
        count += 1;
        let shown = kept(&unmarked(&text));
        let around = surroundings(&text).concat();
        let survivor = marked(&text)
            .into_iter()
            .find(|secret| is_shown(secret, &shown, &around));
        if survivor.is_some() || !shown.contains(MASK) {
            failures.push(format!("{text}\n    -> {shown}"));
        }
    }
    assert!(
        failures.is_empty(),
        "{}\n{}",
        failures.len(),
        failures.join("\n")
    );
    assert!(count >= 250, "{count}");
}

/// The text around a secret tells what failed.
#[test]
fn the_text_around_a_secret_is_kept() {
    let mut failures = Vec::new();
    for text in secrets() {
        let shown = kept(&unmarked(&text));
        let mut rest = &*shown;
        let lost = surroundings(&text).into_iter().find(|part| {
            // The user name before a password is masked with it.
            let words = part.rsplit("://").next().expect("there is one part");
            let part = if words.len() < part.len() {
                &part[..part.len() - words.len()]
            } else {
                part
            };
            match rest.find(part.trim()) {
                Some(at) => {
                    rest = &rest[at + part.trim().len()..];
                    false
                }
                None => true,
            }
        });
        if let Some(lost) = lost {
            failures.push(format!("{text}\n    -> {shown}\n    lost: {lost}"));
        }
    }
    assert!(
        failures.is_empty(),
        "{}\n{}",
        failures.len(),
        failures.join("\n")
    );
}

#[test]
fn harmless_texts_are_not_masked() {
    let mut failures = Vec::new();
    let mut count = 0;
    for text in harmless() {
        count += 1;
        let shown = kept(&text);
        if shown != text {
            failures.push(format!("{text}\n    -> {shown}"));
        }
    }
    assert!(
        failures.is_empty(),
        "{}\n{}",
        failures.len(),
        failures.join("\n")
    );
    assert!(count >= 100, "{count}");
}

#[test]
fn masking_is_idempotent() {
    for text in secrets() {
        let once = kept(&unmarked(&text));
        assert_eq!(kept(&once), once);
    }
}

fn json(text: &str) -> String {
    serde_json::to_string(text).expect("a string can be written as JSON")
}

/// Embeds a text in another.
type Printer = dyn Fn(&str) -> String;

#[test]
fn no_marked_secret_survives_in_derived_texts() {
    let inside: [(&str, &Printer); 12] = [
        ("sentence", &|text| {
            format!("cannot connect: {text}, retrying in 5s")
        }),
        ("lines", &|text| {
            format!("caused by:\n    {text}\n    at src/main.rs:12:5")
        }),
        ("quotes", &|text| format!("bad value \"{text}\"")),
        ("apostrophes", &|text| {
            format!("bad value '{text}': refused")
        }),
        ("backticks", &|text| format!("bad value `{text}`.")),
        ("brackets", &|text| format!("attempts [{text}] failed")),
        ("parentheses", &|text| format!("refused ({text})")),
        ("debug", &|text| {
            format!("Error {{ kind: Io, message: {text:?} }}")
        }),
        ("debug twice", &|text| {
            format!("{:?}", format!("Err({text:?})"))
        }),
        ("json", &|text| {
            format!("{{\"error\":{},\"code\":7}}", json(text))
        }),
        ("json twice", &|text| {
            json(&format!("{{\"error\":{}}}", json(text)))
        }),
        ("letters", &|text| format!("größe {text} übrig")),
    ];
    let mut failures = Vec::new();
    for text in secrets() {
        // Escaping changes the text.
        let is_plain = !unmarked(&text).contains(['"', '\\', '\'', '\n', '`']);
        if !is_plain {
            continue;
        }
        for (name, surrounded) in &inside {
            let shown = kept(&surrounded(&unmarked(&text)));
            let survivor = marked(&text)
                .into_iter()
                .find(|secret| secret.len() > 2 && shown.contains(*secret));
            if survivor.is_some() {
                failures.push(format!("{name}: {text}\n    -> {shown}"));
            }
        }
    }
    assert!(
        failures.is_empty(),
        "{}\n{}",
        failures.len(),
        failures.join("\n")
    );
}

fn answers(health: &Health, number: usize) -> impl Iterator<Item = String> {
    let accepted = [
        "application/json",
        "application/health+json",
        "text/plain",
        "text/html",
    ];
    let paths = [
        format!("/health/check-{number}"),
        format!("/status/check-{number}"),
    ];
    accepted.into_iter().flat_map(move |accept| {
        paths.clone().map(|path| {
            let request = http::Request::get(format!("{path}?verbose"))
                .header("accept", accept)
                .header("authorization", "Bearer the reader of everything")
                .body(())
                .expect("the request is valid");
            let answer = health.internal_endpoint().respond_cached(&request);
            String::from_utf8(answer.into_body().to_vec()).expect("the bytes are UTF-8")
        })
    })
}

/// A third of the texts are panics, a third errors, a third public texts.
#[tokio::test(start_paused = true)]
async fn no_outlet_shows_a_marked_secret() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_span_events(FmtSpan::FULL)
        .with_writer(log.clone());
    let _guard = subscriber.finish().set_default();
    let texts: Vec<String> = secrets().collect();
    let builder = Health::builder().http(
        HttpOptions::new()
            .path("/status", health_core::http::Page::StatusPage)
            .path("/metrics", health_core::http::Page::Metrics)
            .guard(Guard::new().bearer("the reader of everything")),
    );
    let builder = texts
        .iter()
        .enumerate()
        .fold(builder, |builder, (number, text)| {
            with_check(builder, number, &unmarked(text))
        });
    let health = builder.start().expect("it starts");
    sleep(Duration::from_secs(60)).await;
    testing::flush(&health);

    let metrics = health
        .internal_endpoint()
        .respond_cached(RequestHead::new("GET", "/metrics"));
    let metrics = String::from_utf8_lossy(metrics.body()).into_owned();
    let log = log.text();
    assert!(log.contains("health check"), "{log}");
    for (number, text) in texts.iter().enumerate() {
        let report = health
            .check(&format!("check-{number}"))
            .expect("the check is registered");
        let seen = format!("{report:?}{:?}{:?}", report.message(), report.cause());
        let seen: Vec<String> = answers(&health, number).chain([seen]).collect();
        let shown = seen.iter().filter(|seen| seen.contains(MASK)).count();
        assert!(shown > 3, "the text is shown without its secret: {seen:?}");
        for secret in marked(text).into_iter().filter(|secret| is_telling(secret)) {
            for seen in &seen {
                assert!(!seen.contains(secret), "{secret} is in {seen}");
            }
            assert!(!log.contains(secret), "{secret} is in the log");
            assert!(!metrics.contains(secret), "{secret} is in the metrics");
        }
    }
}
