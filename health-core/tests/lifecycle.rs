//! Health can be ended at any time, in any way, any number of times.
//!
//! Every kind of check is running when the runtime ends. Nothing hangs, and no panic
//! is printed except those of the checks.

use std::future::pending;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Mutex, Once, PoisonError, mpsc};
use std::time::{Duration, Instant};
use std::{panic, thread};

use health_core::config::RuntimeOptions;
use health_core::report::Verdict;
use health_core::testing::Fake;
use health_core::{CheckOptions, Health, HealthBuilder, HealthState, Probe, Status, health_check};
use test_support::{BOUND, until};
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::task::yield_now;
use tokio::time::{sleep, timeout};

const OFTEN: Duration = Duration::from_millis(1);
/// The message of the panic of a faulty check, which is expected.
const EXPECTED: &str = "the check's own panic";

/// Follows a switch of its service.
#[health_check(interval = "20ms", critical)]
async fn switch(on: &Arc<AtomicBool>) -> bool {
    std::future::ready(on.load(SeqCst)).await
}

#[derive(HealthState)]
struct Service {
    on: Arc<AtomicBool>,
}

fn service(on: bool) -> (Arc<AtomicBool>, HealthBuilder) {
    let on = Arc::new(AtomicBool::new(on));
    let state = Service {
        on: Arc::clone(&on),
    };
    (on, Health::builder().state(state))
}

fn critical() -> CheckOptions {
    CheckOptions::new().critical()
}

/// Unexpected panics of all tests of this file.
static UNEXPECTED: Mutex<Vec<String>> = Mutex::new(Vec::new());

fn watch_panics() {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let usual = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            // The payload is a `String` in some builds and a literal in others.
            let payload = info.payload();
            let text = payload.downcast_ref::<String>().map(String::as_str);
            if text.or(payload.downcast_ref::<&str>().copied()) == Some(EXPECTED) {
                return;
            }
            let thread = thread::current();
            let name = thread.name().unwrap_or("a thread without a name");
            let mut unexpected = UNEXPECTED.lock().unwrap_or_else(PoisonError::into_inner);
            unexpected.push(format!("{name}: {info}"));
            drop(unexpected);
            usual(info);
        }));
    });
}

/// The number of threads of this process with this prefix.
#[cfg(target_os = "linux")]
fn threads(prefix: &str) -> usize {
    let tasks = std::fs::read_dir("/proc/self/task").expect("/proc lists this process");
    let names =
        tasks.filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("comm")).ok());
    names.filter(|name| name.starts_with(prefix)).count()
}

fn runtime(workers: usize) -> Runtime {
    let mut builder = if workers == 0 {
        Builder::new_current_thread()
    } else {
        Builder::new_multi_thread()
    };
    builder.worker_threads(workers.max(1));
    builder
        .enable_all()
        .build()
        .expect("a runtime can be built")
}

/// The ways to end a runtime.
#[derive(Clone, Copy, Debug)]
enum Ending {
    Drop,
    Background,
    Timeout,
}

impl Ending {
    /// For a runtime on which no check blocks a worker.
    fn of(self, runtime: Runtime) {
        match self {
            Ending::Drop => drop(runtime),
            Ending::Background => runtime.shutdown_background(),
            Ending::Timeout => runtime.shutdown_timeout(2 * BOUND),
        }
    }
}

/// A check of every kind, good and faulty, that always runs.
fn every_kind(released: &Arc<Mutex<mpsc::Receiver<()>>>) -> HealthBuilder {
    let often = || critical().interval(OFTEN).timeout(OFTEN);
    let released = Arc::clone(released);
    let (_, builder) = service(true);
    builder
        .check("all-awake", often(), || async {})
        .check("all-yields", often(), || async {
            for _ in 0..3 {
                yield_now().await;
            }
        })
        .check("all-sleeps", often(), || sleep(OFTEN / 2))
        .check("all-hangs", often(), pending::<()>)
        .check("all-spawns", often(), || async {
            tokio::spawn(sleep(OFTEN / 4)).await.is_ok()
        })
        .check("all-panics", often(), || async {
            yield_now().await;
            assert!(!std::hint::black_box(true), "{EXPECTED}");
        })
        .check("all-demand", critical().cache(OFTEN), || async {})
        .check("all-startup", often().startup(), || sleep(OFTEN))
        .check("all-after", often().after(["all-sleeps"]), || async {})
        .check_blocking("all-plain", often(), || ())
        .check_blocking("all-reaches", often(), || {
            Handle::current().spawn(async {});
        })
        .check_blocking("all-stuck", critical(), move || {
            let released = released.lock().unwrap_or_else(PoisonError::into_inner);
            let _ = released.recv();
        })
}

#[test]
fn a_runtime_may_end_at_any_moment() {
    watch_panics();
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    let (release, released) = mpsc::channel();
    let released = Arc::new(Mutex::new(released));
    let (tell, told) = mpsc::channel();
    // On a thread that can be abandoned if it hangs.
    let ending = thread::spawn(move || {
        for round in 0..480 {
            let ending = [Ending::Drop, Ending::Background, Ending::Timeout][round % 3];
            let runtime = runtime(round % 4);
            // In half of the rounds every async check is quarantined at its first run
            // and has its own thread from then on.
            let max_poll_time = (round % 2 == 0).then_some(Duration::ZERO);
            let yields = random.u32(..20_000);
            let health = runtime.block_on(async {
                let health = every_kind(&released)
                    .runtime(RuntimeOptions::new().max_poll_time(max_poll_time));
                let health = health.start().expect("it starts");
                for _ in 0..yields {
                    yield_now().await;
                }
                health
            });
            let survives = random.bool();
            let kept = survives.then(|| health.clone());
            if random.bool() {
                drop(health);
                ending.of(runtime);
            } else {
                ending.of(runtime);
                // Readers still get an answer.
                let _ = health.snapshot();
                assert_eq!(health.status(Probe::Readiness), Status::Fail);
            }
            drop(kept);
            let _ = tell.send((round, ending));
        }
    });
    let mut last = None;
    while !ending.is_finished() {
        match told.recv_timeout(BOUND) {
            Ok(ended) => last = Some(ended),
            Err(mpsc::RecvTimeoutError::Disconnected) => break,
            Err(mpsc::RecvTimeoutError::Timeout) => panic!("hangs after {last:?}"),
        }
    }
    ending.join().expect("every round ends");
    drop(release);
    #[cfg(target_os = "linux")]
    until("the end of every thread", || threads("health-all-") == 0);
    // A copy, since the panic hook takes the lock.
    let mut unexpected = UNEXPECTED.lock().expect("no thread panicked").clone();
    // Two checks use timers. On a thread of its own, such a check can be about to
    // poll a timer when the runtime ends, and tokio panics.
    unexpected.retain(|panic| {
        let has_timer =
            panic.starts_with("health-all-sleeps") || panic.starts_with("health-all-startup");
        !(has_timer && panic.ends_with("is being shutdown."))
    });
    assert!(unexpected.is_empty(), "{unexpected:#?}");
}

/// The drop shows that a run was ended and not leaked.
struct Tells(mpsc::Sender<&'static str>, &'static str);

impl Drop for Tells {
    fn drop(&mut self) {
        let _ = self.0.send(self.1);
    }
}

#[test]
fn dropping_the_last_handle_ends_every_cancellable_run() {
    for workers in [0, 1, 2] {
        let runtime = runtime(workers);
        let (entered, runs) = mpsc::channel();
        let (tell, told) = mpsc::channel();
        let check = |name: &'static str| {
            let (entered, tell) = (entered.clone(), tell.clone());
            move || {
                let (entered, tells) = (entered.clone(), Tells(tell.clone(), name));
                async move {
                    let _tells = tells;
                    // The check is quarantined here, so the next run has its own
                    // thread.
                    thread::sleep(OFTEN);
                    let _ = entered.send(name);
                    pending::<()>().await;
                }
            }
        };
        let handle = runtime.handle().clone();
        let before = handle.metrics().num_alive_tasks();
        runtime.block_on(async {
            let (_, builder) = service(true);
            let health = builder
                .check("on-worker", critical(), check("on-worker"))
                .runtime(RuntimeOptions::new().max_poll_time(None))
                .start()
                .expect("it starts");
            let (_, builder) = service(true);
            let caught = builder
                .check("on-thread", critical().timeout(OFTEN), check("on-thread"))
                .runtime(RuntimeOptions::new().max_poll_time(Some(Duration::ZERO)))
                .start()
                .expect("it starts");
            for _ in 0..2 {
                while runs.try_recv().is_err() {
                    yield_now().await;
                }
            }
            drop((health, caught));
            let start = Instant::now();
            let mut ended = Vec::new();
            while ended.len() < 2 {
                ended.extend(told.try_iter());
                assert!(start.elapsed() < BOUND, "only {ended:?} ended");
                yield_now().await;
            }
            while handle.metrics().num_alive_tasks() > before {
                assert!(start.elapsed() < BOUND, "a task is left behind");
                yield_now().await;
            }
        });
    }
}

fn verdict(health: &Health) -> Verdict {
    health.check("switch").expect("it is declared").verdict()
}

#[tokio::test(start_paused = true)]
async fn two_healths_in_one_process_share_nothing() {
    let (_, working) = service(true);
    let (_, broken) = service(false);
    let working = working.start().expect("it starts");
    let broken = broken.start().expect("it starts");
    sleep(2 * OFTEN).await;
    assert_eq!(
        (verdict(&working), verdict(&broken)),
        (Verdict::Pass, Verdict::Fail)
    );

    Fake::of(&broken, "switch").warn("forced");
    assert_eq!(
        (verdict(&working), verdict(&broken)),
        (Verdict::Pass, Verdict::Warn)
    );
    drop(broken.drain());
    assert_eq!(working.status(Probe::Readiness), Status::Pass);
    assert_eq!(broken.status(Probe::Readiness), Status::Fail);
    drop(broken);
    let before = working
        .check("switch")
        .expect("the check is registered")
        .consecutive();
    sleep(BOUND).await;
    assert!(
        working
            .check("switch")
            .expect("the check is registered")
            .consecutive()
            > before + 100
    );
}

#[test]
fn health_can_be_started_again_in_the_same_process() {
    for round in 0..3 {
        let on = round % 2 == 0;
        let runtime = runtime(round);
        let (_, builder) = service(on);
        let health = runtime.block_on(async {
            let health = builder.start().expect("it starts");
            health.refresh("switch").await;
            health
        });
        let expected = if on { Verdict::Pass } else { Verdict::Fail };
        assert_eq!(verdict(&health), expected);
        drop(health);
        // Again on the same runtime.
        let (_, builder) = service(!on);
        runtime.block_on(async {
            let health = builder.start().expect("it starts");
            // Unknown, or the first result if it came quickly.
            assert_ne!(verdict(&health), expected, "nothing is remembered");
            health.refresh("switch").await;
            assert_ne!(verdict(&health), expected);
        });
    }
}

/// No check runs any more, and missing results do not pass.
#[test]
fn a_health_that_outlives_its_runtime_fails_and_answers() {
    let ended = runtime(1);
    let (_, builder) = service(true);
    let health = ended.block_on(async {
        let health = builder.start().expect("it starts");
        health.refresh("switch").await;
        health
    });
    assert_eq!(verdict(&health), Verdict::Pass);
    ended.shutdown_background();
    until("silence", || {
        health.status(Probe::Readiness) == Status::Fail
    });
    let elsewhere = runtime(0);
    let answer = elsewhere.block_on(async { timeout(BOUND / 4, health.refresh("switch")).await });
    let report = answer
        .expect("who asks is not left waiting")
        .expect("the check is registered");
    assert!(matches!(report.verdict(), Verdict::Unknown | Verdict::Fail));
}
