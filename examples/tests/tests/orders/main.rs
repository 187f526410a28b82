//! The service `orders` as a process, with its output, sockets, database file and
//! signals. One suite, run for each web framework.

#[cfg(unix)]
mod dependencies;
#[cfg(unix)]
mod openapi;
#[cfg(unix)]
mod ported;
#[cfg(unix)]
mod rolling;
#[cfg(unix)]
mod systemd;

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
#[cfg(unix)]
use std::process::ExitStatus;
use std::process::{Child, Command, Output, Stdio};
use std::thread;
#[cfg(unix)]
use std::time::{Duration, Instant};
#[cfg(unix)]
use std::{io::Read as _, io::Write as _, net::TcpStream};

use serde_json::{Value, json};
use tempfile::TempDir;
use test_support::{BOUND, until};

/// The binaries of the service, which behave alike.
#[derive(Clone, Copy, Debug)]
enum Service {
    Axum,
    Actix,
}

impl Service {
    fn binary(self) -> &'static str {
        match self {
            Service::Axum => env!("CARGO_BIN_EXE_axum-under-test"),
            Service::Actix => env!("CARGO_BIN_EXE_actix-under-test"),
        }
    }
}

/// Each test takes the binary and runs once for each.
macro_rules! suite {
    ($($(#[$attribute:meta])* $test:ident)*) => {
        mod axum {
            $($(#[$attribute])* #[test]
            fn $test() {
                super::$test(super::Service::Axum);
            })*
        }
        mod actix {
            $($(#[$attribute])* #[test]
            fn $test() {
                super::$test(super::Service::Actix);
            })*
        }
    };
}

suite! {
    orders_are_placed_listed_shipped_and_cancelled
    a_bad_request_gets_a_problem_and_changes_nothing
    #[cfg(unix)]
    readiness_follows_a_database_file_that_is_moved_away_and_back
    #[cfg(unix)]
    readiness_follows_a_database_file_that_is_deleted_and_replaced
    an_overwritten_database_file_is_detected_and_reopened
    readiness_follows_a_lock_of_another_process
    a_disk_that_is_nearly_full_degrades_and_stays_ready
    the_public_port_shows_neither_names_nor_metrics
    every_check_has_metrics
    the_openapi_document_describes_what_is_mounted
    #[cfg(unix)]
    sigterm_drains_and_then_ends_the_process_with_success
    #[cfg(unix)]
    a_second_signal_ends_the_drain_at_once
    #[cfg(unix)]
    a_drain_closes_kept_alive_connections
    #[cfg(unix)]
    an_idle_connection_does_not_delay_the_exit
    #[cfg(unix)]
    an_unfinished_request_does_not_delay_the_exit
    requests_are_in_the_log_and_probes_are_not
    the_incident_in_the_answer_leads_to_the_reason_in_the_log
    an_invalid_setting_exits_with_one_message
    an_unknown_argument_does_not_start_the_service
    the_binary_probes_the_running_service
}

fn orders_are_placed_listed_shipped_and_cancelled(service: Service) {
    let server = Server::start(service, &[("DATABASE_URL", "sqlite::memory:")]);
    server.wait_for("/readyz", 200);

    let placed = server.place("green tea");
    assert_eq!(placed.status, 201, "{placed:?}");
    let location = placed.header("location").to_owned();
    assert_eq!(placed.json["status"], "accepted");
    assert_eq!(server.get(&location).json["item"], "green tea");

    let in_time = server.place("black tea");
    let cancel = format!("{}/cancel", in_time.header("location"));
    let cancelled = server.post(&cancel, "");
    assert_eq!(cancelled.status, 200, "{cancelled:?}");
    assert_eq!(cancelled.json["status"], "cancelled");
    assert_eq!(server.post(&cancel, "").status, 409);

    until("the order is shipped", || {
        server.get(&location).json["status"] == "shipped"
    });
    let too_late = server.post(&format!("{location}/cancel"), "");
    assert_eq!(too_late.status, 409);
    assert_eq!(too_late.json["detail"], "the order is already shipped");

    let first = server.get("/orders?limit=1").json;
    assert_eq!(first["orders"][0]["item"], "green tea");
    let second = server
        .get(first["next"].as_str().expect("a link to the next page"))
        .json;
    assert_eq!(second["orders"][0]["item"], "black tea");
    assert_eq!(server.get("/orders").json["next"], Value::Null);
}

fn a_bad_request_gets_a_problem_and_changes_nothing(service: Service) {
    let server = Server::start(service, &[("DATABASE_URL", "sqlite::memory:")]);
    let too_large = format!(r#"{{"item":"{}","quantity":1}}"#, "x".repeat(5_000));
    let bodies = [
        ("", 400),
        ("{", 400),
        ("[]", 422),
        ("{}", 422),
        (r#"{"item":"","quantity":1}"#, 422),
        (r#"{"item":"tea","quantity":0}"#, 422),
        (r#"{"item":"tea","quantity":-1}"#, 422),
        (r#"{"item":"tea","quantity":1001}"#, 422),
        (r#"{"item":"tea","quantity":1,"status":"shipped"}"#, 422),
        (&too_large, 413),
    ];
    let mut answers: Vec<(String, Answer, u16)> = bodies
        .map(|(body, status)| (body.to_owned(), server.post("/orders", body), status))
        .into();
    let paths = [
        ("/", 404),
        ("/orders/1", 404),
        ("/orders/one", 404),
        ("/orders/99999999999999999999", 404),
        ("/orders/1/cancel", 405),
        ("/orders?limit=0", 400),
        ("/orders?limit=101", 400),
        ("/orders?limit=many", 400),
        ("/orders?limt=1", 400),
    ];
    answers.extend(paths.map(|(path, status)| (path.to_owned(), server.get(path), status)));
    for (what, answer, status) in answers {
        assert_eq!(answer.status, status, "{what}: {answer:?}");
        assert_eq!(answer.header("content-type"), "application/problem+json");
        assert_eq!(answer.json["status"], status, "{what}");
    }
    for (path, methods) in [
        ("/orders", "GET,HEAD,POST"),
        ("/orders/1", "GET,HEAD"),
        ("/orders/1/cancel", "POST"),
    ] {
        let answer = server.delete(path);
        assert_eq!(answer.status, 405, "{path}: {answer:?}");
        assert_eq!(answer.header("allow"), methods, "{path}");
        assert_eq!(answer.header("content-type"), "application/problem+json");
    }
    assert_eq!(server.post("/orders/1/cancel", "").status, 404);
    assert_eq!(server.get("/orders").json["orders"], json!([]));
}

/// On Windows an open file can be neither moved nor deleted.
#[cfg(unix)]
fn readiness_follows_a_database_file_that_is_moved_away_and_back(service: Service) {
    let server = Server::start(service, &[]);
    let file = server.directory().join("orders.db");
    let away = server.directory().join("away.db");
    server.wait_for("/readyz", 200);
    let before = server.place("before").header("location").to_owned();

    fs::rename(&file, &away).expect("the folder belongs to the test");
    let refused = server.place("into a file that is gone");
    assert_eq!(refused.status, 503, "{refused:?}");
    server.wait_for("/readyz", 503);
    assert_eq!(server.get("/livez").status, 200);
    assert_eq!(server.get(&before).status, 503);
    server.assert_that_the_database_fails_and_why_is_only_in_the_log("unable to open");

    fs::rename(&away, &file).expect("the folder belongs to the test");
    server.wait_for("/readyz", 200);
    assert_eq!(server.get(&before).json["item"], "before");
    assert_eq!(server.place("after").status, 201);
}

#[cfg(unix)]
fn readiness_follows_a_database_file_that_is_deleted_and_replaced(service: Service) {
    let server = Server::start(service, &[]);
    let file = server.directory().join("orders.db");
    server.wait_for("/readyz", 200);
    let before = server.place("before").header("location").to_owned();
    let backup = server.directory().join("backup.db");
    fs::copy(&file, &backup).expect("the folder belongs to the test");

    fs::remove_file(&file).expect("the folder belongs to the test");
    server.wait_for("/readyz", 503);
    assert_eq!(server.get("/livez").status, 200);
    assert!(
        !file.exists(),
        "the service does not start anew, without orders"
    );

    File::create(&file).expect("the folder belongs to the test");
    server.wait_for("/readyz", 200);
    assert_eq!(server.get("/orders").json["orders"], json!([]));
    assert_eq!(server.place("into the new file").status, 201);

    // Replaced at once: no check runs while the file is missing.
    fs::rename(&backup, &file).expect("the folder belongs to the test");
    assert_eq!(server.get(&before).json["item"], "before");
    assert_eq!(server.place("into the backup").status, 201);
}

fn an_overwritten_database_file_is_detected_and_reopened(service: Service) {
    let server = Server::start(service, &[]);
    let file = server.directory().join("orders.db");
    server.wait_for("/readyz", 200);
    fs::write(&file, "no database").expect("the folder belongs to the test");
    server.wait_for("/readyz", 503);
    server.assert_that_the_database_fails_and_why_is_only_in_the_log("not a database");
    fs::write(&file, "").expect("the folder belongs to the test");
    server.wait_for("/readyz", 200);
    assert_eq!(server.place("tea").status, 201);
}

fn readiness_follows_a_lock_of_another_process(service: Service) {
    let server = Server::start(service, &[]);
    server.wait_for("/readyz", 200);
    let lock = Lock::take(&server.directory().join("orders.db"));
    server.wait_for("/readyz", 503);
    assert_eq!(server.get("/livez").status, 200);
    let refused = server.place("tea");
    assert_eq!(refused.status, 503, "{refused:?}");
    assert_eq!(refused.header("retry-after"), "2");
    server.assert_that_the_database_fails_and_why_is_only_in_the_log("database is locked");

    drop(lock);
    server.wait_for("/readyz", 200);
    assert_eq!(server.place("tea").status, 201);
}

fn a_disk_that_is_nearly_full_degrades_and_stays_ready(service: Service) {
    let server = Server::start(service, &[("DISK_MIN_FREE", "18446744073709551615")]);
    server.wait_for("/readyz", 200);
    until("the disk warns", || {
        server.inspect("/health").json["status"] == "degraded"
    });
    let disk = server.inspect("/health/disk").json;
    assert_eq!(disk["status"], "degraded", "{disk}");
    assert_eq!(disk["message"], "the disk is nearly full");
    assert_eq!(disk["observed"]["unit"], "bytes");
    assert!(disk["observed"]["value"].as_f64() > Some(0.0), "{disk}");
    assert_eq!(server.get("/readyz").status, 200);
}

fn the_public_port_shows_neither_names_nor_metrics(service: Service) {
    let server = Server::start(service, &[("DATABASE_URL", "sqlite::memory:")]);
    server.wait_for("/readyz", 200);
    let health = server.get("/health").json;
    assert_eq!(
        health.as_object().map(serde_json::Map::len),
        Some(1),
        "{health}"
    );
    for path in [
        "/metrics",
        "/status",
        "/health/openapi.json",
        "/health/database",
        "/health/groups/storage",
    ] {
        assert_eq!(server.get(path).status, 404, "{path}");
    }
}

fn the_openapi_document_describes_what_is_mounted(service: Service) {
    let server = Server::start(service, &[]);
    let text = server.text("/health/openapi.json");
    let document: serde_json::Value = serde_json::from_str(&text).expect("the text is valid JSON");
    for path in ["/livez", "/readyz", "/health", "/status", "/metrics"] {
        assert!(document["paths"][path]["get"].is_object(), "{path}");
        server.text(path);
    }
}

fn every_check_has_metrics(service: Service) {
    let server = Server::start(service, &[]);
    server.wait_for("/readyz", 200);
    let metrics = server.text("/metrics");
    for check in ["database", "disk", "worker"] {
        let works = format!("health_check_status{{check=\"{check}\",kind=");
        assert!(metrics.contains(&works), "{metrics}");
    }
    let version = env!("CARGO_PKG_VERSION");
    let info = format!("health_service_info{{version=\"{version}\"}} 1\n");
    assert!(metrics.contains(&info), "{metrics}");
    assert!(
        metrics.contains("health_status{kind=\"readiness\"} 1\n"),
        "{metrics}"
    );
}

#[cfg(unix)]
fn sigterm_drains_and_then_ends_the_process_with_success(service: Service) {
    let mut server = Server::start(service, &[]);
    server.wait_for("/readyz", 200);
    let location = server.place("before").header("location").to_owned();

    let asked = Instant::now();
    server.terminate();
    // The default delay of the drain is 7 s, and readiness fails long before.
    until("/readyz fails", || server.get("/readyz").status == 503);
    assert_eq!(server.get("/livez").status, 200);
    assert_eq!(server.get(&location).status, 200);
    assert_eq!(server.place("meanwhile").status, 201);

    assert_eq!(server.wait_for_the_end().code(), Some(0));
    assert!(asked.elapsed() >= Duration::from_secs(7));
}

#[cfg(unix)]
fn a_second_signal_ends_the_drain_at_once(service: Service) {
    // Longer than the bound of any wait here.
    let mut server = Server::start(service, &[("HEALTH_DRAIN_DELAY", "10m")]);
    server.wait_for("/readyz", 200);
    server.terminate();
    server.wait_for("/readyz", 503);
    server.terminate();
    assert!(server.wait_for_the_end().success());
}

/// Readiness informs load balancers; a connected client only sees responses.
#[cfg(unix)]
fn a_drain_closes_kept_alive_connections(service: Service) {
    let server = Server::start(service, &[]);
    server.wait_for("/readyz", 200);
    let mut client =
        BufReader::new(TcpStream::connect(server.address()).expect("the server listens"));
    for _ in 0..3 {
        let head = ask(&mut client);
        assert!(!head.contains("connection: close"), "{head}");
    }
    server.terminate();
    server.wait_for("/readyz", 503);
    let head = ask(&mut client);
    assert!(head.starts_with("http/1.1 200 ok\r\n"), "{head}");
    assert!(head.contains("\r\nconnection: close\r\n"), "{head}");
    assert_eq!(
        client.read(&mut [0]).expect("the connection is not reset"),
        0,
        "the server closes it"
    );
}

/// As a load balancer or a browser keeps it for its next request. axum closes it with
/// the server, actix-web after 5 s, which is within the drain.
#[cfg(unix)]
fn an_idle_connection_does_not_delay_the_exit(service: Service) {
    let mut server = Server::start(service, &[]);
    server.wait_for("/readyz", 200);
    let mut idle =
        BufReader::new(TcpStream::connect(server.address()).expect("the server listens"));
    ask(&mut idle);
    server.terminate();
    assert!(server.wait_for_the_end().success(), "{}", server.log());
    assert!(
        !server.log().contains("requests were aborted"),
        "{}",
        server.log()
    );
    drop(idle);
}

/// Returns the head of the response to one request, in lower case.
#[cfg(unix)]
fn ask(client: &mut BufReader<TcpStream>) -> String {
    let request = b"GET /orders?limit=1 HTTP/1.1\r\nhost: orders\r\n\r\n";
    client
        .get_mut()
        .write_all(request)
        .expect("the server reads");
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        assert!(
            client.read_line(&mut head).expect("the server answers") > 0,
            "{head}"
        );
    }
    head.make_ascii_lowercase();
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "));
    let length: usize = length.expect("the length").parse().expect("a number");
    client
        .read_exact(&mut vec![0; length])
        .expect("the body has this length");
    head
}

/// axum alone would wait for this client without a limit, actix-web for 30 s.
#[cfg(unix)]
fn an_unfinished_request_does_not_delay_the_exit(service: Service) {
    let mut server = Server::start(service, &[]);
    server.wait_for("/readyz", 200);
    let mut client = TcpStream::connect(server.address()).expect("the server listens");
    let unfinished = "POST /orders HTTP/1.1\r\nhost: orders\r\nexpect: 100-continue\r\n\
                      content-type: application/json\r\ncontent-length: 100\r\n\r\n";
    client
        .write_all(unfinished.as_bytes())
        .expect("the server reads");
    // Otherwise the drain might find the connection idle.
    let mut accepted = [0; "HTTP/1.1 100".len()];
    client
        .read_exact(&mut accepted)
        .expect("the server continues");
    assert_eq!(&accepted, b"HTTP/1.1 100", "the body is awaited");
    server.terminate();
    server.wait_for("/readyz", 503);
    server.terminate();
    assert!(server.wait_for_the_end().success(), "{}", server.log());
    assert!(
        server.log().contains("requests were aborted"),
        "{}",
        server.log()
    );
}

fn requests_are_in_the_log_and_probes_are_not(service: Service) {
    let server = Server::start(service, &[("DATABASE_URL", "sqlite::memory:")]);
    server.wait_for("/readyz", 200);
    for path in ["/livez", "/readyz/", "/startupz", "/health?verbose"] {
        assert_eq!(server.get(path).status, 200, "{path}");
    }
    for path in ["/readyz/database", "/health", "/health/disk"] {
        assert_eq!(server.inspect(path).status, 200, "{path}");
    }
    assert_eq!(server.get("/orders?limit=7").status, 200);
    // Not a probe, although its path is similar.
    assert_eq!(server.get("/orders/health").status, 404);
    let log = || server.log();
    until("the last request is in the log", || {
        log().contains("/orders/health")
    });
    assert!(log().contains("/orders?limit=7"), "{}", log());
    // The start logs the served paths.
    let log = log().replace("/orders/health", "");
    let requests = log
        .lines()
        .filter(|line| !line.contains("settings in effect"));
    let log = requests.collect::<Vec<_>>().join("\n");
    for path in ["/livez", "/readyz", "/startupz", "/health/", "/health?"] {
        assert!(!log.contains(path), "{path}: {log}");
    }
}

fn the_incident_in_the_answer_leads_to_the_reason_in_the_log(service: Service) {
    let json = ("LOG_FORMAT", "json");
    let server = Server::start(service, &[json, ("DISK_MIN_FREE", "1")]);
    server.wait_for("/readyz", 200);
    fs::write(server.directory().join("orders.db"), "no database")
        .expect("the folder belongs to the test");
    server.wait_for("/readyz", 503);
    let database = server.inspect("/health/database").json;
    let incident = database["incident"]
        .as_str()
        .expect("an incident")
        .to_owned();
    let log = server.log();
    let found: Vec<Value> = log
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).expect("each line of the log is JSON"))
        .filter(|event| event["incident"] == *incident)
        .collect();
    assert_eq!(found.len(), 1, "{log}");
    assert_eq!(found[0]["check"], "database");
    let cause = found[0]["cause"].as_str().expect("a cause");
    assert!(cause.contains("not a database"), "{cause}");
}

fn an_invalid_setting_exits_with_one_message(service: Service) {
    let occupied = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = occupied
        .local_addr()
        .expect("an address")
        .port()
        .to_string();
    let cases = [
        (
            "PORT",
            "http",
            r#"PORT must be a number from 0 (any free port) to 65535, not "http""#,
        ),
        ("HOST", "localhost", "HOST must be an IP address"),
        (
            "DISK_MIN_FREE",
            "1 GB",
            "DISK_MIN_FREE must be a number of bytes",
        ),
        (
            "DATABASE_URL",
            "mysql://me:secret@db",
            "DATABASE_URL must begin with `sqlite:`",
        ),
        (
            "DATABASE_URL",
            "sqlite:a.db?mode=x",
            "DATABASE_URL is not understood",
        ),
        (
            "DATABASE_URL",
            "sqlite:missing.db",
            "`?mode=rwc` creates a missing file of SQLite",
        ),
        ("PORT", &port, "cannot listen on 127.0.0.1:"),
    ];
    for (name, value, message) in cases {
        let Output {
            status,
            stdout,
            stderr,
        } = run(service, &[(name, value)]);
        let stderr = String::from_utf8(stderr).expect("the output is UTF-8");
        assert!(!status.success(), "{name}={value}");
        assert!(stderr.contains(message), "{name}={value}: {stderr}");
        assert_eq!(stderr.matches("Error").count(), 1, "{stderr}");
        assert!(
            !stderr.contains("secret") && !stderr.contains("panicked"),
            "{stderr}"
        );
        assert!(stdout.is_empty(), "{name}={value}");
    }
    drop(occupied);
}

fn an_unknown_argument_does_not_start_the_service(service: Service) {
    let directory = tempfile::tempdir().expect("a directory");
    let mut command = command(service, directory.path(), &[]);
    let output = command.arg("prob").output().expect("the binary runs");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success());
    assert!(stderr.contains("unknown argument `prob`"), "{stderr}");
}

const TOKEN: &str = "correct horse battery staple";

/// As `HEALTHCHECK CMD ["/orders", "probe"]` runs it.
fn the_binary_probes_the_running_service(service: Service) {
    let server = Server::start(service, &[("HEALTH_GUARD_TOKEN", TOKEN)]);
    server.wait_for("/readyz", 200);
    let port = server.url.rsplit(':').next().expect("a port").to_owned();
    let probe = || {
        let mut command = command(service, &server.directory(), &[("PORT", &port)]);
        let output = command.arg("probe").output().expect("the binary runs");
        assert!(output.stdout.is_empty());
        let text = String::from_utf8(output.stderr).expect("the output is UTF-8");
        (output.status.code(), text)
    };
    assert_eq!(probe(), (Some(0), String::new()));

    let lock = Lock::take(&server.directory().join("orders.db"));
    server.wait_for("/readyz", 503);
    let failing = "unhealthy: 503 {\"status\":\"unhealthy\"}\n";
    assert_eq!(probe(), (Some(1), failing.to_owned()));
    let why = |token: &str| {
        let variables = [("PORT", &*port), ("HEALTH_GUARD_TOKEN", token)];
        let mut command = command(service, &server.directory(), &variables);
        let output = command
            .args(["probe", "--why"])
            .output()
            .expect("the binary runs");
        assert!(output.status.success());
        String::from_utf8(output.stdout).expect("the output is UTF-8")
    };
    let (with, without) = (why(TOKEN), why("of another service"));
    assert!(
        with.contains("[-]database failed: ") && with.contains("locked"),
        "{with}"
    );
    assert!(
        without.contains("health check failed") && !without.contains("database"),
        "{without}"
    );
    drop(lock);

    let url = format!("{}/livez", server.url);
    let mut with_url = command(service, &server.directory(), &[]);
    let output = with_url
        .args(["probe", &url])
        .output()
        .expect("the binary runs");
    assert!(output.status.success(), "the URL has precedence");
}

/// As a kubelet, client-side load balancing and an exec probe do.
#[cfg(unix)]
#[test]
fn the_same_verdicts_are_served_over_grpc() {
    let server = Server::start(Service::Axum, &[("GRPC_PORT", "0")]);
    server.wait_for("/readyz", 200);
    let log = server.log();
    let line = log
        .lines()
        .find(|line| line.contains("serving grpc.health.v1"));
    let address = line
        .and_then(|line| line.split("address=").nth(1))
        .expect("the address is logged");
    let ask = |service: &str| {
        let url = format!("grpc://{}/{service}", address.trim());
        let answer = health_probe::probe(&url, BOUND);
        answer.map_err(|error| error.to_string())
    };
    for service in ["", "liveness", "orders.v1.Orders"] {
        assert_eq!(ask(service), Ok(()), "{service}");
    }
    let unknown = Err("unknown: NOT_FOUND \"orders.v2.Orders\"".to_owned());
    assert_eq!(ask("orders.v2.Orders"), unknown);

    server.terminate();
    server.wait_for("/readyz", 503);
    let failing = Err("unhealthy: NOT_SERVING".to_owned());
    assert_eq!(ask(""), failing);
    assert_eq!(ask("orders.v1.Orders"), failing);
    assert_eq!(ask("liveness"), Ok(()));
    server.terminate();
    let mut server = server;
    assert!(server.wait_for_the_end().success());
}

/// A running `orders` in a directory of its own, which is killed on drop.
struct Server {
    process: Child,
    url: String,
    /// The port for operators.
    internal: String,
    directory: TempDir,
}

impl Server {
    fn start(service: Service, variables: &[(&str, &str)]) -> Self {
        let directory = tempfile::tempdir().expect("a directory for temporary files");
        let log =
            File::create(directory.path().join("log")).expect("the folder belongs to the test");
        let mut process = command(service, directory.path(), variables)
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .expect("the binary runs");
        let mut output = BufReader::new(process.stdout.take().expect("the output is piped"));
        let [url, internal] = ["orders listens on ", "for operators: "].map(|prefix| {
            let mut line = String::new();
            output.read_line(&mut line).expect("the output is UTF-8");
            let url = line.trim().strip_prefix(prefix).map(str::to_owned);
            url.unwrap_or_else(|| panic!("the addresses come first, not {line:?}"))
        });
        Server {
            process,
            url,
            internal,
            directory,
        }
    }

    fn directory(&self) -> PathBuf {
        self.directory.path().to_owned()
    }

    fn log(&self) -> String {
        fs::read_to_string(self.directory.path().join("log"))
            .expect("the folder belongs to the test")
    }

    fn get(&self, path: &str) -> Answer {
        let request = client().get(format!("{}{path}", self.url));
        Answer::new(request.call())
    }

    /// Sends a request to the port for operators.
    fn inspect(&self, path: &str) -> Answer {
        let request = client().get(format!("{}{path}", self.internal));
        Answer::new(request.call())
    }

    /// Returns the body of a response on the port for operators, with any status.
    fn text(&self, path: &str) -> String {
        let request = client().get(format!("{}{path}", self.internal));
        let mut response = request.call().expect("the service answers");
        assert_ne!(response.status(), 404, "{path}");
        response
            .body_mut()
            .read_to_string()
            .expect("the bytes are UTF-8")
    }

    fn post(&self, path: &str, body: &str) -> Answer {
        let request = client().post(format!("{}{path}", self.url));
        Answer::new(
            request
                .header("content-type", "application/json")
                .send(body),
        )
    }

    fn delete(&self, path: &str) -> Answer {
        let request = client().delete(format!("{}{path}", self.url));
        Answer::new(request.call())
    }

    fn place(&self, item: &str) -> Answer {
        self.post("/orders", &json!({"item": item, "quantity": 2}).to_string())
    }

    fn wait_for(&self, path: &str, status: u16) {
        until(&format!("{path} answers {status}"), || {
            self.get(path).status == status
        });
    }

    fn assert_that_the_database_fails_and_why_is_only_in_the_log(&self, why: &str) {
        let public = self.get("/health").json;
        assert_eq!(public, json!({"status": "unhealthy"}));
        let health = self.inspect("/health");
        assert_eq!(health.status, 503);
        assert_eq!(health.json["status"], "unhealthy");
        let database = &health.json["checks"]["database"];
        assert_eq!(database["status"], "error", "{health:?}");
        assert_eq!(database["critical"], true);
        let public = health.json.to_string();
        let directory = self.directory();
        for secret in [
            why,
            "code",
            "INSERT",
            "BEGIN",
            ".db",
            directory.to_str().expect("the path is UTF-8"),
        ] {
            assert!(!public.contains(secret), "{secret} in {public}");
        }
        assert!(self.log().contains(why), "{}", self.log());
    }

    #[cfg(unix)]
    fn address(&self) -> &str {
        self.url.strip_prefix("http://").expect("an HTTP URL")
    }

    #[cfg(unix)]
    fn wait_for_the_end(&mut self) -> ExitStatus {
        let mut ended = None;
        until("the process ends", || {
            ended = self.process.try_wait().expect("a child of this process");
            ended.is_some()
        });
        ended.expect("it has ended")
    }

    #[cfg(unix)]
    fn terminate(&self) {
        use rustix::process::{Pid, Signal, kill_process};
        kill_process(Pid::from_child(&self.process), Signal::TERM).expect("the process runs");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
        if thread::panicking() {
            eprintln!("the log of {}:\n{}", self.url, self.log());
        }
    }
}

/// Runs the binary until it exits, which it does at once for an invalid setting.
fn run(service: Service, variables: &[(&str, &str)]) -> Output {
    let directory = tempfile::tempdir().expect("a directory for temporary files");
    command(service, directory.path(), variables)
        .output()
        .expect("the binary runs")
}

fn command(service: Service, directory: &Path, variables: &[(&str, &str)]) -> Command {
    let mut command = Command::new(service.binary());
    command.current_dir(directory);
    for name in [
        "HOST",
        "INTERNAL_HOST",
        "GRPC_PORT",
        "HEALTH_PROBE_URL",
        "HEALTH_PROBE_TIMEOUT",
        "DATABASE_URL",
        "REDIS_URL",
        "PAYMENT_URL",
        "DISK_MIN_FREE",
        "LOG_FORMAT",
        "RUST_LOG",
        "RUST_BACKTRACE",
        "NOTIFY_SOCKET",
        "WATCHDOG_USEC",
        "WATCHDOG_PID",
    ] {
        command.env_remove(name);
    }
    command.env("PORT", "0").env("INTERNAL_PORT", "0");
    command.envs(variables.iter().copied());
    command
}

/// A new client, and so a new connection, for each request.
fn client() -> ureq::Agent {
    let config = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .timeout_global(Some(BOUND))
        .proxy(None)
        .build();
    config.into()
}

#[derive(Debug)]
struct Answer {
    status: u16,
    headers: ureq::http::HeaderMap,
    json: Value,
}

impl Answer {
    fn new(response: Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> Self {
        let mut response = response.expect("the service answers");
        Answer {
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            json: response.body_mut().read_json().expect("the answer is JSON"),
        }
    }

    fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name);
        let value = value.unwrap_or_else(|| panic!("no header {name}: {self:?}"));
        value.to_str().expect("the value is ASCII")
    }
}

/// An exclusive lock on a database, until this is dropped.
struct Lock {
    runtime: tokio::runtime::Runtime,
    connection: Option<sqlx::SqliteConnection>,
}

impl Lock {
    fn take(file: &Path) -> Self {
        use sqlx::{ConnectOptions, Executor};
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime can be built");
        let connection = runtime.block_on(async {
            let options = sqlx::sqlite::SqliteConnectOptions::new().filename(file);
            let mut connection = options.connect().await.expect("the database opens");
            connection
                .execute("BEGIN EXCLUSIVE")
                .await
                .expect("no other lock");
            connection
        });
        Lock {
            runtime,
            connection: Some(connection),
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        use sqlx::Connection;
        if let Some(connection) = self.connection.take() {
            self.runtime
                .block_on(connection.close())
                .expect("the connection closes");
        }
    }
}
