//! The handler of the porting guide, with PostgreSQL, Redis and an API.

use std::fs::{self, File};
use std::process::{Command, Stdio};

use serde_json::Value;

use super::dependencies::{payments, postgres, redis, support};
use test_support::until;

use super::{Server, json};

/// Eight of the ten GiB are 80 % of the quota.
const MOST_BEFORE_A_WARNING: u64 = 8 * 1024 * 1024 * 1024 - 1;

fn start(postgres: &support::Server, redis: &support::Server, api: &str, uploads: u64) -> Server {
    let directory = tempfile::tempdir().expect("a directory for temporary files");
    fs::create_dir(directory.path().join("uploads")).expect("the directory is new");
    // Its length counts, although it uses few blocks of the disk.
    let upload = File::create(directory.path().join("uploads/upload")).expect("a file");
    upload.set_len(uploads).expect("a sparse file");
    let log = File::create(directory.path().join("log")).expect("a file");
    let port = support::free_port();
    let password = support::postgres::PASSWORD;
    let mut command = Command::new(env!("CARGO_BIN_EXE_ported-under-test"));
    command
        .current_dir(directory.path())
        .env("PORT", port.to_string())
        .env("API_URL", api)
        .env(
            "DATABASE_URL",
            format!(
                "postgres://orders:{password}@127.0.0.1:{}/postgres",
                postgres.port
            ),
        )
        .env(
            "REDIS_URL",
            format!("redis://:{password}@127.0.0.1:{}/", redis.port),
        )
        .stdin(Stdio::null())
        .stderr(log);
    let url = format!("http://127.0.0.1:{port}");
    let server = Server {
        process: command.spawn().expect("the binary runs"),
        internal: url.clone(),
        url,
        directory,
    };
    until("it listens", || {
        std::net::TcpStream::connect(("127.0.0.1", port)).is_ok()
    });
    server
}

fn verdict(server: &Server, check: &str, status: &str, class: &Value) {
    until(&format!("{check} is {status}"), || {
        let found = server.get(&format!("/health/{check}")).json;
        found["status"] == status && found["class"] == *class
    });
}

#[test]
#[ignore = "starts Postgres and Redis; scripts/test.sh runs it"]
fn the_ported_handler_returns_the_json_of_the_tutorials() {
    let (mut postgres, mut redis, api) = (postgres(), redis(), payments());
    let server = start(&postgres, &redis, &api, MOST_BEFORE_A_WARNING);
    server.wait_for("/readyz", 200);
    for check in ["database", "cache", "api", "uploads"] {
        verdict(&server, check, "ok", &Value::Null);
    }
    let health = server.get("/health");
    assert_eq!(health.status, 200);
    assert_eq!(health.json["version"], env!("CARGO_PKG_VERSION"));
    assert!(health.json["uptime_s"].is_number(), "{health:?}");
    for check in ["cpu", "disk", "memory"] {
        let found = &health.json["checks"][check];
        assert!(found["observed"]["value"].is_number(), "{check}: {found}");
    }

    redis.stop();
    verdict(&server, "cache", "error", &json!("unreachable"));
    let degraded = server.get("/health");
    assert_eq!(degraded.status, 200, "it can still serve requests");
    assert_eq!(degraded.json["status"], "degraded");

    postgres.stop();
    verdict(&server, "database", "error", &json!("unreachable"));
    server.wait_for("/readyz", 503);
    assert_eq!(server.get("/health").status, 503);
    let public = server.text("/health");
    for secret in [support::postgres::PASSWORD, "127.0.0.1"] {
        assert!(!public.contains(secret), "{public}");
    }
    drop(server);

    postgres.spawn();
    postgres.wait_until_it_listens();
    redis.spawn();
    redis.wait_until_it_listens();
    let server = start(&postgres, &redis, &api, MOST_BEFORE_A_WARNING + 1);
    verdict(&server, "uploads", "degraded", &json!("saturated"));
}
