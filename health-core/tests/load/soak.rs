//! Ten thousand checks for minutes of paused time, without a leak.
//!
//! The clock is paused, so the minutes take seconds. One thread runs everything, and
//! its allocations are counted.

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::Duration;

use allocation_counter::measure;
use health_core::{CheckOptions, Health, Outcome, Probe, Status};
use tokio::runtime::Builder;
use tokio::time::sleep;

const CHECKS: u32 = 10_000;
const INTERVAL: Duration = Duration::from_secs(10);
const TIMEOUT: Duration = Duration::from_secs(1);
/// Intervals per lap. The state is compared after each lap.
const LAP: u32 = 6;
const LAPS: u32 = 4;
/// A hanging check is abandoned 30 s after its timeout and due at once.
const GIVEN_UP: Duration = Duration::from_secs(31);

/// The behaviour of a check; most of them pass.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Passes,
    Flaps,
    Fails,
    Hangs,
}

impl Kind {
    fn nth(nth: u32) -> Self {
        match nth % 20 {
            0 => Kind::Flaps,
            1 => Kind::Fails,
            2 => Kind::Hangs,
            _ => Kind::Passes,
        }
    }
}

#[derive(Default)]
struct Runs {
    count: AtomicU32,
    now: AtomicU32,
    most: AtomicU32,
}

/// One run, however it ends.
struct OneRun(Arc<Runs>);

impl Drop for OneRun {
    fn drop(&mut self) {
        self.0.now.fetch_sub(1, Relaxed);
    }
}

impl Runs {
    async fn one(self: Arc<Self>, kind: Kind) -> Outcome {
        let nth = self.count.fetch_add(1, Relaxed);
        self.most
            .fetch_max(self.now.fetch_add(1, Relaxed) + 1, Relaxed);
        let _run = OneRun(Arc::clone(&self));
        sleep(Duration::from_millis(u64::from(nth % 7))).await;
        match kind {
            Kind::Passes => Outcome::pass(),
            Kind::Flaps if nth % 2 == 0 => Outcome::pass(),
            Kind::Flaps | Kind::Fails => Outcome::fail("down").because("no route to host"),
            Kind::Hangs => pending().await,
        }
    }
}

#[test]
fn ten_thousand_checks_leak_nothing_over_minutes() {
    let runtime = Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime can be built");
    let runs: Vec<Arc<Runs>> = (0..CHECKS).map(|_| Arc::default()).collect();
    let mut builder = Health::builder();
    for (nth, runs) in (0..).zip(&runs) {
        let (runs, kind) = (Arc::clone(runs), Kind::nth(nth));
        let options = CheckOptions::new().interval(INTERVAL).timeout(TIMEOUT);
        builder = builder.check(format!("check-{nth:05}"), options.critical(), move || {
            Arc::clone(&runs).one(kind)
        });
    }
    let health = runtime.block_on(async { builder.start().expect("it starts") });
    // A subscriber that never reads: missed events must not accumulate.
    let events = health.subscribe();
    let tasks = || runtime.metrics().num_alive_tasks();
    let lap = || {
        runtime.block_on(async {
            for _ in 0..LAP {
                sleep(INTERVAL).await;
                assert_eq!(health.status(Probe::Readiness), Status::Fail);
            }
        });
    };
    // Buffers reach their size during the first lap.
    lap();
    let tasks_at_first = tasks();
    for nth in 1..LAPS {
        let heap = measure(lap);
        println!("lap {nth}: {heap:?}");
        // A flapping check has a text or none, so the heap size varies. One leaked
        // allocation per run would be sixty thousand per lap.
        assert!(
            heap.count_current.abs() < i64::from(CHECKS) / 10,
            "{heap:?}"
        );
        assert!(heap.bytes_current.abs() < 256 * 1024, "{heap:?}");
        assert_eq!(tasks(), tasks_at_first);
    }
    assert_eq!(tasks_at_first, CHECKS as usize, "a task each");

    let elapsed = INTERVAL * LAP * LAPS;
    // As many whole intervals as fit, each up to 10 % shorter, and the first run.
    let periods = |period: Duration| elapsed.div_duration_f64(period);
    let fewest = periods(INTERVAL).floor();
    let most = periods(INTERVAL.mul_f64(0.9)).ceil() + 1.0;
    for (nth, runs) in (0..).zip(&runs) {
        let count = f64::from(runs.count.load(Relaxed));
        let expected = if Kind::nth(nth) == Kind::Hangs {
            periods(GIVEN_UP).floor()..=periods(GIVEN_UP).ceil() + 1.0
        } else {
            fewest..=most
        };
        assert!(expected.contains(&count), "{nth}: {count} of {expected:?}");
        assert_eq!(runs.most.load(Relaxed), 1, "{nth}: one run at a time");
    }
    drop(events);
    drop(health);
    runtime.block_on(async {
        // More yields than there are tasks to end.
        for _ in 0..=CHECKS {
            tokio::task::yield_now().await;
        }
    });
    assert_eq!(tasks(), 0);
    assert!(runs.iter().all(|runs| runs.now.load(Relaxed) == 0));
}
