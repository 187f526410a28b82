//! The service under systemd: with a socket and a watchdog in its environment.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::net::UnixDatagram;
use std::time::{Duration, Instant};

use test_support::BOUND;

use super::{Server, Service};

#[test]
fn axum_notifies_systemd() {
    systemd_hears_of_a_life(Service::Axum);
}

#[test]
fn actix_notifies_systemd() {
    systemd_hears_of_a_life(Service::Actix);
}

fn systemd_hears_of_a_life(service: Service) {
    let directory = tempfile::tempdir().expect("a directory for temporary files");
    let path = directory.path().join("notify");
    let systemd = Systemd(UnixDatagram::bind(&path).expect("a new path"));
    let variables = [
        ("NOTIFY_SOCKET", path.to_str().expect("the path is UTF-8")),
        ("WATCHDOG_USEC", "400000"),
    ];
    let mut server = Server::start(service, &variables);
    systemd.wait_for("READY=1");
    assert_eq!(server.get("/readyz").status, 200);
    systemd.wait_for("WATCHDOG=1");

    let file = server.directory().join("orders.db");
    fs::remove_file(file).expect("the folder belongs to the test");
    systemd.wait_for("STATUS=not ready: database (withheld)");
    systemd.wait_for("WATCHDOG=1");

    server.terminate();
    systemd.wait_for("STOPPING=1\nSTATUS=draining");
    server.terminate();
    assert!(server.wait_for_the_end().success());
}

struct Systemd(UnixDatagram);

impl Systemd {
    /// `READY=1` is sent once.
    fn wait_for(&self, wanted: &str) {
        let deadline = Instant::now() + BOUND;
        let mut heard = Vec::new();
        let mut buffer = [0; 4096];
        while heard.last().is_none_or(|last| last != wanted) {
            let left = deadline.saturating_duration_since(Instant::now());
            let left = left.max(Duration::from_millis(1));
            self.0
                .set_read_timeout(Some(left))
                .expect("a timeout above zero");
            match self.0.recv(&mut buffer) {
                Ok(length) => {
                    let text = String::from_utf8(buffer[..length].to_vec());
                    heard.push(text.expect("the message is UTF-8"));
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => panic!("no {wanted:?} but {heard:?}: {error}"),
            }
        }
        let ready = heard.iter().filter(|text| *text == "READY=1").count();
        assert_eq!(ready, usize::from(wanted == "READY=1"), "{heard:?}");
    }
}
