//! What probers get over a real socket, byte by byte: one suite, run over each
//! adapter.

use std::time::Duration;

use health_core::{
    CheckOptions, Details, Guard, Health, HealthBuilder, Outcome, Page, Probe, Status,
};
use tests::wire::{Answer, Framework, Server};
use tokio::time::sleep;

/// Each test takes the framework, and runs once for each.
macro_rules! conformance {
    ($($test:ident)*) => {
        mod axum {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                super::$test(super::Framework::Axum).await;
            })*
        }
        mod actix {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                super::$test(super::Framework::Actix).await;
            })*
        }
    };
}

conformance! {
    each_path_answers_with_its_status
    health_names_every_check_and_no_error_text
    health_can_keep_everything_to_itself
    head_and_options_have_the_status_of_get
    other_methods_are_refused_and_say_what_is_allowed
    what_does_not_exist_is_404
    a_name_may_be_percent_encoded
    http_1_0_without_a_host_is_served
    odd_and_hostile_requests_leave_the_server_standing
    requests_in_a_row_on_one_connection
    bad_checks_harm_nobody_but_themselves
    a_drain_is_seen_by_everybody_at_once
    a_caller_who_hangs_up_changes_nothing
    a_guard_knows_by_header_and_by_address
    more_paths_are_served
}

fn critical() -> CheckOptions {
    CheckOptions::new().critical()
}

/// A service whose checks have all been run once.
async fn serve(framework: Framework, builder: HealthBuilder) -> Server {
    let health = builder.start().expect("it starts");
    let is_new = |check: &health_core::CheckReport| check.checked_at().is_none();
    while health.snapshot().checks().iter().any(is_new) {
        tokio::task::yield_now().await;
    }
    Server::start(framework, health).await
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

async fn each_path_answers_with_its_status(framework: Framework) {
    let server = serve(framework, mixed()).await;
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

async fn health_names_every_check_and_no_error_text(framework: Framework) {
    let server = serve(framework, mixed().version("1.4.2")).await;
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

async fn health_can_keep_everything_to_itself(framework: Framework) {
    let server = serve(framework, mixed().details(Details::Status)).await;
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

async fn head_and_options_have_the_status_of_get(framework: Framework) {
    let server = serve(framework, mixed()).await;
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

async fn other_methods_are_refused_and_say_what_is_allowed(framework: Framework) {
    let server = serve(framework, mixed()).await;
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

async fn what_does_not_exist_is_404(framework: Framework) {
    let server = serve(framework, mixed()).await;
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

async fn a_name_may_be_percent_encoded(framework: Framework) {
    let server = serve(framework, mixed()).await;
    assert_eq!(server.get("/readyz/orders%2Ddb").await.status, 503);
    assert_eq!(server.get("/readyz/%63ache").await.status, 200);
}

async fn http_1_0_without_a_host_is_served(framework: Framework) {
    let server = serve(framework, mixed()).await;
    let answer = server.raw(b"OPTIONS /readyz HTTP/1.0\r\n\r\n").await;
    assert_eq!(answer.status, 503);
    let answer = server.raw(b"GET /livez HTTP/1.0\r\n\r\n").await;
    assert_eq!(
        (answer.status, &*answer.body),
        (200, r#"{"status":"healthy"}"#)
    );
}

async fn odd_and_hostile_requests_leave_the_server_standing(framework: Framework) {
    let server = serve(framework, mixed()).await;
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
    drop(server.send(b"GET /health HTTP/1.1\r\nHo").await);
    drop(
        server
            .send(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
            .await,
    );
    assert_eq!(server.get("/livez").await.status, 200);
}

async fn requests_in_a_row_on_one_connection(framework: Framework) {
    let server = serve(framework, mixed()).await;
    let two = b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\nGET /readyz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    let text = server.exchange(two).await;
    assert_eq!(text.matches("HTTP/1.1 200").count(), 1, "{text}");
    assert_eq!(text.matches("HTTP/1.1 503").count(), 1, "{text}");
}

#[tokio::test]
async fn axum_routes_can_be_nested_and_carry_any_state() {
    let health = Health::builder().start().expect("it starts");
    let app: ::axum::Router = ::axum::Router::<u8>::new()
        .nest("/internal", health_axum::routes(&health))
        .with_state(7);
    answers_below_internal(&Server::axum(app, health).await).await;
}

#[tokio::test]
async fn actix_routes_can_be_in_a_scope() {
    let health = Health::builder().start().expect("it starts");
    let configure = health_actix::configure(&health);
    let server = Server::actix(health, move |config| {
        config.service(actix_web::web::scope("/internal").configure(configure));
    });
    answers_below_internal(&server.await).await;
}

async fn answers_below_internal(server: &Server) {
    for (path, status) in [
        ("/internal/readyz", 200),
        ("/internal/readyz/", 200),
        ("/internal/readyz/nobody", 404),
        ("/readyz", 404),
    ] {
        assert_eq!(server.get(path).await.status, status, "{path}");
    }
}

/// The two adapters say the same, header by header.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_adapters_answer_alike() {
    let frozen = || {
        Health::builder()
            .check("slow", critical(), std::future::pending::<()>)
            .check(
                "idle",
                CheckOptions::new()
                    .cache(Duration::from_hours(1))
                    .tags(&["eu"]),
                || async {},
            )
    };
    let (axum, actix) = (
        frozen().start().expect("it starts"),
        frozen().start().expect("it starts"),
    );
    let axum = Server::start(Framework::Axum, axum).await;
    let actix = Server::start(Framework::Actix, actix).await;
    for method in ["GET", "HEAD", "OPTIONS", "POST", "BREW"] {
        for path in [
            "/livez",
            "/readyz",
            "/readyz/",
            "/startupz?x=1",
            "/readyz/slow",
            "/readyz/nobody",
            "/readyz/%73low",
            "/readyz//",
            "/readyz?format=text",
            "/readyz?format=health-json&verbose",
            "/readyz/slow?format=text",
        ] {
            let answers = [&axum, &actix].map(|server| server.request(method, path));
            let [one, other] = answers;
            let (one, other) = (one.await.comparable(), other.await.comparable());
            assert_eq!(one, other, "{method} {path}");
        }
    }
}

/// A check that hangs, one that panics and one that blocks its thread: nobody
/// else notices, and the reason is named.
async fn bad_checks_harm_nobody_but_themselves(framework: Framework) {
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
        .check("bomb", critical(), explode)
        .check("a-blocker", timeout, move || {
            let blocked = std::sync::Arc::clone(&blocked);
            async move {
                let _ = blocked.lock().expect("one run at a time").recv();
            }
        })
        .start()
        .expect("it starts");
    let server = Server::start(framework, health.clone()).await;
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

async fn a_drain_is_seen_by_everybody_at_once(framework: Framework) {
    let server = serve(
        framework,
        Health::builder().check("fine", critical(), || async {}),
    )
    .await;
    assert_eq!(server.get("/readyz").await.status, 200);
    let drained = server.health().drain();
    assert_eq!(server.get("/readyz").await.status, 503);
    assert_eq!(server.get("/health").await.status, 503);
    assert_eq!(server.get("/livez").await.status, 200);
    assert_eq!(server.get("/").await.body, "business");
    drop(drained);
    assert_eq!(server.health().status(Probe::Readiness), Status::Fail);
}

/// Over the socket: the caller goes away while its probe waits for a check on
/// demand. The run goes on, once, and its result counts.
async fn a_caller_who_hangs_up_changes_nothing(framework: Framework) {
    let (release, gate) = tokio::sync::watch::channel(false);
    let began = std::sync::Arc::new(tokio::sync::Semaphore::new(0));
    let runs = std::sync::Arc::clone(&began);
    let dear = critical().cache(Duration::from_hours(1));
    let health = Health::builder()
        .check("dear", dear, move || {
            runs.add_permits(1);
            let mut gate = gate.clone();
            async move { gate.wait_for(|open| *open).await.is_ok() }
        })
        .start()
        .expect("it starts");
    let server = Server::start(framework, health).await;
    let request = b"GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n";
    let caller = server.send(request).await;
    let _began = began.acquire().await.expect("a run");
    drop(caller);
    for _ in 0..3 {
        // Some of these are gone before the server has read them.
        drop(server.send(request).await);
    }
    release.send(true).expect("the run waits");
    assert_eq!(server.get("/readyz").await.status, 200);
    assert_eq!(began.available_permits(), 0, "one run");
}

async fn a_guard_knows_by_header_and_by_address(framework: Framework) {
    let ask = async |guard: Guard, header: &str| {
        let server = serve(framework, mixed().guard(guard)).await;
        let head = format!("GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{header}\r\n");
        let answer = server.raw(head.as_bytes()).await;
        assert_eq!(answer.status, 503);
        answer.body.contains("password=***")
    };
    let bearer = || Guard::new().bearer("correct horse battery staple");
    assert!(
        ask(
            bearer(),
            "Authorization: Bearer correct horse battery staple\r\n"
        )
        .await
    );
    assert!(
        !ask(
            bearer(),
            "Authorization: Bearer correct horse battery stable\r\n"
        )
        .await
    );
    assert!(!ask(bearer(), "Authorization: \u{fffd}\r\n").await);
    assert!(!ask(bearer(), "").await);

    let loopback = || Guard::new().addresses(["127.0.0.0/8"]);
    assert!(ask(loopback(), "").await);
    let behind = || {
        Guard::new()
            .addresses(["10.0.0.0/8"])
            .trusted_proxies(["127.0.0.1"])
    };
    assert!(ask(behind(), "X-Forwarded-For: 10.1.1.1\r\n").await);
    assert!(!ask(behind(), "X-Forwarded-For: 8.8.8.8\r\n").await);
    assert!(
        !ask(
            behind(),
            "X-Forwarded-For: 10.1.1.1\r\nX-Forwarded-For: 8.8.8.8\r\n"
        )
        .await
    );
    let elsewhere = || Guard::new().addresses(["10.0.0.0/8"]);
    assert!(
        !ask(elsewhere(), "X-Forwarded-For: 10.1.1.1\r\n").await,
        "no proxy is trusted"
    );
}

async fn more_paths_are_served(framework: Framework) {
    let builder = mixed()
        .common_paths()
        .path("/internal/status", Page::Health);
    let server = serve(framework, builder).await;
    for (path, status) in [
        ("/healthz", 200),
        ("/live/", 200),
        ("/health/live", 200),
        ("/ready", 503),
        ("/ready/cache", 200),
        ("/health/ready", 503),
        ("/health/ready/orders-db", 503),
        ("/health/orders-db", 503),
        ("/startup", 200),
        ("/internal/status", 503),
        ("/internal/status/cache", 200),
        ("/readyz", 503),
        ("/internal", 404),
    ] {
        assert_eq!(server.get(path).await.status, status, "{path}");
    }
}
