//! Signals that are sent to a separate process.
//!
//! The child is this program again, with a variable that selects how it hangs.

#![cfg(all(unix, feature = "signal", feature = "tracing"))]

use std::future::pending;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use health_core::Health;
use health_core::config::LifecycleOptions;
use test_support::{BOUND, until};

const VARIABLE: &str = "HEALTH_TEST_CHILD_HANGS";

/// Does nothing unless it runs in the child.
#[test]
fn child() {
    let Ok(how) = std::env::var(VARIABLE) else {
        return;
    };
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .init();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .expect("a runtime can be built");
    runtime.block_on(async {
        let health = Health::builder()
            .lifecycle(LifecycleOptions::new().drain_delay(BOUND * 100))
            .start();
        let health = health.expect("it starts");
        let drained = health.drain_on_signal();
        println!("\nlistening");
        if how == "blocked" {
            thread::park();
        }
        let watched = health.clone();
        tokio::spawn(async move {
            while !watched.is_draining() {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            println!("\ndraining");
        });
        drained.await;
        println!("\ndrained");
        if how == "request" {
            pending::<()>().await;
        }
        tokio::task::spawn_blocking(thread::park);
    });
    // Waits for the thread of `spawn_blocking`.
    drop(runtime);
    unreachable!("it hangs");
}

struct Process {
    child: Child,
    output: BufReader<ChildStdout>,
}

impl Process {
    fn start(how: &str) -> Self {
        let program = std::env::current_exe().expect("the path of this program is known");
        let mut child = Command::new(program)
            .args(["--exact", "signals::child", "--nocapture"])
            .env(VARIABLE, how)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("a child");
        let output = BufReader::new(
            child
                .stdout
                .take()
                .expect("the output of the child is piped"),
        );
        let mut process = Process { child, output };
        process.prints("listening");
        process
    }

    fn prints(&mut self, expected: &str) {
        let mut line = String::new();
        while line.trim() != expected {
            line.clear();
            let length = self.output.read_line(&mut line).expect("a line");
            assert!(length > 0, "it ended before it printed {expected}");
        }
    }

    fn send(&self, signal: &str) {
        let kill = format!("kill -{signal} {}", self.child.id());
        let sent = Command::new("sh").args(["-c", &kill]).status();
        assert!(sent.expect("a shell").success());
    }

    /// The exit code, and the log.
    fn ends(mut self) -> (Option<i32>, String) {
        let mut status = None;
        until("the end of the process", || {
            status = self.child.try_wait().expect("the child can be waited for");
            status.is_some()
        });
        let mut log = String::new();
        let mut errors = self
            .child
            .stderr
            .take()
            .expect("the output of the child is piped");
        errors
            .read_to_string(&mut log)
            .expect("the bytes are UTF-8");
        (status.and_then(|status| status.code()), log)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
    }
}

fn three_signals_end(how: &str, signal: &str, code: i32) {
    let mut process = Process::start(how);
    process.send("TERM");
    process.prints("draining");
    process.send("TERM");
    process.prints("drained");
    process.send(signal);
    let (ended, log) = process.ends();
    assert_eq!(ended, Some(code), "{log}");
    let line = format!("third termination signal received, exiting code={code}");
    assert!(log.contains(&line), "{log}");
}

#[test]
fn the_third_signal_ends_a_process_whose_request_hangs() {
    three_signals_end("request", "TERM", 143);
    three_signals_end("request", "INT", 130);
}

#[test]
fn the_third_signal_ends_a_process_whose_thread_hangs() {
    three_signals_end("thread", "TERM", 143);
}

/// Signals that arrive together count as one, so the test may send more than three.
#[test]
fn the_third_signal_ends_a_process_whose_runtime_is_blocked() {
    let mut process = Process::start("blocked");
    let start = Instant::now();
    while process.child.try_wait().expect("a child").is_none() {
        assert!(start.elapsed() < BOUND, "it does not end");
        process.send("TERM");
    }
    assert_eq!(process.ends().0, Some(143));
}
