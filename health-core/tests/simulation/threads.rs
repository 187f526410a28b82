//! Runs of blocking checks, on real threads that the simulation blocks.

use std::cell::RefCell;
use std::sync::mpsc::{self, Receiver, Sender};
use std::time::Duration;

use health_core::{Outcome, testing};
use tokio::time::sleep;

use crate::coverage::reached;
use crate::oracle::Stage;
use crate::service::NAMES;
use crate::world::{Mood, World, lock, outcome};

/// A run of a blocking check.
#[derive(Default)]
pub(crate) enum Plain {
    #[default]
    Idle,
    Running(Arrival, Mood, RunNumber),
    /// It has returned, and the engine has not taken its result yet.
    Returned(Mood, RunNumber),
}

/// The number of the run. Once the engine has taken its result, the next run may
/// begin at the same time.
pub(crate) type RunNumber = u64;

/// A call of a blocking check.
pub(crate) struct Arrival {
    release: Sender<Mood>,
    /// Closed at the end of its thread, after the result was handed over.
    over: Receiver<()>,
}

impl World {
    /// The body of a blocking check: it waits on its thread until it is released.
    pub(crate) fn plain_body(&self, index: usize) -> impl Fn() -> Outcome + Send + Sync + 'static {
        thread_local! {
            /// Dropped at the end of the thread.
            static OVER: RefCell<Option<Sender<()>>> = const { RefCell::new(None) };
        }
        let arrive = self.0.arrive[index].clone();
        move || {
            let (over, is_over) = mpsc::channel();
            OVER.set(Some(over));
            let (release, released) = mpsc::channel();
            // An error means that the simulation has ended.
            let _ = arrive.send(Arrival {
                release,
                over: is_over,
            });
            outcome(released.recv().unwrap_or(Mood::Passes))
        }
    }

    /// Waits in real time for the calls of runs that have begun.
    pub(crate) fn meet_threads(&self) {
        const LONG: Duration = Duration::from_secs(20);
        let plain = self
            .service()
            .checks
            .iter()
            .enumerate()
            .filter(|(_, check)| check.plain);
        for (index, _) in plain {
            let state = self.observe();
            let Some(health) = state.health.clone() else {
                return;
            };
            // A stop may leave a run behind that no task awaits.
            let is_idle = matches!(state.plain[index], Plain::Idle);
            let scheduled = testing::scheduled(&health, NAMES[index]);
            if !is_idle || state.oracle.stage == Stage::Stopped || !scheduled.in_flight {
                continue;
            }
            drop(state);
            let Ok(arrival) = lock(&self.0.arrivals[index]).recv_timeout(LONG) else {
                self.fail(|| format!("{} was begun and never called", NAMES[index]));
                return;
            };
            let mood = self.begin(index);
            self.lock().plain[index] = Plain::Running(arrival, mood, scheduled.runs);
            match mood {
                Mood::Hangs => reached("plain function holds its thread"),
                Mood::IsSlow(ms, _) | Mood::Holds(ms) => {
                    reached("plain function holds its thread");
                    let (world, run) = (self.clone(), self.lock().runs[index]);
                    tokio::spawn(async move {
                        sleep(Duration::from_millis(ms)).await;
                        if world.lock().runs[index] == run {
                            world.release(index, mood, |_| true);
                        }
                    });
                }
                _ => self.release(index, mood, |_| true),
            }
        }
    }

    /// Lets a blocking check return, if it runs and its mood permits it.
    pub(crate) fn release(&self, index: usize, mood: Mood, is_meant: impl Fn(Mood) -> bool) {
        let mut state = self.lock();
        let plain = std::mem::take(&mut state.plain[index]);
        let (arrival, number) = match plain {
            Plain::Running(arrival, was, number) if is_meant(was) => (arrival, number),
            other => {
                state.plain[index] = other;
                return;
            }
        };
        state.plain[index] = Plain::Returned(mood, number);
        drop(state);
        let _ = arrival.release.send(mood);
        // Waits in real time until the result was handed over.
        let _ = arrival.over.recv();
    }
}
