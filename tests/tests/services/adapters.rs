//! Groups, exclusions and base paths over a real socket, on each adapter.

use health_core::config::HttpOptions;
use health_core::http::Page;
use health_core::report::Verdict;
use health_core::testing::Fake;
use health_core::{CheckOptions, Health, HealthBuilder, Outcome};
use tests::wire::{Framework, Server};

macro_rules! on_both {
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

on_both! {
    groups_are_served_next_to_the_checks_of_health
    exclusions_work_through_every_adapter
    a_base_path_moves_every_standard_path
}

fn builder(http: HttpOptions) -> HealthBuilder {
    let critical = || CheckOptions::new().critical();
    Health::builder()
        .check("api", critical(), || async {})
        .check("disk", critical().tags(["storage", "eu"]), || async {
            Outcome::fail("full")
        })
        .http(http.group("storage").group("eu").common_paths())
}

/// A service in which every check has run once.
async fn serve(framework: Framework, builder: HealthBuilder) -> Server {
    let health = builder.start().expect("it starts");
    for name in ["api", "disk"] {
        let report = health.refresh(name).await.expect("there is a check");
        assert_ne!(report.verdict(), Verdict::Unknown);
    }
    Server::start(framework, health).await
}

async fn assert_statuses(server: &Server, expected: &[(&str, u16)]) {
    for &(path, status) in expected {
        let answer = server.get(path).await;
        assert_eq!(answer.status, status, "{path}: {}", answer.body);
    }
}

async fn groups_are_served_next_to_the_checks_of_health(framework: Framework) {
    let builder = builder(HttpOptions::new().path("/internal/storage", Page::group("storage")));
    let server = serve(framework, builder).await;
    assert_statuses(
        &server,
        &[
            ("/health/groups/storage", 503),
            ("/health/groups/storage/", 503),
            ("/health/groups/storage/disk", 503),
            ("/health/groups/storage/d%69sk/", 503),
            ("/health/groups/storage/api", 404),
            ("/health/groups/eu", 503),
            ("/health/groups/us", 404),
            ("/health/groups", 404),
            ("/health/groups/", 404),
            ("/health/ready", 503),
            ("/health/api", 200),
            ("/internal/storage", 503),
            ("/internal/storage/disk", 404),
        ],
    )
    .await;
    Fake::of(server.health(), "disk").pass();
    let answer = server.get("/health/groups/storage").await;
    assert_eq!(answer.status, 200);
    assert!(answer.body.starts_with(r#"{"status":"healthy","#));
    let head = server.request("HEAD", "/health/groups/eu").await;
    assert_eq!((head.status, &*head.body), (200, ""));
    let post = server.request("POST", "/health/groups/eu").await;
    assert_eq!(post.status, 405);
}

async fn exclusions_work_through_every_adapter(framework: Framework) {
    let server = serve(
        framework,
        builder(HttpOptions::new().exclude_for_all_clients()),
    )
    .await;
    assert_statuses(
        &server,
        &[
            ("/readyz", 503),
            ("/readyz?exclude=disk", 200),
            ("/readyz/?verbose&exclude=d%69sk", 200),
            ("/readyz?exclude=api", 503),
            ("/health?exclude=disk", 200),
            ("/health/groups/eu?exclude=disk", 200),
        ],
    )
    .await;
    let listed = server
        .get("/health/groups/eu?exclude=disk&exclude=x&verbose&format=text")
        .await;
    assert_eq!(
        listed.body,
        "[+]disk excluded: ok\n\
         warn: some health checks cannot be excluded: no matches for \"x\"\n\
         eu check passed\n"
    );
    let closed = serve(framework, builder(HttpOptions::new())).await;
    assert_statuses(&closed, &[("/readyz?exclude=disk", 503)]).await;
}

const BELOW_INTERNAL: [(&str, u16); 8] = [
    ("/internal/readyz", 503),
    ("/internal/readyz/api/", 200),
    ("/internal/health/disk", 503),
    ("/internal/health/groups/storage", 503),
    ("/internal/healthz", 200),
    ("/readyz", 404),
    ("/health/groups/storage", 404),
    ("/internal", 404),
];

async fn a_base_path_moves_every_standard_path(framework: Framework) {
    let builder = builder(
        HttpOptions::new()
            .base_path("/internal")
            .path("/status", Page::Health),
    );
    let server = serve(framework, builder).await;
    assert_statuses(&server, &BELOW_INTERNAL).await;
    assert_statuses(&server, &[("/status", 503), ("/status/api", 404)]).await;
    assert_eq!(server.get("/").await.body, "business");
}

/// An alternative way to the same paths, without a setting of the builder.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nested_routers_serve_the_same_paths() {
    let health = builder(HttpOptions::new()).start().expect("it starts");
    for name in ["api", "disk"] {
        health.refresh(name).await.expect("there is a check");
    }
    let nested = ::axum::Router::new().nest("/internal", health_axum::internal_routes(&health));
    let axum = Server::axum(nested, health.clone()).await;
    assert_statuses(&axum, &BELOW_INTERNAL).await;

    let configure = health_actix::configure_internal(&health);
    let actix = Server::actix(health, move |config| {
        config.service(actix_web::web::scope("/internal").configure(configure));
    });
    assert_statuses(&actix.await, &BELOW_INTERNAL).await;
}

/// Otherwise an old handler would answer the probe, whatever the checks say.
#[tokio::test]
#[should_panic(expected = "GET /readyz")]
async fn a_route_of_the_application_at_the_path_of_a_probe_panics() {
    let health = Health::builder().start().expect("it starts");
    let _: ::axum::Router = ::axum::Router::new()
        .route("/readyz", ::axum::routing::get(|| async { "old" }))
        .merge(health_axum::routes(&health));
}
