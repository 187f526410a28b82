//! The program as it runs in production, with a real Redis.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, Command, Stdio};

use reqwest::StatusCode;
use rustix::process::{Pid, Signal, kill_process};
use test_support::eventually;

mod redis_server;

struct Shortener {
    child: Child,
    public: String,
    internal: String,
}

impl Shortener {
    fn start(redis: &str) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_shortener"))
            .env("REDIS_URL", redis)
            .env("ADDRESS", "127.0.0.1:0")
            .env("INTERNAL_ADDRESS", "127.0.0.1:0")
            .stdout(Stdio::piped())
            .spawn()
            .expect("it starts");
        let mut line = String::new();
        // Keep reading: a closed pipe would end the log.
        let mut output = BufReader::new(child.stdout.take().expect("it is piped"));
        while !line.contains("listening on") {
            line.clear();
            assert_ne!(output.read_line(&mut line).expect("text"), 0, "it ended");
        }
        std::thread::spawn(move || output.read_to_end(&mut Vec::new()));
        let mut addresses = line
            .split_whitespace()
            .filter(|word| word.starts_with("http"));
        let mut next = || addresses.next().expect("an address").to_owned();
        let (public, internal) = (next(), next());
        Shortener {
            child,
            public,
            internal,
        }
    }
}

impl Drop for Shortener {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

async fn get(url: String) -> (StatusCode, String) {
    let response = reqwest::get(url).await.expect("an answer");
    let status = response.status();
    (status, response.text().await.expect("a text"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frozen_cache_degrades_the_service_and_names_stay_internal() {
    let redis = redis_server::start();
    let mut service = Shortener::start(&redis.url());
    let (public, internal) = (&service.public, &service.internal);

    eventually("it is ready", async || {
        get(format!("{public}/health")).await.1 == r#"{"status":"healthy"}"#
    })
    .await;
    assert_eq!(get(format!("{public}/readyz")).await.0, StatusCode::OK);
    let metrics = get(format!("{public}/metrics")).await.0;
    assert_eq!(
        metrics,
        StatusCode::BAD_REQUEST,
        "`/:code` of the application"
    );

    redis.send(Signal::STOP);
    eventually("the cache has failed", async || {
        let (_, body) = get(format!("{internal}/health")).await;
        body.contains(r#""cache":{"status":"error""#)
    })
    .await;
    let (status, body) = get(format!("{public}/health")).await;
    assert_eq!(
        (status, &*body),
        (StatusCode::OK, r#"{"status":"degraded"}"#)
    );
    let (_, metrics) = get(format!("{internal}/metrics")).await;
    assert!(
        metrics.contains(r#"health_check_state{check="cache""#),
        "{metrics}"
    );

    redis.send(Signal::CONT);
    eventually("the cache is back", async || {
        get(format!("{public}/health")).await.1 == r#"{"status":"healthy"}"#
    })
    .await;

    kill_process(Pid::from_child(&service.child), Signal::TERM).expect("it runs");
    eventually("it drains", async || {
        get(format!("{public}/readyz")).await.0 == StatusCode::SERVICE_UNAVAILABLE
    })
    .await;
    assert!(service.child.wait().expect("it ends").success());
}
