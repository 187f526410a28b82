//! Probes of servers with the given bytes as answer.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use health_probe::{DEFAULT_TIMEOUT, Reason, probe};

const SHORT: Duration = Duration::from_millis(200);

/// A server for one connection, which answers the first bytes with these and closes
/// if `ends` is set.
fn server(answer: &'static [u8], ends: bool) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("an address").port();
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a connection");
        let _ = stream.read(&mut [0; 4096]);
        let _ = stream.write_all(answer);
        if !ends {
            // Until the client disconnects.
            let _ = stream.read_to_end(&mut Vec::new());
        }
    });
    port
}

fn reason(url: &str, timeout: Duration) -> (Reason, String) {
    let error = probe(url, timeout).expect_err(url);
    (error.reason(), error.to_string())
}

#[test]
fn the_http_status_decides() {
    for (answer, expected) in [
        (&b"HTTP/1.1 200 OK\r\n\r\n"[..], None),
        (b"HTTP/1.0 204\r\n\r\n", None),
        (
            b"HTTP/1.1 301 Moved\r\nLocation: /login\r\n\r\n",
            Some(Reason::Unhealthy),
        ),
        (
            b"HTTP/1.1 503 Service Unavailable\r\n\r\n{\"status\":\"unhealthy\"}",
            Some(Reason::Unhealthy),
        ),
        (b"HTTP/1.1 404 Not Found\r\n\r\n", Some(Reason::Unknown)),
        (b"HTTP/1.1 20 OK\r\n\r\n", Some(Reason::Garbled)),
        (b"HTTP/1.1 2000 OK\r\n\r\n", Some(Reason::Garbled)),
        (b"HTTP/2 200\r\n", Some(Reason::Garbled)),
        (b"200 OK\r\n\r\n", Some(Reason::Garbled)),
        (b"HTTP/1.1 200", Some(Reason::Garbled)),
        (b"\0\0\x12\x04\0\0\0\0\0", Some(Reason::Garbled)),
        (b"", Some(Reason::Refused)),
    ] {
        let url = format!("http://127.0.0.1:{}/readyz", server(answer, true));
        let found = probe(&url, DEFAULT_TIMEOUT)
            .err()
            .map(|error| error.reason());
        assert_eq!(found, expected, "{}", String::from_utf8_lossy(answer));
    }
}

#[test]
fn the_body_of_a_failure_is_shown_and_bounded() {
    let port = server(b"HTTP/1.1 503 x\r\n\r\n{\"status\":\"unhealthy\"}", true);
    let (_, text) = reason(&format!("http://127.0.0.1:{port}"), DEFAULT_TIMEOUT);
    assert_eq!(text, "unhealthy: 503 {\"status\":\"unhealthy\"}");
    let long: &[u8] = Box::leak(
        ["HTTP/1.1 500 x\r\n\r\n", &"\u{e4}\n".repeat(9_000)]
            .concat()
            .into_boxed_str(),
    )
    .as_bytes();
    let (_, text) = reason(
        &format!("http://127.0.0.1:{}", server(long, true)),
        DEFAULT_TIMEOUT,
    );
    assert!(text.len() <= 512 && text.lines().count() == 1, "{text}");
}

/// A body that never ends does not change the verdict.
#[test]
fn no_probe_takes_longer_than_the_timeout() {
    for (answer, expected) in [
        (&b""[..], Some(Reason::Timeout)),
        (b"HTTP/1.1 2", Some(Reason::Timeout)),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", None),
        (
            b"HTTP/1.1 503 x\r\nContent-Length: 9\r\n\r\n",
            Some(Reason::Unhealthy),
        ),
    ] {
        let url = format!("http://127.0.0.1:{}", server(answer, false));
        let start = Instant::now();
        let found = probe(&url, SHORT).err().map(|error| error.reason());
        let allowed = match found {
            // The client waited for the body, or until the timeout.
            Some(Reason::Timeout) if expected == Some(Reason::Unhealthy) => expected,
            found => found,
        };
        assert_eq!(allowed, expected, "{}", String::from_utf8_lossy(answer));
        assert!(start.elapsed() < DEFAULT_TIMEOUT);
    }
    let silent = format!("grpc://127.0.0.1:{}", server(b"", false));
    assert_eq!(reason(&silent, SHORT).0, Reason::Timeout);
}

#[test]
fn a_reply_that_is_not_http2_is_an_error() {
    for (answer, expected) in [
        (&b"HTTP/1.1 400 Bad Request\r\n\r\n"[..], Reason::Garbled),
        (b"", Reason::Refused),
        (b"\0\0\0\x04\0\0\0\0\0", Reason::Refused),
        // A header block that refers to a table which the client declined.
        (
            b"\0\0\0\x04\0\0\0\0\0\0\0\x01\x01\x05\0\0\0\x01\xbe",
            Reason::Garbled,
        ),
        // SETTINGS, then an answer without the status of gRPC.
        (
            b"\0\0\0\x04\0\0\0\0\0\0\0\x01\x01\x05\0\0\0\x01\x88",
            Reason::Garbled,
        ),
        (
            b"\0\0\0\x04\0\0\0\0\0\0\0\x04\x03\0\0\0\0\x01\0\0\0\0",
            Reason::Refused,
        ),
        (
            b"\0\0\0\x04\0\0\0\0\0\0\0\x08\x07\0\0\0\0\0\0\0\0\0\0\0\0\0",
            Reason::Refused,
        ),
    ] {
        let url = format!("grpc://127.0.0.1:{}/a", server(answer, true));
        assert_eq!(reason(&url, DEFAULT_TIMEOUT).0, expected, "{answer:?}");
    }
}

/// `main` prints the `Debug` of its error.
#[test]
fn the_debug_of_an_error_is_its_text() {
    let error = probe("ftp://127.0.0.1/", DEFAULT_TIMEOUT).expect_err("the scheme");
    assert!(error.to_string().starts_with("usage: not a URL"), "{error}");
    assert_eq!(format!("{error:?}"), error.to_string());
}

#[test]
fn a_closed_port_is_refused() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("an address").port();
    drop(listener);
    for scheme in ["http", "grpc"] {
        let (found, text) = reason(&format!("{scheme}://127.0.0.1:{port}"), DEFAULT_TIMEOUT);
        assert_eq!(found, Reason::Refused, "{text}");
    }
    let unresolved = reason("http://nobody.invalid/", DEFAULT_TIMEOUT).0;
    assert!(matches!(unresolved, Reason::Unresolved | Reason::Timeout));
}

#[cfg(unix)]
#[test]
fn a_unix_socket_can_be_probed() {
    use std::os::unix::net::UnixListener;
    let path = std::env::temp_dir().join(format!("health-probe-{}", std::process::id()));
    let listener = UnixListener::bind(&path).expect("a socket");
    let served = thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a connection");
        let mut head = [0; 512];
        let length = stream.read(&mut head).expect("a request");
        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").expect("sent");
        String::from_utf8_lossy(&head[..length]).into_owned()
    });
    let encoded = path.to_string_lossy().replace('/', "%2F");
    let result = probe(&format!("http+unix://{encoded}/readyz"), DEFAULT_TIMEOUT);
    let _ = std::fs::remove_file(&path);
    assert_eq!(result, Ok(()));
    let head = served.join().expect("no panic");
    assert!(
        head.starts_with("GET /readyz HTTP/1.1\r\nHost: localhost\r\n"),
        "{head}"
    );
    let gone = reason(&format!("http+unix://{encoded}/readyz"), DEFAULT_TIMEOUT).0;
    assert_eq!(gone, Reason::Refused);
}

/// The exit code and what is on stderr.
fn run(arguments: &[&str], variables: &[(&str, &str)]) -> (Option<i32>, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_health-probe"))
        .env_remove("HEALTH_PROBE_URL")
        .env_remove("HEALTH_PROBE_TIMEOUT")
        .envs(variables.iter().copied())
        .args(arguments)
        .output()
        .expect("it runs");
    assert!(output.stdout.is_empty());
    let text = String::from_utf8(output.stderr).expect("text");
    (output.status.code(), text)
}

#[test]
fn the_binary_exits_with_0_or_1_and_never_2() {
    let url = |answer| format!("http://127.0.0.1:{}/readyz", server(answer, true));
    let healthy = url(b"HTTP/1.1 200 OK\r\n\r\n");
    assert_eq!(run(&[&healthy], &[]), (Some(0), String::new()));
    let healthy = url(b"HTTP/1.1 200 OK\r\n\r\n");
    assert_eq!(run(&[], &[("HEALTH_PROBE_URL", &healthy)]).0, Some(0));
    let failing = url(b"HTTP/1.1 503 x\r\n\r\nno");
    assert_eq!(
        run(&[&failing], &[]),
        (Some(1), "unhealthy: 503 no\n".into())
    );
    for arguments in [&[][..], &["readyz"], &["--help"]] {
        let (code, text) = run(arguments, &[]);
        assert_eq!(code, Some(1), "{arguments:?}");
        assert!(text.starts_with("usage: "), "{text}");
    }
    for timeout in ["", "0", "-1", "1e99", "soon"] {
        let (code, text) = run(
            &["http://127.0.0.1:1"],
            &[("HEALTH_PROBE_TIMEOUT", timeout)],
        );
        assert_eq!(code, Some(1), "{timeout}");
        assert!(text.starts_with("usage: HEALTH_PROBE_TIMEOUT"), "{text}");
    }
    let silent = format!("http://127.0.0.1:{}", server(b"", false));
    let (code, text) = run(&[&silent], &[("HEALTH_PROBE_TIMEOUT", "0.2")]);
    assert_eq!(code, Some(1));
    assert!(text.starts_with("timeout: "), "{text}");
}

/// Answers one request with these bytes, and returns the head of the request.
fn recorded(answer: &'static [u8]) -> (String, thread::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("an address").port();
    let served = thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a connection");
        let mut head = [0; 4096];
        let length = stream.read(&mut head).expect("a request");
        stream.write_all(answer).expect("sent");
        String::from_utf8_lossy(&head[..length]).into_owned()
    });
    (format!("http://127.0.0.1:{port}/internal/readyz"), served)
}

#[test]
fn why_shows_the_text_of_health_and_sends_the_token() {
    let answer =
        b"HTTP/1.1 503 x\r\n\r\n[-]database failed: \x1b[31mrefused\nhealth check failed\n";
    let (url, served) = recorded(answer);
    let text = health_probe::why(&url, Some("correct horse"), DEFAULT_TIMEOUT);
    let expected = "[-]database failed:  [31mrefused\nhealth check failed";
    assert_eq!(text.as_deref(), Ok(expected));
    let head = served.join().expect("no panic");
    let line = "GET /internal/health?format=text&verbose HTTP/1.1\r\n";
    assert!(head.starts_with(line), "{head}");
    let field = "\r\nAuthorization: Bearer correct horse\r\n";
    assert!(head.contains(field) && head.ends_with("\r\n\r\n"), "{head}");
}

#[test]
fn why_accepts_only_local_http_urls() {
    for (url, token, expected) in [
        ("http://192.0.2.1/readyz", "", Reason::Usage),
        ("http://orders.example/readyz", "", Reason::Usage),
        ("grpc://127.0.0.1:1", "", Reason::Usage),
        ("http://127.0.0.1:1/readyz", "a\r\nb: c", Reason::Usage),
    ] {
        let error = health_probe::why(url, Some(token), SHORT).expect_err(url);
        assert_eq!(error.reason(), expected, "{url}: {error}");
    }
    let (url, _) = recorded(b"HTTP/1.1 404 x\r\n\r\n");
    let error = health_probe::why(&url, None, DEFAULT_TIMEOUT).expect_err("404");
    assert_eq!(
        error.to_string(),
        "unknown: 404 at /internal/health?format=text&verbose"
    );
}

#[test]
fn the_binary_prints_why() {
    let run = |answer| {
        let (url, _) = recorded(answer);
        Command::new(env!("CARGO_BIN_EXE_health-probe"))
            .env_remove("HEALTH_GUARD_TOKEN")
            .args(["--why", &url])
            .output()
            .expect("it runs")
    };
    let output = run(b"HTTP/1.1 503 x\r\n\r\n[-]database failed: refused\n");
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(output.stdout, b"[-]database failed: refused\n");
    assert_eq!(output.stderr, b"");
    let output = run(b"HTTP/1.1 503 x\r\n\r\n[-]database failed: withheld\n");
    let hint = String::from_utf8_lossy(&output.stderr);
    assert!(hint.contains("HEALTH_GUARD_TOKEN"), "{hint}");
}
