//! Blocked workers are detected and busy ones are not, with real runtimes and the
//! real clock. `health-core` has tests of the rule without either.
//!
//! Code that blocks reports this through a channel, and continues when the test
//! releases it or ends.

use std::pin::pin;
use std::sync::mpsc;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::{Duration, Instant};

use health_core::config::RuntimeOptions;
use health_core::config::Settings;
use health_core::event::{Event, Events};
use health_core::http::RequestHead;
use health_core::report::{CheckReport, Verdict};
use health_core::{CheckOptions, Health, HealthBuilder, Probe, Status};
use test_support::{BOUND, until};
use tests::wire::Server;
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::sync::oneshot;

const THRESHOLD: Duration = Duration::from_secs(1);
/// Long enough for a false alarm.
const WHILE: Duration = Duration::from_millis(2_500);

/// A test that uses all cores runs alone.
static CORES: RwLock<()> = RwLock::new(());

/// A handle for code that blocks.
struct Blocker {
    /// Dropped at the end of the test, so that no thread blocks forever.
    release: mpsc::Sender<()>,
    blocked: mpsc::Receiver<()>,
}

/// The blocking side, which blocks its thread.
#[derive(Clone)]
struct Block {
    tell: mpsc::Sender<()>,
    released: Arc<Mutex<mpsc::Receiver<()>>>,
}

impl Blocker {
    fn new() -> (Self, Block) {
        let (release, released) = mpsc::channel();
        let (tell, blocked) = mpsc::channel();
        let released = Arc::new(Mutex::new(released));
        (Blocker { release, blocked }, Block { tell, released })
    }

    /// Blocks a worker of this runtime from now on.
    fn on(runtime: &Handle) -> Self {
        let (blocker, block) = Blocker::new();
        runtime.spawn(async move { block.thread() });
        blocker.blocks();
        blocker
    }

    fn blocks(&self) {
        self.blocked.recv_timeout(BOUND).expect("it blocks");
    }

    fn release(&self) {
        self.release.send(()).expect("the blocked side still waits");
    }
}

impl Block {
    fn thread(&self) {
        let _ = self.tell.send(());
        let released = self.released.lock();
        let _ = released.unwrap_or_else(PoisonError::into_inner).recv();
    }
}

/// A service on a runtime that a thread of the test drives.
struct Service {
    health: Health,
    runtime: Handle,
    events: Events,
    _end: oneshot::Sender<()>,
}

impl Service {
    fn start(runtime: Runtime, builder: HealthBuilder) -> Self {
        Service::start_with(runtime, builder, RuntimeOptions::new())
    }

    fn start_with(runtime: Runtime, builder: HealthBuilder, options: RuntimeOptions) -> Self {
        let (tell, told) = mpsc::channel();
        let (end, ended) = oneshot::channel();
        let handle = runtime.handle().clone();
        thread::spawn(move || {
            runtime.block_on(async {
                let health = builder.runtime(options.watchdog(THRESHOLD)).start();
                tell.send(health.expect("it starts")).expect("a test");
                let _ = ended.await;
            });
            runtime.shutdown_background();
        });
        let health = told.recv_timeout(BOUND).expect("it starts");
        let events = health.subscribe();
        let service = Service {
            health,
            runtime: handle,
            events,
            _end: end,
        };
        until("a first look", || {
            service.check().verdict() == Verdict::Pass
        });
        service
    }

    fn check(&self) -> CheckReport {
        self.health.check("runtime").expect("it is watched")
    }

    fn is_found(&self) {
        until("it is found", || self.check().verdict() == Verdict::Fail);
        assert_eq!(self.health.status(Probe::Liveness), Status::Fail);
        assert_eq!(self.livez(), 503);
    }

    fn goes_on(&self) {
        until("it goes on", || self.check().verdict() == Verdict::Pass);
        assert_eq!(self.livez(), 200);
    }

    fn livez(&self) -> u16 {
        let answer = self
            .health
            .internal_endpoint()
            .respond_cached(RequestHead::new("GET", "/livez"));
        answer.status().as_u16()
    }

    fn message(&self) -> String {
        self.check().message().expect("it says what").to_owned()
    }

    /// How often the check has failed so far.
    fn alarms(&mut self) -> usize {
        let mut alarms = 0;
        let mut context = Context::from_waker(Waker::noop());
        while let Poll::Ready(event) = pin!(self.events.next()).poll(&mut context) {
            let is_alarm = |turn: &health_core::event::Transition| {
                turn.report.name() == "runtime" && turn.report.verdict() == Verdict::Fail
            };
            match event.expect("health goes on") {
                Event::Transition(turn) => alarms += usize::from(is_alarm(&turn)),
                Event::Lagged(missed) => panic!("{missed} events went by"),
                _ => {}
            }
        }
        alarms
    }
}

fn single() -> Runtime {
    let runtime = Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime can be built")
}

fn workers(count: usize) -> Runtime {
    let runtime = Builder::new_multi_thread()
        .worker_threads(count)
        .enable_all()
        .build();
    runtime.expect("a runtime can be built")
}

#[test]
fn a_blocked_only_thread_is_found() {
    let _shared = CORES.read();
    let mut service = Service::start(single(), Health::builder());
    let blocker = Blocker::on(&service.runtime);
    service.is_found();
    let message = service.message();
    assert!(
        message.starts_with("a worker has not yielded for "),
        "{message}"
    );
    blocker.release();
    service.goes_on();
    assert_eq!(service.alarms(), 1);
}

#[test]
fn one_blocked_worker_of_two_is_found() {
    let _shared = CORES.read();
    let mut service = Service::start(workers(2), Health::builder());
    let blocker = Blocker::on(&service.runtime);
    service.is_found();
    blocker.release();
    service.goes_on();
    assert_eq!(service.alarms(), 1);
}

#[test]
fn two_blocked_workers_of_two_are_found() {
    let _shared = CORES.read();
    let mut service = Service::start(workers(2), Health::builder());
    let first = Blocker::on(&service.runtime);
    let second = Blocker::on(&service.runtime);
    service.is_found();
    first.release();
    thread::sleep(THRESHOLD / 2);
    assert_eq!(service.livez(), 503, "the other is stuck still");
    second.release();
    service.goes_on();
    assert_eq!(service.alarms(), 1);
}

/// Three runtimes: that of health, and one per worker of the server.
#[test]
fn one_blocked_actix_worker_of_two_is_found() {
    let _shared = CORES.read();
    let mut service = Service::start(single(), Health::builder());
    let (blocker, block) = Blocker::new();
    let client = single();
    let routes = health_actix::configure_internal(&service.health);
    let health = service.health.clone();
    let server = client.block_on(Server::actix(health, move |config| {
        config.configure(routes);
        let handler = move || {
            block.thread();
            async { "at last" }
        };
        config.route("/block", actix_web::web::get().to(handler));
    }));
    let request = b"GET /block HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    let connection = client.block_on(server.send(request));
    blocker.blocks();
    service.is_found();
    blocker.release();
    service.goes_on();
    assert_eq!(service.alarms(), 1);
    drop((connection, server));
    // The workers end with the server, and are no longer watched.
    thread::sleep(WHILE);
    assert_eq!(service.alarms(), 0);
}

#[test]
fn permitted_blocking_is_not_reported() {
    let _shared = CORES.read();
    let mut service = Service::start(workers(2), Health::builder());
    let (blocker, block) = Blocker::new();
    let elsewhere = block.clone();
    let _task = service.runtime.spawn(async move {
        tokio::task::block_in_place(|| block.thread());
    });
    service.runtime.spawn_blocking(move || elsewhere.thread());
    blocker.blocks();
    blocker.blocks();
    thread::sleep(WHILE);
    assert_eq!(service.alarms(), 0);
}

#[test]
fn an_idle_runtime_passes() {
    let _shared = CORES.read();
    let mut idle = [single(), workers(2)].map(|runtime| Service::start(runtime, Health::builder()));
    thread::sleep(WHILE);
    for service in &mut idle {
        assert_eq!(service.alarms(), 0);
        assert_eq!(service.check().consecutive(), 1, "nothing new was said");
    }
}

#[test]
fn a_saturated_runtime_passes() {
    let _alone = CORES.write();
    let mut service = Service::start(workers(2), Health::builder());
    for _ in 0..50 {
        service.runtime.spawn(async {
            loop {
                // 61 short polls far below the threshold, even while other jobs
                // compile.
                let poll = Instant::now();
                while poll.elapsed() < Duration::from_micros(500) {
                    std::hint::spin_loop();
                }
                tokio::task::yield_now().await;
            }
        });
    }
    thread::sleep(Duration::from_secs(4));
    assert_eq!(service.alarms(), 0);
    // A blocked worker among them is detected nevertheless.
    let blocker = Blocker::on(&service.runtime);
    service.is_found();
    blocker.release();
    service.goes_on();
}

/// A check that blocks its thread whenever it runs.
fn with_bad_check(builder: HealthBuilder) -> (Blocker, HealthBuilder) {
    let (blocker, block) = Blocker::new();
    let often = CheckOptions::new().interval(Duration::from_millis(100));
    let builder =
        builder
            .check("innocent", often.clone(), || async {})
            .check("redis", often, move || {
                let block = block.clone();
                // The mistake: a blocking call in an async function.
                async move { block.thread() }
            });
    (blocker, builder)
}

#[test]
fn a_check_that_blocks_is_named_and_moved_to_its_own_thread() {
    let _shared = CORES.read();
    for runtime in [single(), workers(2)] {
        let (blocker, builder) = with_bad_check(Health::builder());
        let mut service = Service::start(runtime, builder);
        // The second long poll quarantines the check.
        for _ in 0..2 {
            blocker.blocks();
            service.is_found();
            let message = service.message();
            assert!(
                message.starts_with("blocked by check `redis` for "),
                "{message}"
            );
            blocker.release();
            service.goes_on();
        }
        blocker.blocks();
        let before = service.alarms();
        thread::sleep(THRESHOLD + THRESHOLD / 2);
        assert_eq!(
            (before, service.alarms()),
            (2, 0),
            "it has a thread of its own"
        );
    }
}

#[test]
fn without_a_poll_limit_a_blocking_check_is_named_each_time() {
    let _shared = CORES.read();
    let (blocker, builder) = with_bad_check(Health::builder());
    let unlimited = RuntimeOptions::new().max_poll_time(None);
    let mut service = Service::start_with(single(), builder, unlimited);
    for _ in 0..2 {
        blocker.blocks();
        service.is_found();
        assert!(service.message().starts_with("blocked by check `redis`"));
        blocker.release();
        service.goes_on();
    }
    assert_eq!(service.alarms(), 2);
}

#[test]
fn a_dropped_runtime_is_no_longer_watched() {
    let _shared = CORES.read();
    let mut service = Service::start(single(), Health::builder());
    let jobs = workers(2);
    service.health.watch_runtime(jobs.handle());
    let _blocker = Blocker::on(jobs.handle());
    service.is_found();
    assert_eq!(
        service.check().message().map(|text| text.contains("check")),
        Some(false)
    );
    // It still blocks its thread.
    jobs.shutdown_background();
    service.goes_on();
    service.health.watch_runtime(&service.runtime.clone());
    thread::sleep(THRESHOLD + THRESHOLD / 2);
    assert_eq!(service.alarms(), 1);
}

#[test]
fn a_runtime_that_is_not_driven_yet_is_not_blocked() {
    let _shared = CORES.read();
    let mut service = Service::start(single(), Health::builder());
    let later = single();
    service.health.watch_runtime(later.handle());
    thread::sleep(THRESHOLD + THRESHOLD / 2);
    assert_eq!(service.alarms(), 0);
    // From the first task on it is watched like any other runtime.
    later.block_on(async {
        tokio::task::yield_now().await;
        let start = Instant::now();
        while service.livez() == 200 {
            assert!(start.elapsed() < BOUND, "never found");
            thread::sleep(Duration::from_millis(5));
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
        until("another look", || {
            service.check().verdict() == Verdict::Pass
        });
    });
}

#[tokio::test]
async fn settings_can_disable_the_watchdog() {
    let settings = r#"{"runtime": {"enabled": false}}"#;
    let settings: Settings = serde_json::from_str(settings).expect("settings");
    let builder = Health::builder()
        .runtime(RuntimeOptions::new().watchdog(THRESHOLD))
        .settings(settings);
    let health = builder.start().expect("it starts");
    assert!(health.check("runtime").is_none());
    health.watch_runtime(&Handle::current());
}

#[tokio::test]
async fn only_valid_thresholds_are_accepted() {
    let start = |threshold| {
        Health::builder()
            .runtime(RuntimeOptions::new().watchdog(threshold))
            .start()
    };
    let hour = Duration::from_hours(1);
    for bad in [Duration::ZERO, Duration::from_millis(999), hour + THRESHOLD] {
        assert_eq!(start(bad).expect_err("refused").problems().len(), 1);
    }
    for good in [THRESHOLD, hour] {
        assert!(start(good).is_ok());
    }
}

#[tokio::test]
async fn the_watchdog_is_off_by_default() {
    let health = Health::builder().start().expect("it starts");
    assert!(health.check("runtime").is_none());
    health.watch_runtime(&Handle::current());
    assert!(health.check("runtime").is_none());
}
