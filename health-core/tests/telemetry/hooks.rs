//! Transition hooks: they get every transition and delay no check.

use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use health_core::event::Transition;
use health_core::report::Verdict;
use health_core::testing::Fake;
use health_core::{CheckOptions, Health, HealthBuilder};
use test_support::BOUND;

/// A check whose outcome the test sets.
fn forced() -> HealthBuilder {
    let idle = CheckOptions::new().initial_delay(Duration::from_secs(3_600));
    Health::builder().check("database", idle, || async {})
}

/// A hook that sends its transitions to the test.
fn telling() -> (
    impl Fn(&Transition) + Send + Sync + 'static,
    Receiver<(Verdict, Verdict)>,
) {
    let (tell, told) = mpsc::channel();
    let tell = Mutex::new(tell);
    let hook = move |turned: &Transition| {
        let tell = tell.lock().expect("no other run panicked with the lock");
        let _ = tell.send((turned.from, turned.report.verdict()));
    };
    (hook, told)
}

fn fail(health: &Health) {
    Fake::of(health, "database").fail("drill");
}

fn pass(health: &Health) {
    Fake::of(health, "database").pass();
}

#[tokio::test]
async fn a_hook_gets_every_transition_in_order_and_the_stop_waits_for_it() {
    let (hook, told) = telling();
    let health = forced().on_transition(hook).start().expect("it starts");
    for _ in 0..20 {
        fail(&health);
        pass(&health);
    }
    health.stop().await;
    let heard: Vec<_> = told.iter().collect();
    assert_eq!(heard.len(), 40);
    assert_eq!(heard[0], (Verdict::Unknown, Verdict::Fail));
    for (nth, turn) in heard.iter().enumerate().skip(1) {
        let expected = if nth % 2 == 0 {
            (Verdict::Pass, Verdict::Fail)
        } else {
            (Verdict::Fail, Verdict::Pass)
        };
        assert_eq!(*turn, expected, "{nth}");
    }
}

#[tokio::test]
async fn every_transition_of_an_incident_has_its_id() {
    let (tell, told) = mpsc::channel();
    let tell = Mutex::new(tell);
    let health = forced()
        .on_transition(move |turned| {
            let tell = tell.lock().expect("no other run panicked with the lock");
            let _ = tell.send((turned.incident, turned.report.incident()));
        })
        .start()
        .expect("it starts");
    pass(&health);
    fail(&health);
    pass(&health);
    health.stop().await;
    let heard: Vec<_> = told.iter().collect();
    assert_eq!(heard[0], (None, None), "a good first result is none");
    let (begins, goes_on) = heard[1];
    assert!(begins.is_some() && begins == goes_on, "{heard:?}");
    assert_eq!(heard[2], (begins, None), "{heard:?}");
}

#[tokio::test]
async fn a_hook_that_panics_is_called_again_and_others_are_unaffected() {
    let (hook, told) = telling();
    let (other_hook, other) = telling();
    let health = forced()
        .on_transition(move |turned| {
            hook(turned);
            panic!("in the hook");
        })
        .on_transition(other_hook)
        .start()
        .expect("it starts");
    fail(&health);
    pass(&health);
    health.stop().await;
    assert_eq!(told.iter().count(), 2);
    assert_eq!(other.iter().count(), 2);
}

#[tokio::test]
async fn a_blocked_hook_delays_no_check_and_still_gets_the_newest_state_of_each() {
    let (release, released) = mpsc::channel::<()>();
    let released = Mutex::new(released);
    let (tell, told) = mpsc::channel();
    let tell = Mutex::new(tell);
    let (other_hook, other) = telling();
    let idle = CheckOptions::new().initial_delay(Duration::from_secs(3_600));
    let health = forced()
        .check("queue", idle, || async {})
        .on_transition(move |turned| {
            let name = turned.report.name().to_owned();
            let turn = (name, turned.from, turned.report.verdict());
            let _ = tell
                .lock()
                .expect("no other run panicked with the lock")
                .send(turn);
            let _ = released
                .lock()
                .expect("no other run panicked with the lock")
                .recv();
        })
        .on_transition(other_hook)
        .start()
        .expect("it starts");
    fail(&health);
    let first = told.recv_timeout(BOUND).expect("the hook blocks now");
    assert_eq!(first, ("database".into(), Verdict::Unknown, Verdict::Fail));
    // One change, before the changes that fill the queue.
    Fake::of(&health, "queue").fail("drill");
    for nth in 0..500 {
        pass(&health);
        fail(&health);
        // The other hook keeps up; otherwise the test would measure the machine.
        for _ in 0..2 {
            let heard = other.recv_timeout(BOUND);
            assert!(heard.is_ok(), "the other hook hears turn {nth}");
        }
    }
    let database = health.check("database").expect("it is registered");
    assert_eq!(database.verdict(), Verdict::Fail);
    drop(release);
    health.stop().await;
    let heard: Vec<_> = told.iter().collect();
    assert!(heard.len() <= 256, "the queue is bounded");
    let (queue, database): (Vec<_>, Vec<_>) = heard.iter().partition(|turn| turn.0 == "queue");
    assert_eq!(queue, [&("queue".into(), Verdict::Unknown, Verdict::Fail)]);
    let mut known = Verdict::Fail;
    for (_, from, to) in database {
        assert_eq!(
            *from, known,
            "a merged turn begins where the last one ended"
        );
        known = *to;
    }
    assert_eq!(known, Verdict::Fail, "the newest state is kept");
}

#[tokio::test]
async fn a_hanging_hook_delays_a_stop_by_at_most_two_seconds() {
    let (begun, has_begun) = mpsc::channel();
    let begun = Mutex::new(begun);
    let health = forced()
        .on_transition(move |_| {
            let _ = begun
                .lock()
                .expect("no other run panicked with the lock")
                .send(());
            loop {
                thread::park();
            }
        })
        .start()
        .expect("it starts");
    fail(&health);
    has_begun.recv_timeout(BOUND).expect("it hangs");
    let start = Instant::now();
    health.stop().await;
    assert!(
        start.elapsed() >= Duration::from_secs(2),
        "it was waited for"
    );
    assert!(start.elapsed() < BOUND);
}

#[tokio::test]
async fn hooks_end_with_health_and_can_reach_the_runtime() {
    struct Tells(mpsc::Sender<bool>);
    impl Drop for Tells {
        fn drop(&mut self) {
            let _ = self.0.send(tokio::runtime::Handle::try_current().is_ok());
        }
    }
    let (tell, told) = mpsc::channel();
    let held = Arc::new(Mutex::new(Tells(tell)));
    let health = forced()
        .on_transition(move |_| drop(held.lock()))
        .start()
        .expect("it starts");
    drop(health);
    // The tasks of the checks end when the runtime polls them.
    let ended = tokio::task::spawn_blocking(move || told.recv_timeout(BOUND)).await;
    assert_eq!(ended.expect("no thread panicked"), Ok(true));
}
