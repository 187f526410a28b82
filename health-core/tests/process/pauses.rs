//! A process that is stopped and continued: the time in between does not count.
#![cfg(target_os = "linux")]

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::time::{Duration, Instant};

use health_core::config::RuntimeOptions;
use health_core::event::Event;
use health_core::reported::Heartbeat;
use health_core::{CheckOptions, Health, Probe, Status};
use test_support::{BOUND, until};

/// Set in the child, which is this program again.
const CHILD: &str = "HEALTH_TEST_CHILD";

struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Killed {
    fn signal(&self, signal: &str) {
        let status = Command::new("kill")
            .args([signal, &self.0.id().to_string()])
            .status();
        assert!(status.is_ok_and(|status| status.success()), "{signal}");
    }
}

/// Runs a test of this file in a process of its own.
fn child(test: &str) -> (Killed, impl FnMut() -> String) {
    let mut child =
        Command::new(std::env::current_exe().expect("the path of this program is known"))
            .args(["--exact", &format!("pauses::{test}"), "--nocapture"])
            .arg("--test-threads=1")
            .env(CHILD, "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("this program runs");
    let mut lines =
        BufReader::new(child.stdout.take().expect("the pipe to the child is open")).lines();
    let next = move || {
        loop {
            let line = lines.next().expect("a line").expect("the bytes are UTF-8");
            if let Some((_, line)) = line.split_once("child: ") {
                return line.to_owned();
            }
        }
    };
    (Killed(child), next)
}

fn is_child() -> bool {
    std::env::var_os(CHILD).is_some()
}

fn say(text: &str) {
    println!("child: {text}");
    std::io::stdout()
        .flush()
        .expect("the pipe to the child is open");
}

/// Waits until the parent writes to or closes the input of the child.
fn wait_for_parent() {
    let mut line = String::new();
    std::io::stdin()
        .read_line(&mut line)
        .expect("the pipe to the child is open");
}

fn go_on(child: &mut Killed) {
    let input = child
        .0
        .stdin
        .as_mut()
        .expect("the pipe to the child is open");
    input.write_all(b"go on\n").expect("the server listens");
}

/// Stops the child for longer than all of its deadlines.
fn stop_for(child: &Killed, time: Duration) {
    child.signal("-STOP");
    let start = Instant::now();
    while start.elapsed() < time {
        std::thread::sleep(time / 10);
    }
    child.signal("-CONT");
}

#[test]
fn no_status_changes_when_a_stopped_process_continues() {
    if !is_child() {
        let (mut child, mut next) = child("no_status_changes_when_a_stopped_process_continues");
        assert_eq!(next(), "ready");
        stop_for(&child, Duration::from_secs(4));
        go_on(&mut child);
        assert_eq!(next(), "turns [] statuses [Pass]");
        return;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime can be built");
    let worker = Heartbeat::new("worker", Duration::from_millis(800));
    let health = runtime.block_on(async {
        let mut builder = Health::builder();
        for nth in 0..22 {
            let options = CheckOptions::new()
                .liveness()
                .readiness()
                .critical()
                .interval(Duration::from_millis(300))
                .timeout(Duration::from_millis(300));
            builder = builder.check(format!("check-{nth}"), options, || {
                tokio::time::sleep(Duration::from_millis(20))
            });
        }
        let options = CheckOptions::new().liveness().critical();
        builder
            .reported(&worker, options)
            .start()
            .expect("it starts")
    });
    let [stop, ended] = [(); 2].map(|()| Arc::new(AtomicBool::new(false)));
    let beating = {
        let (worker, ended) = (worker.clone(), Arc::clone(&ended));
        std::thread::spawn(move || {
            while !ended.load(SeqCst) {
                worker.beat();
                std::thread::sleep(Duration::from_millis(50));
            }
        })
    };
    until("readiness", || {
        health.status(Probe::Readiness) == Status::Pass
    });
    let mut events = health.subscribe();
    let seen = Arc::new(std::sync::Mutex::new(vec![Status::Pass]));
    let reads = Arc::new(AtomicUsize::new(0));
    let readers: Vec<_> = (0..30)
        .map(|_| {
            let (health, seen) = (health.clone(), Arc::clone(&seen));
            let (stop, reads) = (Arc::clone(&stop), Arc::clone(&reads));
            std::thread::spawn(move || {
                while !stop.load(SeqCst) {
                    let status = health.status(Probe::Readiness);
                    let mut seen = seen.lock().expect("no thread panicked");
                    if seen.last() != Some(&status) {
                        seen.push(status);
                    }
                    drop(seen);
                    reads.fetch_add(1, SeqCst);
                    std::thread::sleep(Duration::from_millis(1));
                }
            })
        })
        .collect();
    say("ready");
    wait_for_parent();
    // Long enough for every check to run again.
    let (before, start) = (reads.load(SeqCst), Instant::now());
    until("two seconds with readers", || {
        start.elapsed() >= Duration::from_secs(2) && reads.load(SeqCst) >= before + 30
    });
    stop.store(true, SeqCst);
    for reader in readers {
        reader.join().expect("no thread panicked");
    }
    let turns = runtime.block_on(async {
        // No status changes any more, and the worker has sent beats until now.
        health.stop().await;
        let mut turns = Vec::new();
        let soon = Duration::from_millis(100);
        while let Ok(Some(event)) = tokio::time::timeout(soon, events.next()).await {
            if let Event::Transition(turned) = event {
                turns.push((turned.report.name().to_owned(), turned.from));
            }
        }
        turns
    });
    say(&format!(
        "turns {turns:?} statuses {:?}",
        seen.lock().expect("no thread panicked")
    ));
    ended.store(true, SeqCst);
    beating.join().expect("no thread panicked");
}

#[test]
fn a_process_stop_during_a_poll_does_not_quarantine_the_check() {
    if !is_child() {
        let (mut child, mut next) =
            child("a_process_stop_during_a_poll_does_not_quarantine_the_check");
        assert_eq!(next(), "in a poll");
        stop_for(&child, Duration::from_secs(5));
        go_on(&mut child);
        assert_eq!(next(), "on the runtime");
        return;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .thread_name("worker")
        .enable_all()
        .build()
        .expect("a runtime can be built");
    let runs = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&runs);
    let (tell, told) = std::sync::mpsc::channel();
    let _health = runtime.block_on(async {
        let options = CheckOptions::new()
            .interval(Duration::from_millis(50))
            .timeout(Duration::from_millis(50));
        // Far above the time that a busy machine needs to stop the process.
        let limit = Some(Duration::from_secs(2));
        Health::builder()
            .runtime(RuntimeOptions::new().max_poll_time(limit))
            .check("db", options, move || {
                let _ = tell.send(std::thread::current().name().map(str::to_owned));
                let is_first = counted.fetch_add(1, SeqCst) == 0;
                async move {
                    if is_first {
                        say("in a poll");
                        // The process is stopped during this poll.
                        wait_for_parent();
                    }
                }
            })
            .start()
            .expect("it starts")
    });
    let mut names = Vec::new();
    while names.len() < 5 {
        names.push(told.recv_timeout(BOUND).expect("a run"));
    }
    assert!(
        names.iter().all(|name| name.as_deref() == Some("worker")),
        "{names:?}"
    );
    say("on the runtime");
}
