//! The formats of answers.

use std::future::pending;
use std::time::Duration;

use health_core::config::HttpOptions;
use health_core::config::ServiceInfo;
use health_core::http::{Details, Page, RequestHead, Vocabulary};
use health_core::report::CheckReport;
use health_core::reported::Gate;
use health_core::testing::Fake;
use health_core::{CheckOptions, Health, HealthBuilder, Outcome, Status};
use serde_json::Value;
use tokio::time::sleep;

use crate::started;

fn builder() -> HealthBuilder {
    let critical = || CheckOptions::new().critical();
    Health::builder()
        .service_info(ServiceInfo::new().version("1.4.2"))
        .check("alive", critical().liveness(), || async {})
        .check("cache", CheckOptions::new(), || async {
            Outcome::warn("cold\n[+]forged ok")
        })
        .check("database", critical().component("datastore"), || async {
            Err::<(), _>("hunter2")
        })
        .check("disk", CheckOptions::new(), || async {
            Outcome::pass().observe(7, "bytes")
        })
        .check(
            "schema",
            CheckOptions::new().after(["database"]),
            || async {},
        )
}

struct Answer {
    status: u16,
    content_type: String,
    body: String,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).expect("the text is valid JSON")
    }
}

fn get(health: &Health, uri: &str, accept: &str) -> Answer {
    let (path, query) = uri
        .split_once('?')
        .map_or((uri, None), |(path, query)| (path, Some(query)));
    let headers = [("accept", accept)];
    let head = RequestHead::new("GET", path)
        .with_query(query)
        .with_headers(&headers);
    let response = health.internal_endpoint().respond_cached(head);
    let header = |name: &str| {
        response.headers()[name]
            .to_str()
            .expect("the field is ASCII")
            .to_owned()
    };
    assert_eq!(header("cache-control"), "no-store");
    assert_eq!(header("vary"), "accept");
    Answer {
        status: response.status().as_u16(),
        content_type: header("content-type"),
        body: String::from_utf8(response.body().to_vec()).expect("the bytes are UTF-8"),
    }
}

#[tokio::test(start_paused = true)]
async fn a_check_that_returns_false_has_an_output_text() {
    let builder =
        Health::builder().check("queue", CheckOptions::new().critical(), || async { false });
    let health = started(builder.http(HttpOptions::new().details(Details::Full))).await;
    let answer = get(&health, "/health", "application/health+json").json();
    assert_eq!(
        answer["checks"]["queue:responseTime"][0]["output"],
        "returned false"
    );
}

#[tokio::test(start_paused = true)]
async fn text_is_one_word_or_the_verbose_list_of_kubernetes() {
    let health = started(builder().http(HttpOptions::new().probe_details(Details::Checks))).await;
    let live = get(&health, "/livez", "text/plain");
    assert_eq!((live.status, &*live.body), (200, "ok"));
    assert_eq!(live.content_type, "text/plain; charset=utf-8");
    let verbose = get(&health, "/livez?verbose&format=text", "*/*");
    assert_eq!(verbose.body, "[+]alive ok\nlivez check passed\n");
    let ready = get(&health, "/readyz?format=text", "");
    assert_eq!(ready.status, 503);
    let [database, schema] = ["database", "schema"].map(|name| {
        let report = health.check(name).expect("there is such a check");
        report.incident().expect("it goes on")
    });
    assert_eq!(
        ready.body,
        format!(
            "[+]cache degraded: cold [+]forged ok\n\
             [-]database failed: reason withheld (incident {database})\n\
             [+]disk ok\n\
             [-]schema skipped: database is failing (incident {schema})\n\
             readyz check failed\n"
        )
    );
    let check = get(&health, "/readyz/database?format=text", "");
    assert_eq!(
        (check.status, &*check.body),
        (503, "failed: reason withheld\n")
    );
    let check = get(&health, "/readyz/cache?format=text", "");
    assert_eq!((check.status, &*check.body), (200, "ok"));
}

/// The query parameters that users of kube-apiserver know.
#[tokio::test(start_paused = true)]
async fn verbose_returns_text_if_probe_details_are_enabled() {
    let health = started(builder().http(HttpOptions::new().probe_details(Details::Checks))).await;
    let verbose = get(&health, "/livez?verbose", "*/*");
    assert_eq!(verbose.body, "[+]alive ok\nlivez check passed\n");
    assert_eq!(verbose.content_type, "text/plain; charset=utf-8");
    assert!(
        get(&health, "/readyz?verbose", "*/*")
            .body
            .ends_with("readyz check failed\n")
    );
    // A named format has precedence; single checks and `/health` are as before.
    for (uri, accept) in [
        ("/livez?verbose&format=json", "*/*"),
        ("/livez?verbose", "application/json"),
        ("/livez/alive?verbose", "*/*"),
        ("/health?verbose", "*/*"),
    ] {
        let answer = get(&health, uri, accept);
        assert_eq!(answer.content_type, "application/json", "{uri} {accept}");
    }
    let short = started(builder()).await;
    let body = get(&short, "/livez?verbose", "*/*").body;
    assert_eq!(body, r#"{"status":"healthy"}"#);
}

/// A text with a line break, or with a mark that reverses the direction of text,
/// could imitate the line of another check.
#[tokio::test(start_paused = true)]
async fn no_text_adds_a_line_or_reverses_one() {
    let marks =
        "\n\r\t\u{7}\u{85}\u{2028}\u{2029}\u{61c}\u{200e}\u{200f}\u{202a}\u{202e}\u{2066}\u{2069}";
    let said: String = marks.split("").collect::<Vec<_>>().join("[+]x ok");
    let builder = Health::builder()
        .http(
            HttpOptions::new()
                .path("/status", Page::StatusPage)
                .probe_details(Details::Checks),
        )
        .check("queue", CheckOptions::new(), move || {
            std::future::ready(Outcome::warn(said.clone()))
        });
    let health = started(builder).await;
    for uri in [
        "/readyz?verbose",
        "/health?format=text&verbose",
        "/readyz/queue?format=text",
        "/status",
    ] {
        let body = get(&health, uri, "").body;
        let is_mark = |c: &char| *c != '\n' && marks.contains(*c);
        assert_eq!(body.chars().find(is_mark), None, "{uri}: {body:?}");
        assert!(!body.contains("\n[+]x"), "{uri}: {body:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn text_names_no_check_without_details() {
    let health = started(builder()).await;
    for uri in [
        "/readyz",
        "/readyz?verbose",
        "/readyz?verbose=1&exclude=database",
    ] {
        let ready = get(&health, uri, "text/plain");
        assert_eq!(
            (ready.status, &*ready.body),
            (503, "readyz check failed\n"),
            "{uri}"
        );
    }
    let check = get(&health, "/readyz/database", "text/plain");
    assert_eq!((check.status, &*check.body), (503, "failed\n"));
}

#[tokio::test(start_paused = true)]
async fn a_long_list_fits_the_limit_of_the_kubelet() {
    let mut builder = Health::builder().http(HttpOptions::new().probe_details(Details::Checks));
    for nth in 0..1_000 {
        let options = CheckOptions::new().critical();
        builder = builder.check(format!("check-{nth}"), options, || async {
            Outcome::fail("x".repeat(10_000))
        });
    }
    let health = started(builder).await;
    let ready = get(&health, "/readyz?verbose", "text/plain");
    assert!(ready.body.len() < 10_240, "{} bytes", ready.body.len());
    assert!(
        ready.body.ends_with(" more\nreadyz check failed\n"),
        "{}",
        ready.body
    );
}

#[tokio::test(start_paused = true)]
async fn health_json_conforms_to_the_draft() {
    let health = started(builder()).await;
    for (uri, accept) in [
        ("/health", "application/health+json"),
        ("/health?format=health%2Bjson", "*/*"),
        ("/health?format=health-json", "application/json"),
    ] {
        let answer = get(&health, uri, accept);
        assert_eq!(
            (answer.status, &*answer.content_type),
            (503, "application/health+json")
        );
        assert!(
            answer.body.starts_with(r#"{"status":"fail","#),
            "{}",
            answer.body
        );
        assert!(!answer.body.contains("hunter2"));
        let body: Value = serde_json::from_str(&answer.body).expect("the text is valid JSON");
        assert_eq!(body["releaseId"], "1.4.2");
        assert_eq!(body["output"], "database, schema");
        let checks = body["checks"].as_object().expect("a map");
        let database = &checks["database:responseTime"][0];
        assert_eq!(database["componentType"], "datastore");
        assert_eq!(database["status"], "fail");
        assert_eq!(database["observedUnit"], "ms");
        assert!(database["observedValue"].is_number());
        assert_eq!(database["output"], "withheld");
        let disk = &checks["disk"][0];
        assert_eq!(
            (&disk["observedValue"], &disk["observedUnit"]),
            (&7.into(), &"bytes".into())
        );
        assert_eq!(
            (&disk["status"], disk.get("output")),
            (&"pass".into(), None)
        );
        assert_eq!(checks["cache:responseTime"][0]["status"], "warn");
        assert_eq!(checks["schema:responseTime"][0]["output"], "database");
        assert_eq!(checks["uptime"][0]["componentType"], "system");
        for entries in checks.values() {
            assert!(entries.as_array().is_some_and(|entries| entries.len() == 1));
        }
    }
    let probe = get(&health, "/livez", "application/health+json");
    assert_eq!(probe.body, r#"{"status":"pass"}"#);
    let single: Value =
        serde_json::from_str(&get(&health, "/health/disk?format=health-json", "").body)
            .expect("the text is valid JSON");
    assert_eq!(single["status"], "pass");
    assert_eq!(single["checks"]["disk"][0]["observedValue"], 7);
}

#[tokio::test(start_paused = true)]
async fn browsers_and_uptime_kuma_get_json() {
    let health = started(builder()).await;
    let browser = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8";
    for accept in ["", "*/*", browser, "image/png", "application/json;q=0.1"] {
        let answer = get(&health, "/health", accept);
        assert_eq!(answer.content_type, "application/json", "{accept}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_probe_with_details_lists_its_own_checks() {
    let health = started(builder().http(HttpOptions::new().probe_details(Details::Checks))).await;
    Fake::of(&health, "database").pass();
    let body = get(&health, "/livez", "*/*").body;
    let body: Value = serde_json::from_str(&body).expect("the text is valid JSON");
    let names: Vec<_> = body["checks"].as_object().expect("a map").keys().collect();
    assert_eq!(names, ["alive"]);
    let drained = health.drain();
    let text = |uri| get(&health, uri, "text/plain").body;
    assert!(text("/readyz").contains("[-]shutdown failed: draining\n"));
    assert_eq!(text("/livez"), "ok");
    let draft = get(&health, "/readyz", "application/health+json").body;
    let draft: Value = serde_json::from_str(&draft).expect("the text is valid JSON");
    assert_eq!(draft["output"], "schema, shutdown");
    drop(drained);
}

#[tokio::test(start_paused = true)]
async fn a_check_named_uptime_does_not_collide_with_the_draft() {
    let up = || async { Outcome::pass().observe(7, "days") };
    let builder = Health::builder().check("uptime", CheckOptions::new(), up);
    let body = get(
        &started(builder).await,
        "/health",
        "application/health+json",
    )
    .body;
    assert_eq!(body.matches(r#""uptime":"#).count(), 1, "{body}");
    assert!(body.contains(r#""observedUnit":"days""#), "{body}");
}

#[tokio::test(start_paused = true)]
async fn each_vocabulary_has_its_words() {
    for (words, overall, check, single) in [
        (Vocabulary::Healthy, "unhealthy", "error", "ok"),
        (Vocabulary::Pass, "fail", "fail", "pass"),
        (Vocabulary::Up, "DOWN", "DOWN", "UP"),
        (Vocabulary::Ok, "error", "error", "ok"),
    ] {
        let health = started(builder().http(HttpOptions::new().vocabulary(words))).await;
        let json = |uri| -> Value {
            serde_json::from_str(&get(&health, uri, "").body).expect("the text is valid JSON")
        };
        assert_eq!(json("/readyz")["status"], overall);
        assert_eq!(json("/health")["status"], overall);
        assert_eq!(json("/health")["checks"]["database"]["status"], check);
        assert_eq!(json("/livez/alive")["status"], single);
        assert_eq!(
            get(&health, "/readyz?format=health-json", "").body,
            r#"{"status":"fail"}"#
        );
    }
}

#[tokio::test(start_paused = true)]
async fn status_codes_can_be_set_within_limits() {
    let health = started(builder().http(HttpOptions::new().status_code(Status::Fail, 500))).await;
    assert_eq!(get(&health, "/readyz", "").status, 500);
    assert_eq!(get(&health, "/livez", "").status, 200);
    let wrong = Health::builder().http(
        HttpOptions::new()
            .status_code(Status::Fail, 302)
            .status_code(Status::Warn, 429)
            .status_code(Status::Pass, 99)
            .status_code(Status::Fail, 200)
            .status_code(Status::Fail, 204),
    );
    let error = wrong.start().expect_err("a prober would misread them");
    assert_eq!(error.problems().len(), 5, "{error}");
}

/// A client would take a body after a head without a length for the next response.
#[tokio::test]
async fn each_status_code_is_accepted_or_refused_with_help() {
    for code in 0..1_000 {
        for status in [Status::Pass, Status::Warn, Status::Fail] {
            let is_right = match status {
                Status::Fail => matches!(code, 400..=599),
                _ => matches!(code, 200..=203 | 207..=299),
            };
            match Health::builder()
                .http(HttpOptions::new().status_code(status, code))
                .start()
            {
                Ok(_) => assert!(is_right, "{status} {code}"),
                Err(error) => {
                    assert!(!is_right, "{status} {code}");
                    let text = error.to_string();
                    assert!(text.contains(&format!("code {code}")), "{text}");
                    assert!(text.contains("help: take "), "{text}");
                }
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn health_json_describes_the_service_and_its_checks() {
    let options = CheckOptions::new()
        .affects(["/orders", "/orders/{id}"])
        .links([("runbook", "https://example.com/ledger")]);
    let health = started(
        Health::builder()
            .service_info(
                ServiceInfo::new()
                    .id("orders-7d9f")
                    .description("Takes \"orders\"")
                    .note("read-only on Sundays")
                    .note("moving to eu-west")
                    .link("about", "https://example.com/orders")
                    .link("self", "/health"),
            )
            .check("ledger", options, || async { Outcome::warn("slow") }),
    )
    .await;
    let body = |uri: &str| -> Value {
        serde_json::from_str(&get(&health, uri, "application/health+json").body)
            .expect("the text is valid JSON")
    };
    let said = body("/health");
    assert_eq!(said["serviceId"], "orders-7d9f");
    assert_eq!(said["description"], "Takes \"orders\"");
    assert_eq!(
        said["notes"],
        serde_json::json!(["read-only on Sundays", "moving to eu-west"])
    );
    assert_eq!(
        said["links"],
        serde_json::json!({"about": "https://example.com/orders", "self": "/health"})
    );
    let ledger = &said["checks"]["ledger:responseTime"][0];
    let endpoints = serde_json::json!(["/orders", "/orders/{id}"]);
    assert_eq!(ledger["affectedEndpoints"], endpoints);
    assert_eq!(ledger["links"]["runbook"], "https://example.com/ledger");
    assert_eq!(
        body("/health/ledger")["checks"]["ledger:responseTime"][0]["affectedEndpoints"],
        endpoints
    );
    Fake::of(&health, "ledger").pass();
    let ledger = &body("/health")["checks"]["ledger:responseTime"][0];
    assert_eq!(ledger.get("affectedEndpoints"), None);
    assert!(ledger["links"].is_object());
    assert!(!get(&health, "/health", "").body.contains("orders-7d9f"));
}

#[tokio::test]
async fn invalid_descriptions_and_links_are_refused_at_the_start() {
    let options = CheckOptions::new()
        .affects(["/orders/{id", "/ok"])
        .links([("", "/x"), ("runbook", "not a uri")]);
    let error = Health::builder()
        .service_info(
            ServiceInfo::new()
                .id("")
                .description("two\nlines")
                .note("x".repeat(1_025))
                .link("about", "not a uri")
                .link("about", "/x"),
        )
        .check("ledger", options, || async {})
        .start()
        .expect_err("refused");
    let problems = error.problems().iter().map(ToString::to_string);
    let firsts: Vec<String> = problems
        .map(|text| text.lines().next().expect("a line").to_owned())
        .collect();
    assert_eq!(
        firsts[..5],
        [
            "the service id is empty",
            "the description contains a control character",
            "the note has 1025 bytes, 1024 is the most",
            "`not a uri` is not a URI",
            "there are two links `about`",
        ]
    );
    assert_eq!(firsts.len(), 8, "{firsts:?}");
    for (problem, end) in firsts[5..].iter().zip([
        "): `/orders/{id` is not allowed: a variable of an endpoint is written in one pair of braces",
        "): a relation cannot be empty",
        "): `not a uri` is not a link",
    ]) {
        assert!(problem.ends_with(end), "{problem}");
    }
}

/// The rendered text of a check is cached until the check changes, so every kind of
/// change must be noticed.
#[tokio::test(start_paused = true)]
async fn a_check_is_shown_alike_in_the_list_and_alone() {
    let migrated = Gate::new("migrations");
    let quick = CheckOptions::new().interval(Duration::from_secs(5));
    let hangs = quick.clone().timeout(Duration::from_secs(1));
    let health = builder()
        .reported(&migrated, CheckOptions::new().startup().critical())
        .check("hangs", hangs, pending::<()>)
        .check("quick", quick, || async {})
        .start()
        .expect("it starts");
    let mut lists = Vec::new();
    let mut look = |when: &str| {
        let checks = get(&health, "/health", "").json()["checks"].take();
        // One moment is shown by two clocks, which may differ by a millisecond.
        let without_since = |check: &Value| {
            let mut check = check.clone();
            let since = check
                .as_object_mut()
                .and_then(|check| check.remove("overdue_since"));
            (check, since.is_some())
        };
        for name in health.snapshot().checks().iter().map(CheckReport::name) {
            let alone = get(&health, &format!("/health/{name}"), "").json();
            let (listed, alone) = (without_since(&checks[name]), without_since(&alone));
            assert_eq!(listed, alone, "{name}, {when}");
        }
        lists.push(checks.to_string());
    };
    look("before any result");
    sleep(Duration::from_millis(500)).await;
    look("after the first results");
    sleep(Duration::from_secs(1)).await;
    look("after a timeout");
    migrated.open();
    look("after startup");
    for _ in 0..3 {
        sleep(Duration::from_secs(5)).await;
        look("after a round");
    }
    Fake::of(&health, "quick").fail("drill");
    look("while forced");
    Fake::of(&health, "quick").fail("another drill");
    look("while forced to something else");
    Fake::of(&health, "quick").release();
    sleep(Duration::from_secs(5)).await;
    look("after a release");
    let drained = tokio::spawn(health.drain());
    tokio::task::yield_now().await;
    look("in a drain");
    drained.abort();
    for pair in lists.windows(2) {
        assert_ne!(pair[0], pair[1], "something changed each time");
    }
}
