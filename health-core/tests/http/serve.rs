//! The port of health has a thread of its own, so probes are answered while the
//! runtime of the application is blocked.
//!
//! In real time and over real sockets: only blocked threads cause this. They block
//! from the moment that the test learns of until the test releases them, so
//! everything in between happens while no other code can run.

#![cfg(feature = "serve")]

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use health_core::config::LifecycleOptions;
use health_core::config::RuntimeOptions;
use health_core::http::HealthServer;
use health_core::report::Verdict;
use health_core::{CheckOptions, Health, HealthBuilder, Probe, Status};
use test_support::{BOUND, until};
use tokio::runtime::{Builder, Runtime};

const OFTEN: Duration = Duration::from_millis(20);

fn exchange(address: SocketAddr, request: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).expect("the server listens");
    stream
        .set_read_timeout(Some(BOUND))
        .expect("a read timeout above zero is valid");
    stream.write_all(request).expect("the server still reads");
    let mut answer = Vec::new();
    // The server may reset the connection of a client that continues to send.
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8(answer).expect("the bytes are UTF-8")
}

fn get(served: &HealthServer, path: &str) -> (u16, String) {
    let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    let answer = exchange(served.address(), request.as_bytes());
    let status = answer.split(' ').nth(1).and_then(|code| code.parse().ok());
    let body = answer.split_once("\r\n\r\n").expect("an answer").1;
    (status.expect("a status"), body.to_owned())
}

fn code(served: &HealthServer, path: &str) -> u16 {
    get(served, path).0
}

fn often() -> CheckOptions {
    CheckOptions::new()
        .critical()
        .interval(OFTEN)
        .timeout(OFTEN)
}

/// A ready service with its own port.
fn ready(runtime: &Runtime, builder: HealthBuilder) -> (Health, HealthServer) {
    let entered = runtime.enter();
    let health = builder.start().expect("it starts");
    drop(entered);
    let served = health
        .serve("127.0.0.1:0")
        .expect("the loopback interface has a free port");
    (health, served)
}

fn workers(count: usize) -> Runtime {
    let runtime = Builder::new_multi_thread()
        .worker_threads(count)
        .enable_all()
        .build();
    runtime.expect("a runtime can be built")
}

/// Tasks of the application that block the threads of its runtime.
struct Wedge {
    release: mpsc::Sender<()>,
    released: Arc<Mutex<mpsc::Receiver<()>>>,
}

impl Wedge {
    fn new() -> Self {
        let (release, released) = mpsc::channel();
        Wedge {
            release,
            released: Arc::new(Mutex::new(released)),
        }
    }

    /// The mistake: a future that blocks. It sends a message when it blocks.
    fn block(&self, blocked: mpsc::Sender<()>) -> impl Future<Output = ()> + Send + use<> {
        let released = Arc::clone(&self.released);
        async move {
            blocked.send(()).expect("the test waits");
            // Blocks until the test drops the sender.
            let _ = released.lock().map(|released| released.recv());
        }
    }

    fn release(self) {
        drop(self.release);
    }
}

/// What must hold while the runtime cannot run any task: the test releases it only
/// after these answers.
fn answers_while_wedged(served: &HealthServer) {
    assert_eq!(code(served, "/livez"), 200, "no check says otherwise");
    until("nobody looks any more, so readiness is stale", || {
        code(served, "/readyz") == 503
    });
    let (status, body) = get(served, "/health");
    assert_eq!(status, 503);
    assert!(body.contains("queue"), "{body}");
    assert_eq!(code(served, "/livez"), 200);
}

#[test]
fn the_own_port_answers_while_every_worker_is_blocked() {
    let runtime = workers(2);
    let builder = Health::builder().check("queue", often(), || async {});
    let (health, served) = ready(&runtime, builder);
    until("ready", || code(&served, "/readyz") == 200);

    let wedge = Wedge::new();
    let (tell, blocked) = mpsc::channel();
    for _ in 0..2 {
        runtime.spawn(wedge.block(tell.clone()));
    }
    for _ in 0..2 {
        blocked.recv_timeout(BOUND).expect("a worker blocks");
    }
    answers_while_wedged(&served);
    wedge.release();
    until("ready again", || code(&served, "/readyz") == 200);
    assert_eq!(health.status(Probe::Readiness), Status::Pass);
}

/// With the watchdog, liveness on the own port fails while the runtime is blocked.
#[test]
fn liveness_fails_on_the_own_port_if_the_watchdog_is_enabled() {
    let runtime = workers(2);
    let builder = Health::builder().runtime(RuntimeOptions::new().watchdog(Duration::from_secs(1)));
    let (_health, served) = ready(&runtime, builder);
    assert_eq!(code(&served, "/livez"), 200);

    let wedge = Wedge::new();
    let (tell, blocked) = mpsc::channel();
    for _ in 0..2 {
        runtime.spawn(wedge.block(tell.clone()));
    }
    for _ in 0..2 {
        blocked.recv_timeout(BOUND).expect("a worker blocks");
    }
    until("the stall is found", || code(&served, "/livez") == 503);
    let (_, body) = get(&served, "/health/runtime");
    assert!(body.contains("has not yielded for"), "{body}");
    wedge.release();
    until("alive again", || code(&served, "/livez") == 200);
}

#[test]
fn the_own_port_answers_while_the_only_thread_is_blocked() {
    let runtime = Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("a runtime can be built");
    let builder = Health::builder().check("queue", often(), || async {});
    let (health, served) = ready(&runtime, builder);
    let wedge = Wedge::new();
    let (tell, blocked) = mpsc::channel();
    let block = wedge.block(tell);
    thread::scope(|scope| {
        scope.spawn(|| {
            runtime.block_on(async {
                while health.status(Probe::Readiness) != Status::Pass {
                    tokio::task::yield_now().await;
                }
                block.await;
            });
        });
        blocked.recv_timeout(BOUND).expect("it blocks");
        answers_while_wedged(&served);
        wedge.release();
    });
}

/// The run cannot start, so the prober gets the last known result.
#[test]
fn the_wait_for_a_check_on_demand_is_bounded() {
    let runtime = workers(1);
    let dear = CheckOptions::new().critical().timeout(BOUND);
    let dear = dear.cache(Duration::from_millis(1));
    let builder = Health::builder().check("dear", dear, || async {});
    let (_health, served) = ready(&runtime, builder);
    assert_eq!(code(&served, "/readyz"), 200, "it ran for this");

    let wedge = Wedge::new();
    let (tell, blocked) = mpsc::channel();
    runtime.spawn(wedge.block(tell));
    blocked.recv_timeout(BOUND).expect("it blocks");
    thread::sleep(Duration::from_millis(2)); // so that the result is too old
    let start = Instant::now();
    assert_eq!(code(&served, "/readyz"), 200);
    assert!(start.elapsed() >= Duration::from_millis(800), "it waited");
    wedge.release();
}

#[test]
fn the_own_port_answers_during_and_after_a_drain() {
    let runtime = workers(1);
    let builder =
        Health::builder().lifecycle(LifecycleOptions::new().drain_delay(Duration::from_millis(1)));
    let (health, served) = ready(&runtime, builder);
    assert_eq!(code(&served, "/readyz"), 200);
    let drained = health.drain();
    assert_eq!(code(&served, "/readyz"), 503);
    runtime.block_on(drained);
    drop(runtime);
    assert_eq!(code(&served, "/readyz"), 503);
    assert_eq!(code(&served, "/livez"), 200);
}

#[test]
fn the_server_ends_with_its_handle_and_the_checks_with_the_last_handle() {
    let runtime = workers(1);
    let (alive, gone) = mpsc::channel();
    let builder = Health::builder().check("queue", often(), move || {
        let alive = alive.clone();
        async move { alive.send(()).is_ok() }
    });
    let (health, served) = ready(&runtime, builder);
    let address = served.address();
    drop(health);
    for _ in 0..3 {
        let run = gone.recv_timeout(BOUND);
        run.expect("whoever answers keeps the checks running");
    }
    drop(served);
    assert!(TcpStream::connect(address).is_err(), "the port is closed");
    until("the check is gone", || {
        gone.try_recv() == Err(mpsc::TryRecvError::Disconnected)
    });
}

#[test]
fn health_can_be_served_twice_and_outlives_its_servers() {
    let runtime = workers(1);
    let builder = Health::builder().check("queue", often(), || async {});
    let (health, first) = ready(&runtime, builder);
    let second = health
        .serve("localhost:0")
        .expect("the loopback interface has a free port");
    assert_ne!(first.address().port(), 0);
    assert_ne!(first.address(), second.address());
    drop(first);
    until("ready", || code(&second, "/readyz") == 200);
    drop(second);
    let check = || health.check("queue").expect("the check is registered");
    let runs = check().consecutive();
    until("runs", || check().consecutive() > runs + 1);
    assert_eq!(check().verdict(), Verdict::Pass);
}

#[test]
fn a_bind_error_names_the_address() {
    let runtime = workers(1);
    let (health, _served) = ready(&runtime, Health::builder());
    let taken = TcpListener::bind("127.0.0.1:0").expect("the loopback interface has a free port");
    let taken = taken.local_addr().map(|address| (address, taken));
    let (address, _taken) = taken.expect("a bound socket has an address");
    let text = |address: &str| {
        let refused = health.serve(address).map(|served| served.address());
        refused.expect_err("it is refused").to_string()
    };
    let in_use = text(&address.to_string());
    let said = format!("health cannot listen on {address}: ");
    assert!(in_use.starts_with(&said), "{in_use}");
    for nonsense in ["", "9090", "127.0.0.1", "127.0.0.1:99999"] {
        let text = text(nonsense);
        assert!(text.starts_with("health cannot listen: "), "{text}");
    }
}

#[test]
fn the_port_is_freed_when_the_handle_is_dropped() {
    let runtime = workers(1);
    let (health, served) = ready(&runtime, Health::builder());
    let address = served.address();
    drop(served);
    for attempt in 0..100 {
        let served = health.serve(address);
        let served = served.unwrap_or_else(|error| panic!("attempt {attempt}: {error}"));
        let open = TcpStream::connect(address).expect("the server listens");
        assert_eq!(code(&served, "/livez"), 200);
        drop(served);
        drop(open);
    }
}

/// A prober connects to one of the two addresses, depending on its resolver.
#[test]
fn every_address_of_localhost_is_served() {
    let runtime = workers(1);
    let (health, _served) = ready(&runtime, Health::builder());
    let served = health
        .serve("localhost:0")
        .expect("the loopback interface has a free port");
    let families: Vec<bool> = served.addresses().iter().map(SocketAddr::is_ipv4).collect();
    assert!(families.contains(&true), "{families:?}");
    let has_ipv6 = TcpListener::bind("[::1]:0").is_ok();
    let resolves = std::net::ToSocketAddrs::to_socket_addrs("localhost:0");
    let resolves = resolves
        .expect("it resolves")
        .any(|address| address.is_ipv6());
    assert_eq!(families.contains(&false), has_ipv6 && resolves);
    for address in served.addresses() {
        let request = b"GET /livez HTTP/1.0\r\n\r\n";
        let answer = exchange(*address, request);
        assert!(
            answer.starts_with("HTTP/1.0 200 OK\r\n"),
            "{address}: {answer}"
        );
    }
}

/// As `nc -N` does: the client sends nothing more, and reads.
#[test]
fn a_half_closed_connection_is_answered() {
    let runtime = workers(1);
    let (_health, served) = ready(&runtime, Health::builder());
    for attempt in 0..50 {
        let mut stream = TcpStream::connect(served.address()).expect("the server listens");
        stream
            .set_read_timeout(Some(BOUND))
            .expect("a read timeout above zero is valid");
        let request = b"GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n";
        stream.write_all(request).expect("the server still reads");
        stream.shutdown(Shutdown::Write).expect("half closed");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("it ends");
        assert!(
            answer.starts_with("HTTP/1.1 200 OK\r\n"),
            "{attempt}: {answer}"
        );
    }
    let silent = TcpStream::connect(served.address()).expect("the server listens");
    silent
        .set_read_timeout(Some(BOUND))
        .expect("a read timeout above zero is valid");
    silent.shutdown(Shutdown::Write).expect("half closed");
    assert_eq!((&silent).read(&mut [0]).expect("it is closed"), 0);
}

/// The answer does not depend on the body, so the server does not wait for it.
#[test]
fn a_request_body_is_not_read() {
    let runtime = workers(1);
    let (_health, served) = ready(&runtime, Health::builder());
    let head = "GET /livez HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000000\r\n\r\n";
    let answer = exchange(served.address(), head.as_bytes());
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert_eq!(answer.matches("HTTP/1.1").count(), 1, "{answer}");
}

#[test]
fn a_request_head_that_is_too_large_is_refused() {
    let runtime = workers(1);
    let (_health, served) = ready(&runtime, Health::builder());
    let head = format!("GET /livez HTTP/1.1\r\nA: {}", "a".repeat(64 * 1024));
    let answer = exchange(served.address(), head.as_bytes());
    // The refusal can be lost together with data that is still being sent.
    assert!(
        answer.is_empty() || answer.starts_with("HTTP/1.1 431 "),
        "{answer}"
    );
    assert_eq!(code(&served, "/livez"), 200);
}

/// HTTP/2 without TLS, as the health checks of gRPC meshes and Envoy speak it.
#[cfg(feature = "serve-http2")]
mod http2 {
    use std::process::Command;

    use super::*;

    fn curl(arguments: &[&str]) -> String {
        let output = Command::new("curl")
            .args(["--silent", "--show-error", "--max-time", "20"])
            .args(["--write-out", " %{http_version} %{response_code}"])
            .args(arguments)
            .output()
            .expect("curl");
        String::from_utf8(output.stdout).expect("the bytes are UTF-8")
    }

    #[test]
    #[ignore = "needs curl; scripts/test.sh runs it"]
    fn one_port_serves_http1_and_http2_to_curl() {
        let runtime = workers(1);
        let (health, served) = ready(&runtime, Health::builder());
        let url = format!("http://{}/readyz", served.address());
        let body = r#"{"status":"healthy"}"#;
        let prior = "--http2-prior-knowledge";
        assert_eq!(curl(&[prior, &url]), format!("{body} 2 200"));
        assert_eq!(curl(&["--http1.1", &url]), format!("{body} 1.1 200"));
        assert_eq!(curl(&["--http1.0", &url]), format!("{body} 1 200"));
        assert!(curl(&[prior, "--head", &url]).ends_with(" 2 200"));
        drop(health.drain());
        let unready = r#"{"status":"unhealthy"}"#;
        assert_eq!(curl(&[prior, &url]), format!("{unready} 2 503"));
    }

    #[test]
    #[ignore = "needs node; scripts/test.sh runs it"]
    fn node_sends_many_requests_on_one_connection() {
        let script = r#"
            const client = require("http2").connect("http://" + process.argv[1]);
            let open = 80, healthy = 0;
            for (let i = open; i > 0; i--) {
                const request = client.request({":path": "/readyz"});
                request.on("response", head => { healthy += head[":status"] === 200; });
                request.on("end", () => { if (--open === 0) { console.log(healthy); client.close(); } });
                request.resume();
            }"#;
        let runtime = workers(1);
        let (_health, served) = ready(&runtime, Health::builder());
        let address = served.address().to_string();
        let output = Command::new("node").args(["-e", script, &address]).output();
        let output = output.expect("node");
        let text = String::from_utf8_lossy(&output.stdout);
        assert_eq!(text.trim(), "80", "{output:?}");
    }

    /// The preface and an empty SETTINGS frame, then silence or garbage.
    #[test]
    fn http2_connections_have_the_same_limits() {
        let runtime = workers(1);
        let (_health, served) = ready(&runtime, Health::builder());
        let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
        for rest in [
            &b"\0\0\0\x04\0\0\0\0\0garbage that is no frame at all"[..],
            b"\xff\xff\xff\x04\0\0\0\0\0",
        ] {
            let mut stream = TcpStream::connect(served.address()).expect("the server listens");
            stream
                .set_read_timeout(Some(BOUND))
                .expect("a read timeout above zero is valid");
            stream.write_all(preface).expect("the server still reads");
            stream.write_all(rest).expect("the server still reads");
            let mut answer = Vec::new();
            let start = Instant::now();
            let _ = stream.read_to_end(&mut answer);
            assert!(start.elapsed() < BOUND, "it is closed");
            assert_eq!(code(&served, "/livez"), 200);
        }
        let mut half = TcpStream::connect(served.address()).expect("the server listens");
        half.write_all(&preface[..7])
            .expect("the server still reads");
        assert_eq!(code(&served, "/livez"), 200);
    }
}
