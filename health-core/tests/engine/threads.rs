//! Checks that block their thread, never end, or panic in any place.
//!
//! Where only a blocked thread brings a state about, the test uses real time: it
//! waits, with a bound and without a sleep, for a message of the check on a channel.

use std::future::pending;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex, mpsc};
use std::task::{Context, Poll};
use std::thread::{self, ThreadId};
use std::time::{Duration, Instant};

use health_core::check::time_left;
use health_core::config::RuntimeOptions;
use health_core::report::Verdict;
use health_core::{CheckOptions, Health};
use test_support::{BOUND, until};
use tokio::runtime::{Builder, Runtime};
use tokio::time::{advance, sleep};

const SECOND: Duration = Duration::from_secs(1);
/// The timeout of a faulty check: long enough for a good check on a busy machine.
const SHORT: Duration = Duration::from_millis(100);

fn critical() -> CheckOptions {
    CheckOptions::new().critical()
}

fn often() -> CheckOptions {
    critical().interval(SHORT).timeout(SHORT)
}

fn workers(count: usize) -> Runtime {
    Builder::new_multi_thread()
        .worker_threads(count)
        .enable_all()
        .build()
        .expect("a runtime can be built")
}

fn message(health: &Health, name: &str) -> Option<String> {
    let check = health.check(name).expect("there is such a check");
    check.message().map(str::to_owned)
}

/// Returns `false` if the work did not return within the bound and was abandoned.
fn within_bound(work: impl FnOnce() + Send + 'static) -> bool {
    let (tell, told) = mpsc::channel();
    thread::spawn(move || {
        work();
        let _ = tell.send(());
    });
    told.recv_timeout(BOUND).is_ok()
}

/// The number of threads of this process that run the check.
#[cfg(target_os = "linux")]
fn threads_of(check: &str) -> usize {
    // The system keeps 15 bytes of a thread name, followed by a newline.
    let name = format!("health-{check}");
    let tasks = std::fs::read_dir("/proc/self/task").expect("/proc lists this process");
    let names =
        tasks.filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("comm")).ok());
    names.filter(|comm| comm.trim_end() == name).count()
}

/// Sends the ID of the thread on which it is dropped.
struct Tells(mpsc::Sender<ThreadId>);

impl Drop for Tells {
    fn drop(&mut self) {
        let _ = self.0.send(thread::current().id());
    }
}

/// Ends the loop of a check even if the test fails, since the runtime waits for it.
struct StopsOnDrop(Arc<AtomicBool>);

impl Drop for StopsOnDrop {
    fn drop(&mut self) {
        self.0.store(true, SeqCst);
    }
}

#[test]
fn a_loop_that_never_yields_fails_at_its_deadline_and_moves_to_its_own_thread() {
    let runtime = workers(1);
    let stop = Arc::new(AtomicBool::new(false));
    let _stops = StopsOnDrop(Arc::clone(&stop));
    let (tell, told) = mpsc::channel();
    let stopped = Arc::clone(&stop);
    let health = runtime.block_on(async {
        let health = Health::builder().check("loop", often(), move || {
            let (tell, stopped) = (tell.clone(), Arc::clone(&stopped));
            async move {
                let _ = tell.send(thread::current().id());
                while !stopped.load(SeqCst) {
                    std::hint::spin_loop();
                }
            }
        });
        health
            .runtime(RuntimeOptions::new().max_poll_time(Some(SHORT / 2)))
            .start()
            .expect("it starts")
    });
    let first = told.recv_timeout(BOUND).expect("the first run");
    // Two long polls quarantine the check if the thread had a CPU meanwhile. On a
    // busy machine some polls do not count.
    let is_running_late = || {
        let report = health.check("loop").expect("the check is registered");
        report.overdue_since().is_some()
    };
    let mut thread_of_run = first;
    until("a run that does not get the worker", || {
        until("a deadline", is_running_late);
        thread_of_run = told.try_iter().last().unwrap_or(thread_of_run);
        if thread_of_run == first {
            stop.store(true, SeqCst);
            until("the end of the run", || !is_running_late());
            stop.store(false, SeqCst);
        }
        thread_of_run != first
    });
    let worker = runtime.spawn(async { thread::current().id() });
    let (answer, answered) = mpsc::channel();
    runtime.spawn(async move { answer.send(worker.await.ok()) });
    let free = answered.recv_timeout(BOUND).expect("the worker is free");
    assert_eq!(free, Some(first));
}

/// `block_in_place` is the way that tokio recommends, so a check that uses it must
/// work on its own thread as well.
#[test]
fn a_check_that_blocks_in_place_passes_wherever_it_runs() {
    let runtime = workers(2);
    let (tell, told) = mpsc::channel();
    let health = runtime.block_on(async {
        let health = Health::builder().check("polite", critical(), move || {
            let _ = tell.send(thread::current().id());
            async {
                // Longer than the longest poll on any machine.
                tokio::task::block_in_place(|| thread::sleep(Duration::from_millis(2)));
            }
        });
        health
            .runtime(RuntimeOptions::new().max_poll_time(Some(Duration::from_millis(1))))
            .start()
            .expect("it starts")
    });
    let mut threads = Vec::new();
    for _ in 0..4 {
        let report = runtime
            .block_on(health.refresh("polite"))
            .expect("the check is registered");
        assert_eq!((report.verdict(), report.cause()), (Verdict::Pass, &[][..]));
        threads.push(
            told.recv_timeout(BOUND)
                .expect("the check ran within the bound"),
        );
    }
    assert_ne!(threads[0], threads[3], "it was caught");
}

#[test]
fn a_hanging_blocking_check_uses_one_thread_and_does_not_block_the_exit() {
    for runtime in [
        workers(2),
        Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime can be built"),
    ] {
        let (entered, runs) = mpsc::channel();
        let (release, released) = mpsc::channel::<()>();
        let released = Mutex::new(released);
        let (tick, ticks) = mpsc::channel();
        let health = runtime.block_on(async {
            let health = Health::builder()
                .check_blocking("hung", often(), move || {
                    let _ = entered.send(());
                    let _ = released.lock().expect("one run at a time").recv();
                })
                .check("fine", often(), move || {
                    let _ = tick.send(());
                    async {}
                })
                .start()
                .expect("it starts");
            while message(&health, "hung").as_deref() != Some("timed out") {
                sleep(Duration::from_millis(5)).await;
            }
            // Ten intervals in which the function could have been called again.
            let mut periods = 0;
            while periods < 10 {
                periods += ticks.try_iter().count();
                sleep(Duration::from_millis(5)).await;
            }
            health
        });
        assert_eq!(runs.try_iter().count(), 1, "one run, and no second one");
        #[cfg(target_os = "linux")]
        assert_eq!(threads_of("hung"), 1);
        assert_eq!(
            health
                .check("fine")
                .expect("the check is registered")
                .verdict(),
            Verdict::Pass
        );
        assert!(
            within_bound(move || drop(runtime)),
            "the runtime waits for a thread that cannot be ended"
        );
        drop(release);
        drop(health);
    }
}

/// The check awaits, so its deadline is noticed, but it is always ready to continue.
/// The paused clock does not advance while a task is busy.
#[tokio::test(start_paused = true)]
async fn a_check_that_never_becomes_idle_is_abandoned_and_delays_no_other() {
    let (tell, told) = mpsc::channel();
    let runs = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&runs);
    let health = Health::builder()
        .check("busy", critical().timeout(SECOND), move || {
            let tells = Tells(tell.clone());
            counted.fetch_add(1, SeqCst);
            async move {
                let _tells = tells;
                while std::hint::black_box(true) {
                    tokio::task::yield_now().await;
                }
            }
        })
        .check("fine", critical(), || async {})
        .start()
        .expect("it starts");
    let turns = async |count: usize| {
        for _ in 0..count {
            tokio::task::yield_now().await;
        }
    };
    turns(10).await;
    assert_eq!(
        health
            .check("fine")
            .expect("the check is registered")
            .verdict(),
        Verdict::Pass
    );
    assert_eq!(
        health
            .check("busy")
            .expect("the check is registered")
            .verdict(),
        Verdict::Unknown
    );
    advance(SECOND).await;
    turns(10).await;
    assert_eq!(message(&health, "busy").as_deref(), Some("timed out"));
    advance(29 * SECOND).await;
    turns(10).await;
    assert!(
        told.try_recv().is_err(),
        "left alone until its second limit"
    );
    assert_eq!(runs.load(SeqCst), 1);
    advance(2 * SECOND).await;
    turns(10).await;
    assert_eq!(told.try_recv(), Ok(thread::current().id()), "then dropped");
    assert_eq!(runs.load(SeqCst), 2);
    assert_eq!(
        health
            .check("fine")
            .expect("the check is registered")
            .consecutive(),
        3,
        "once for each time the clock moved over its interval"
    );
}

/// The values of a run are dropped when it is abandoned, and `drop` is user code that
/// can block.
#[tokio::test(start_paused = true)]
async fn a_check_that_blocks_in_drop_is_detected() {
    struct Blocks(Tells);
    impl Drop for Blocks {
        fn drop(&mut self) {
            thread::sleep(Duration::from_millis(5));
        }
    }
    let (tell, told) = mpsc::channel();
    let health = Health::builder()
        .check("clingy", critical().timeout(SECOND), move || {
            let held = Blocks(Tells(tell.clone()));
            async move {
                let _held = &held.0;
                pending::<()>().await;
            }
        })
        .runtime(RuntimeOptions::new().max_poll_time(Some(Duration::from_millis(2))))
        .start()
        .expect("it starts");
    let here = thread::current().id();
    sleep(40 * SECOND).await;
    assert_eq!(told.recv_timeout(BOUND), Ok(here), "a suspicion");
    // A second long poll quarantines the check, unless its thread waited for a CPU.
    // The clock does not wait for the thread of the run after that.
    let start = Instant::now();
    while !told.try_recv().is_ok_and(|thread| thread != here) {
        assert!(start.elapsed() < BOUND, "it was never moved");
        sleep(SECOND).await;
    }
    drop(health);
}

/// Panics when it is dropped, except during a panic, which would abort the process.
struct PanicsOnDrop;

impl Drop for PanicsOnDrop {
    fn drop(&mut self) {
        assert!(thread::panicking(), "in drop");
    }
}

async fn panics_in_poll() -> bool {
    tokio::task::yield_now().await;
    panic!("in poll")
}

async fn panics_with_a_payload_that_panics() -> bool {
    tokio::task::yield_now().await;
    std::panic::panic_any(PanicsOnDrop)
}

async fn panics_at_its_end() {
    let _held = PanicsOnDrop;
    tokio::task::yield_now().await;
}

/// A hand-written future that panics after it has returned its result.
struct PanicsAfterItsResult {
    _held: PanicsOnDrop,
}

impl Future for PanicsAfterItsResult {
    type Output = bool;

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<bool> {
        Poll::Ready(true)
    }
}

#[tokio::test(start_paused = true)]
async fn a_panic_anywhere_fails_only_its_check_which_runs_again() {
    let every_second = || critical().interval(SECOND).timeout(SECOND);
    let health = Health::builder()
        .check("creating", every_second(), || {
            assert!(std::hint::black_box(false), "no future");
            async {}
        })
        .check("drop-after-result", every_second(), || {
            PanicsAfterItsResult {
                _held: PanicsOnDrop,
            }
        })
        .check("drop-at-the-end", every_second(), panics_at_its_end)
        .check("drop-when-given-up", every_second(), || async {
            let _held = PanicsOnDrop;
            pending::<()>().await;
        })
        .check("fine", every_second(), || async {})
        .check("payload", every_second(), panics_with_a_payload_that_panics)
        .check("poll", every_second(), panics_in_poll)
        // A panic prints a message, and a backtrace if enabled, which may take longer
        // than a poll should.
        .runtime(RuntimeOptions::new().max_poll_time(None))
        .start()
        .expect("it starts");
    // Long enough to abandon hanging runs twice.
    sleep(100 * SECOND).await;
    for (name, message) in [
        ("creating", "panicked"),
        ("drop-after-result", "panicked"),
        ("drop-at-the-end", "panicked"),
        ("drop-when-given-up", "timed out"),
        ("payload", "panicked"),
        ("poll", "panicked"),
    ] {
        let check = health.check(name).expect("the check is registered");
        assert_eq!(
            (check.verdict(), check.message()),
            (Verdict::Fail, Some(message)),
            "{name}"
        );
        assert!(check.consecutive() >= 3, "{name} does not run on");
    }
    let fine = health.check("fine").expect("the check is registered");
    assert_eq!(fine.verdict(), Verdict::Pass);
    assert!(fine.consecutive() >= 90);
}

#[test]
fn a_run_that_blocks_knows_how_much_time_is_left() {
    let runtime = workers(1);
    runtime.block_on(async {
        let (tell, told) = mpsc::channel();
        let tell_async = tell.clone();
        let timeout = 60 * SECOND;
        let options = || CheckOptions::new().interval(timeout).timeout(timeout);
        let health = Health::builder()
            .check_blocking("plain", options(), move || {
                let _ = tell.send(("plain", time_left()));
            })
            .check("async", options(), move || {
                let _ = tell_async.send(("async", time_left()));
                async {}
            })
            .start()
            .expect("it starts");
        for name in ["plain", "async"] {
            health.refresh(name).await.expect("the check is registered");
        }
        for (name, left) in told.try_iter() {
            match left {
                Some(left) => assert!(name == "plain" && left <= timeout && !left.is_zero()),
                None => assert_eq!(name, "async", "an async run is dropped in time"),
            }
        }
    });
    assert_eq!(time_left(), None);
}

#[test]
fn a_panic_on_its_own_thread_fails_the_check_which_runs_again() {
    let runtime = workers(1);
    runtime.block_on(async {
        let health = Health::builder()
            .check_blocking("plain", critical(), || -> bool {
                panic!("in a plain function")
            })
            .check("caught", critical(), || async {
                thread::sleep(Duration::from_millis(2));
                panics_in_poll().await
            })
            .runtime(RuntimeOptions::new().max_poll_time(Some(Duration::from_millis(1))))
            .start()
            .expect("it starts");
        for runs in 1..=3 {
            for (name, text) in [("plain", "in a plain function"), ("caught", "in poll")] {
                let check = health.refresh(name).await.expect("the check is registered");
                assert_eq!(
                    (check.verdict(), check.message()),
                    (Verdict::Fail, Some("panicked"))
                );
                assert_eq!(check.cause(), [text]);
                assert!(check.consecutive() >= runs);
            }
        }
    });
}
