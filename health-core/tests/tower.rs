//! The endpoint as a tower service, and the layer.

use std::convert::Infallible;
use std::net::Ipv4Addr;

use health_core::config::HttpOptions;
use health_core::http::{Guard, Page, Peer};
use health_core::{CheckOptions, Health, Outcome};
use http::{Request, Response};
use http_body_util::BodyExt;
use tokio::sync::Semaphore;
use tower::{Service, ServiceBuilder, ServiceExt, service_fn};

fn get(path: &str) -> Request<String> {
    Request::get(path).body(String::new()).expect("a request")
}

async fn text<B>(response: Response<B>) -> String
where
    B: http_body::Body<Data: Send, Error: std::fmt::Debug>,
{
    let body = response.into_body().collect().await.expect("a body");
    String::from_utf8(body.to_bytes().to_vec()).expect("text")
}

#[tokio::test]
async fn the_endpoint_is_a_service_for_any_body_type() {
    let mut endpoint = Health::builder()
        .start()
        .expect("it starts")
        .internal_endpoint();
    let response = endpoint.call(get("/readyz")).await.expect("infallible");
    assert_eq!(response.status(), 200);
    assert_eq!(text(response).await, r#"{"status":"healthy"}"#);
    let request = Request::get("/nothing").body(17).expect("a request");
    let response = endpoint.call(request).await.expect("infallible");
    assert_eq!(response.status(), 404);
}

#[tokio::test]
async fn a_guard_reads_the_peer_address_from_the_extension() {
    let health = Health::builder()
        .check("disk", CheckOptions::new(), || async {
            Outcome::fail("full").because("/var is at 100 %")
        })
        .http(HttpOptions::new().guard(Guard::new().addresses(["127.0.0.0/8"])))
        .start()
        .expect("it starts");
    health.refresh("disk").await;
    let mut endpoint = health.internal_endpoint();
    let mut ask = async |peer: Option<Peer>| {
        let mut request = get("/health");
        if let Some(peer) = peer {
            request.extensions_mut().insert(peer);
        }
        text(endpoint.call(request).await.expect("infallible")).await
    };
    let local = Peer(Ipv4Addr::LOCALHOST.into());
    assert!(ask(Some(local)).await.contains("/var is at"));
    let remote = Peer(Ipv4Addr::new(192, 0, 2, 1).into());
    assert!(!ask(Some(remote)).await.contains("/var is at"));
    assert!(!ask(None).await.contains("/var is at"));
}

/// An application at its concurrency limit, which never completes a request.
#[tokio::test]
async fn the_layer_answers_before_a_concurrency_limit() {
    static CALLED: Semaphore = Semaphore::const_new(0);
    let health = Health::builder().start().expect("it starts");
    let application = ServiceBuilder::new()
        .layer(health.internal_layer())
        .concurrency_limit(1)
        .service(service_fn(|request: Request<String>| async move {
            CALLED.add_permits(1);
            if request.uri().path() == "/slow" {
                std::future::pending::<()>().await;
            }
            Ok::<_, Infallible>(Response::new(String::from("business")))
        }));
    let business = application.clone().oneshot(get("/")).await;
    assert_eq!(text(business.expect("infallible")).await, "business");

    let slow = tokio::spawn(application.clone().oneshot(get("/slow")));
    CALLED.acquire_many(2).await.expect("both began").forget();
    for (path, status) in [("/readyz", 200), ("/livez/", 200), ("/health/x", 404)] {
        let response = application.clone().oneshot(get(path)).await;
        assert_eq!(response.expect("infallible").status(), status, "{path}");
    }
    let waiting = tokio::spawn(application.oneshot(get("/readyzz")));
    tokio::task::yield_now().await;
    assert!(
        !waiting.is_finished(),
        "the limit holds for the application"
    );
    slow.abort();
    let business = waiting.await.expect("no panic").expect("infallible");
    assert_eq!(text(business).await, "business");
}

/// The application handles the paths that the public layer does not serve.
#[tokio::test]
async fn the_layer_leaves_internal_paths_to_the_application() {
    let health = Health::builder()
        .check("disk", CheckOptions::new(), || async {})
        .http(HttpOptions::new().path("/metrics", Page::Metrics))
        .start()
        .expect("it starts");
    let business = service_fn(|_: Request<String>| async {
        Ok::<_, Infallible>(Response::new(String::from("business")))
    });
    let public = ServiceBuilder::new()
        .layer(health.layer())
        .service(business);
    for path in ["/metrics", "/health/disk", "/readyz/disk"] {
        let response = public.clone().oneshot(get(path)).await;
        assert_eq!(
            text(response.expect("infallible")).await,
            "business",
            "{path}"
        );
    }
    let internal = ServiceBuilder::new()
        .layer(health.internal_layer())
        .service(business);
    let response = internal.oneshot(get("/metrics")).await.expect("infallible");
    assert!(text(response).await.contains("health_status"));
}
