//! What load balancers read besides the status code: HAProxy's agent check, Envoy's
//! header fields and Consul's warning.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use health_core::config::HttpOptions;
use health_core::http::Details;
use health_core::testing::Fake;
use health_core::{CheckOptions, Health, HealthBuilder};
use test_support::eventually;
use tests::programs::{Envoy, Running};
use tests::wire::{Framework, Server};

fn builder() -> HealthBuilder {
    let critical = || CheckOptions::new().critical();
    Health::builder()
        .check("database", critical(), || async {})
        .check("queue", critical(), || async {})
        .check("mail", CheckOptions::new(), || async {})
}

async fn started(builder: HealthBuilder) -> Health {
    let health = builder.start().expect("it starts");
    for name in ["database", "queue", "mail"] {
        health.refresh(name).await.expect("there is such a check");
    }
    health
}

/// Returns the line for an agent that sends these bytes first.
fn told(address: SocketAddr, sent: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).expect("it listens");
    let limit = Some(Duration::from_secs(20));
    stream.set_read_timeout(limit).expect("a limit");
    stream.write_all(sent).expect("sent");
    let mut line = String::new();
    stream.read_to_string(&mut line).expect("a line");
    let _ = stream.shutdown(Shutdown::Both);
    line
}

#[tokio::test(flavor = "multi_thread")]
async fn the_haproxy_agent_reports_each_state() {
    let health = started(builder()).await;
    let agent = health.serve_haproxy_agent("127.0.0.1:0", 50);
    let agent = agent.expect("a free port");
    let told = |sent: &[u8]| told(agent.address(), sent);
    assert_eq!(told(b""), "up ready 100%\n");
    assert_eq!(told(b"server one\n"), "up ready 100%\n");
    Fake::of(&health, "mail").fail("down");
    assert_eq!(told(b""), "up ready 50%\n");
    for name in ["queue", "database"] {
        Fake::of(&health, name).fail("down");
    }
    assert_eq!(told(b""), "down #not ready: database queue\n");
    drop(health.drain());
    assert_eq!(told(b""), "drain\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_haproxy_agent_reports_no_private_names() {
    let health = started(builder().http(HttpOptions::new().details(Details::Status))).await;
    let agent = health.serve_haproxy_agent("127.0.0.1:0", 100);
    let agent = agent.expect("a free port");
    Fake::of(&health, "database").fail("down");
    assert_eq!(told(agent.address(), b""), "down #not ready\n");
}

#[tokio::test]
async fn an_invalid_weight_is_refused() {
    let health = started(builder()).await;
    for weight in [0, 101] {
        let refused = health.serve_haproxy_agent("127.0.0.1:0", weight);
        let error = refused.expect_err("no weight").to_string();
        assert!(error.contains("is not from 1 to 100"), "{error}");
    }
}

/// A column of the statistics of HAProxy.
fn statistic(socket: &Path, column: &str) -> Option<String> {
    let mut stream = UnixStream::connect(socket).ok()?;
    stream.write_all(b"show stat\n").ok()?;
    let mut table = String::new();
    stream.read_to_string(&mut table).ok()?;
    let mut lines = table.trim_start_matches("# ").lines();
    let at = lines.next()?.split(',').position(|it| it == column)?;
    let server = lines.find(|line| line.starts_with("app,one,"))?;
    Some(server.split(',').nth(at)?.to_owned())
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs haproxy"]
async fn haproxy_follows_the_agent() {
    let health = started(builder()).await;
    let agent = health.serve_haproxy_agent("127.0.0.1:0", 50);
    let agent = agent.expect("a free port");
    let server = Server::start(Framework::Axum, health.clone()).await;
    let folder = tempfile::tempdir().expect("a folder");
    let socket = folder.path().join("stats");
    let config = folder.path().join("haproxy.cfg");
    let text = format!(
        "global\n  stats socket {}\ndefaults\n  mode http\n  timeout connect 2s\n  \
         timeout client 5s\n  timeout server 5s\nbackend app\n  \
         server one {} weight 100 check inter 100ms agent-check agent-port {} agent-inter 100ms\n",
        socket.display(),
        server.address(),
        agent.address().port(),
    );
    std::fs::write(&config, text).expect("written");
    let mut command = Command::new("haproxy");
    command.arg("-db").arg("-f").arg(&config);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let _haproxy = Running::start(&mut command);
    let shows = async |column: &'static str, expected: &str| {
        eventually(&format!("{column} is {expected}"), || async {
            statistic(&socket, column).is_some_and(|found| found.starts_with(expected))
        })
        .await;
    };
    shows("status", "UP").await;
    shows("weight", "100").await;
    Fake::of(&health, "mail").fail("down");
    shows("weight", "50").await;
    shows("status", "UP").await;
    Fake::of(&health, "database").fail("down");
    shows("status", "DOWN (agent)").await;
    let reason = statistic(&socket, "last_agt").expect("it is down");
    assert!(reason.contains("not ready: database"), "{reason}");
    for name in ["mail", "database"] {
        Fake::of(&health, name).pass();
    }
    shows("status", "UP").await;
    shows("weight", "100").await;
    drop(health.drain());
    shows("status", "DRAIN").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn envoy_header_fields_are_only_on_readiness_and_off_by_default() {
    const FIELDS: [&str; 2] = ["x-envoy-degraded", "x-envoy-immediate-health-check-fail"];
    for (is_on, builder) in [
        (true, builder().http(HttpOptions::new().envoy_headers())),
        (false, builder()),
    ] {
        let server = Server::start(Framework::Axum, started(builder).await).await;
        let found = async |path: &str| {
            let answer = server.get(path).await;
            FIELDS.map(|field| answer.header(field).is_some())
        };
        assert_eq!(found("/readyz").await, [false, false]);
        Fake::of(server.health(), "mail").warn("slow");
        assert_eq!(found("/readyz").await, [is_on, false]);
        for path in ["/livez", "/health", "/readyz/mail"] {
            assert_eq!(found(path).await, [false, false], "{path}");
        }
        drop(server.health().drain());
        assert_eq!(found("/readyz/").await, [false, is_on]);
        assert_eq!(found("/livez").await, [false, false]);
    }
}

/// Two failed probes eject a host; the header field ejects it at once.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs envoy and curl"]
async fn envoy_reads_the_header_fields() {
    let health = started(builder().http(HttpOptions::new().envoy_headers())).await;
    let server = Server::start(Framework::Axum, health.clone()).await;
    let envoy = Envoy::start("http_health_check: {path: /readyz}", server.address());
    eventually("healthy", || envoy.has(&["healthy"])).await;
    Fake::of(&health, "mail").warn("slow");
    eventually("degraded", || envoy.has(&["degraded_active_hc"])).await;
    Fake::of(&health, "mail").pass();
    eventually("healthy again", || envoy.has(&["healthy"])).await;
    drop(health.drain());
    let excluded = ["failed_active_hc", "excluded_via_immediate_hc_fail"];
    eventually("excluded at once", || envoy.has(&excluded)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn consul_reads_a_warning_on_its_own_path() {
    let health = started(builder().http(HttpOptions::new().consul_path("/consul"))).await;
    let server = Server::start(Framework::Axum, health.clone()).await;
    let code = async |path: &str| server.get(path).await.status;
    assert_eq!(code("/consul").await, 200);
    Fake::of(&health, "mail").warn("slow");
    for (path, expected) in [
        ("/consul", 429),
        ("/consul/", 429),
        ("/consul/mail", 404),
        ("/readyz", 200),
    ] {
        assert_eq!(code(path).await, expected, "{path}");
    }
    Fake::of(&health, "database").fail("down");
    assert_eq!(code("/consul").await, 503);
    let document = health.internal_endpoint().openapi();
    let responses = |path: &str| document["paths"][path]["get"]["responses"].clone();
    assert!(responses("/consul")["429"].is_object());
    assert!(responses("/readyz")["429"].is_null());
}
