//! `grpc.health.v1` with the clients of others: grpcio, grpc-js and Envoy. They
//! need programs, which `scripts/test.sh` installs, so plain `cargo test` ignores
//! them.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use health_core::{CheckOptions, Health, Outcome, testing};
use tests::programs::{Running, curl, eventually, free_port};
use tests::wire::Grpc;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout};
use tokio::time::timeout;

const BOUND: Duration = Duration::from_secs(20);

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("grpc")
}

async fn served() -> (Health, Grpc) {
    let disk = CheckOptions::new().critical().tags(&["storage"]);
    let health = Health::builder()
        .check("disk", disk, || async {})
        .drain_delay(Duration::from_millis(300))
        .start()
        .expect("it starts");
    health.refresh("disk").await;
    let services = health_tonic::services(&health).service("orders.v1.Orders", "storage");
    let served = Grpc::start(services).await;
    (health, served)
}

/// A client that prints a line for each answer.
struct Client {
    lines: Lines<BufReader<ChildStdout>>,
    _process: Child,
}

impl Client {
    fn start(program: &Path, script: &str, server: SocketAddr) -> Self {
        let mut command = tokio::process::Command::new(program);
        command.arg(folder().join(script)).arg(server.to_string());
        command.stdout(Stdio::piped()).kill_on_drop(true);
        let process = command.spawn();
        let mut process = process.unwrap_or_else(|error| {
            panic!(
                "{}: {error}; scripts/test.sh installs it",
                program.display()
            )
        });
        let stdout = process.stdout.take().expect("it is piped");
        Client {
            lines: BufReader::new(stdout).lines(),
            _process: process,
        }
    }

    async fn line(&mut self) -> String {
        let line = timeout(BOUND, self.lines.next_line())
            .await
            .expect("in time");
        line.expect("it can be read").unwrap_or_default()
    }

    async fn expect(&mut self, lines: &[&str]) {
        for expected in lines {
            assert_eq!(self.line().await, *expected);
        }
    }
}

async fn understands(program: &Path, script: &str) {
    let (health, served) = served().await;
    let mut client = Client::start(program, script, served.address());
    client
        .expect(&[
            "check  SERVING",
            "check liveness SERVING",
            "check orders.v1.Orders SERVING",
            "check nobody NOT_FOUND",
            "list liveness orders.v1.Orders readiness startup",
            "watch SERVING",
        ])
        .await;
    testing::force(&health, "disk", Outcome::fail("full"));
    client.expect(&["watch NOT_SERVING"]).await;
    testing::force(&health, "disk", Outcome::pass());
    client.expect(&["watch SERVING"]).await;
    let drained = health.drain();
    client.expect(&["watch NOT_SERVING"]).await;
    drained.await;
    client.expect(&["end UNAVAILABLE"]).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs grpcio"]
async fn grpcio_understands_every_call() {
    understands(&folder().join(".venv/bin/python"), "client.py").await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs node and grpc-js"]
async fn grpc_js_understands_every_call() {
    understands(Path::new("node"), "client.mjs").await;
}

/// Whether Envoy sends traffic there, by its own report.
async fn is_healthy(admin: u16) -> bool {
    let url = format!("http://127.0.0.1:{admin}/clusters");
    let clusters = tokio::task::spawn_blocking(move || curl(&[&url])).await;
    let clusters = clusters.expect("curl ran");
    clusters
        .lines()
        .any(|line| line.ends_with("::health_flags::healthy"))
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs envoy and curl"]
async fn envoy_follows_readiness_over_grpc() {
    let (health, served) = served().await;
    let (admin, directory) = (free_port(), tempfile::tempdir().expect("a folder"));
    let mut config = String::new();
    write!(
        config,
        "admin: {{address: {{socket_address: {{address: 127.0.0.1, port_value: {admin}}}}}}}\n\
         static_resources:\n  clusters:\n  - name: app\n    type: STATIC\n    \
         connect_timeout: 1s\n    typed_extension_protocol_options:\n      \
         envoy.extensions.upstreams.http.v3.HttpProtocolOptions:\n        \
         \"@type\": type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions\n        \
         explicit_http_config: {{http2_protocol_options: {{}}}}\n    \
         health_checks:\n    - timeout: 1s\n      interval: 0.1s\n      \
         no_traffic_interval: 0.1s\n      unhealthy_threshold: 1\n      healthy_threshold: 1\n      \
         grpc_health_check: {{service_name: orders.v1.Orders}}\n    \
         load_assignment:\n      cluster_name: app\n      endpoints:\n      - lb_endpoints:\n        \
         - endpoint: {{address: {{socket_address: {{address: 127.0.0.1, port_value: {}}}}}}}\n",
        served.address().port()
    )
    .expect("written");
    let file = directory.path().join("envoy.yaml");
    std::fs::write(&file, config).expect("written");
    let mut command = Command::new(folder().join(".venv/bin/envoy"));
    command
        .arg("-c")
        .arg(&file)
        .args(["--concurrency", "1", "--use-dynamic-base-id"]);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let _envoy = Running::start(&mut command);

    eventually("traffic while ready", || is_healthy(admin)).await;
    testing::force(&health, "disk", Outcome::fail("full"));
    let is_ejected = || async { !is_healthy(admin).await };
    eventually("no traffic while not ready", is_ejected).await;
    testing::force(&health, "disk", Outcome::pass());
    eventually("traffic again", || is_healthy(admin)).await;
    drop(health.drain());
    eventually("no traffic during the drain", is_ejected).await;
}
