//! The check over gRPC, against a server of `health-tonic`.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use health_core::check::{FailureClass, Indicator};
use health_core::config::HttpOptions;
use health_core::{CheckOptions, Health, Outcome, Status};
use health_indicators::tonic::{service, serving};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_stream::StreamExt as _;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::transport::{Channel, Endpoint, Server};

use crate::support;

/// A service whose check `stock` passes and whose check `ledger` fails.
fn peer() -> Health {
    let tagged = |tag: [&'static str; 1]| CheckOptions::new().cache(Duration::ZERO).tags(tag);
    Health::builder()
        .check("stock", tagged(["stock"]), || async { true })
        .check("ledger", tagged(["ledger"]).critical(), || async {
            Outcome::fail("hunter2hunter2")
        })
        .http(HttpOptions::new().group("stock").group("ledger"))
        .start()
        .expect("it starts")
}

/// The server, and the number of its connections.
fn serve(health: &Health, listener: TcpListener) -> (JoinHandle<()>, Arc<AtomicUsize>) {
    let accepted = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&accepted);
    let incoming = TcpListenerStream::new(listener).map(move |connection| {
        counted.fetch_add(1, Ordering::Relaxed);
        connection
    });
    let services = health_tonic::services(health).build().expect("services");
    let server = Server::builder().add_service(services);
    let server = tokio::spawn(async move {
        server
            .serve_with_incoming(incoming)
            .await
            .expect("it serves");
    });
    (server, accepted)
}

async fn listen(port: u16) -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind(("127.0.0.1", port))
        .await
        .expect("a port");
    let address = listener.local_addr().expect("an address");
    (listener, address)
}

fn channel(address: SocketAddr) -> Channel {
    let endpoint = Endpoint::from_shared(format!("http://{address}")).expect("a URL");
    endpoint.timeout(Duration::from_millis(500)).connect_lazy()
}

async fn class(channel: &Channel, name: &str) -> Option<FailureClass> {
    let outcome = Indicator::check(&service(name), channel).await;
    assert!(!format!("{:?}", outcome.message()).contains("hunter2"));
    match outcome.failure_class() {
        None => assert_eq!(outcome.status(), Status::Pass, "{outcome:?}"),
        Some(_) => assert_eq!(outcome.status(), Status::Fail, "{outcome:?}"),
    }
    outcome.failure_class()
}

#[tokio::test]
async fn each_status_of_a_service_has_its_class() {
    let health = peer();
    let (listener, address) = listen(0).await;
    let (server, accepted) = serve(&health, listener);
    let channel = channel(address);
    for _ in 0..10 {
        assert_eq!(class(&channel, "stock").await, None);
    }
    assert_eq!(
        accepted.load(Ordering::Relaxed),
        1,
        "the connection is kept"
    );
    assert_eq!(class(&channel, "ledger").await, Some(FailureClass::Refused));
    assert_eq!(
        class(&channel, "missing").await,
        Some(FailureClass::Misconfigured)
    );
    // Without readiness the server as a whole fails as well.
    assert_eq!(
        serving(&channel).await.failure_class(),
        Some(FailureClass::Refused)
    );
    server.abort();
}

#[tokio::test]
async fn an_unreachable_or_silent_server_is_detected_and_recovers() {
    let (listener, address) = listen(0).await;
    drop(listener);
    let channel = channel(address);
    assert_eq!(
        class(&channel, "stock").await,
        Some(FailureClass::Unreachable)
    );

    // The listener accepts connections and never answers.
    let (silent, _) = listen(address.port()).await;
    let held = tokio::spawn(async move {
        let mut connections = Vec::new();
        while let Ok((connection, _)) = silent.accept().await {
            connections.push(connection);
        }
    });
    assert_eq!(class(&channel, "stock").await, Some(FailureClass::TimedOut));
    held.abort();
    let _ = held.await;

    let health = peer();
    let (listener, _) = listen(address.port()).await;
    let (server, _) = serve(&health, listener);
    let began = std::time::Instant::now();
    while class(&channel, "stock").await.is_some() {
        assert!(began.elapsed() < Duration::from_secs(30), "it comes back");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    server.abort();
}

#[tokio::test]
async fn a_server_without_the_health_service_is_misconfigured() {
    let (listener, address) = listen(0).await;
    let router =
        Server::builder().add_service(health_tonic::services(&peer()).build().expect("services"));
    drop(router);
    let server = Server::builder().add_routes(tonic::service::Routes::default());
    let incoming = TcpListenerStream::new(listener);
    let server = tokio::spawn(async move { server.serve_with_incoming(incoming).await });
    let channel = channel(address);
    assert_eq!(class(&channel, "").await, Some(FailureClass::Misconfigured));
    server.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_application_and_the_check_share_a_channel() {
    let health = peer();
    let (listener, address) = listen(0).await;
    let (server, _) = serve(&health, listener);
    let channel = channel(address);
    let checked = support::health(Duration::from_secs(2), {
        let channel = channel.clone();
        move || {
            let channel = channel.clone();
            async move { service("stock").check(&channel).await }
        }
    });
    assert_eq!(
        support::seen(&checked).await,
        (health_core::report::Verdict::Pass, None)
    );
    let mut client = health_tonic::pb::health_client::HealthClient::new(channel);
    let request = health_tonic::pb::HealthCheckRequest {
        service: "stock".into(),
    };
    assert_eq!(
        client
            .check(request)
            .await
            .expect("an answer")
            .into_inner()
            .status,
        1
    );
    server.abort();
}
