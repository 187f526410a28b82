//! The handles of reported checks.

use std::sync::{Mutex, Weak};
use std::time::Duration;

use health_core::reported::{Gate, Heartbeat, Supervised, Switch};
use health_core::{CheckOptions, HealthBuilder};
use tokio::sync::oneshot;

use crate::coverage::reached;
use crate::oracle::Report;
use crate::record::SIMULATED;
use crate::service::{Kind, NAMES, Service};
use crate::world::{Inner, World, lock};

/// The handle of a reported check.
pub(crate) enum Handle {
    Gate(Mutex<Option<Gate>>),
    Heartbeat(Mutex<Option<Heartbeat>>),
    Task(Supervised<()>, Mutex<Option<oneshot::Sender<Report>>>),
    Switch(Switch),
}

impl Handle {
    pub(crate) fn add_to(&self, builder: HealthBuilder, options: CheckOptions) -> HealthBuilder {
        const NOT_YET: &str = "nothing is dropped before the start";
        match self {
            Handle::Gate(gate) => {
                let options = CheckOptions::new().startup().critical();
                builder.reported(lock(gate).as_ref().expect(NOT_YET), options)
            }
            Handle::Heartbeat(beats) => {
                builder.reported(lock(beats).as_ref().expect(NOT_YET), options)
            }
            Handle::Task(task, _) => builder.reported(task, options),
            Handle::Switch(switch) => builder.reported(switch, options),
        }
    }
}

impl World {
    /// The application reports a status.
    pub(crate) fn report(&self, index: usize, report: Report) {
        let Some(handle) = self.handle(index) else {
            return;
        };
        drop(self.observe());
        match (handle, report) {
            (Handle::Gate(gate), Report::Open) => {
                let Some(gate) = &*lock(gate) else { return };
                reached("gate opened");
                gate.open();
            }
            (Handle::Gate(gate), Report::Drop) => {
                let Some(gate) = lock(gate).take() else {
                    return;
                };
                reached("gate dropped");
                drop(gate);
            }
            (Handle::Heartbeat(beats), Report::Beat) => {
                let Some(beats) = &*lock(beats) else { return };
                reached("beat");
                beats.beat();
            }
            (Handle::Heartbeat(beats), Report::Drop) => {
                let Some(beats) = lock(beats).take() else {
                    return;
                };
                reached("heartbeat dropped");
                drop(beats);
            }
            (Handle::Switch(switch), Report::Off(Some(until))) => {
                reached("switched off for a while");
                let now = self.now(&self.lock());
                let time = Duration::from_millis(until.saturating_sub(now));
                switch.off_for("maintenance", time);
            }
            (Handle::Switch(switch), Report::Off(None)) => {
                reached("switched off");
                switch.off("maintenance");
            }
            (Handle::Switch(switch), Report::On) => {
                reached("switched on");
                switch.on();
            }
            // The task reports its own end.
            (Handle::Task(task, end), report) => {
                match report {
                    Report::Cancel => task.abort(),
                    how => {
                        let Some(end) = lock(end).take() else { return };
                        let _ = end.send(how);
                    }
                }
                return;
            }
            _ => return,
        }
        self.reported(index, report);
    }

    fn reported(&self, index: usize, report: Report) {
        let mut state = self.observe();
        let now = self.now(&state);
        state.note(4, index, now);
        if state.health.is_none() {
            state.before_start.push((index, now, report));
        }
        state.oracle.report(index, now, report);
    }
}

/// Tells the oracle when the task has ended, in any way.
struct EndOfTask {
    world: Weak<Inner>,
    index: usize,
    how: Report,
}

impl Drop for EndOfTask {
    fn drop(&mut self) {
        let Some(inner) = self.world.upgrade() else {
            return;
        };
        let world = World(inner);
        // Otherwise the runtime has ended.
        let is_over = world.lock().is_over;
        if !is_over {
            reached(match self.how {
                Report::Cancel => "task cancelled",
                Report::Panic => "task panicked",
                _ => "task ended",
            });
            world.reported(self.index, self.how);
        }
    }
}

pub(crate) fn handle(service: &Service, index: usize, world: &Weak<Inner>) -> Option<Handle> {
    let (check, name) = (&service.checks[index], NAMES[index]);
    Some(match check.kind {
        Kind::Background | Kind::OnDemand => return None,
        Kind::Gate => Handle::Gate(Mutex::new(Some(Gate::new(name)))),
        Kind::Heartbeat => {
            let deadline = Duration::from_millis(check.interval);
            Handle::Heartbeat(Mutex::new(Some(Heartbeat::new(name, deadline))))
        }
        Kind::Switch => Handle::Switch(Switch::new(name)),
        Kind::Task => {
            let (end, ended) = oneshot::channel();
            let mut guard = EndOfTask {
                world: world.clone(),
                index,
                how: Report::Cancel,
            };
            let task = tokio::spawn(async move {
                let Ok(how) = ended.await else {
                    return std::future::pending().await;
                };
                guard.how = how;
                assert!(how != Report::Panic, "{SIMULATED}");
                drop(guard);
            });
            Handle::Task(Supervised::new(name, task), Mutex::new(Some(end)))
        }
    })
}
