//! A failover by a sentinel.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use deadpool_redis::RedisConnectionInfo;
use deadpool_redis::sentinel::{Config, Pool, SentinelNodeConnectionInfo, SentinelServerType};
use health_core::Health;
use health_core::check::FailureClass;
use health_core::report::Verdict;
use health_indicators::deadpool_redis as in_pool;
use redis::aio::ConnectionManager;
use redis::sentinel::{self, SentinelClient};

use super::{PASSWORD, command, health_of_writer, manager, manager_of};
use super::{redis_server, server_drops_its_clients, value_of};
use crate::support::{self, Server, UP, eventually, failing, look, public_bytes, seen};

/// The name of the primary.
const NAME: &str = "orders";
const PATIENCE: Duration = Duration::from_secs(250);

fn replica_of(primary: &Server) -> Server {
    redis_server(&["--replicaof", "127.0.0.1", &primary.port.to_string()])
}

/// A sentinel that needs no other one to decide.
fn sentinel_of(primary: &Server) -> Server {
    let directory = tempfile::tempdir().expect("a directory");
    let port = primary.port;
    let settings = format!(
        "bind 127.0.0.1\n\
         sentinel monitor {NAME} 127.0.0.1 {port} 1\n\
         sentinel auth-pass {NAME} {PASSWORD}\n\
         sentinel down-after-milliseconds {NAME} 1000\n\
         sentinel failover-timeout {NAME} 5000\n"
    );
    // The sentinel keeps its own state in the file.
    std::fs::write(directory.path().join("sentinel.conf"), settings).expect("a file");
    Server::start(directory, |directory, port| {
        let mut command = std::process::Command::new("redis-server");
        command
            .arg::<PathBuf>(directory.join("sentinel.conf"))
            .args(["--sentinel", "--port", &port.to_string()])
            .arg("--dir")
            .arg(directory);
        command
    })
}

fn url_of_sentinel(sentinel: &Server) -> String {
    format!("redis://127.0.0.1:{}/", sentinel.port)
}

fn pool(sentinel: &Server, name: &str, password: &str) -> Pool {
    let of_nodes = SentinelNodeConnectionInfo {
        tls_mode: None,
        redis_connection_info: Some(RedisConnectionInfo {
            password: Some(password.to_owned()),
            ..RedisConnectionInfo::default()
        }),
    };
    let sentinels = vec![url_of_sentinel(sentinel)];
    let config = Config::from_urls(sentinels, name.to_owned(), SentinelServerType::Master);
    let config = config.with_node_connection_info(Some(of_nodes));
    let builder = config.builder().expect("URLs").max_size(2);
    // Without a runtime the pool has no timer.
    builder.build().expect("a pool")
}

/// A connection to the server that is the primary now.
async fn manager_of_primary(sentinel: &Server) -> ConnectionManager {
    let of_redis = redis::RedisConnectionInfo::default().set_password(PASSWORD);
    let of_nodes = sentinel::SentinelNodeConnectionInfo::default();
    let client = SentinelClient::build(
        vec![url_of_sentinel(sentinel)],
        NAME.to_owned(),
        Some(of_nodes.set_redis_connection_info(of_redis)),
        sentinel::SentinelServerType::Master,
    );
    let client = client.expect("a client").async_get_client().await;
    manager_of(client.expect("a primary"), Duration::from_secs(30)).await
}

fn health(pool: &Pool) -> Health {
    let pool = pool.clone();
    support::health(Duration::from_secs(5), move || {
        let pool = pool.clone();
        async move { in_pool::writable(&pool).await }
    })
}

fn health_of_ping(pool: &Pool) -> Health {
    let pool = pool.clone();
    support::health(Duration::from_secs(5), move || {
        let pool = pool.clone();
        async move { in_pool::ping(&pool).await }
    })
}

/// Waits until the replica is complete, and the sentinel knows it.
async fn can_fail_over(primary: &Server) -> (Server, Server) {
    let replica = replica_of(primary);
    let direct = manager(&replica, Duration::from_secs(30)).await;
    until(|| async {
        value_of(&direct, "INFO", "REPLICATION")
            .await
            .contains("master_link_status:up")
    })
    .await;
    let sentinel = sentinel_of(primary);
    let client = redis::Client::open(url_of_sentinel(&sentinel)).expect("a URL");
    let direct = manager_of(client, Duration::from_secs(30)).await;
    until(|| async {
        value_of(&direct, "INFO", "SENTINEL")
            .await
            .contains("slaves=1")
    })
    .await;
    (replica, sentinel)
}

async fn until<F: Future<Output = bool>>(condition: impl Fn() -> F) {
    let until = Instant::now() + PATIENCE;
    while !condition().await {
        assert!(Instant::now() < until, "it has not come");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// The connections of applications to a server.
async fn clients(direct: &ConnectionManager) -> usize {
    let list = value_of(direct, "CLIENT", "LIST").await;
    list.lines()
        .filter(|line| !line.contains("name=sentinel-") && line.contains(" flags=N "))
        .count()
}

async fn set(pool: &Pool) {
    let mut connection = pool.get().await.expect("a connection");
    let mut set = redis::cmd("SET");
    set.arg("key").arg("value");
    let answer: redis::RedisResult<()> = set.query_async(&mut connection).await;
    answer.expect("it is set");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "starts two Redis servers and a sentinel; scripts/test.sh runs it"]
async fn a_pool_of_sentinel_follows_a_failover() {
    let primary = redis_server(&[]);
    let (replica, mut sentinel) = can_fail_over(&primary).await;
    let pool = pool(&sentinel, NAME, PASSWORD);
    let (writer, ping) = (health(&pool), health_of_ping(&pool));
    let stays = manager_of_primary(&sentinel).await;
    let writer_that_stays = health_of_writer(&stays);
    for health in [&writer, &ping, &writer_that_stays] {
        eventually(health, UP).await;
    }
    a_run_opens_no_connection(&writer, &primary, &sentinel).await;
    all_in_use(&pool, &writer).await;

    primary.freeze();
    println!("failover: {:?}", failover(&writer).await);
    set(&pool).await;
    eventually(&writer_that_stays, failing(FailureClass::TimedOut)).await;
    primary.thaw();
    // The sentinel makes it a replica of the other one.
    let wrong_role = failing(FailureClass::WrongRole);
    println!(
        "demoted: {:?}",
        eventually(&writer_that_stays, wrong_role).await
    );
    assert_eq!(seen(&super::health(&stays)).await, UP, "a replica answers");
    assert_eq!(seen(&writer).await, UP, "the pool has followed");

    sentinel.stop();
    for _ in 0..20 {
        assert_eq!(seen(&writer).await, UP, "no request needs a sentinel");
    }
    demoted_without_a_sentinel(&writer, &ping, &replica, &primary).await;
    server_drops_its_clients(&replica, PASSWORD).await;
    let no_sentinel = failing(FailureClass::Unreachable);
    println!("no sentinel: {:?}", eventually(&writer, no_sentinel).await);
    sentinel.spawn();
    sentinel.wait_until_it_listens();
    println!("back: {:?}", eventually(&writer, UP).await);
    set(&pool).await;

    wrong_settings(&sentinel).await;
}

/// Neither to the primary nor to the sentinel.
async fn a_run_opens_no_connection(writer: &Health, primary: &Server, sentinel: &Server) {
    let client = redis::Client::open(url_of_sentinel(sentinel)).expect("a URL");
    let direct = [
        manager(primary, Duration::from_secs(30)).await,
        manager_of(client, Duration::from_secs(30)).await,
    ];
    let before = [clients(&direct[0]).await, clients(&direct[1]).await];
    for _ in 0..20 {
        assert_eq!(seen(writer).await, UP);
    }
    let after = [clients(&direct[0]).await, clients(&direct[1]).await];
    assert_eq!(after, before, "a run opens no connection");
}

async fn all_in_use(pool: &Pool, writer: &Health) {
    let held = [pool.get().await, pool.get().await];
    let saturated = look(writer).await;
    assert_eq!(saturated.verdict(), Verdict::Warn);
    assert_eq!(saturated.failure_class(), Some(FailureClass::Saturated));
    drop(held);
    eventually(writer, UP).await;
}

/// Returns how long no primary took writes.
async fn failover(writer: &Health) -> Duration {
    let began = Instant::now();
    loop {
        match seen(writer).await {
            UP => return began.elapsed(),
            (Verdict::Fail, Some(FailureClass::TimedOut | FailureClass::Unreachable)) => {}
            other => panic!("{other:?} during a failover"),
        }
        assert!(began.elapsed() < PATIENCE, "no failover");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// `REPLICAOF` leaves the connections of the clients as they are. A sentinel would
/// end them.
async fn demoted_without_a_sentinel(
    writer: &Health,
    ping: &Health,
    replica: &Server,
    primary: &Server,
) {
    let direct = manager(replica, Duration::from_secs(30)).await;
    let port = primary.port.to_string();
    command(&direct, &["REPLICAOF", "127.0.0.1", &port]).await;
    eventually(writer, failing(FailureClass::WrongRole)).await;
    assert_eq!(seen(ping).await, UP, "a replica answers");
    command(&direct, &["REPLICAOF", "NO", "ONE"]).await;
    eventually(writer, UP).await;
}

async fn wrong_settings(sentinel: &Server) {
    for (name, password, class) in [
        (NAME, "wrong-hunter2", FailureClass::Unauthorized),
        ("missing", PASSWORD, FailureClass::Unreachable),
    ] {
        let health = health(&pool(sentinel, name, password));
        eventually(&health, failing(class)).await;
        let public = public_bytes(&health);
        for secret in ["hunter2", "127.0.0.1", "missing"] {
            assert!(!public.contains(secret), "{public}");
        }
    }
}
