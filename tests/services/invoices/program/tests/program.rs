//! The program with its command line.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use test_support::eventually;

const PROGRAM: &str = env!("CARGO_BIN_EXE_invoices");

struct Invoices {
    child: Child,
    public: String,
    internal: String,
}

impl Invoices {
    fn start() -> Self {
        let mut child = Command::new(PROGRAM)
            .arg("serve")
            .env("ADDRESS", "127.0.0.1:0")
            .env("INTERNAL_ADDRESS", "127.0.0.1:0")
            .stdout(Stdio::piped())
            .spawn()
            .expect("it starts");
        let mut line = String::new();
        let mut output = BufReader::new(child.stdout.take().expect("it is piped"));
        output.read_line(&mut line).expect("text");
        let mut addresses = line
            .split_whitespace()
            .filter(|word| word.starts_with("http"));
        let mut next = || addresses.next().expect("an address").to_owned();
        let (public, internal) = (next(), next());
        Invoices {
            child,
            public,
            internal,
        }
    }

    fn probe(&self) -> bool {
        let address = self.public.strip_prefix("http://").expect("a URL");
        let probe = Command::new(PROGRAM)
            .arg("probe")
            .env("ADDRESS", address)
            .status();
        probe.expect("it starts").success()
    }
}

impl Drop for Invoices {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

async fn text(url: String) -> String {
    let response = reqwest::get(url).await.expect("an answer");
    response.text().await.expect("a text")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_service_serves_accepts_an_invoice_and_shuts_down() {
    let mut invoices = Invoices::start();
    let (public, internal) = (&invoices.public, &invoices.internal);
    eventually("the probe passes", async || invoices.probe()).await;

    let sent = reqwest::Client::new()
        .post(format!("{public}/invoices"))
        .json(&json!({"customer": "Ada", "cents": 1250}))
        .send()
        .await
        .expect("an answer");
    assert_eq!(sent.status(), 202);
    eventually("it is booked", async || {
        text(format!("{public}/invoices/count")).await == "1"
    })
    .await;

    let health: Value =
        serde_json::from_str(&text(format!("{internal}/health")).await).expect("JSON");
    let names: Vec<_> = health["checks"]
        .as_object()
        .expect("checks")
        .keys()
        .collect();
    assert_eq!(
        names,
        [
            "booking",
            "booking-task",
            "invoices-queue",
            "invoices-store"
        ]
    );
    assert_eq!(
        text(format!("{public}/health")).await,
        r#"{"status":"healthy"}"#
    );

    kill_process(Pid::from_child(&invoices.child), Signal::TERM).expect("it runs");
    eventually("it drains", async || !invoices.probe()).await;
    assert!(invoices.child.wait().expect("it ends").success());
}

#[test]
fn the_openapi_document_has_the_routes_and_the_probes() {
    let output = Command::new(PROGRAM)
        .arg("routes")
        .output()
        .expect("it starts");
    let document: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let paths: Vec<_> = document["paths"]
        .as_object()
        .expect("paths")
        .keys()
        .collect();
    for path in [
        "/invoices",
        "/invoices/count",
        "/livez",
        "/readyz",
        "/startupz",
        "/health",
    ] {
        assert!(
            paths.iter().any(|found| *found == path),
            "{path}: {paths:?}"
        );
    }
    assert!(
        !paths.iter().any(|path| path.contains("{check}")),
        "{paths:?}"
    );
}
