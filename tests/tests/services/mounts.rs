//! The pages of each mount: a public one shows neither names nor metrics.

use health_core::config::HttpOptions;
use health_core::http::{Details, Guard, Page};
use health_core::testing::Fake;
use health_core::{CheckOptions, Health, HealthBuilder, Outcome};
use tests::wire::{Framework, Mount, Server};

const TOKEN: &str = "correct horse battery staple";
const PROBES: [&str; 5] = ["/livez", "/readyz", "/startupz", "/up", "/consul"];
const INTERNAL: [&str; 8] = [
    "/metrics",
    "/status",
    "/status/orders-db",
    "/openapi.json",
    "/health/groups/storage",
    "/health/groups/storage/orders-db",
    "/health/orders-db",
    "/readyz/orders-db",
];

fn options() -> HttpOptions {
    HttpOptions::new()
        .group("storage")
        .path("/metrics", Page::Metrics)
        .path("/status", Page::StatusPage)
        .path("/openapi.json", Page::OpenApi)
        .path("/up", health_core::Probe::Liveness)
        .path("/api/v1/health", Page::Health)
        .consul_path("/consul")
}

/// A service with a failed database.
fn failing(http: HttpOptions) -> Health {
    let database = CheckOptions::new().critical().tags(["storage"]);
    let builder: HealthBuilder = Health::builder()
        .check("cache", CheckOptions::new(), || async {})
        .check("orders-db", database, || async {});
    let health = builder.http(http).start().expect("it starts");
    Fake::of(&health, "cache").pass();
    let refused = Outcome::fail("down").because("password=hunter2");
    Fake::of(&health, "orders-db").set(refused);
    health
}

fn public_frameworks() -> impl Iterator<Item = Framework> {
    let all = Framework::ALL.into_iter();
    all.filter(|framework| *framework != Framework::OwnPort)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_public_mount_has_no_names_and_no_metrics() {
    for framework in public_frameworks() {
        let health = failing(options());
        let public = Server::mounted(framework, Mount::Public, health.clone()).await;
        for path in PROBES {
            let answer = public.get(path).await;
            let expected = match path {
                "/livez" | "/up" | "/startupz" => (200, r#"{"status":"healthy"}"#),
                _ => (503, r#"{"status":"unhealthy"}"#),
            };
            assert_eq!(
                (answer.status, &*answer.body),
                expected,
                "{framework:?} {path}"
            );
        }
        for path in ["/health", "/health/", "/api/v1/health", "/health?verbose"] {
            let answer = public.get(path).await;
            let expected = (503, r#"{"status":"unhealthy"}"#);
            assert_eq!(
                (answer.status, &*answer.body),
                expected,
                "{framework:?} {path}"
            );
        }
        for format in ["text", "health-json"] {
            let answer = public
                .get(&format!("/health?format={format}&verbose"))
                .await;
            assert!(
                !answer.body.contains("orders-db"),
                "{framework:?}: {}",
                answer.body
            );
        }
        for path in INTERNAL {
            let answer = public.get(path).await;
            assert_eq!(answer.status, 404, "{framework:?} {path}");
            assert!(
                !answer.body.contains("check"),
                "{framework:?}: {}",
                answer.body
            );
        }
        assert_eq!(public.get("/").await.body, "business", "{framework:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_internal_mount_has_all_pages() {
    for framework in Framework::ALL {
        let internal = Server::start(framework, failing(options())).await;
        for path in PROBES.iter().chain(&INTERNAL) {
            let answer = internal.get(path).await;
            assert_ne!(answer.status, 404, "{framework:?} {path}");
        }
        let health = internal.get("/health").await;
        assert!(
            health.body.contains("orders-db"),
            "{framework:?}: {}",
            health.body
        );
        let metrics = internal.get("/metrics").await;
        assert!(
            metrics.body.contains("health_check_status"),
            "{framework:?}"
        );
        // Paths below an additional path belong to the application.
        let below = internal.get("/api/v1/health/orders-db").await;
        assert_eq!(below.status, 404, "{framework:?}");
    }
}

/// Both mounts answer a probe with the same bytes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn probes_answer_alike_on_both_mounts() {
    // A JSON list of checks contains the time of the answer.
    for (details, queries) in [
        (Details::Status, &["", "?verbose", "?format=text"][..]),
        (Details::Checks, &["?verbose", "?format=text"][..]),
    ] {
        for framework in public_frameworks() {
            let health = failing(options().probe_details(details));
            let public = Server::mounted(framework, Mount::Public, health.clone()).await;
            let internal = Server::mounted(framework, Mount::Internal, health).await;
            for path in PROBES {
                for asked in queries {
                    let request = format!(
                        "GET {path}{asked} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
                    );
                    let one = public.raw(request.as_bytes()).await;
                    let other = internal.raw(request.as_bytes()).await;
                    assert_eq!(one.status, other.status, "{framework:?} {path}{asked}");
                    assert_eq!(one.body, other.body, "{framework:?} {path}{asked}");
                }
            }
        }
    }
}

/// If probes show their checks, single checks are served by name as well.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn probe_details_serve_single_checks_below_probes() {
    for framework in public_frameworks() {
        let health = failing(options().probe_details(Details::Checks));
        let public = Server::mounted(framework, Mount::Public, health).await;
        let verbose = public.get("/readyz?verbose").await;
        assert!(
            verbose.body.contains("[-]orders-db failed"),
            "{}",
            verbose.body
        );
        assert_eq!(public.get("/readyz/orders-db").await.status, 503);
        assert_eq!(public.get("/readyz/cache/").await.status, 200);
        assert_eq!(public.get("/health/orders-db").await.status, 404);
        assert_eq!(public.get("/up/orders-db").await.status, 404);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_recognized_client_sees_everything_at_the_public_health() {
    for framework in public_frameworks() {
        let health = failing(options().guard(Guard::new().bearer(TOKEN)));
        let public = Server::mounted(framework, Mount::Public, health).await;
        let ask = async |path: &str, token: &str| {
            let request = format!(
                "GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\
                 Connection: close\r\n\r\n"
            );
            public.raw(request.as_bytes()).await
        };
        let known = ask("/health", TOKEN).await;
        assert!(
            known.body.contains("orders-db"),
            "{framework:?}: {}",
            known.body
        );
        assert!(known.body.contains("down"), "{framework:?}: {}", known.body);
        assert!(!known.body.contains("hunter2"), "secrets are masked");
        let unknown = ask("/health", "another").await;
        assert_eq!(unknown.body, r#"{"status":"unhealthy"}"#, "{framework:?}");
        assert_eq!(ask("/metrics", TOKEN).await.status, 404, "{framework:?}");
    }
}

/// One health with two mounts in one program: by prefix, and by port.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_mounts_can_be_used_in_one_program() {
    let health = failing(options());
    let app = axum::Router::new()
        .route("/health/ping", axum::routing::get(|| async { "pong" }))
        .merge(health_axum::routes(&health))
        .nest("/internal", health_axum::internal_routes(&health));
    let on_axum = Server::axum(app, health.clone()).await;

    let public = health_actix::configure(&health);
    let internal = health_actix::configure_internal(&health);
    let on_actix = Server::actix(health.clone(), move |config| {
        let pong = actix_web::web::get().to(async || "pong");
        config
            .route("/health/ping", pong)
            .configure(public)
            .service(actix_web::web::scope("/internal").configure(internal));
    });
    let own_port = Server::start(Framework::OwnPort, health).await;
    assert_eq!(own_port.get("/metrics").await.status, 200);
    for server in [on_axum, on_actix.await] {
        assert_eq!(server.get("/readyz").await.status, 503);
        assert_eq!(server.get("/metrics").await.status, 404);
        assert_eq!(server.get("/health/ping").await.body, "pong");
        assert_eq!(server.get("/internal/readyz").await.status, 503);
        assert_eq!(server.get("/internal/health/orders-db").await.status, 503);
        let metrics = server.get("/internal/metrics").await;
        assert!(metrics.body.contains("health_check_status"));
    }
}

#[tokio::test]
async fn each_mount_has_its_own_document_and_paths() {
    let health = failing(options());
    let public = health.endpoint().openapi();
    let internal = health.internal_endpoint().openapi();
    for path in INTERNAL {
        let template = path.replace("orders-db", "{check}");
        assert!(public["paths"].get(&template).is_none(), "{template}");
        assert!(internal["paths"].get(&template).is_some(), "{template}");
    }
    assert!(public["paths"]["/health"]["get"].is_object());
    assert_eq!(health.endpoint().check_paths().count(), 0);
    let probes = health.endpoint().probe_paths("");
    assert!(probes.contains("/readyz") && !probes.contains("/metrics"));
}
