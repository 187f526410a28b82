//! Counts of statuses stay right under concurrent runs and reads.
//!
//! The answer of a probe comes from counters, which each change of a check adjusts by
//! its difference. A difference that is lost or counted twice would remain, so at the
//! end, without changes, the counters must agree with the checks.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::thread;
use std::time::{Duration, Instant};

use health_core::report::{Snapshot, Verdict};
use health_core::testing::Fake;
use health_core::{CheckOptions, Health, Outcome, Probe, Status};
use tokio::runtime::Builder;
use tokio::time::sleep;

const CHECKS: usize = 48;
const RUNS: usize = 20_000;
const READERS: usize = 3;
/// The duration of a run; one in eight takes longer.
const TIMEOUT: Duration = Duration::from_millis(5);
const BOUND: Duration = Duration::from_secs(30);

/// For which probes a check counts, and whether it is critical for them.
#[derive(Clone, Copy)]
struct Role {
    probes: [bool; 3],
    critical: bool,
}

impl Role {
    /// Every valid combination, one after the other.
    fn nth(nth: usize) -> Self {
        let liveness = nth & 1 != 0;
        let startup = nth & 2 != 0;
        let readiness = nth & 4 != 0 || !(liveness || startup);
        Role {
            probes: [liveness, readiness, startup],
            critical: nth & 8 != 0 || liveness || startup,
        }
    }

    fn options(self, nth: usize) -> CheckOptions {
        let mut options = CheckOptions::new()
            .interval(TIMEOUT)
            .timeout(TIMEOUT)
            // No check becomes stale, so that there are no changes at the end.
            .stale_after(Duration::from_secs(3_600));
        let [liveness, readiness, startup] = self.probes;
        if liveness {
            options = options.liveness();
        }
        if readiness {
            options = options.readiness();
        }
        if startup {
            options = options.startup();
        }
        if self.critical {
            options = options.critical();
        }
        if nth % 6 == 5 {
            options = options.after([name(nth - 1)]);
        }
        options
    }

    /// The effect of a check on a probe, computed from the documentation and not from
    /// the counters of the engine.
    fn severity(self, verdict: Verdict, probe: Probe) -> u8 {
        let counts = self.probes[probe as usize];
        match verdict {
            _ if !counts => 0,
            Verdict::Pass => 0,
            Verdict::Unknown | Verdict::Skipped if probe == Probe::Liveness => 0,
            Verdict::Warn => 1,
            _ if self.critical => 2,
            _ => 1,
        }
    }
}

fn name(nth: usize) -> String {
    format!("check-{nth:02}")
}

/// The status of a probe according to its checks, once startup has passed.
fn derived(snapshot: &Snapshot, probe: Probe) -> Status {
    let verdicts = snapshot
        .checks()
        .iter()
        .map(health_core::report::CheckReport::verdict);
    let severities = verdicts
        .enumerate()
        .map(|(nth, verdict)| Role::nth(nth).severity(verdict, probe));
    match severities.max() {
        Some(2) => Status::Fail,
        Some(1) => Status::Warn,
        _ => Status::Pass,
    }
}

fn assert_nothing_drifted(health: &Health, when: &str) {
    let snapshot = health.snapshot();
    for probe in [Probe::Liveness, Probe::Readiness] {
        let derived = derived(&snapshot, probe);
        assert_eq!(snapshot.status(probe), derived, "{probe} {when}");
        assert_eq!(health.status(probe), derived, "{probe} {when}");
    }
}

/// Every way to read, in another order for each reader.
fn read(health: &Health, random: &mut fastrand::Rng) {
    match random.u8(..6) {
        0 => {
            let snapshot = health.snapshot();
            for probe in [Probe::Liveness, Probe::Readiness] {
                assert_eq!(snapshot.status(probe), derived(&snapshot, probe), "{probe}");
            }
        }
        1 => {
            let request = http::Request::get("/health")
                .body(())
                .expect("the request is valid");
            let response = health.internal_endpoint().respond_cached(&request);
            assert!(matches!(response.status().as_u16(), 200 | 503));
        }
        2 => Fake::of(health, &name(random.usize(..CHECKS))).set(random_outcome(random)),
        3 => Fake::of(health, &name(random.usize(..CHECKS))).release(),
        _ => {
            assert_eq!(health.status(Probe::Startup), Status::Pass, "it latches");
            let _ = health.status(Probe::Readiness);
        }
    }
}

fn random_outcome(random: &mut fastrand::Rng) -> Outcome {
    match random.u8(..3) {
        0 => Outcome::pass(),
        1 => Outcome::warn("slow"),
        _ => Outcome::fail("down"),
    }
}

#[test]
fn answers_match_the_checks_after_a_stress_of_readers() {
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let runtime = Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime can be built");
    let runs = Arc::new(AtomicUsize::new(0));
    let chaos = Arc::new(AtomicBool::new(false));
    let health = runtime.block_on(async {
        let mut builder = Health::builder();
        for nth in 0..CHECKS {
            let (runs, chaos) = (Arc::clone(&runs), Arc::clone(&chaos));
            builder = builder.check(name(nth), Role::nth(nth).options(nth), move || {
                let mut random = fastrand::Rng::with_seed(seed ^ runs.fetch_add(1, SeqCst) as u64);
                let chaos = chaos.load(SeqCst);
                async move {
                    for _ in 0..random.u8(..4) {
                        tokio::task::yield_now().await;
                    }
                    if chaos && random.u8(..8) == 0 {
                        // Longer than the timeout, which a reader or the task of the
                        // check notices.
                        sleep(2 * TIMEOUT).await;
                    }
                    if chaos {
                        random_outcome(&mut random)
                    } else {
                        Outcome::pass()
                    }
                }
            });
        }
        builder.start().expect("it starts")
    });
    let start = Instant::now();
    let until = |what: &str, condition: &dyn Fn() -> bool| {
        while !condition() {
            assert!(start.elapsed() < BOUND, "never: {what}");
            thread::yield_now();
        }
    };
    until("startup", &|| health.status(Probe::Startup) == Status::Pass);
    chaos.store(true, SeqCst);
    let enough = || runs.load(SeqCst) >= RUNS;
    thread::scope(|scope| {
        for reader in 0..READERS {
            let mut random = fastrand::Rng::with_seed(seed.wrapping_add(reader as u64));
            let (health, enough) = (&health, &enough);
            scope.spawn(move || {
                while !enough() && start.elapsed() < BOUND {
                    read(health, &mut random);
                    thread::yield_now();
                }
            });
        }
    });
    assert!(enough(), "{} runs", runs.load(SeqCst));

    // No check runs any more, and runs in flight have timed out after this.
    drop(runtime);
    thread::sleep(TIMEOUT);
    assert_nothing_drifted(&health, "in silence");
    let names: Vec<String> = (0..CHECKS).map(name).collect();
    for name in &names {
        Fake::of(&health, name).pass();
    }
    assert_nothing_drifted(&health, "when everything passes");
    assert_eq!(health.status(Probe::Readiness), Status::Pass);
    assert_eq!(health.status(Probe::Liveness), Status::Pass);
    // One at a time, so that errors of the counters do not cancel out.
    for name in &names {
        for outcome in [
            Outcome::warn("slow"),
            Outcome::fail("down"),
            Outcome::pass(),
        ] {
            Fake::of(&health, name).set(outcome);
            assert_nothing_drifted(&health, name);
        }
    }
}
