//! Real probers against a real server. They need programs that `scripts/test.sh`
//! installs, so plain `cargo test` ignores these tests.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::Duration;

use health_core::{CheckOptions, Health};
use test_support::eventually;
use tests::programs::{Running, curl, free_port};
use tests::wire::{Framework, Server};

/// A service whose readiness follows a switch.
async fn switchable(framework: Framework) -> (Server, Arc<AtomicBool>) {
    let switch = Arc::new(AtomicBool::new(true));
    let seen = Arc::clone(&switch);
    let often = Duration::from_millis(50);
    let health = Health::builder()
        .check(
            "switch",
            CheckOptions::new().interval(often).critical(),
            move || {
                let seen = Arc::clone(&seen);
                async move { seen.load(SeqCst) }
            },
        )
        .start()
        .expect("it starts");
    (Server::start(framework, health).await, switch)
}

fn haproxy(folder: &Path, check: &str, server: &Server) -> (Running, u16) {
    let port = free_port();
    let config = folder.join("haproxy.cfg");
    let mut file = std::fs::File::create(&config).expect("a config");
    write!(
        file,
        "defaults\n  mode http\n  timeout connect 2s\n  timeout client 5s\n  timeout server 5s\n\
         frontend in\n  bind 127.0.0.1:{port}\n  default_backend app\n\
         backend app\n  {check}\n  server one {} check inter 100ms rise 1 fall 1\n",
        server.address(),
    )
    .expect("written");
    let mut command = Command::new("haproxy");
    command.arg("-db").arg("-f").arg(&config);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    (Running::start(&mut command), port)
}

/// The status that a client gets from the load balancer; 0 while it does not listen.
async fn through(port: u16) -> u16 {
    let url = format!("http://127.0.0.1:{port}/");
    let client = move || curl(&["--output", "-", "--write-out", "\n%{http_code}", &url]);
    let answer = tokio::task::spawn_blocking(client).await.expect("curl ran");
    let code = answer.lines().last().and_then(|code| code.parse().ok());
    code.unwrap_or(0)
}

/// The default request of HAProxy is `OPTIONS / HTTP/1.0` without a host.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs haproxy and curl"]
async fn haproxy_follows_readiness() {
    let checks = ["OPTIONS /readyz", "GET /readyz", "HEAD /readyz/"];
    for (framework, check) in [Framework::Axum, Framework::Actix]
        .into_iter()
        .flat_map(|framework| checks.map(|check| (framework, format!("option httpchk {check}"))))
    {
        let folder = tempfile::tempdir().expect("a folder");
        let (server, switch) = switchable(framework).await;
        let (_haproxy, port) = haproxy(folder.path(), &check, &server);
        eventually("traffic while ready", || async {
            through(port).await == 200
        })
        .await;
        switch.store(false, SeqCst);
        eventually("no traffic while not ready", || async {
            through(port).await == 503
        })
        .await;
        assert_eq!(
            server.get("/").await.body,
            "business",
            "the service itself goes on"
        );
        switch.store(true, SeqCst);
        eventually("traffic again", || async { through(port).await == 200 }).await;
        let drained = server.health().drain();
        eventually("no traffic during the drain", || async {
            through(port).await == 503
        })
        .await;
        drop(drained);
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs curl"]
async fn curl_reads_what_monitors_read() {
    let (server, switch) = switchable(Framework::Axum).await;
    let url = |path: &str| format!("http://{}{path}", server.address());
    eventually("ready", || async {
        server.get("/readyz").await.status == 200
    })
    .await;
    assert_eq!(curl(&[&url("/readyz")]), r#"{"status":"healthy"}"#);
    assert_eq!(
        curl(&["--http1.0", &url("/livez")]),
        r#"{"status":"healthy"}"#
    );
    let head = curl(&["--head", &url("/readyz")]);
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    assert!(head.contains("content-length: 20"), "{head}");
    switch.store(false, SeqCst);
    eventually("not ready", || async {
        server.get("/readyz").await.status == 503
    })
    .await;
    let failing = Command::new("curl")
        .args(["--fail", "--silent", &url("/readyz")])
        .status();
    assert!(
        !failing.expect("curl is installed").success(),
        "as a container's HEALTHCHECK sees it"
    );
}
