//! The recipes over real sockets.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

use health_core::testing::Fake;
use health_core::{CheckOptions, Health};

/// The code and the body.
fn ask(address: SocketAddr, method: &str, path: &str) -> (u16, String) {
    let start = Instant::now();
    let mut stream = loop {
        match TcpStream::connect(address) {
            Ok(stream) => break stream,
            Err(error) => assert!(start.elapsed() < Duration::from_secs(20), "{error}"),
        }
        std::thread::sleep(Duration::from_millis(10));
    };
    let head = format!("{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    stream.write_all(head.as_bytes()).expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    let code = answer.split(' ').nth(1).and_then(|code| code.parse().ok());
    let body = answer.split("\r\n\r\n").nth(1).unwrap_or_default();
    (code.expect("a code"), body.to_owned())
}

fn free() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("an address")
}

async fn health() -> Health {
    let health = Health::builder()
        .check("disk", CheckOptions::new().critical(), || async {})
        .start()
        .expect("it starts");
    health.refresh("disk").await;
    health
}

/// What every server must answer: the cases of `tests/tests/services/http.rs` that a
/// framework can get wrong.
async fn conforms(health: Health, address: SocketAddr) {
    let asking = tokio::task::spawn_blocking(move || {
        let code = |method, path| ask(address, method, path).0;
        let ok = (200, r#"{"status":"healthy"}"#.to_owned());
        for path in ["/readyz", "/readyz/", "/livez", "/readyz?x=%zz&verbose"] {
            assert_eq!(ask(address, "GET", path), ok, "{path}");
        }
        assert_eq!(ask(address, "HEAD", "/readyz"), (200, String::new()));
        assert_eq!(code("OPTIONS", "/readyz"), 200);
        assert_eq!(code("GET", "/readyz/disk"), 200);
        assert_eq!(code("GET", "/readyz/nobody"), 404);
        assert_eq!(code("GET", "/nothing"), 404);
        assert!(
            ask(address, "GET", "/readyz/disk?format=text")
                .1
                .starts_with("ok")
        );
        assert_eq!(ask(address, "GET", "/").1, "business");

        Fake::of(&health, "disk").fail("full");
        let failing = (503, r#"{"status":"unhealthy"}"#.to_owned());
        assert_eq!(ask(address, "GET", "/readyz"), failing);
        assert_eq!(ask(address, "HEAD", "/readyz"), (503, String::new()));
        Fake::of(&health, "disk").pass();
        assert_eq!(code("GET", "/readyz"), 200);
        drop(health.drain());
        assert_eq!(code("GET", "/readyz"), 503);
        assert_eq!(code("GET", "/livez"), 200);
    });
    asking.await.expect("no panic");
}

#[tokio::test]
async fn poem() {
    let (health, address) = (health().await, free());
    let server = poem::Server::new(poem::listener::TcpListener::bind(address));
    tokio::spawn(server.run(recipes::poem::app(&health.internal_endpoint())));
    conforms(health, address).await;
}

#[tokio::test]
async fn salvo() {
    use salvo::conn::Listener as _;
    let (health, address) = (health().await, free());
    let app = recipes::salvo::app(health.internal_endpoint());
    let acceptor = salvo::conn::TcpListener::new(address).bind().await;
    tokio::spawn(salvo::Server::new(acceptor).serve(app));
    conforms(health, address).await;
}

#[tokio::test]
async fn rocket() {
    let (health, address) = (health().await, free());
    let config = rocket::Config {
        address: address.ip(),
        port: address.port(),
        log_level: rocket::config::LogLevel::Off,
        ..rocket::Config::default()
    };
    let app = recipes::rocket::app(&health.internal_endpoint()).configure(config);
    tokio::spawn(app.launch());
    conforms(health, address).await;
}

#[tokio::test]
async fn warp() {
    let (health, address) = (health().await, free());
    tokio::spawn(warp::serve(recipes::warp::app(health.internal_endpoint())).run(address));
    conforms(health, address).await;
}

/// The public endpoint, at the same paths.
#[tokio::test]
async fn a_public_mount_has_no_names() {
    let (health, address) = (health().await, free());
    let server = poem::Server::new(poem::listener::TcpListener::bind(address));
    tokio::spawn(server.run(recipes::poem::app(&health.endpoint())));
    let asking = tokio::task::spawn_blocking(move || {
        assert_eq!(ask(address, "GET", "/health").1, r#"{"status":"healthy"}"#);
        assert_eq!(ask(address, "GET", "/readyz").0, 200);
        assert_eq!(ask(address, "GET", "/readyz/disk").0, 404);
        assert_eq!(ask(address, "GET", "/health/disk").0, 404);
    });
    asking.await.expect("no panic");
}
