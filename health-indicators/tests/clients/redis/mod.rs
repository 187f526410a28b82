//! The checks of Redis, against real servers.

mod sentinel;

use std::process::Command;
use std::time::Duration;

use health_core::check::FailureClass;
use health_core::report::Verdict;
use health_core::{Health, Outcome};
use health_indicators::redis::{cluster, ping, writable};
use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::cluster::ClusterClient;
use redis::cluster_async::ClusterConnection;

use crate::support::{self, Server, UP, eventually, failing, free_port, look, public_bytes, seen};

const PASSWORD: &str = "hunter2hunter2";

fn server() -> Server {
    redis_server(&[])
}

fn redis_server(more: &[&str]) -> Server {
    let directory = tempfile::tempdir().expect("a directory");
    let more: Vec<_> = more.iter().map(|word| (*word).to_owned()).collect();
    Server::start(directory, move |directory, port| {
        let mut command = Command::new("redis-server");
        command
            .args(["--port", &port.to_string(), "--bind", "127.0.0.1"])
            .args(["--requirepass", PASSWORD, "--masterauth", PASSWORD])
            .args(["--enable-debug-command", "yes", "--save", ""])
            .args(["--repl-diskless-sync-delay", "0"])
            .args(&more)
            .arg("--dir")
            .arg(directory);
        command
    })
}

fn url(server: &Server, password: &str) -> String {
    format!("redis://:{password}@127.0.0.1:{}/", server.port)
}

fn client(server: &Server) -> redis::Client {
    redis::Client::open(url(server, PASSWORD)).expect("a URL")
}

async fn manager(server: &Server, answers_within: Duration) -> ConnectionManager {
    manager_of(client(server), answers_within).await
}

async fn manager_of(client: redis::Client, answers_within: Duration) -> ConnectionManager {
    let config = ConnectionManagerConfig::new()
        .set_response_timeout(Some(answers_within))
        .set_connection_timeout(Some(Duration::from_millis(500)))
        .set_max_delay(Duration::from_millis(200));
    let manager = ConnectionManager::new_with_config(client, config);
    manager.await.expect("a connection")
}

fn health(connection: &ConnectionManager) -> Health {
    let connection = connection.clone();
    support::health(Duration::from_secs(2), move || {
        let connection = connection.clone();
        async move { ping(&connection).await }
    })
}

fn health_of_writer(connection: &ConnectionManager) -> Health {
    let connection = connection.clone();
    support::health(Duration::from_secs(2), move || {
        let connection = connection.clone();
        async move { writable(&connection).await }
    })
}

async fn command(connection: &ConnectionManager, words: &[&str]) {
    let mut command = redis::Cmd::new();
    for word in words {
        command.arg(*word);
    }
    let mut connection = connection.clone();
    let answer: redis::RedisResult<redis::Value> = command.query_async(&mut connection).await;
    answer.expect("an answer");
}

async fn clients(connection: &ConnectionManager) -> usize {
    value_of(connection, "CLIENT", "LIST").await.lines().count()
}

/// The text that is the answer to a command of two words.
async fn value_of(connection: &ConnectionManager, first: &str, second: &str) -> String {
    let mut connection = connection.clone();
    let mut command = redis::cmd(first);
    let answer = command.arg(second).query_async(&mut connection).await;
    answer.expect("an answer")
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "starts a Redis server; scripts/test.sh runs it"]
async fn each_state_of_a_server_has_its_class() {
    let mut server = server();
    let connection = manager(&server, Duration::from_secs(30)).await;
    let health = health(&connection);
    let writer = health_of_writer(&connection);
    assert_eq!(seen(&health).await, UP);
    assert_eq!(seen(&writer).await, UP);

    let before = clients(&connection).await;
    for _ in 0..20 {
        assert_eq!(seen(&health).await, UP);
    }
    assert_eq!(
        clients(&connection).await,
        before,
        "a run opens no connection"
    );

    // A replica answers, and accepts no writes.
    let primary = self::server();
    let of = [&*primary.port.to_string()].map(str::to_owned);
    command(&connection, &["REPLICAOF", "127.0.0.1", &of[0]]).await;
    println!(
        "demoted: {:?}",
        eventually(&writer, failing(FailureClass::WrongRole)).await
    );
    eventually(&health, UP).await;
    command(&connection, &["REPLICAOF", "NO", "ONE"]).await;
    println!("promoted: {:?}", eventually(&writer, UP).await);

    // Frozen: the timeout of the check, and the timeout of the client.
    let hasty = manager(&server, Duration::from_millis(200)).await;
    let of_hasty = self::health(&hasty);
    server.freeze();
    println!(
        "frozen: {:?}",
        eventually(&health, failing(FailureClass::TimedOut)).await
    );
    assert_eq!(seen(&of_hasty).await, failing(FailureClass::TimedOut));
    server.thaw();
    println!("thawed: {:?}", eventually(&health, UP).await);
    eventually(&of_hasty, UP).await;

    server.stop();
    println!(
        "stopped: {:?}",
        eventually(&health, failing(FailureClass::Unreachable)).await
    );
    server.spawn();
    server.wait_until_it_listens();
    println!("back: {:?}", eventually(&health, UP).await);
    command(&connection, &["SET", "key", "value"]).await;

    // The password changes while the application is connected.
    command(
        &connection,
        &["CONFIG", "SET", "requirepass", "other-hunter2"],
    )
    .await;
    server_drops_its_clients(&server, "other-hunter2").await;
    let seen = eventually(&health, failing(FailureClass::Unauthorized)).await;
    println!("wrong password: {seen:?}");
    let public = public_bytes(&health);
    for secret in ["hunter2", "127.0.0.1"] {
        assert!(!public.contains(secret), "{public}");
    }
}

async fn server_drops_its_clients(server: &Server, password: &str) {
    let client = redis::Client::open(url(server, password)).expect("a URL");
    let mut connection = client
        .get_multiplexed_async_connection()
        .await
        .expect("a connection");
    let killed: redis::RedisResult<redis::Value> = redis::cmd("CLIENT")
        .arg(&["KILL", "TYPE", "normal", "SKIPME", "yes"])
        .query_async(&mut connection)
        .await;
    killed.expect("an answer");
}

/// A server that is loading its data answers `LOADING`.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "starts a Redis server; scripts/test.sh runs it"]
async fn a_server_that_is_loading_its_data_is_starting() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut server = Server::start(directory, |directory, port| {
        let mut command = Command::new("redis-server");
        command
            .args(["--port", &port.to_string(), "--bind", "127.0.0.1"])
            .args(["--requirepass", PASSWORD, "--enable-debug-command", "yes"])
            // Each key takes some time to load.
            .args([
                "--key-load-delay",
                "2000",
                "--loading-process-events-interval-bytes",
                "1024",
            ])
            .arg("--dir")
            .arg(directory);
        command
    });
    let connection = manager(&server, Duration::from_millis(500)).await;
    let health = health(&connection);
    command(&connection, &["DEBUG", "POPULATE", "1000"]).await;
    command(&connection, &["SAVE"]).await;
    server.stop();
    server.spawn();
    println!(
        "loading: {:?}",
        eventually(&health, failing(FailureClass::Starting)).await
    );
    println!("loaded: {:?}", eventually(&health, UP).await);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "starts a Redis server; scripts/test.sh runs it"]
async fn an_exhausted_pool_is_not_reported_as_an_unreachable_server() {
    let mut server = server();
    let config = deadpool_redis::Config::from_url(url(&server, PASSWORD));
    let builder = config.builder().expect("a URL").max_size(2);
    // Without a runtime the pool has no timer.
    let pool = builder.build().expect("a pool");
    let health = support::health(Duration::from_secs(3), {
        let pool = pool.clone();
        move || {
            let pool = pool.clone();
            async move { health_indicators::deadpool_redis::ping(&pool).await }
        }
    });
    for _ in 0..5 {
        assert_eq!(seen(&health).await, UP);
    }
    assert_eq!(pool.status().size, 1, "a run opens no connection");
    let held = [pool.get().await, pool.get().await];
    let saturated = look(&health).await;
    assert_eq!(saturated.verdict(), Verdict::Warn);
    assert_eq!(saturated.failure_class(), Some(FailureClass::Saturated));
    drop(held);
    eventually(&health, UP).await;

    server.freeze();
    println!(
        "frozen: {:?}",
        eventually(&health, failing(FailureClass::TimedOut)).await
    );
    server.thaw();
    eventually(&health, UP).await;
    server.stop();
    println!(
        "stopped: {:?}",
        eventually(&health, failing(FailureClass::Unreachable)).await
    );
    server.spawn();
    server.wait_until_it_listens();
    println!("back: {:?}", eventually(&health, UP).await);

    let config = deadpool_redis::Config::from_url(url(&server, "wrong-hunter2"));
    let wrong = config
        .create_pool(Some(deadpool_redis::Runtime::Tokio1))
        .expect("a pool");
    let outcome: Outcome = health_indicators::deadpool_redis::ping(&wrong).await;
    assert_eq!(outcome.failure_class(), Some(FailureClass::Unauthorized));
    assert_eq!(outcome.message(), Some("the credentials are not accepted"));
}

/// A node that knows no others yet.
fn node() -> Server {
    let directory = tempfile::tempdir().expect("a directory");
    // By default it is the other port and 10000, which may be none.
    let bus = free_port().to_string();
    Server::start(directory, move |directory, port| {
        let mut command = Command::new("redis-server");
        command
            .args(["--port", &port.to_string(), "--bind", "127.0.0.1"])
            .args(["--requirepass", PASSWORD, "--masterauth", PASSWORD])
            .args(["--save", "", "--cluster-enabled", "yes"])
            .args(["--cluster-port", &bus, "--cluster-node-timeout", "3000"])
            .arg("--dir")
            .arg(directory);
        command
    })
}

/// Three primaries without replicas.
fn nodes() -> [Server; 3] {
    let nodes = [node(), node(), node()];
    let addresses = nodes.iter().map(|node| format!("127.0.0.1:{}", node.port));
    support::run(
        Command::new("redis-cli")
            .args(["-a", PASSWORD, "--cluster-yes", "--cluster", "create"])
            .args(addresses),
    );
    nodes
}

async fn cluster_connection(nodes: &[Server]) -> ClusterConnection {
    let urls: Vec<_> = nodes.iter().map(|node| url(node, PASSWORD)).collect();
    let client = ClusterClient::builder(urls)
        .retries(1)
        .connection_timeout(Duration::from_millis(500))
        .response_timeout(Duration::from_millis(500))
        .build();
    let connection = client.expect("a client").get_async_connection().await;
    connection.expect("a connection")
}

async fn set(connection: &ClusterConnection, key: &str) -> redis::RedisResult<()> {
    let mut set = redis::cmd("SET");
    set.arg(key).arg("value");
    set.query_async(&mut connection.clone()).await
}

/// What each node itself says of the cluster.
async fn healths_of_nodes(nodes: &[Server]) -> Vec<Health> {
    let mut healths = Vec::new();
    for node in nodes {
        let connection = manager(node, Duration::from_secs(30)).await;
        healths.push(support::health(Duration::from_secs(3), move || {
            let connection = connection.clone();
            async move { cluster(&connection).await }
        }));
    }
    healths
}

async fn all_are_up(nodes: &[Health]) {
    for node in nodes {
        eventually(node, UP).await;
    }
}

/// Without the owner of a slot, the other nodes answer `PING`, and no command works.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "starts three Redis servers; scripts/test.sh runs it"]
async fn a_cluster_without_the_owner_of_a_slot_is_down() {
    let mut nodes = nodes();
    let connection = cluster_connection(&nodes).await;
    let health = support::health(Duration::from_secs(3), {
        let connection = connection.clone();
        move || {
            let connection = connection.clone();
            async move { cluster(&connection).await }
        }
    });
    let of_nodes = healths_of_nodes(&nodes).await;
    all_are_up(&of_nodes).await;
    println!("up: {:?}", eventually(&health, UP).await);
    set(&connection, "tea").await.expect("it is set");

    let direct = manager(&nodes[0], Duration::from_secs(30)).await;
    let before = clients(&direct).await;
    for _ in 0..20 {
        look(&health).await;
    }
    assert_eq!(clients(&direct).await, before, "a run opens no connection");

    let down = failing(FailureClass::Refused);
    nodes[2].freeze();
    println!("one frozen: {:?}", eventually(&health, down).await);
    let of_other = self::health(&direct);
    assert_eq!(seen(&of_other).await, UP, "a node that is left answers");
    nodes[2].thaw();
    println!("thawed: {:?}", eventually(&health, UP).await);
    all_are_up(&of_nodes).await;

    nodes[2].stop();
    println!("one stopped: {:?}", eventually(&health, down).await);
    let outcome = cluster(&connection).await;
    assert_eq!(
        outcome.message(),
        Some("the cluster is down"),
        "{outcome:?}"
    );
    nodes[2].spawn();
    nodes[2].wait_until_it_listens();
    println!("back: {:?}", eventually(&health, UP).await);
    all_are_up(&of_nodes).await;

    for node in &nodes {
        node.freeze();
    }
    let frozen = failing(FailureClass::TimedOut);
    println!("all frozen: {:?}", eventually(&health, frozen).await);
    for node in &nodes {
        node.thaw();
    }
    println!("all thawed: {:?}", eventually(&health, UP).await);

    for node in &mut nodes {
        node.stop();
    }
    let stopped = failing(FailureClass::Unreachable);
    println!("all stopped: {:?}", eventually(&health, stopped).await);
    let public = public_bytes(&health);
    for secret in ["hunter2", "127.0.0.1"] {
        assert!(!public.contains(secret), "{public}");
    }
    for node in &mut nodes {
        node.spawn();
    }
    for node in &nodes {
        node.wait_until_it_listens();
    }
    println!("all back: {:?}", eventually(&health, UP).await);
    all_are_up(&of_nodes).await;
    for key in ["tea", "milk", "sugar", "water"] {
        set(&connection, key).await.expect("it is set");
    }

    // The password changes under the connections of the application.
    for node in &nodes {
        let direct = manager(node, Duration::from_secs(30)).await;
        command(&direct, &["CONFIG", "SET", "requirepass", "other-hunter2"]).await;
        server_drops_its_clients(node, "other-hunter2").await;
    }
    // The connection keeps to itself why it cannot connect.
    eventually(&health, stopped).await;
    assert!(!public_bytes(&health).contains("hunter2"));
}
