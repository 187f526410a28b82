//! The check of NATS, against one real server.

use std::process::Command;
use std::time::Duration;

use async_nats::{Client, ConnectOptions};
use health_core::Health;
use health_core::check::FailureClass;
use health_indicators::async_nats::{
    ConnectionState, ObservedClient, observed_round_trip, round_trip,
};

use crate::support::{self, Server, UP, eventually, failing, public_bytes, seen};

const PASSWORD: &str = "hunter2hunter2";

fn server() -> Server {
    let directory = tempfile::tempdir().expect("a directory");
    Server::start(directory, |_, port| {
        let mut command = Command::new("nats-server");
        command
            .args(["--addr", "127.0.0.1", "--port", &port.to_string()])
            .args(["--user", "orders", "--pass", PASSWORD]);
        command
    })
}

fn options(password: &str) -> ConnectOptions {
    ConnectOptions::with_user_and_password("orders".into(), password.into())
        .reconnect_delay_callback(|_| Duration::from_millis(100))
        .retry_on_initial_connect()
}

async fn client(server: &Server, password: &str) -> Client {
    let address = format!("127.0.0.1:{}", server.port);
    let client = options(password).connect(address).await;
    client.expect("it connects in the background")
}

fn health(client: &Client) -> Health {
    let client = client.clone();
    support::health(Duration::from_secs(2), move || {
        let client = client.clone();
        async move { round_trip(&client).await }
    })
}

/// A client whose events are observed.
async fn observed(server: &Server, password: &str) -> ObservedClient {
    let connection = ConnectionState::new();
    let events = connection.clone();
    let options = options(password).event_callback(move |event| {
        events.observe(&event);
        async {}
    });
    let address = format!("127.0.0.1:{}", server.port);
    let client = options.connect(address).await;
    connection.of(client.expect("it connects in the background"))
}

fn health_of_observed(client: &ObservedClient) -> Health {
    let client = client.clone();
    support::health(Duration::from_secs(2), move || {
        let client = client.clone();
        async move { observed_round_trip(&client).await }
    })
}

/// The application's own use of the client.
async fn works(client: &Client) {
    use tokio_stream::StreamExt as _;

    let mut orders = client.subscribe("orders").await.expect("a subscription");
    client
        .publish("orders", "tea".into())
        .await
        .expect("it is sent");
    let message = tokio::time::timeout(Duration::from_secs(30), orders.next()).await;
    assert_eq!(message.expect("in time").expect("a message").payload, "tea");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "starts a NATS server; scripts/test.sh runs it"]
async fn each_state_of_a_server_has_its_class() {
    let mut server = server();
    let client = client(&server, PASSWORD).await;
    let health = health(&client);
    println!("up: {:?}", eventually(&health, UP).await);
    let connects = || {
        client
            .statistics()
            .connects
            .load(std::sync::atomic::Ordering::Relaxed)
    };
    let sent = || {
        client
            .statistics()
            .out_messages
            .load(std::sync::atomic::Ordering::Relaxed)
    };
    let (connects_before, sent_before) = (connects(), sent());
    for _ in 0..20 {
        assert_eq!(seen(&health).await, UP);
    }
    assert_eq!(connects(), connects_before, "a run opens no connection");
    assert_eq!(sent() - sent_before, 20, "a run sends one message");

    server.freeze();
    let frozen = failing(FailureClass::TimedOut);
    println!("frozen: {:?}", eventually(&health, frozen).await);
    assert_eq!(
        client.connection_state(),
        async_nats::connection::State::Connected
    );
    server.thaw();
    println!("thawed: {:?}", eventually(&health, UP).await);
    works(&client).await;

    server.stop();
    let unreachable = failing(FailureClass::Unreachable);
    println!("stopped: {:?}", eventually(&health, unreachable).await);
    server.spawn();
    server.wait_until_it_listens();
    println!("back: {:?}", eventually(&health, UP).await);
    works(&client).await;

    the_wrong_password(&mut server).await;
}

/// The client tells its events alone why it cannot connect.
async fn the_wrong_password(server: &mut Server) {
    let good = health_of_observed(&observed(server, PASSWORD).await);
    eventually(&good, UP).await;
    let unreachable = failing(FailureClass::Unreachable);
    let unobserved = health(&client(server, "wrong-hunter2").await);
    let observed = health_of_observed(&observed(server, "wrong-hunter2").await);
    let unauthorized = failing(FailureClass::Unauthorized);
    for (health, class) in [(&unobserved, unreachable), (&observed, unauthorized)] {
        eventually(health, class).await;
        let public = public_bytes(health);
        for secret in ["hunter2", "127.0.0.1", "orders"] {
            assert!(!public.contains(secret), "{public}");
        }
    }
    // A server that is down afterwards is not one that refuses the password.
    server.stop();
    eventually(&good, unreachable).await;
    eventually(&observed, unreachable).await;
    server.spawn();
    server.wait_until_it_listens();
    eventually(&good, UP).await;
    eventually(&observed, unauthorized).await;
}
