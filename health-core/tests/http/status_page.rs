//! The status page as the server gives it; `tests/tests/programs/status_page.rs` shows it
//! to a browser.

use std::time::Duration;

use health_core::config::HttpOptions;
use health_core::config::RuntimeOptions;
use health_core::config::ServiceInfo;
use health_core::http::{Details, Guard, Page, RequestHead};
use health_core::{CheckOptions, Health, HealthBuilder, Outcome};
use http::Response;
use serde_json::Value;
use tokio::time::sleep;

const TOKEN: &str = "Bearer correct horse battery staple";

fn builder() -> HealthBuilder {
    serving(HttpOptions::new())
}

fn serving(http: HttpOptions) -> HealthBuilder {
    let critical = CheckOptions::new().critical();
    Health::builder()
        .service_info(ServiceInfo::new().version("1.4.2 <beta>"))
        .http(
            http.path("/status", Page::StatusPage)
                .guard(Guard::new().bearer("correct horse battery staple")),
        )
        .check("database", critical, || async {
            Err::<(), _>("cannot reach postgres://app:hunter2@10.0.0.7/<x>")
        })
        .check("queue", CheckOptions::new().description("a&b"), || async {
            Outcome::warn("<b>full</b>").observe("\"9\"", "<i>%</i>")
        })
}

async fn started(builder: HealthBuilder) -> Health {
    let health = builder.start().expect("it starts");
    sleep(Duration::from_secs(1)).await;
    health
}

fn ask(health: &Health, method: &str, path: &str, token: Option<&str>) -> Response<String> {
    let (path, query) = path
        .split_once('?')
        .map_or((path, None), |(path, query)| (path, Some(query)));
    let headers = [
        ("accept", "application/json"),
        ("authorization", token.unwrap_or_default()),
    ];
    let head = RequestHead::new(method, path)
        .with_query(query)
        .with_headers(&headers);
    let response = health.internal_endpoint().respond_cached(head);
    response.map(|body| String::from_utf8(body.to_vec()).expect("the bytes are UTF-8"))
}

fn page(health: &Health, path: &str) -> String {
    ask(health, "GET", path, None).into_body()
}

#[tokio::test(start_paused = true)]
async fn it_is_closed_to_everything_else() {
    let health = started(builder()).await;
    let answer = ask(&health, "GET", "/status", None);
    assert_eq!(answer.status(), 503, "as /health");
    for (name, value) in [
        ("content-type", "text/html; charset=utf-8"),
        ("cache-control", "no-store"),
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("x-frame-options", "DENY"),
    ] {
        assert_eq!(answer.headers()[name], value, "{name}");
    }
    let policy = answer.headers()["content-security-policy"].to_str();
    assert!(policy.is_ok_and(|policy| policy.starts_with("default-src 'none';")));
    let head = ask(&health, "HEAD", "/status/", None);
    assert_eq!((head.status(), &**head.body()), (answer.status(), ""));
    assert_eq!(head.headers()["content-type"], "text/html; charset=utf-8");
    assert_eq!(ask(&health, "OPTIONS", "/status", None).status(), 503);
    assert_eq!(ask(&health, "POST", "/status", None).status(), 405);
    assert_eq!(ask(&health, "GET", "/status/nobody", None).status(), 404);
}

#[tokio::test(start_paused = true)]
async fn every_text_is_escaped() {
    let health = started(builder()).await;
    let known = ask(&health, "GET", "/status", Some(TOKEN)).into_body();
    for shown in [
        "1.4.2 &lt;beta&gt;",
        "&lt;b&gt;full&lt;/b&gt;",
        "&quot;9&quot; &lt;i&gt;%&lt;/i&gt;",
        "a&amp;b",
        "postgres://***@10.0.0.7/&lt;x&gt;",
    ] {
        assert!(known.contains(shown), "{shown}: {known}");
    }
    for raw in ["<beta>", "<b>", "<i>", "<x>", "hunter2"] {
        assert!(!known.contains(raw), "{raw}");
    }
}

#[tokio::test(start_paused = true)]
async fn it_says_as_much_as_health_does() {
    let health = started(builder()).await;
    let public = page(&health, "/status");
    assert!(public.contains("reason withheld") && !public.contains("10.0.0.7"));
    let single = page(&health, "/status/queue");
    assert!(single.contains("id=\"check-queue\"") && !single.contains("database"));

    let terse = started(serving(HttpOptions::new().details(Details::Status))).await;
    for path in ["/status", "/status/queue"] {
        let page = page(&terse, path);
        for private in ["database", "full", "1.4.2", "Readiness"] {
            assert!(!page.contains(private), "{path}: {private}");
        }
    }
    assert!(page(&terse, "/status").contains("<title>Unhealthy</title>"));
}

#[tokio::test(start_paused = true)]
async fn the_reader_chooses_the_refresh() {
    let health = started(builder()).await;
    for (query, seconds) in [
        ("", Some(10)),
        ("?refresh=60", Some(60)),
        ("?refresh=0", Some(5)),
        ("?refresh=4", Some(5)),
        ("?refresh=65535", Some(3_600)),
        ("?refresh=99999999999999999999", Some(3_600)),
        ("?refresh=-60", Some(10)),
        ("?refresh=", Some(10)),
        ("?refresh=null", Some(10)),
        ("?refresh=soon", Some(10)),
        ("?refresh=off", None),
    ] {
        let page = page(&health, &format!("/status{query}"));
        let meta =
            seconds.map(|seconds| format!("<meta http-equiv=\"refresh\" content=\"{seconds}\">"));
        match meta {
            Some(meta) => assert!(page.contains(&meta), "{query}"),
            None => assert!(!page.contains("http-equiv"), "{query}"),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_drain_is_announced() {
    let health = started(builder()).await;
    assert!(!page(&health, "/status").contains("Draining"));
    let drained = health.drain();
    assert!(page(&health, "/status").contains("Draining"));
    drop(drained);
}

/// What fails is never among those that are only named.
#[tokio::test(start_paused = true)]
async fn ten_thousand_checks_are_a_page() {
    let mut builder = Health::builder().http(HttpOptions::new().path("/status", Page::StatusPage));
    for nth in 0..10_000 {
        builder = builder.check(
            format!("check-{nth:05}"),
            CheckOptions::new(),
            move || async move { nth % 1_000 != 0 },
        );
    }
    let health = started(builder).await;
    let page = page(&health, "/status");
    assert!(page.len() < 300_000, "{} bytes", page.len());
    assert_eq!(page.matches("<li class=\"card fail\"").count(), 10);
    assert_eq!(page.matches("<li class=\"card pass\"").count(), 90);
    assert!(page.contains("and 8900 more"), "{page}");
    assert!(page.contains("10 failing, 9990 passing"));
}

#[tokio::test(start_paused = true)]
async fn whom_the_guard_knows_reads_the_history_in_json() {
    let health = started(builder().runtime(RuntimeOptions::new().history(3))).await;
    sleep(Duration::from_secs(60)).await;
    let json = |token| -> Value {
        let answer = ask(&health, "GET", "/health", token);
        serde_json::from_str(answer.body()).expect("the text is valid JSON")
    };
    let history = &json(Some(TOKEN))["checks"]["database"]["history"];
    assert_eq!(
        (
            &history["kept"],
            &history["failed"],
            &history["success_rate"]
        ),
        (&3.into(), &3.into(), &0.0.into())
    );
    assert!(
        history["runs"].as_u64().is_some_and(|runs| runs >= 6),
        "{history}"
    );
    assert!(history["p95_ms"].is_number() && history["last_failure_at"].is_string());
    assert!(json(None)["checks"]["database"].get("history").is_none());

    let without = started(builder().runtime(RuntimeOptions::new().history(0))).await;
    let report = without.check("database").expect("there is such a check");
    assert!(report.history().past().is_empty());
    assert!(report.history().last_failure_at().is_some());
    assert!(page(&without, "/status").contains("Last failure"));
}

#[tokio::test]
async fn a_history_without_end_is_refused() {
    let error = Health::builder()
        .runtime(RuntimeOptions::new().history(1_001))
        .start();
    let error = error
        .expect_err("it would be kept of each check")
        .to_string();
    assert!(
        error.contains("a history of 1001 results is too long"),
        "{error}"
    );
}

#[tokio::test(start_paused = true)]
async fn what_is_excluded_is_marked() {
    let health = started(builder()).await;
    let page = |token| ask(&health, "GET", "/status?exclude=database", token).into_body();
    let mark = "<li class=\"critical\">excluded from this answer</li>";
    assert_eq!(page(Some(TOKEN)).matches(mark).count(), 1);
    assert!(!page(None).contains(mark), "a stranger excludes nothing");
}
