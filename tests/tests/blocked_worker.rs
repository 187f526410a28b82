//! An async check that blocks its thread, the most common mistake. On a single worker
//! it stops the whole application, but only once.
//!
//! Only a blocked thread and the real clock cause this. The check reports through a
//! channel when it blocks, and returns when the test releases it, so everything in
//! between happens while it blocks.

use std::fmt::{self, Write as _};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread::{self, JoinHandle, ThreadId};
use std::time::Duration;

use health_axum::report::Verdict;
use health_axum::{CheckOptions, Health, HealthBuilder, Probe, Status, testing};
use test_support::{BOUND, until};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::oneshot;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

/// Longer than the longest poll, so a check past its timeout has been quarantined.
const TIMEOUT: Duration = Duration::from_millis(300);
const REQUESTS: usize = 50;

/// The log of health, one line per event.
static LOG: Mutex<Vec<String>> = Mutex::new(Vec::new());

struct Capture;

impl Subscriber for Capture {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "health"
    }

    fn event(&self, event: &Event<'_>) {
        let mut line = Line(String::new());
        event.record(&mut line);
        let mut log = LOG.lock().unwrap_or_else(PoisonError::into_inner);
        log.push(line.0);
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let _ = write!(self.0, "{field}={value:?} ");
    }
}

/// How often the log reports that a check blocks its thread.
fn accusations(check: &str) -> usize {
    let check = format!("check={check:?}");
    let log = LOG.lock().unwrap_or_else(PoisonError::into_inner);
    let lines = log.iter().filter(|line| line.contains(&check));
    lines
        .filter(|line| line.contains("blocks its thread"))
        .count()
}

fn often() -> CheckOptions {
    CheckOptions::new().timeout(TIMEOUT).interval(TIMEOUT)
}

/// Releases the blocking check.
struct Blocker {
    name: &'static str,
    blocked: mpsc::Receiver<ThreadId>,
    release: mpsc::Sender<()>,
}

impl Blocker {
    /// A builder with a check that blocks and one that does not.
    fn new(name: &'static str) -> (Self, HealthBuilder) {
        let (hold, builder) = Blocker::alone(name, often().critical());
        (hold, builder.check("innocent", often(), || async {}))
    }

    fn alone(name: &'static str, options: CheckOptions) -> (Self, HealthBuilder) {
        // The first test of this process installs it.
        let _ = tracing::subscriber::set_global_default(Capture);
        let (tell, blocked) = mpsc::channel();
        let (release, released) = mpsc::channel::<()>();
        let released = Arc::new(Mutex::new(released));
        let builder = Health::builder().check(name, options, move || {
            let (tell, released) = (tell.clone(), Arc::clone(&released));
            async move {
                let _ = tell.send(thread::current().id());
                // The mistake: a blocking call in an async function.
                let _ = released.lock().expect("one run at a time").recv();
            }
        });
        let hold = Blocker {
            name,
            blocked,
            release,
        };
        (hold, builder)
    }

    /// Waits until a run blocks, and returns its thread.
    fn blocks(&self) -> ThreadId {
        let blocked = self.blocked.recv_timeout(BOUND);
        blocked.expect("a run of the check that blocks")
    }

    fn times_out(&self, health: &Health) {
        until("a deadline", || {
            let check = health.check(self.name).expect("the check is registered");
            check.overdue_since().is_some() && check.message() == Some("timed out")
        });
        assert_eq!(health.status(Probe::Readiness), Status::Fail);
        assert_eq!(health.status(Probe::Liveness), Status::Pass);
    }

    fn release(&self) {
        self.release.send(()).expect("the check is there");
    }
}

/// A service on a thread of the test.
struct Service {
    health: Health,
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    serving: JoinHandle<()>,
}

impl Service {
    /// Sends one request with a client outside of the service.
    fn get(&self, path: &str) -> String {
        let mut stream = TcpStream::connect(self.address).expect("the server listens");
        stream
            .set_read_timeout(Some(BOUND))
            .expect("a read timeout above zero is valid");
        let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        stream
            .write_all(request.as_bytes())
            .expect("the server still reads");
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).expect("an answer in time");
        String::from_utf8(answer).expect("the bytes are UTF-8")
    }

    fn accusations(&self, blocker: &Blocker) -> usize {
        testing::flush(&self.health);
        accusations(blocker.name)
    }

    /// Wherever the check starts, it blocks a worker twice, and only its own thread
    /// after that.
    fn outlives(self, blocker: &Blocker) {
        let mut workers = Vec::new();
        // The second long poll quarantines the check.
        for _ in 0..2 {
            workers.push(blocker.blocks());
            blocker.times_out(&self.health);
            assert_eq!(self.accusations(blocker), 0, "no proof yet");
            blocker.release();
        }
        for _ in 0..2 {
            let thread = blocker.blocks();
            assert!(!workers.contains(&thread), "it has a thread of its own");
            assert_eq!(self.accusations(blocker), 1, "named once");
            let innocent = || {
                self.health
                    .check("innocent")
                    .expect("the check is registered")
                    .consecutive()
            };
            let runs = innocent();
            for _ in 0..REQUESTS {
                assert!(self.get("/").ends_with("business"));
            }
            blocker.times_out(&self.health);
            until("runs of the others", || innocent() >= runs + 2);
            assert_eq!(
                self.health
                    .check("innocent")
                    .expect("the check is registered")
                    .verdict(),
                Verdict::Pass
            );
            assert!(blocker.blocked.try_recv().is_err(), "one run at a time");
            // Only this test could have released it before.
            blocker.release();
        }
        blocker.blocks();
        // The end does not wait for the thread either.
        self.stop.send(()).expect("it serves");
        until("the end of the service", || self.serving.is_finished());
        self.serving.join().expect("no thread panicked");
    }
}

/// An axum server on this runtime, whose health serves the same routes.
fn axum(runtime: Runtime, builder: HealthBuilder) -> Service {
    let (stop, stopped) = oneshot::channel();
    let (tell, told) = mpsc::channel();
    let serving = thread::spawn(move || {
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await;
            let listener = listener.expect("the loopback interface has a free port");
            let address = listener
                .local_addr()
                .expect("a bound socket has an address");
            let health = builder.start().expect("it starts");
            let app = axum::Router::new()
                .route("/", axum::routing::get(|| async { "business" }))
                .merge(health_axum::internal_routes(&health));
            let serving = tokio::spawn(async { axum::serve(listener, app).await });
            tell.send((health, address)).expect("the test waits");
            let _ = stopped.await;
            serving.abort();
        });
    });
    let (health, address) = told.recv_timeout(BOUND).expect("the server listens");
    Service {
        health,
        address,
        stop,
        serving,
    }
}

#[test]
fn a_blocked_only_thread_is_reported() {
    let (blocker, builder) = Blocker::new("current-thread");
    let runtime = Builder::new_current_thread().enable_all().build();
    axum(runtime.expect("a runtime can be built"), builder).outlives(&blocker);
}

#[test]
fn a_blocked_only_worker_is_reported() {
    let (blocker, builder) = Blocker::new("one-worker");
    axum(workers(1), builder).outlives(&blocker);
}

#[test]
fn one_blocked_worker_of_two_is_reported() {
    let (blocker, builder) = Blocker::new("two-workers");
    axum(workers(2), builder).outlives(&blocker);
}

/// A timer wakes the worker that waits for the network, and the check is its only
/// task: tokio alone would not wake another worker.
#[test]
fn an_idle_service_answers_when_a_check_blocks_for_the_first_time() {
    for count in [2, 4] {
        let (blocker, builder) = Blocker::alone("idle", often().initial_delay(TIMEOUT));
        let service = axum(workers(count), builder);
        blocker.blocks();
        assert!(service.get("/").ends_with("business"));
        drop(blocker);
        service.stop.send(()).expect("it serves");
        until("the end of the service", || service.serving.is_finished());
    }
}

fn workers(count: usize) -> Runtime {
    let runtime = Builder::new_multi_thread()
        .worker_threads(count)
        .enable_all()
        .build();
    runtime.expect("a runtime can be built")
}

/// Where an actix application starts health.
#[derive(Clone, Copy, PartialEq)]
enum Started {
    /// As recommended: next to the server, on the thread of the system.
    InMain,
    /// On the thread that also serves requests.
    OnTheWorker,
}

/// An actix server with one worker.
fn actix(started: Started, builder: HealthBuilder) -> Service {
    use actix_web::{App, HttpServer, web};

    let (stop, stopped) = oneshot::channel();
    let (tell, told) = mpsc::channel();
    let (tell_address, told_address) = mpsc::channel();
    let serving = thread::spawn(move || {
        actix_web::rt::System::new().block_on(async move {
            let waiting = Arc::new(Mutex::new(Some(builder)));
            let start = move || {
                // The factory runs on the only worker, possibly more than once.
                let builder = waiting.lock().expect("no thread panicked").take();
                if let Some(builder) = builder {
                    let health = builder.start().expect("it starts");
                    tell.send(health).expect("the test waits");
                }
            };
            if started == Started::InMain {
                start();
            }
            let server = HttpServer::new(move || {
                start();
                App::new().route("/", web::get().to(|| async { "business" }))
            });
            let server = server
                .workers(1)
                .disable_signals()
                .bind(("127.0.0.1", 0))
                .expect("the loopback interface has a free port");
            tell_address
                .send(server.addrs()[0])
                .expect("the test waits");
            let server = server.run();
            let handle = server.handle();
            actix_web::rt::spawn(server);
            let _ = stopped.await;
            handle.stop(false).await;
        });
    });
    Service {
        address: told_address
            .recv_timeout(BOUND)
            .expect("the server listens"),
        health: told.recv_timeout(BOUND).expect("it starts"),
        stop,
        serving,
    }
}

#[test]
fn a_blocked_actix_system_thread_is_reported() {
    let (blocker, builder) = Blocker::new("actix-main");
    actix(Started::InMain, builder).outlives(&blocker);
}

#[test]
fn a_blocked_only_actix_worker_is_reported() {
    let (blocker, builder) = Blocker::new("actix-worker");
    actix(Started::OnTheWorker, builder).outlives(&blocker);
}
