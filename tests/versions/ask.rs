//! Helpers of the packages in this directory.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

/// Returns the code and the body of an answer. Waits for the server to listen.
pub fn ask(address: SocketAddr, path: &str) -> (u16, String) {
    let start = Instant::now();
    let mut stream = loop {
        match TcpStream::connect(address) {
            Ok(stream) => break stream,
            Err(error) => assert!(start.elapsed() < Duration::from_secs(30), "{error}"),
        }
        std::thread::sleep(Duration::from_millis(10));
    };
    let head = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    stream.write_all(head.as_bytes()).expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    let code = answer.split(' ').nth(1).and_then(|code| code.parse().ok());
    let body = answer.split("\r\n\r\n").nth(1).unwrap_or_default();
    (code.expect("a code"), body.to_owned())
}

/// A public mount beside the application's own route.
pub fn assert_public(address: SocketAddr) {
    let healthy = (200, r#"{"status":"healthy"}"#.to_owned());
    for path in ["/livez", "/readyz/", "/startupz", "/health"] {
        assert_eq!(ask(address, path), healthy, "{path}");
    }
    assert_eq!(ask(address, "/").1, "business");
    for path in ["/metrics", "/health/queue", "/readyz/queue"] {
        assert_eq!(ask(address, path).0, 404, "{path}");
    }
}

/// The port for operators.
pub fn assert_internal(address: SocketAddr) {
    assert_eq!(ask(address, "/readyz").0, 200);
    assert_eq!(ask(address, "/health/queue").0, 200);
    assert!(ask(address, "/metrics").1.contains("health_check_status"));
}
