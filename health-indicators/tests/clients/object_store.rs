//! The checks of object stores: against moto, a server of S3, and against a
//! server on a socket.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use health_core::check::{FailureClass, Indicator};
use health_core::report::Verdict;
use health_core::{Health, Status};
use health_indicators::object_store::head;
use http_body_util::BodyExt as _;
use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse, HttpService,
};
use object_store::{BackoffConfig, ClientOptions, ObjectStore, ObjectStoreExt, RetryConfig};

use crate::socket::answering;
use crate::support::{self, Server, UP, eventually, failing, public_bytes, seen};

const SECRET: &str = "hunter2hunter2";
const KEY: &str = "health/probe";
const TIMEOUT: Duration = Duration::from_secs(2);

fn server() -> Server {
    let directory = tempfile::tempdir().expect("a directory");
    Server::start(directory, |_, port| {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/s3");
        let mut command = Command::new(folder.join(".venv/bin/python"));
        command
            .arg(folder.join("server.py"))
            .args([&port.to_string(), SECRET]);
        command
    })
}

/// The transport of the application. That of `object_store` needs TLS to compile.
#[derive(Debug)]
struct Transport(reqwest::Client);

#[async_trait::async_trait]
impl HttpService for Transport {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let (head, body) = request.into_parts();
        let url = head.uri.to_string().parse().expect("a URL");
        let mut request = reqwest::Request::new(head.method, url);
        *request.headers_mut() = head.headers;
        let body = body.collect().await?.to_bytes();
        *request.body_mut() = Some(body.into());
        let answer = self.0.execute(request).await.map_err(failed)?;
        let answer: http::Response<reqwest::Body> = answer.into();
        let (head, body) = answer.into_parts();
        let body = body.collect().await.map_err(failed)?.to_bytes();
        Ok(HttpResponse::from_parts(head, body.into()))
    }
}

/// As `object_store` classifies them.
fn failed(error: reqwest::Error) -> HttpError {
    let kind = if error.is_timeout() {
        HttpErrorKind::Timeout
    } else if error.is_connect() {
        HttpErrorKind::Connect
    } else {
        HttpErrorKind::Interrupted
    };
    HttpError::new(kind, error)
}

#[derive(Debug)]
struct Connector;

impl HttpConnector for Connector {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(HttpClient::new(Transport(reqwest::Client::new())))
    }
}

fn builder(port: u16) -> AmazonS3Builder {
    AmazonS3Builder::new()
        .with_http_connector(Connector)
        .with_endpoint(format!("http://127.0.0.1:{port}"))
        .with_allow_http(true)
        .with_region("us-east-1")
        .with_bucket_name("orders")
        .with_access_key_id("AKIAORDERS")
        .with_secret_access_key(SECRET)
}

/// It gives up, and says why, before the timeout of the check.
fn hasty(port: u16) -> AmazonS3 {
    let retry = RetryConfig {
        max_retries: 1,
        retry_timeout: Duration::from_millis(500),
        backoff: BackoffConfig::default(),
    };
    let builder = builder(port).with_retry(retry);
    builder.build().expect("a store")
}

fn health(store: impl ObjectStore) -> Health {
    let store: Arc<dyn ObjectStore> = Arc::new(store);
    support::health(TIMEOUT, move || {
        let store = Arc::clone(&store);
        async move { head(KEY).check(&store).await }
    })
}

/// The application's own use of the store.
async fn works(store: &AmazonS3) {
    let key = object_store::path::Path::from(KEY);
    store.put(&key, "tea".into()).await.expect("it is stored");
    let object = store.get(&key).await.expect("an answer");
    assert_eq!(object.bytes().await.expect("a body"), "tea");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "starts moto; scripts/test.sh runs it"]
async fn every_state_of_a_server_is_told_apart() {
    let mut server = server();
    let store = hasty(server.port);
    // With ten retries within three minutes.
    let patient = builder(server.port).build().expect("a store");
    let (health, of_patient) = (self::health(store.clone()), self::health(patient.clone()));
    let missing = failing(FailureClass::Misconfigured);
    println!("no such object: {:?}", eventually(&health, missing).await);
    works(&store).await;
    println!("up: {:?}", eventually(&health, UP).await);
    eventually(&of_patient, UP).await;

    server.freeze();
    let frozen = failing(FailureClass::TimedOut);
    println!("frozen: {:?}", eventually(&health, frozen).await);
    server.thaw();
    println!("thawed: {:?}", eventually(&health, UP).await);
    works(&store).await;

    server.stop();
    let stopped = failing(FailureClass::Unreachable);
    println!("stopped: {:?}", eventually(&health, stopped).await);
    // The retries of the store do not hide it.
    println!("patient: {:?}", eventually(&of_patient, frozen).await);
    server.spawn();
    server.wait_until_it_listens();
    // The bucket is empty again.
    println!("back: {:?}", eventually(&health, missing).await);
    works(&store).await;
    eventually(&health, UP).await;
    eventually(&of_patient, UP).await;
    works(&patient).await;

    let wrong = builder(server.port).with_secret_access_key("wrong-hunter2");
    let stranger = builder(server.port).with_access_key_id("AKIASTRANGER");
    for builder in [wrong, stranger] {
        let health = self::health(builder.build().expect("a store"));
        let degraded = (Verdict::Warn, Some(FailureClass::Unauthorized));
        println!("not allowed: {:?}", eventually(&health, degraded).await);
        let public = public_bytes(&health);
        for secret in ["hunter2", "127.0.0.1", "AKIA", "orders", KEY] {
            assert!(!public.contains(secret), "{public}");
        }
    }

    let builder = builder(server.port).with_bucket_name("missing");
    let health = self::health(builder.build().expect("a store"));
    println!("no such bucket: {:?}", eventually(&health, missing).await);
}

#[tokio::test]
async fn a_run_sends_one_request_over_an_open_connection() {
    const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\netag: \"a\"\r\n\
         last-modified: Fri, 27 Nov 2026 12:00:00 GMT\r\n\r\n";
    let server = answering(OK).await;
    let store = hasty(server.port);
    for _ in 0..20 {
        let outcome = Indicator::check(&head(KEY), &store).await;
        assert_eq!(outcome.status(), Status::Pass, "{outcome:?}");
    }
    assert_eq!(server.connections(), 1);
    assert_eq!(server.requests(), 20);
}

#[tokio::test]
async fn an_answer_is_judged_by_its_status() {
    for (answer, expected) in [
        (
            "401 Unauthorized",
            (Status::Fail, FailureClass::Unauthorized),
        ),
        ("403 Forbidden", (Status::Warn, FailureClass::Unauthorized)),
        ("404 Not Found", (Status::Fail, FailureClass::Misconfigured)),
        (
            "429 Too Many Requests",
            (Status::Fail, FailureClass::Refused),
        ),
        (
            "500 Internal Server Error",
            (Status::Fail, FailureClass::Refused),
        ),
        (
            "301 Moved Permanently",
            (Status::Fail, FailureClass::Refused),
        ),
    ] {
        let whole = format!("HTTP/1.1 {answer}\r\ncontent-length: 0\r\n\r\n");
        let port = answering(whole).await.port;
        let outcome = Indicator::check(&head(KEY), &hasty(port)).await;
        assert_eq!(
            (outcome.status(), outcome.failure_class()),
            (expected.0, Some(expected.1))
        );
    }
}

#[tokio::test]
async fn the_timeout_of_a_check_comes_before_the_last_retry() {
    let minute = Duration::from_secs(60);
    let retry = RetryConfig {
        max_retries: 10,
        retry_timeout: 3 * minute,
        // The default waits for random times, which can end before the timeout.
        backoff: BackoffConfig {
            init_backoff: minute,
            max_backoff: minute,
            base: 2.0,
        },
    };
    let builder = builder(support::free_port()).with_retry(retry);
    let store = builder.build().expect("a store");
    let health = health(store);
    let began = Instant::now();
    assert_eq!(seen(&health).await, failing(FailureClass::TimedOut));
    assert!(began.elapsed() < minute);
}
