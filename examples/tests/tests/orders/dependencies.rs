//! The service over a real Postgres, a real Redis and a payment service.

// The servers of the tests of `health-indicators`.
#[path = "../../../../health-indicators/tests/clients/support/mod.rs"]
pub(super) mod support;

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::process::Command;
use std::thread;

use serde_json::Value;
use support::postgres::{PASSWORD, program};
use test_support::until;

use super::{Server, Service, json};

#[test]
#[ignore = "starts Postgres and Redis; scripts/test.sh runs it"]
fn real_dependencies_are_used_and_checked() {
    let mut postgres = postgres();
    let mut redis = redis();
    let payments = payments();
    let database_url = format!(
        "postgres://orders:{PASSWORD}@127.0.0.1:{}/postgres",
        postgres.port
    );
    let redis_url = format!("redis://:{PASSWORD}@127.0.0.1:{}/", redis.port);
    for service in [Service::Axum, Service::Actix] {
        let server = Server::start(
            service,
            &[
                ("DATABASE_URL", &database_url),
                ("REDIS_URL", &redis_url),
                ("PAYMENT_URL", &payments),
            ],
        );
        server.wait_for("/readyz", 200);
        for check in ["database", "cache", "payments"] {
            verdict(&server, check, "ok", &Value::Null);
        }
        orders_are_paid_for_shipped_and_cached(&server, &redis);

        redis.stop();
        verdict(&server, "cache", "error", &json!("unreachable"));
        assert_eq!(server.get("/readyz").status, 200, "degraded");
        assert_eq!(server.get("/orders/1").status, 200, "from the database");
        redis.spawn();
        redis.wait_until_it_listens();
        verdict(&server, "cache", "ok", &Value::Null);

        postgres.stop();
        verdict(&server, "database", "error", &json!("unreachable"));
        server.wait_for("/readyz", 503);
        let public = server.text("/health") + &server.text("/metrics");
        for secret in [PASSWORD, "127.0.0.1", "postgres:"] {
            assert!(!public.contains(secret), "{public}");
        }
        postgres.spawn();
        postgres.wait_until_it_listens();
        verdict(&server, "database", "ok", &Value::Null);
        server.wait_for("/readyz", 200);
        assert_eq!(server.place("green tea").status, 201);
    }
}

/// No server listens at the URL of the payment service.
#[test]
fn without_the_payment_service_no_order_is_placed_and_the_service_is_ready() {
    let nowhere = format!("http://127.0.0.1:{}", support::free_port());
    for service in [Service::Axum, Service::Actix] {
        let server = Server::start(
            service,
            &[
                ("DATABASE_URL", "sqlite::memory:"),
                ("PAYMENT_URL", &nowhere),
            ],
        );
        server.wait_for("/readyz", 200);
        verdict(&server, "payments", "error", &json!("unreachable"));
        assert_eq!(server.place("green tea").status, 503);
        assert_eq!(server.get("/readyz").status, 200);
        assert_eq!(
            server.inspect("/health").json["checks"]["cache"],
            Value::Null,
            "a dependency that is not set up has no check"
        );
    }
}

fn orders_are_paid_for_shipped_and_cached(server: &Server, redis: &support::Server) {
    let placed = server.place("green tea");
    assert_eq!(placed.status, 201, "{placed:?}");
    let location = placed.header("location").to_owned();
    let declined = server.place("no money");
    assert_eq!(declined.status, 402, "{declined:?}");
    until("the order is shipped", || {
        server.get(&location).json["status"] == "shipped"
    });
    let id = location.rsplit('/').next().expect("an id");
    let cached = redis_cli(redis, &["GET", &format!("orders:{id}")]);
    assert!(cached.contains("green tea"), "{cached}");
    let too_late = server.post(&format!("{location}/cancel"), "");
    assert_eq!(too_late.status, 409);
    let listed = server.get("/orders?limit=1").json;
    assert_eq!(listed["orders"][0]["item"], "green tea");
    let placed_at = listed["orders"][0]["placed_at"].as_str().expect("a time");
    assert!(placed_at.ends_with('Z'), "{placed_at}");
}

fn verdict(server: &Server, check: &str, status: &str, class: &Value) {
    let began = std::time::Instant::now();
    until(&format!("{check} is {status}"), || {
        let health = server.inspect("/health").json;
        let check = &health["checks"][check];
        check["status"] == status && check["class"] == *class
    });
    println!("{check} is {status}: {:?}", began.elapsed());
}

pub(super) fn postgres() -> support::Server {
    let server = support::postgres::server();
    // The server listens before it answers.
    let url = format!(
        "postgres://orders:{PASSWORD}@127.0.0.1:{}/postgres",
        server.port
    );
    until("Postgres answers", || {
        let mut ready = Command::new(program("pg_isready"));
        let output = ready.args(["-d", &url]).output();
        output.expect("it is installed").status.success()
    });
    server
}

pub(super) fn redis() -> support::Server {
    let directory = tempfile::tempdir().expect("a directory");
    support::Server::start(directory, |directory, port| {
        let mut command = Command::new("redis-server");
        command
            .args(["--port", &port.to_string(), "--bind", "127.0.0.1"])
            .args(["--requirepass", PASSWORD, "--save", "", "--dir"])
            .arg(directory);
        command
    })
}

fn redis_cli(server: &support::Server, words: &[&str]) -> String {
    let port = server.port.to_string();
    let mut command = Command::new("redis-cli");
    let command = command.args(["-p", &port, "-a", PASSWORD]).args(words);
    let output = command.output().expect("it is installed");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// A payment service that declines every order without a price.
pub(super) fn payments() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    thread::spawn(move || {
        for connection in listener.incoming().flatten() {
            thread::spawn(move || answer(&connection));
        }
    });
    format!("http://{address}")
}

fn answer(connection: &std::net::TcpStream) {
    let mut request = BufReader::new(connection);
    let mut length = 0;
    let mut line = String::new();
    while request.read_line(&mut line).is_ok_and(|read| read > 2) {
        if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap_or(0);
        }
        line.clear();
    }
    let mut body = vec![0; length];
    let _ = std::io::Read::read_exact(&mut request, &mut body);
    let status = if String::from_utf8_lossy(&body).contains("no money") {
        402
    } else {
        204
    };
    let mut connection = connection;
    let _ = write!(
        connection,
        "HTTP/1.1 {status} x\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
    );
}
