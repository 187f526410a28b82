//! Answers over a real socket, byte by byte. One suite runs for each adapter, for
//! servers without an adapter, and for the own port of health.

use std::sync::Arc;
use std::time::Duration;

use health_core::config::HttpOptions;
use health_core::config::ServiceInfo;
use health_core::http::{Details, Guard, Page};
use health_core::report::Verdict;
use health_core::testing::Fake;
use health_core::{CheckOptions, Health, HealthBuilder, Outcome, Probe, Status};
use test_support::eventually;
use tests::wire::{Answer, Framework, Server};
use tokio::runtime::Handle;
use tokio::sync::{Semaphore, watch};
use tokio::time::sleep;

/// Each test takes the framework and runs once per framework.
macro_rules! conformance {
    ($($test:ident)*) => {
        conformance!(axum Axum: $($test)*);
        conformance!(actix Actix: $($test)*);
        conformance!(hyper Hyper: $($test)*);
        conformance!(own_port OwnPort: $($test)*);
        conformance!(axum_07 Axum07: $($test)*);
        conformance!(layer Layer: $($test)*);
        conformance!(tower Tower: $($test)*);
    };
    ($module:ident $framework:ident: $($test:ident)*) => {
        mod $module {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                super::$test(super::Framework::$framework).await;
            })*
        }
    };
}

conformance! {
    each_path_answers_with_its_status
    health_names_every_check_and_no_error_text
    health_shows_no_names_without_details
    head_and_options_have_the_status_of_get
    other_methods_are_refused_and_say_what_is_allowed
    unknown_paths_are_404
    a_name_may_be_percent_encoded
    http_1_0_without_a_host_is_served
    malformed_and_hostile_requests_do_not_stop_the_server
    headers_of_64_kib_are_refused_or_served
    unusual_accept_values_choose_a_format_or_are_ignored
    connections_are_kept_alive
    requests_in_one_packet_are_answered_in_order
    concurrent_requests_share_one_run
    a_faulty_check_affects_no_other_check
    a_drain_is_visible_on_all_connections_at_once
    a_client_that_disconnects_changes_nothing
    a_guard_recognizes_by_header_and_by_address
    additional_paths_are_served
}

fn critical() -> CheckOptions {
    CheckOptions::new().critical()
}

/// A service in which every check has run once.
async fn serve(framework: Framework, builder: HealthBuilder) -> Server {
    let health = builder.start().expect("it starts");
    let is_new = |check: &health_core::report::CheckReport| check.checked_at().is_none();
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

/// The route of the application is served as well, if there is an application.
async fn assert_business(framework: Framework, server: &Server) {
    let answer = server.get("/").await;
    if framework.has_business() {
        assert_eq!((answer.status, &*answer.body), (200, "business"));
    } else {
        assert_eq!(answer.status, 404);
    }
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
    assert_business(framework, &server).await;
}

async fn health_names_every_check_and_no_error_text(framework: Framework) {
    let server = serve(
        framework,
        mixed().service_info(ServiceInfo::new().version("1.4.2")),
    )
    .await;
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
    let body: serde_json::Value =
        serde_json::from_str(&answer.body).expect("the text is valid JSON");
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
    let single: serde_json::Value =
        serde_json::from_str(&single.body).expect("the text is valid JSON");
    assert_eq!(single, checks["orders-db"]);
}

async fn health_shows_no_names_without_details(framework: Framework) {
    let server = serve(
        framework,
        mixed().http(HttpOptions::new().details(Details::Status)),
    )
    .await;
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

async fn unknown_paths_are_404(framework: Framework) {
    let server = serve(framework, mixed()).await;
    for path in [
        "/health/ledger",
        "/readyz/ORDERS-DB",
        "/readyz/alive",
        "/livez/orders-db",
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
    // Not below a check: these are paths of the application.
    for path in ["/readyzz", "/readyz/orders-db/extra", "/readyz//"] {
        assert_eq!(server.get(path).await.status, 404, "{path}");
    }
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

async fn malformed_and_hostile_requests_do_not_stop_the_server(framework: Framework) {
    let server = serve(framework, mixed()).await;
    let long_query = format!(
        "GET /readyz?{} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        "a".repeat(64 * 1024 - 64)
    );
    let answer = server.raw(long_query.as_bytes()).await;
    assert!(
        matches!(answer.status, 0 | 503 | 400 | 414 | 431),
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

async fn headers_of_64_kib_are_refused_or_served(framework: Framework) {
    let server = serve(framework, mixed()).await;
    let one = format!("A: {}\r\n", "a".repeat(64 * 1024));
    let many = "Some-Header: with some text\r\n".repeat(64 * 1024 / 29);
    for headers in [one, many] {
        let head = format!("GET /livez HTTP/1.1\r\nConnection: close\r\n{headers}\r\n");
        let answer = server.raw(head.as_bytes()).await;
        // Without a body, since a refusal can be lost while the body is still being
        // sent.
        assert!(
            matches!(answer.status, 0 | 200 | 400 | 431),
            "{}",
            answer.status
        );
        assert_eq!(server.get("/livez").await.status, 200);
    }
}

async fn unusual_accept_values_choose_a_format_or_are_ignored(framework: Framework) {
    const JSON: &str = "application/json";
    const HEALTH_JSON: &str = "application/health+json";
    const TEXT: &str = "text/plain; charset=utf-8";
    let server = serve(framework, mixed()).await;
    let accepts: [(&[u8], &str); 12] = [
        (b"", JSON),
        (b"*/*", JSON),
        (b"text/html,application/xhtml+xml,*/*;q=0.8", JSON),
        (b"text/plain", TEXT),
        (
            b"text/plain;q=0.5, application/health+json;q=0.9",
            HEALTH_JSON,
        ),
        (
            b"text/plain;q=0, application/health+json;q=0.1",
            HEALTH_JSON,
        ),
        (b"text/plain;q=0", JSON),
        (b"text/plain;q=high", JSON),
        (b"text/plain;q=NaN, application/json;q=-1", JSON),
        (b"TEXT/PLAIN ; q=1e-9", TEXT),
        (b",;,;q=;==,/,text/plain", TEXT),
        (b"text/plain, \xff\xfe", JSON),
    ];
    for (accept, content_type) in accepts {
        let answer = wish(&server, b"", accept).await;
        assert_eq!(answer.status, 503, "{accept:?}");
        assert_eq!(
            answer.header("content-type"),
            Some(content_type),
            "{accept:?}"
        );
    }
    let endless = "a/b;q=0.1,".repeat(1_000) + "text/plain";
    let answer = wish(&server, b"", endless.as_bytes()).await;
    assert_eq!(answer.header("content-type"), Some(TEXT));

    let queries: [(&[u8], &str); 11] = [
        (b"", JSON),
        (b"format=text", TEXT),
        (b"format=text&format=json", TEXT),
        (b"format=yaml&format=text", JSON),
        (b"format", JSON),
        (b"format=", JSON),
        (b"FORMAT=text", JSON),
        (b"format=%zz&verbose=%", JSON),
        (b"&&&=&==&?&/&format=text", TEXT),
        (b"format=health+json", HEALTH_JSON),
        (b"a=%ff%fe&format=health%2Bjson", HEALTH_JSON),
    ];
    for (query, content_type) in queries {
        let answer = wish(&server, query, b"*/*").await;
        assert_eq!(answer.status, 503, "{query:?}");
        assert_eq!(
            answer.header("content-type"),
            Some(content_type),
            "{query:?}"
        );
    }
    let endless = "verbose&".repeat(1_000) + "format=text";
    let answer = wish(&server, endless.as_bytes(), b"*/*").await;
    assert_eq!(answer.header("content-type"), Some(TEXT));
}

async fn wish(server: &Server, query: &[u8], accept: &[u8]) -> Answer {
    let request = [
        b"GET /readyz?",
        query,
        b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAccept: ",
        accept,
        b"\r\n\r\n",
    ];
    server.raw(&request.concat()).await
}

async fn connections_are_kept_alive(framework: Framework) {
    let server = serve(framework, mixed()).await;
    let mut connection = server.connect().await;
    for _ in 0..3 {
        for (path, status) in [("/livez", 200), ("/readyz", 503), ("/health/x", 404)] {
            let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n");
            connection.send(request.as_bytes()).await;
            assert_eq!(connection.answer().await.status, status, "{path}");
        }
    }
    let asks_to_keep = b"GET /livez HTTP/1.0\r\nConnection: keep-alive\r\n\r\n";
    let mut connection = server.connect().await;
    for _ in 0..2 {
        connection.send(asks_to_keep).await;
        let answer = connection.answer().await;
        assert_eq!((&*answer.version, answer.status), ("HTTP/1.0", 200));
    }
}

/// Although the first answer takes a while.
async fn requests_in_one_packet_are_answered_in_order(framework: Framework) {
    let (gate, began, builder) = gated(critical().cache(Duration::from_hours(1)));
    gate.send(false).expect("the check looks at it");
    let server = serve_on_demand(framework, builder).await;
    let mut connection = server.connect().await;
    let head = |path| format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n");
    let paths = ["/readyz/dear", "/livez", "/livez/nobody"];
    connection.send(paths.map(head).concat().as_bytes()).await;
    began.acquire().await.expect("a run").forget();
    gate.send(true).expect("the run waits");
    for body in [
        r#"{"status":"ok"}"#,
        r#"{"status":"healthy"}"#,
        r#"{"error":"check not found"}"#,
    ] {
        assert_eq!(connection.answer().await.body, body);
    }
}

const CALLERS: usize = 200;

async fn concurrent_requests_share_one_run(framework: Framework) {
    let (gate, began, builder) = gated(critical().cache(Duration::from_hours(1)));
    gate.send(false).expect("the check looks at it");
    let server = serve_on_demand(framework, builder).await;
    let mut callers = Vec::new();
    for _ in 0..CALLERS {
        callers.push(server.connect().await);
    }
    for caller in &mut callers {
        caller
            .send(b"GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n")
            .await;
    }
    began.acquire().await.expect("a run").forget();
    gate.send(true).expect("the run waits");
    for caller in &mut callers {
        assert_eq!(caller.answer().await.status, 200);
    }
    assert_eq!(began.available_permits(), 0, "one run");
}

/// A check that reports its runs, and passes once its gate is open.
fn gated(options: CheckOptions) -> (watch::Sender<bool>, Arc<Semaphore>, HealthBuilder) {
    let (gate, open) = watch::channel(true);
    let began = Arc::new(Semaphore::new(0));
    let runs = Arc::clone(&began);
    let builder = Health::builder().check("dear", options, move || {
        runs.add_permits(1);
        let mut open = open.clone();
        async move { open.wait_for(|open| *open).await.is_ok() }
    });
    (gate, began, builder)
}

/// A service with checks on demand only.
async fn serve_on_demand(framework: Framework, builder: HealthBuilder) -> Server {
    Server::start(framework, builder.start().expect("it starts")).await
}

#[tokio::test]
async fn axum_routes_can_be_nested_and_carry_any_state() {
    let health = tenants();
    let routes = || health_axum::internal_routes(&health);
    let app: ::axum::Router = ::axum::Router::<u8>::new()
        .nest("/internal", routes())
        .nest("/tenants/{check}", routes())
        .with_state(7);
    answers_below_a_prefix(&Server::axum(app, health).await).await;
}

#[tokio::test]
async fn actix_routes_can_be_in_a_scope() {
    let health = tenants();
    let configure = health_actix::configure_internal(&health);
    let server = Server::actix(health, move |config| {
        let scope = |path| actix_web::web::scope(path).configure(configure.clone());
        config
            .service(scope("/internal"))
            .service(scope("/tenants/{check}"));
    });
    answers_below_a_prefix(&server.await).await;
}

fn tenants() -> Health {
    let builder = Health::builder()
        .check("a", CheckOptions::new(), || async {})
        .check("b", critical(), || async {});
    let health = builder.start().expect("it starts");
    Fake::of(&health, "a").pass();
    Fake::of(&health, "b").fail("down");
    health
}

/// A parameter in the prefix never names a check.
async fn answers_below_a_prefix(server: &Server) {
    for prefix in ["/internal", "/tenants/a", "/tenants/b", "/tenants/nobody"] {
        for (path, status) in [
            ("/livez", 200),
            ("/livez/", 200),
            ("/readyz", 503),
            ("/readyz/", 503),
            ("/readyz/a", 200),
            ("/readyz/b", 503),
            ("/readyz/b/", 503),
            ("/readyz/nobody", 404),
        ] {
            let path = format!("{prefix}{path}");
            assert_eq!(server.get(&path).await.status, status, "{path}");
        }
    }
    assert_eq!(server.get("/readyz").await.status, 404);
}

/// Their routes have the same paths, so one of them needs a prefix.
#[tokio::test]
async fn two_healths_can_share_an_axum_router() {
    let (one, other) = (tenants(), Health::builder().start().expect("it starts"));
    let app = ::axum::Router::new()
        .merge(health_axum::internal_routes(&one))
        .nest("/other", health_axum::internal_routes(&other));
    let server = Server::axum(app, one).await;
    assert_eq!(server.get("/readyz").await.status, 503);
    assert_eq!(server.get("/other/readyz").await.status, 200);
}

/// The answers are equal byte for byte, except for the date and header fields of the
/// connection. All servers share one health, so that the times are equal.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_frameworks_answer_alike() {
    let health = standing_still().await;
    let mut servers = Vec::new();
    for framework in Framework::ALL {
        servers.push(Server::start(framework, health.clone()).await);
    }
    for target in TARGETS {
        let methods = METHODS.iter().flat_map(|method| {
            // Requests without a length are tested below.
            ["1.0", "1.1"]
                .map(|version| format!("{method} {target} HTTP/{version}\r\nContent-Length: 0\r\n"))
        });
        let accepts =
            ACCEPTS.map(|accept| format!("GET {target} HTTP/1.1\r\nAccept: {accept}\r\n"));
        for request in methods.chain(accepts) {
            let head = format!("{request}Host: x\r\nConnection: close\r\n\r\n");
            let mut answers = Vec::new();
            for server in &servers {
                let answer = server.raw(head.as_bytes()).await;
                assert_ne!(answer.status, 0, "{request}");
                answers.push(without_times(target, answer.comparable()));
            }
            for (answer, framework) in answers.iter().zip(Framework::ALL) {
                assert_eq!(answer, &answers[0], "{framework:?}: {request}");
            }
        }
    }
}

const METHODS: [&str; 8] = [
    "GET", "HEAD", "OPTIONS", "POST", "PUT", "DELETE", "TRACE", "BREW",
];
const TARGETS: [&str; 22] = [
    "/livez",
    "/livez/",
    "/readyz",
    "/readyz/",
    "/startupz?x=1",
    "/health",
    "/health/",
    "/health?format=health-json",
    "/health?format=text",
    "/health/warm",
    "/health/broken?format=health-json",
    "/readyz/slow",
    "/readyz/slow/",
    "/readyz/slow?format=text",
    "/readyz/%73low",
    "/readyz/%",
    "/readyz/%ff",
    "/readyz/nobody",
    "/readyz?format=text",
    "/readyz?format=health-json&verbose",
    "/readyz?verbose&format=text&verbose=%zz",
    "/livez?a=b&&=&?/",
];
const ACCEPTS: [&str; 5] = [
    "application/health+json",
    "text/plain;q=0.2, application/json;q=0.1",
    "text/html, */*",
    ";q=,,",
    "text/plain;q=2",
];

/// Requests that never reach health are answered by the framework.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn frameworks_differ_only_outside_of_health() {
    let unknown = r#"{"error":"path not found"}"#;
    for (framework, no_path, no_length) in [
        (Framework::Axum, "", 405),
        (Framework::Actix, "", 400),
        (Framework::Hyper, unknown, 405),
        (Framework::OwnPort, unknown, 405),
        (Framework::Axum07, unknown, 405),
        (Framework::Layer, "", 405),
        (Framework::Tower, "", 405),
    ] {
        let health = Health::builder().start().expect("it starts");
        let server = Server::start(framework, health).await;
        let answer = server.get("/readyzz").await;
        assert_eq!(
            (answer.status, &*answer.body),
            (404, no_path),
            "{framework:?}"
        );
        let answer = server.raw(b"POST /readyz HTTP/1.0\r\n\r\n").await;
        assert_eq!(answer.status, no_length, "{framework:?}");
    }
}

/// No run ends during the test, so only the clock changes.
async fn standing_still() -> Health {
    let hour = Duration::from_hours(1);
    let seldom = critical().interval(hour).timeout(hour);
    let health = Health::builder()
        .service_info(ServiceInfo::new().version("1.4.2"))
        .check("slow", seldom.clone(), std::future::pending::<()>)
        .check("broken", seldom.clone(), || async {
            Outcome::fail("<b>\"\u{7}\\")
        })
        .check(
            "warm",
            CheckOptions::new().cache(hour).tags(["eu"]),
            || async { Outcome::warn("ä") },
        )
        .start()
        .expect("it starts");
    health.refresh("broken").await;
    health.refresh("warm").await;
    health
}

/// The pages that contain times.
const TIMED: [&str; 3] = ["/health", "/health/", "/health?format=health-json"];

/// Removes what changes between two answers. The length changes when a number gets
/// another digit.
fn without_times(target: &str, mut answer: Answer) -> Answer {
    if !TIMED.contains(&target) {
        return answer;
    }
    answer.headers.retain(|(name, _)| name != "content-length");
    let times = [("timestamp", ","), ("uptime_s", ","), ("uptime", "]")];
    for (key, end) in times {
        if let Some((before, rest)) = answer.body.split_once(&format!("\"{key}\":")) {
            let (_, after) = rest.split_once(end).expect("its end");
            answer.body = format!("{before}{after}");
        }
    }
    answer
}

/// A check that hangs, one that panics and one that blocks its thread: no other check
/// is affected, and the reason is named.
async fn a_faulty_check_affects_no_other_check(framework: Framework) {
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
    let message = |name: &str| {
        health
            .check(name)
            .expect("the check is registered")
            .message()
            .map(str::to_owned)
    };
    while reasons
        .iter()
        .any(|(name, reason)| message(name).as_deref() != Some(reason))
    {
        sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(server.get("/readyz").await.status, 503);
    assert_eq!(server.get("/livez").await.status, 200);
    assert_business(framework, &server).await;
    let body = server.get("/health").await.body;
    assert!(!body.contains("hunter2"), "{body}");
    let body: serde_json::Value = serde_json::from_str(&body).expect("the text is valid JSON");
    for (name, reason) in reasons {
        assert_eq!(body["checks"][name]["message"], reason, "{name}");
    }
    assert!(body["checks"]["hung"]["overdue_since"].is_string());
    drop(release);
}

async fn a_drain_is_visible_on_all_connections_at_once(framework: Framework) {
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
    assert_business(framework, &server).await;
    drop(drained);
    assert_eq!(server.health().status(Probe::Readiness), Status::Fail);
}

/// Over the socket: clients disconnect while their probes wait for a check on demand.
/// Nothing leaks, the verdict is unchanged, the run continues once, and its result
/// counts.
async fn a_client_that_disconnects_changes_nothing(framework: Framework) {
    let options = critical().cache(Duration::from_millis(1));
    let (gate, began, builder) = gated(options);
    let server = serve_on_demand(framework, builder).await;
    let dear = || {
        server
            .health()
            .check("dear")
            .expect("the check is registered")
    };
    let tasks = || Handle::current().metrics().num_alive_tasks();
    let before = tasks();
    assert_eq!(server.get("/readyz").await.status, 200);
    began.acquire().await.expect("a run").forget();

    gate.send(false).expect("the check looks at it");
    sleep(Duration::from_millis(2)).await; // so that the first result is too old
    let request = b"GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n";
    let caller = server.send(request).await;
    began.acquire().await.expect("a second run").forget();
    drop(caller);
    for _ in 0..20 {
        // Some of these disconnect before the server has read their requests.
        drop(server.send(request).await);
        drop(server.send(b"GET /readyz HT").await);
    }
    eventually("their connections are gone", async || tasks() == before).await;
    assert_eq!((dear().verdict(), dear().consecutive()), (Verdict::Pass, 1));
    assert_eq!(began.available_permits(), 0, "one run");
    assert_eq!(server.get("/livez").await.status, 200);

    gate.send(true).expect("the run waits");
    eventually("the run ends", async || dear().consecutive() > 1).await;
    assert_eq!(dear().verdict(), Verdict::Pass);
    assert_eq!(server.get("/readyz").await.status, 200);
    eventually("everything is as before", async || tasks() == before).await;
}

async fn a_guard_recognizes_by_header_and_by_address(framework: Framework) {
    let ask = async |guard: Guard, headers: &str| {
        let server = serve(framework, mixed().http(HttpOptions::new().guard(guard))).await;
        let get = async |path: &str| {
            let head =
                format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{headers}\r\n");
            server.raw(head.as_bytes()).await
        };
        let probe = get("/readyz").await;
        assert_eq!(
            (probe.status, &*probe.body),
            (503, r#"{"status":"unhealthy"}"#)
        );
        let answer = get("/health").await;
        assert_eq!(answer.status, 503);
        answer.body.contains("password=***")
    };
    let bearer = || Guard::new().bearer("correct horse battery staple");
    let right = "Authorization: Bearer correct horse battery staple\r\n";
    assert!(ask(bearer(), right).await);
    let wrong = "Authorization: Bearer correct horse battery stable\r\n";
    for wrong in [wrong, "Authorization: \u{fffd}\r\n", ""] {
        assert!(!ask(bearer(), wrong).await, "{wrong}");
    }

    let loopback = || Guard::new().addresses(["127.0.0.0/8"]);
    assert!(ask(loopback(), "").await);
    for forwarded in [
        "X-Forwarded-For: 127.0.0.1\r\n",
        "Forwarded: for=127.0.0.1\r\n",
        "X-Real-IP: 127.0.0.1\r\n",
        "Via: 1.1 ingress\r\n",
    ] {
        assert!(!ask(loopback(), forwarded).await, "{forwarded}");
    }

    let behind = || {
        let guard = Guard::new().addresses(["10.0.0.0/8"]);
        guard.trusted_proxies(["127.0.0.1"])
    };
    for (headers, is_recognized) in [
        ("X-Forwarded-For: 10.1.1.1\r\n", true),
        ("X-Forwarded-For: 10.1.1.1:51008\r\n", true),
        (
            "X-Forwarded-For: 8.8.8.8\r\nX-Forwarded-For: 10.1.1.1, 127.0.0.1\r\n",
            true,
        ),
        ("Forwarded: for=\"10.1.1.1:80\"\r\n", true),
        (
            "X-Forwarded-For: 10.1.1.1\r\nForwarded: for=10.1.1.1\r\n",
            true,
        ),
        (
            "X-Forwarded-For: 10.1.1.1\r\nForwarded: for=10.1.1.2\r\n",
            false,
        ),
        (
            "X-Forwarded-For: 10.1.1.1\r\nX-Forwarded-For: 8.8.8.8\r\n",
            false,
        ),
        ("X-Forwarded-For: 8.8.8.8\r\n", false),
        ("X-Real-IP: 10.1.1.1\r\n", false),
        ("", false),
    ] {
        assert_eq!(ask(behind(), headers).await, is_recognized, "{headers}");
    }

    let rule = || {
        Guard::new().when(|head| {
            let is_local = head.peer().is_some_and(|peer| peer.is_loopback());
            is_local && head.header_lines("x-team").eq([&b"a"[..], b"b"])
        })
    };
    assert!(ask(rule(), "X-Team: a\r\nAccept: */*\r\nX-Team: b\r\n").await);
    assert!(!ask(rule(), "X-Team: b\r\nX-Team: a\r\n").await);
}

async fn additional_paths_are_served(framework: Framework) {
    let builder = mixed().http(
        HttpOptions::new()
            .common_paths()
            .path("/internal/status", Page::Health)
            .path_with_checks("/internal/checked", Page::Health),
    );
    let server = serve(framework, builder).await;
    for (path, status) in [
        ("/healthz", 200),
        ("/live/", 200),
        ("/health/live", 200),
        ("/ready", 503),
        ("/ready/cache", 404),
        ("/health/ready", 503),
        ("/health/ready/orders-db", 404),
        ("/health/orders-db", 503),
        ("/startup", 200),
        ("/internal/status", 503),
        ("/internal/status/cache", 404),
        ("/internal/checked/cache", 200),
        ("/internal/checked/nobody", 404),
        ("/readyz", 503),
        ("/internal/status/nobody", 404),
        ("/internal", 404),
    ] {
        assert_eq!(server.get(path).await.status, status, "{path}");
    }
}
