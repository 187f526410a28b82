//! The plain hyper server, as a process.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use test_support::{BOUND, until};

/// The process, which is killed at the end of the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn start() -> (Running, [String; 2]) {
    let mut process = Command::new(env!("CARGO_BIN_EXE_plain-hyper"))
        .env("PORT", "0")
        .stdout(Stdio::piped())
        .spawn()
        .expect("it starts");
    let output = process.stdout.take().expect("its output");
    let running = Running(process);
    let mut lines = BufReader::new(output).lines();
    let addresses = [(); 2].map(|()| {
        let line = lines.next().expect("a line").expect("the bytes are UTF-8");
        let at = line.find("http://").expect("a bound socket has an address");
        line[at..].to_owned()
    });
    (running, addresses)
}

/// Returns 0 if the connection is refused.
fn get(address: &str, path: &str) -> (u16, String) {
    let config = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .timeout_global(Some(BOUND))
        .proxy(None)
        .build();
    let agent: ureq::Agent = config.into();
    let Ok(mut response) = agent.get(format!("{address}{path}")).call() else {
        return (0, String::new());
    };
    let body = response.body_mut().read_to_string().unwrap_or_default();
    (response.status().as_u16(), body)
}

#[test]
fn health_is_served_beside_the_application_and_on_a_port_of_its_own() {
    let (_running, [service, own]) = start();
    assert_eq!(get(&service, "/"), (200, "hello".into()));
    assert_eq!(get(&own, "/").0, 404);
    for address in [&service, &own] {
        until("ready", || get(address, "/readyz").0 == 200);
        assert_eq!(get(address, "/readyz/nobody").0, 404);
    }
    assert_eq!(get(&own, "/readyz/folder").0, 200);
    assert_eq!(get(&service, "/readyz/folder").0, 404, "a name");
}

#[cfg(unix)]
#[test]
fn a_signal_starts_a_drain_on_both_ports() {
    use rustix::process::{Pid, Signal, kill_process};

    let (mut running, [service, own]) = start();
    until("ready", || get(&service, "/readyz").0 == 200);
    let process = Pid::from_child(&running.0);
    kill_process(process, Signal::TERM).expect("the process runs");
    for address in [&service, &own] {
        until("not ready", || get(address, "/readyz").0 == 503);
        assert_eq!(get(address, "/livez").0, 200);
    }
    assert_eq!(get(&service, "/"), (200, "hello".into()));
    kill_process(process, Signal::TERM).expect("the process runs");
    let status = running.0.wait().expect("it ends");
    assert!(status.success(), "{status}");
}
