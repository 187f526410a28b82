//! Which clients see private details, and that probes are the same for every client.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};

use health_core::config::HttpOptions;
use health_core::http::{Details, Guard, Headers, Page, RequestHead};
use health_core::{CheckOptions, Health, Outcome};

use crate::started;

const TOKEN: &str = "correct horse battery staple";
const SECRET: &str = "postgres://app:hunter2@10.0.0.7/x";
/// The private part of the cause, without the secret.
const CAUSE: &str = "postgres://***@10.0.0.7/x";
const PROBES: [&str; 7] = [
    "/livez",
    "/readyz",
    "/startupz",
    "/readyz/database",
    "/readyz?verbose",
    "/readyz?format=text",
    "/readyz/database?format=health-json",
];
const OTHERS: [&str; 6] = [
    "/health",
    "/health/database",
    "/health?format=health-json",
    "/health?format=text",
    "/health/groups/storage",
    "/status",
];

/// A service with one check that fails for a private cause.
async fn failing(http: HttpOptions) -> Health {
    let options = CheckOptions::new().critical().tags(["storage"]);
    let builder = Health::builder()
        .http(http.group("storage").path("/status", Page::StatusPage))
        .check("database", options, || async {
            Outcome::fail("no connection").because(SECRET)
        });
    started(builder).await
}

fn body(health: &Health, uri: &str, peer: &str, headers: &dyn Headers) -> String {
    let (path, query) = uri
        .split_once('?')
        .map_or((uri, None), |(path, query)| (path, Some(query)));
    let head = RequestHead::new("GET", path)
        .with_query(query)
        .with_headers(headers)
        .with_peer(peer.parse().ok());
    let answer = health.internal_endpoint().respond_cached(head);
    String::from_utf8(answer.body().to_vec()).expect("the bytes are UTF-8")
}

/// Removes the time of the answer.
fn timeless(body: &str) -> String {
    match body.split_once(r#""timestamp":""#) {
        Some((before, after)) => format!("{before}{}", &after["2026-11-26T10:15:30.123Z".len()..]),
        None => body.to_owned(),
    }
}

fn bearer(token: &str) -> [(&'static str, String); 1] {
    [("authorization", format!("Bearer {token}"))]
}

#[tokio::test(start_paused = true)]
async fn a_recognized_client_sees_private_causes_without_secrets() {
    let health = failing(HttpOptions::new().guard(Guard::new().bearer(TOKEN))).await;
    for uri in OTHERS {
        let known = body(&health, uri, "", &bearer(TOKEN));
        assert!(known.contains(CAUSE), "{uri}: {known}");
        assert!(!known.contains("hunter2"), "{uri}: {known}");
        for wrong in ["", "guess", "correct horse battery stable"] {
            let unknown = body(&health, uri, "", &bearer(wrong));
            assert!(!unknown.contains("10.0.0.7"), "{uri}: {unknown}");
        }
    }
}

/// The ingress is inside the range of the guard, and its clients are not.
#[tokio::test(start_paused = true)]
async fn a_client_behind_an_untrusted_ingress_sees_no_private_cause() {
    let guard = || Guard::new().addresses(["10.0.0.0/8", "::1"]);
    let health = failing(HttpOptions::new().guard(guard())).await;
    let trusting = guard().trusted_proxies(["10.244.0.7"]);
    let trusting = failing(HttpOptions::new().guard(trusting)).await;
    for field in [
        ("x-forwarded-for", "203.0.113.9"),
        ("forwarded", "for=203.0.113.9"),
        ("x-real-ip", "203.0.113.9"),
        ("via", "1.1 ingress"),
    ] {
        for uri in OTHERS.iter().chain(&PROBES) {
            for health in [&health, &trusting] {
                let body = body(health, uri, "10.244.0.7", &[field]);
                assert!(!body.contains("10.0.0.7"), "{uri} {field:?}: {body}");
            }
        }
    }
    let inside = [("x-forwarded-for", "10.1.2.3:51008")];
    assert!(body(&trusting, "/health", "10.244.0.7", &inside).contains(CAUSE));
    assert!(body(&health, "/health", "10.1.2.3", &[("accept", "*/*")]).contains(CAUSE));
}

#[tokio::test(start_paused = true)]
async fn the_answer_of_a_probe_is_the_same_for_every_client() {
    let asked = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&asked);
    let guard = || {
        let counted = Arc::clone(&counted);
        Guard::new().when(move |head| {
            counted.fetch_add(1, SeqCst);
            head.peer().is_some()
        })
    };
    for details in [Details::Status, Details::Checks, Details::Full] {
        let builder = HttpOptions::new().probe_details(details).guard(guard());
        let health = failing(builder).await;
        for uri in PROBES {
            let known = body(&health, uri, "10.1.2.3", &bearer(TOKEN));
            let unknown = body(&health, uri, "", &bearer(""));
            assert_eq!(timeless(&known), timeless(&unknown), "{uri}");
            assert!(!known.contains("10.0.0.7"), "{uri}: {known}");
        }
    }
    assert_eq!(asked.load(SeqCst), 0, "the guard is not asked for a probe");
}

/// The only thing that a guard permits a client at a probe.
#[tokio::test(start_paused = true)]
async fn an_exclusion_at_a_probe_needs_the_guard_and_shows_no_private_text() {
    let builder = || HttpOptions::new().guard(Guard::new().bearer(TOKEN));
    let health = failing(builder()).await;
    let uri = "/readyz?exclude=database";
    let excluded = body(&health, uri, "", &bearer(TOKEN));
    assert_eq!(excluded, r#"{"status":"healthy"}"#);
    let ignored = body(&health, uri, "", &bearer("guess"));
    assert_eq!(ignored, r#"{"status":"unhealthy"}"#);
    let detailed = failing(builder().probe_details(Details::Checks)).await;
    let excluded = body(&detailed, uri, "", &bearer(TOKEN));
    assert!(excluded.contains(r#""excluded":true"#), "{excluded}");
    assert!(!excluded.contains("10.0.0.7"), "{excluded}");
}

#[tokio::test(start_paused = true)]
async fn metrics_and_the_openapi_document_show_no_text_of_a_check() {
    let builder = HttpOptions::new()
        .path("/metrics", Page::Metrics)
        .path("/openapi.json", Page::OpenApi)
        .guard(Guard::new().bearer(TOKEN));
    let health = failing(builder).await;
    for uri in ["/metrics", "/metrics?format=openmetrics", "/openapi.json"] {
        let known = body(&health, uri, "", &bearer(TOKEN));
        assert!(
            !known.contains("no connection") && !known.contains("10.0.0.7"),
            "{known}"
        );
        assert!(known.contains("health"), "{known}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_rule_that_panics_recognizes_no_client_and_stops_no_answer() {
    let guard = Guard::new().when(|_| panic!("broken rule"));
    let health = failing(HttpOptions::new().guard(guard)).await;
    let uris = PROBES.iter().chain(&OTHERS);
    for uri in uris.chain(&["/readyz?exclude=database"]) {
        let (path, query) = uri.split_once('?').unwrap_or((uri, ""));
        let head = RequestHead::new("GET", path).with_query(Some(query));
        let answer = health.internal_endpoint().respond_cached(head);
        let is_failing = !["/livez", "/startupz"].contains(uri);
        assert_eq!(answer.status() == 503, is_failing, "{uri}");
        let body = String::from_utf8_lossy(answer.body());
        assert!(!body.contains("10.0.0.7"), "{uri}: {body}");
    }
}

#[tokio::test]
async fn an_invalid_guard_is_refused_at_the_start() {
    let guard = Guard::new().bearer("short").addresses(["10.0.0.0/99"]);
    let error = Health::builder()
        .http(HttpOptions::new().guard(guard))
        .start()
        .expect_err("refused");
    assert_eq!(
        error.to_string(),
        "health cannot start, 2 problems:\n  \
         - the token of the guard has 5 bytes\n    \
           help: take a random one of at least 16\n  \
         - `10.0.0.0/99` is not an address range\n    \
           help: write an address, or one and the length of its prefix: `10.0.0.0/8`"
    );
}
