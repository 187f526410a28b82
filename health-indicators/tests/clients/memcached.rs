//! The check of memcached, against real servers.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use health_core::check::FailureClass;
use health_core::report::Verdict;
use health_core::{CheckOptions, Health};
use health_indicators::memcache::version;
use memcache::{Client, ConnectionManager, Pool, Url};

use crate::support::{
    Server, UP, as_user, directory_of, eventually, failing, look, public_bytes, seen,
};

const PASSWORD: &str = "hunter2hunter2";

/// A server that accepts so many connections.
fn start(
    connections: usize,
    settings: impl Fn(&mut Command, &Path) + Send + Sync + 'static,
) -> Server {
    Server::start(directory_of("memcache"), move |directory, port| {
        let mut command = as_user("memcached", "memcache");
        command
            .args(["-l", "127.0.0.1", "-p", &port.to_string(), "-U", "0"])
            .args(["-c", &connections.to_string(), "-t", "1"]);
        settings(&mut command, directory);
        command
    })
}

/// With one user.
fn server(connections: usize) -> Server {
    start(connections, |command, directory| {
        let users = directory.join("users");
        std::fs::write(&users, format!("orders:{PASSWORD}\n")).expect("it is written");
        command.arg("-Y").arg(users);
    })
}

fn pool_at(url: &str) -> Pool {
    let url = Url::parse(url).expect("a URL");
    // The pool tries again after at most half of this.
    let pool = Pool::builder().connection_timeout(Duration::from_secs(1));
    pool.max_size(2)
        .build_unchecked(ConnectionManager::new(url))
}

fn pool(server: &Server, password: &str) -> Pool {
    let port = server.port;
    pool_at(&format!(
        "memcache://orders:{password}@127.0.0.1:{port}?protocol=ascii&timeout=0.5"
    ))
}

fn health(pool: &Pool) -> Health {
    let pool = pool.clone();
    let options = CheckOptions::new()
        .timeout(Duration::from_secs(2))
        .cache(Duration::ZERO);
    let builder = Health::builder().check_blocking("it", options, move || version(&pool));
    builder.start().expect("it starts")
}

/// The application's own use of the client, on every connection of the pool.
fn works(pool: &Pool) {
    let client = Client::with_pool(pool.clone()).expect("a client");
    let first = pool.get().expect("a connection");
    client.set("orders", "tea", 0).expect("it is stored");
    drop(first);
    for _ in 0..4 {
        let value: Option<String> = client.get("orders").expect("an answer");
        assert_eq!(value.as_deref(), Some("tea"));
    }
}

/// A connection of the test itself, since `Client::stats` reads one line alone.
struct Admin(BufReader<TcpStream>);

impl Admin {
    fn connect(server: &Server) -> Self {
        let stream = TcpStream::connect(("127.0.0.1", server.port)).expect("a connection");
        let mut admin = Admin(BufReader::new(stream));
        let login = format!("orders {PASSWORD}");
        admin.send(&format!("set auth 0 0 {}\r\n{login}", login.len()));
        assert_eq!(admin.line(), "STORED");
        admin
    }

    fn send(&mut self, command: &str) {
        let mut stream = self.0.get_ref();
        let sent = stream.write_all(format!("{command}\r\n").as_bytes());
        sent.expect("it is sent");
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.0.read_line(&mut line).expect("a line");
        line.trim_end().to_owned()
    }

    /// How many connections the server has had, and how many bytes it has read.
    fn totals(&mut self) -> (u64, u64) {
        self.send("stats");
        let lines = std::iter::repeat_with(|| self.line());
        let lines: Vec<String> = lines.take_while(|line| line != "END").collect();
        let value = |name: &str| -> u64 {
            let prefix = format!("STAT {name} ");
            let value = lines.iter().find_map(|line| line.strip_prefix(&prefix));
            value.expect("it is counted").parse().expect("a number")
        };
        (value("total_connections"), value("bytes_read"))
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "starts memcached; scripts/test.sh runs it"]
async fn every_state_of_a_server_is_told_apart() {
    let mut server = server(100);
    let pool = pool(&server, PASSWORD);
    let health = health(&pool);
    println!("up: {:?}", eventually(&health, UP).await);
    works(&pool);
    let mut admin = Admin::connect(&server);
    let (connections, bytes) = admin.totals();
    for _ in 0..20 {
        assert_eq!(seen(&health).await, UP);
    }
    let (connections_after, bytes_after) = admin.totals();
    assert_eq!(connections_after, connections, "a run opens no connection");
    let sent = 20 * "version\r\n".len() + "stats\r\n".len();
    assert_eq!(bytes_after - bytes, sent as u64, "a run sends one command");

    let held = [pool.get(), pool.get()];
    let saturated = look(&health).await;
    assert_eq!(saturated.verdict(), Verdict::Warn);
    assert_eq!(saturated.failure_class(), Some(FailureClass::Saturated));
    drop(held);
    println!("given back: {:?}", eventually(&health, UP).await);

    server.freeze();
    let frozen = failing(FailureClass::TimedOut);
    println!("frozen: {:?}", eventually(&health, frozen).await);
    server.thaw();
    println!("thawed: {:?}", eventually(&health, UP).await);
    works(&pool);

    server.stop();
    let stopped = failing(FailureClass::Unreachable);
    println!("stopped: {:?}", eventually(&health, stopped).await);
    server.spawn();
    server.wait_until_it_listens();
    println!("back: {:?}", eventually(&health, UP).await);
    works(&pool);

    let wrong = self::health(&self::pool(&server, "wrong-hunter2"));
    let refused = failing(FailureClass::Unauthorized);
    println!("wrong password: {:?}", eventually(&wrong, refused).await);
    let public = public_bytes(&wrong);
    for secret in ["hunter2", "127.0.0.1", "orders"] {
        assert!(!public.contains(secret), "{public}");
    }
}

/// A server that has as many connections as it accepts is not one that is down.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "starts memcached; scripts/test.sh runs it"]
async fn a_server_without_room_for_connections_is_saturated() {
    let server = server(64);
    let until = Instant::now() + Duration::from_secs(60);
    let mut others = Vec::new();
    // A new pool each time, since one that has a connection keeps it.
    let health = loop {
        let more = || TcpStream::connect(("127.0.0.1", server.port));
        others.extend(std::iter::repeat_with(more).take(20));
        let health = health(&pool(&server, PASSWORD));
        if seen(&health).await == failing(FailureClass::Saturated) {
            break health;
        }
        assert!(Instant::now() < until, "it takes every connection");
    };
    drop(others);
    println!("room again: {:?}", eventually(&health, UP).await);
}

/// By the binary protocol, which is the default. The thread of the run waits as
/// long as the server is frozen.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "starts memcached; scripts/test.sh runs it"]
async fn a_client_without_a_timeout_sees_a_frozen_server() {
    let mut server = start(100, |_, _| {});
    let pool = pool_at(&format!("memcache://127.0.0.1:{}", server.port));
    let health = health(&pool);
    println!("up: {:?}", eventually(&health, UP).await);
    works(&pool);
    server.freeze();
    let frozen = failing(FailureClass::TimedOut);
    println!("frozen: {:?}", eventually(&health, frozen).await);
    server.thaw();
    println!("thawed: {:?}", eventually(&health, UP).await);
    works(&pool);
    server.stop();
    let stopped = failing(FailureClass::Unreachable);
    println!("stopped: {:?}", eventually(&health, stopped).await);
}

/// The answer to such a test would be read by a request, if it came too late.
#[test]
fn a_pool_that_does_not_test_its_connections_is_misconfigured() {
    let url = Url::parse("memcache://127.0.0.1:1").expect("a URL");
    let pool = Pool::builder()
        .test_on_check_out(false)
        .build_unchecked(ConnectionManager::new(url));
    let outcome = version(&pool);
    assert_eq!(outcome.failure_class(), Some(FailureClass::Misconfigured));
}
