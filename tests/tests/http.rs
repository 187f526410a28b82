//! What probers get over a real socket, byte by byte.

use std::time::Duration;

use health_axum::{CheckOptions, Details, Health, HealthBuilder, Outcome, Probe, Status};
use tokio::time::sleep;

use tests::wire::{Answer, Server};

fn critical() -> CheckOptions {
    CheckOptions::new().critical()
}

/// A service with a check of each kind, and the answers of a real server.
async fn serve(builder: HealthBuilder) -> Server {
    let health = builder.start().expect("it starts");
    while health
        .snapshot()
        .checks()
        .iter()
        .any(|check| check.checked_at().is_none())
    {
        tokio::task::yield_now().await;
    }
    let app = axum::Router::new()
        .route("/", axum::routing::get(|| async { "business" }))
        .merge(health_axum::routes(&health));
    Server::start(app, health).await
}

fn mixed() -> HealthBuilder {
    Health::builder()
        .check("alive", critical().liveness(), || async {})
        .check("cache", CheckOptions::new(), || async {
            Outcome::warn("cold")
        })
        .check("orders-db", critical(), || async {
            Err::<(), _>("password=hunter2")
        })
}

fn assert_usual_headers(answer: &Answer) {
    assert_eq!(
        answer.header("cache-control"),
        Some("no-store"),
        "{answer:?}"
    );
    assert_eq!(
        answer.header("content-type"),
        Some("application/json"),
        "{answer:?}"
    );
    assert!(answer.header("content-length").is_some(), "{answer:?}");
    assert_eq!(answer.header("location"), None, "{answer:?}");
}

#[tokio::test]
async fn each_path_answers_with_its_status() {
    let server = serve(mixed()).await;
    for (path, status, body) in [
        ("/livez", 200, r#"{"status":"healthy"}"#),
        ("/readyz", 503, r#"{"status":"unhealthy"}"#),
        ("/startupz", 200, r#"{"status":"healthy"}"#),
        ("/livez/alive", 200, r#"{"status":"ok"}"#),
        ("/readyz/cache", 200, r#"{"status":"degraded"}"#),
        ("/readyz/orders-db", 503, r#"{"status":"error"}"#),
    ] {
        for path in [
            path.to_owned(),
            format!("{path}/"),
            format!("{path}?cachebuster=1&verbose"),
        ] {
            let answer = server.get(&path).await;
            assert_eq!((answer.status, &*answer.body), (status, body), "{path}");
            assert_usual_headers(&answer);
        }
    }
    assert_eq!(server.get("/").await.body, "business");
}

#[tokio::test]
async fn health_names_every_check_and_no_error_text() {
    let server = serve(mixed().version("1.4.2")).await;
    let answer = server.get("/health").await;
    assert_eq!(answer.status, 503);
    assert_usual_headers(&answer);
    assert!(
        answer
            .body
            .starts_with(r#"{"status":"unhealthy","timestamp":""#),
        "{}",
        answer.body
    );
    assert!(!answer.body.contains("hunter2"), "{}", answer.body);
    let body: serde_json::Value = serde_json::from_str(&answer.body).expect("JSON");
    assert_eq!(body["version"], "1.4.2");
    assert!(body["uptime_s"].is_u64());
    let checks = body["checks"].as_object().expect("a map");
    assert_eq!(
        checks.keys().collect::<Vec<_>>(),
        ["alive", "cache", "orders-db"]
    );
    assert_eq!(checks["alive"]["status"], "ok");
    assert_eq!(checks["alive"]["critical"], true);
    assert!(checks["alive"]["response_time_ms"].is_f64());
    assert!(checks["alive"]["checked_at"].is_string());
    assert_eq!(checks["alive"].get("message"), None);
    assert_eq!(checks["cache"]["status"], "degraded");
    assert_eq!(checks["cache"]["message"], "cold");
    assert_eq!(checks["cache"]["critical"], false);
    assert_eq!(checks["orders-db"]["status"], "error");
    assert_eq!(checks["orders-db"]["message"], "withheld");

    let single = server.get("/health/orders-db").await;
    assert_eq!(single.status, 503);
    let single: serde_json::Value = serde_json::from_str(&single.body).expect("JSON");
    assert_eq!(single, checks["orders-db"]);
}

#[tokio::test]
async fn health_can_keep_everything_to_itself() {
    let server = serve(mixed().details(Details::Status)).await;
    let answer = server.get("/health").await;
    assert_eq!(
        (answer.status, &*answer.body),
        (503, r#"{"status":"unhealthy"}"#)
    );
    let single = server.get("/health/cache").await;
    assert_eq!(
        (single.status, &*single.body),
        (200, r#"{"status":"degraded"}"#)
    );
}

#[tokio::test]
async fn head_and_options_have_the_status_of_get() {
    let server = serve(mixed()).await;
    for path in ["/livez", "/readyz", "/readyz/cache", "/health"] {
        let get = server.get(path).await;
        let head = server.request("HEAD", path).await;
        assert_eq!(head.status, get.status, "{path}");
        assert_eq!(head.body, "", "{path}");
        assert_usual_headers(&head);
        if path != "/health" {
            let length = get.body.len().to_string();
            assert_eq!(head.header("content-length"), Some(&*length), "{path}");
        }
        let options = server.request("OPTIONS", path).await;
        assert_eq!(options.status, get.status, "{path}");
        assert_eq!(
            options.header("allow"),
            Some("GET, HEAD, OPTIONS"),
            "{path}"
        );
    }
}

#[tokio::test]
async fn other_methods_are_refused_and_say_what_is_allowed() {
    let server = serve(mixed()).await;
    for method in ["POST", "PUT", "DELETE", "PATCH", "TRACE", "BREW"] {
        let answer = server.request(method, "/readyz").await;
        assert_eq!(answer.status, 405, "{method}");
        assert_eq!(
            answer.header("allow"),
            Some("GET, HEAD, OPTIONS"),
            "{method}"
        );
        assert_usual_headers(&answer);
    }
}

#[tokio::test]
async fn what_does_not_exist_is_404() {
    let server = serve(mixed()).await;
    for path in [
        "/health/ledger",
        "/readyz/ORDERS-DB",
        "/readyz/alive",
        "/livez/orders-db",
        "/readyz/orders-db/extra",
        "/readyz//",
        "/readyz/%",
        "/readyz/%ff%fe",
        "/readyz/%00",
        "/readyz/..%2f..%2fetc%2fpasswd",
    ] {
        let answer = server.get(path).await;
        assert_eq!(answer.status, 404, "{path}");
        assert_usual_headers(&answer);
        assert!(!answer.body.contains("etc"), "{path}: {}", answer.body);
    }
    assert_eq!(server.get("/readyzz").await.status, 404);
}

#[tokio::test]
async fn a_name_may_be_percent_encoded() {
    let server = serve(mixed()).await;
    assert_eq!(server.get("/readyz/orders%2Ddb").await.status, 503);
    assert_eq!(server.get("/readyz/%63ache").await.status, 200);
}

#[tokio::test]
async fn http_1_0_without_a_host_is_served() {
    let server = serve(mixed()).await;
    let answer = server.raw(b"OPTIONS /readyz HTTP/1.0\r\n\r\n").await;
    assert_eq!(answer.status, 503);
    let answer = server.raw(b"GET /livez HTTP/1.0\r\n\r\n").await;
    assert_eq!(
        (answer.status, &*answer.body),
        (200, r#"{"status":"healthy"}"#)
    );
}

#[tokio::test]
async fn odd_and_hostile_requests_leave_the_server_standing() {
    let server = serve(mixed()).await;
    let long_query = format!(
        "GET /readyz?{} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        "a".repeat(64 * 1024 - 64)
    );
    let answer = server.raw(long_query.as_bytes()).await;
    assert!(
        matches!(answer.status, 503 | 400 | 414 | 431),
        "{}",
        answer.status
    );
    let invalid = server
        .raw(b"GET /readyz/\xff\xfe HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        .await;
    assert!(matches!(invalid.status, 400 | 404), "{}", invalid.status);
    for rubbish in [
        &b"\0\0\0\0\r\n\r\n"[..],
        b"GET\r\n\r\n",
        b"GET /readyz HTTP/9.9\r\n\r\n",
    ] {
        let _ = server.raw(rubbish).await;
    }
    server.send_and_hang_up(b"GET /health HTTP/1.1\r\nHo").await;
    server
        .send_and_hang_up(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
        .await;
    assert_eq!(server.get("/livez").await.status, 200);
}

#[tokio::test]
async fn requests_in_a_row_on_one_connection() {
    let server = serve(mixed()).await;
    let two = b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\nGET /readyz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    let text = server.exchange(two).await;
    assert_eq!(text.matches("HTTP/1.1 200").count(), 1, "{text}");
    assert_eq!(text.matches("HTTP/1.1 503").count(), 1, "{text}");
}

#[tokio::test]
async fn the_routes_can_be_nested_and_carry_any_state() {
    let health = Health::builder().start().expect("it starts");
    let app: axum::Router = axum::Router::<u8>::new()
        .nest("/internal", health_axum::routes(&health))
        .with_state(7);
    let server = Server::start(app, health).await;
    assert_eq!(server.get("/internal/readyz").await.status, 200);
    assert_eq!(server.get("/internal/readyz/").await.status, 200);
    assert_eq!(server.get("/readyz").await.status, 404);
}

/// A check that hangs, one that panics and one that blocks its thread: nobody
/// else notices, and the reason is named.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bad_checks_harm_nobody_but_themselves() {
    async fn explode() -> bool {
        std::future::ready(()).await;
        panic!("hunter2")
    }
    let (release, blocked) = std::sync::mpsc::channel::<()>();
    let blocked = std::sync::Arc::new(std::sync::Mutex::new(blocked));
    let timeout = critical().timeout(Duration::from_millis(100));
    let health = Health::builder()
        .check("alive", critical().liveness(), || async {})
        .check("hung", timeout.clone(), std::future::pending::<()>)
        .check("bomb", timeout.clone(), explode)
        .check("a-blocker", timeout, move || {
            let blocked = std::sync::Arc::clone(&blocked);
            async move {
                let _ = blocked.lock().expect("one run at a time").recv();
            }
        })
        .start()
        .expect("it starts");
    let app = axum::Router::new()
        .route("/", axum::routing::get(|| async { "business" }))
        .merge(health_axum::routes(&health));
    let server = Server::start(app, health.clone()).await;
    let reasons = [
        ("hung", "timed out"),
        ("bomb", "panicked"),
        ("a-blocker", "timed out"),
    ];
    let message = |name: &str| health.check(name).expect("it").message().map(str::to_owned);
    while reasons
        .iter()
        .any(|(name, reason)| message(name).as_deref() != Some(reason))
    {
        sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(server.get("/readyz").await.status, 503);
    assert_eq!(server.get("/livez").await.status, 200);
    assert_eq!(server.get("/").await.body, "business");
    let body = server.get("/health").await.body;
    assert!(!body.contains("hunter2"), "{body}");
    let body: serde_json::Value = serde_json::from_str(&body).expect("JSON");
    for (name, reason) in reasons {
        assert_eq!(body["checks"][name]["message"], reason, "{name}");
    }
    assert!(body["checks"]["hung"]["running_since"].is_string());
    drop(release);
}

#[tokio::test]
async fn a_drain_is_seen_by_everybody_at_once() {
    let server = serve(Health::builder().check("fine", critical(), || async {})).await;
    assert_eq!(server.get("/readyz").await.status, 200);
    let drained = server.health().drain();
    assert_eq!(server.get("/readyz").await.status, 503);
    assert_eq!(server.get("/health").await.status, 503);
    assert_eq!(server.get("/livez").await.status, 200);
    assert_eq!(server.get("/").await.body, "business");
    drop(drained);
    assert_eq!(server.health().status(Probe::Readiness), Status::Fail);
}
