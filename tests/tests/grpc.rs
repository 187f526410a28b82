//! `grpc.health.v1` with other clients: grpcio, grpc-js and Envoy. They need programs
//! that `scripts/test.sh` installs, so plain `cargo test` ignores these tests.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use health_core::config::LifecycleOptions;
use health_core::testing::Fake;
use health_core::{CheckOptions, Health};
use test_support::eventually;
use tests::programs::Envoy;
use tests::wire::Grpc;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout};
use tokio::time::timeout;

const BOUND: Duration = Duration::from_secs(20);

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("grpc")
}

async fn served() -> (Health, Grpc) {
    let disk = CheckOptions::new().critical().tags(["storage"]);
    let health = Health::builder()
        .check("disk", disk, || async {})
        .lifecycle(LifecycleOptions::new().drain_delay(Duration::from_millis(300)))
        .start()
        .expect("it starts");
    health.refresh("disk").await;
    let services = health_tonic::services(&health).service("orders.v1.Orders", "storage");
    let served = Grpc::start(services).await;
    (health, served)
}

/// A client that prints one line per answer.
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
    Fake::of(&health, "disk").fail("full");
    client.expect(&["watch NOT_SERVING"]).await;
    Fake::of(&health, "disk").pass();
    client.expect(&["watch SERVING"]).await;
    let drained = health.drain();
    client.expect(&["watch NOT_SERVING"]).await;
    drained.await;
    client.expect(&["end UNAVAILABLE"]).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs grpcio"]
async fn grpcio_can_make_every_call() {
    understands(&folder().join(".venv/bin/python"), "client.py").await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs node and grpc-js"]
async fn grpc_js_can_make_every_call() {
    understands(Path::new("node"), "client.mjs").await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs envoy and curl"]
async fn envoy_follows_readiness_over_grpc() {
    let (health, served) = served().await;
    let envoy = Envoy::start(
        "grpc_health_check: {service_name: orders.v1.Orders}",
        served.address(),
    );
    eventually("traffic while ready", || envoy.has(&["healthy"])).await;
    Fake::of(&health, "disk").fail("full");
    let ejected = || envoy.has(&["failed_active_hc"]);
    eventually("no traffic while not ready", ejected).await;
    Fake::of(&health, "disk").pass();
    eventually("traffic again", || envoy.has(&["healthy"])).await;
    drop(health.drain());
    eventually("no traffic during the drain", ejected).await;
}
