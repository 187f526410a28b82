//! The environment of one simulated service, and what the oracle learns of it: the
//! bodies of runs, the handles of reported checks, and the clock.

use std::error::Error;
use std::pin::{Pin, pin};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use health_core::event::{Event, Events};
use health_core::report::{CheckReport, Verdict};
use health_core::{Health, Outcome, Probe, Status, testing};
use tokio::sync::Notify;
use tokio::task::unconstrained;
use tokio::time::{Instant, advance, sleep};

use crate::claims::Claims;
use crate::coverage::reached;
use crate::oracle::{Oracle, Report, Stage};
use crate::readers;
use crate::record::SIMULATED;
use crate::reports::{Handle, handle};
use crate::service::{NAMES, Service};
use crate::systemd;
use crate::threads::{Arrival, Plain, RunNumber};

/// The behaviour of the runs of a check from now on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mood {
    Passes,
    Warns,
    Fails,
    ReturnsError,
    Panics,
    /// Every other run fails.
    Flaps,
    /// Each run takes this long.
    IsSlow(u64, bool),
    /// Runs do not return before the mood changes.
    Hangs,
    /// Blocks its thread for this long, inside one poll.
    Holds(u64),
}

impl Mood {
    /// The result of a run that is not delayed.
    pub(crate) fn status(self) -> Status {
        match self {
            Mood::Warns => Status::Warn,
            Mood::Fails | Mood::ReturnsError | Mood::Panics | Mood::IsSlow(_, false) => {
                Status::Fail
            }
            _ => Status::Pass,
        }
    }
}

/// One life of a service, from a start to a stop.
#[derive(Clone)]
pub(crate) struct World(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    service: Service,
    /// When the clock of this life started.
    origin: Instant,
    handles: Vec<Option<Handle>>,
    /// Notifies hanging runs of a change of the mood.
    pub(crate) released: Vec<Notify>,
    /// Each run of a blocking check as it begins on its thread.
    pub(crate) arrivals: Vec<Mutex<Receiver<Arrival>>>,
    pub(crate) arrive: Vec<Sender<Arrival>>,
    state: Mutex<State>,
}

/// The mutable state.
pub(crate) struct State {
    pub(crate) oracle: Oracle,
    pub(crate) claims: Claims,
    pub(crate) health: Option<Health>,
    moods: Vec<Mood>,
    pub(crate) runs: Vec<u64>,
    /// The events of the engine, in order.
    events: Option<Events>,
    pub(crate) plain: Vec<Plain>,
    /// For how long the process has been paused.
    paused: u64,
    /// How far the clock was moved while no task could run.
    pub(crate) jumped: u64,
    pub(crate) before_start: Vec<(usize, u64, Report)>,
    failure: Option<String>,
    pub(crate) is_over: bool,
    /// The probes that have passed at some point of this moment.
    passing: (u64, [bool; 3]),
    /// A hash of all events, to compare a replay.
    trace: u64,
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Moves the paused clock without letting any task run.
fn move_clock(ms: u64) {
    let moved = pin!(advance(Duration::from_millis(ms)));
    // The clock moves at the first poll; the rest only yields.
    let _ = moved.poll(&mut Context::from_waker(Waker::noop()));
}

impl World {
    /// Must be called within the runtime.
    pub(crate) fn new(service: &Service) -> Self {
        let count = service.checks.len();
        let (arrive, arrivals): (Vec<_>, Vec<_>) = (0..count).map(|_| mpsc::channel()).unzip();
        let state = State {
            oracle: Oracle::new(&service.checks, service.drain_readiness, 0, &[]),
            claims: Claims::new(&service.checks, service.notifies_systemd, 0),
            health: None,
            moods: vec![Mood::Passes; count],
            runs: vec![0; count],
            events: None,
            plain: (0..count).map(|_| Plain::Idle).collect(),
            paused: 0,
            jumped: 0,
            before_start: Vec::new(),
            failure: None,
            is_over: false,
            passing: (0, [false; 3]),
            trace: 0,
        };
        World(Arc::new_cyclic(|inner| Inner {
            service: service.clone(),
            origin: Instant::now(),
            handles: (0..count)
                .map(|index| handle(service, index, inner))
                .collect(),
            released: (0..count).map(|_| Notify::new()).collect(),
            arrivals: arrivals.into_iter().map(Mutex::new).collect(),
            arrive,
            state: Mutex::new(state),
        }))
    }

    pub(crate) fn service(&self) -> &Service {
        &self.0.service
    }

    pub(crate) fn handle(&self, index: usize) -> Option<&Handle> {
        self.0.handles[index].as_ref()
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.0.state)
    }

    /// Health has just started.
    pub(crate) fn started(&self, health: &Health) {
        let now = self.now(&self.lock());
        let state = &mut *self.lock();
        let Service {
            checks,
            drain_readiness,
            notifies_systemd,
            ..
        } = self.service();
        state.oracle = Oracle::new(checks, *drain_readiness, now, &state.before_start);
        state.claims = Claims::new(checks, *notifies_systemd, now);
        state.health = Some(health.clone());
        state.events = Some(health.subscribe());
    }

    /// The simulation drops its handle of health, so that health can end.
    pub(crate) fn close(&self) {
        let mut state = self.lock();
        state.is_over = true;
        let health = state.health.take();
        state.events = None;
        let plain: Vec<Plain> = state.plain.iter_mut().map(std::mem::take).collect();
        drop((state, health, plain));
    }

    /// The running time since the origin, in milliseconds.
    pub(crate) fn now(&self, state: &State) -> u64 {
        self.clock() - state.paused
    }

    /// The same, including all pauses.
    pub(crate) fn clock(&self) -> u64 {
        let since = self.0.origin.elapsed();
        u64::try_from(since.as_millis()).expect("a simulation is short")
    }

    pub(crate) fn fail(&self, text: impl FnOnce() -> String) {
        self.lock().fail(text);
    }

    pub(crate) fn failure(&self) -> Option<String> {
        self.lock().failure.clone()
    }

    pub(crate) fn trace(&self) -> u64 {
        self.lock().trace
    }

    /// Locks the state, applies skips that were noticed, and then the elapsed time.
    pub(crate) fn observe(&self) -> MutexGuard<'_, State> {
        let mut state = self.lock();
        let now = self.now(&state);
        let Some(health) = state.health.clone() else {
            return state;
        };
        // Readers may have been answered at this moment before the result of a
        // blocking check was taken, which is released without an observation.
        state.oracle.advance(now);
        self.see_probes(&mut state, now);
        let is_taken = |index: usize, number| {
            let scheduled = testing::scheduled(&health, NAMES[index]);
            !scheduled.in_flight || scheduled.runs != number
        };
        // In the order of the engine: startup may pass between two of them.
        while let Some(report) = state.next_completed() {
            let Some(index) = NAMES.iter().position(|name| *name == report.name()) else {
                continue;
            };
            if let Some(root) = report.blocked_by() {
                state.note(2, index, now);
                state.skip(index, now, root);
            } else {
                state.take_returned_of(index, now, is_taken);
            }
        }
        // A late result has no event.
        state.take_returned(now, is_taken);
        state.oracle.advance(now);
        let returned = |plain: &Plain| matches!(plain, Plain::Returned(..));
        state.claims.returned = state.plain.iter().map(returned).collect();
        self.see_probes(&mut state, now);
        state
    }

    /// Records which probes pass at this moment, before it changes them.
    fn see_probes(&self, state: &mut State, now: u64) {
        if self.service().notifies_systemd {
            state.see_probes(now);
        }
    }

    // Runs.

    /// The body of an async check.
    pub(crate) fn body(
        &self,
        index: usize,
    ) -> impl Fn() -> Pin<Box<dyn Future<Output = Outcome> + Send>> + Send + Sync + 'static {
        let world = self.clone();
        move || {
            let world = world.clone();
            Box::pin(async move {
                let mood = world.begin(index);
                let run = Run {
                    world: &world,
                    index,
                    ended: false,
                };
                match mood {
                    Mood::IsSlow(ms, _) => sleep(Duration::from_millis(ms)).await,
                    Mood::Hangs => world.0.released[index].notified().await,
                    Mood::Holds(ms) => world.hold(ms),
                    _ => {}
                }
                run.end(mood)
            })
        }
    }

    /// A run begins, on the thread of the runtime.
    pub(crate) fn begin(&self, index: usize) -> Mood {
        let mut state = self.observe();
        let now = self.now(&state);
        state.note(0, index, now);
        state.begin(index, now);
        state.runs[index] += 1;
        let flapped = if state.runs[index] % 2 == 0 {
            Mood::Fails
        } else {
            Mood::Passes
        };
        let mood = state.moods[index];
        reached(match mood {
            Mood::Passes => "run passes",
            Mood::Warns => "run warns",
            Mood::Fails => "run fails",
            Mood::ReturnsError => "run returns an error",
            Mood::Panics => "run panics",
            Mood::Flaps => "run flaps",
            Mood::IsSlow(..) => "run is slow",
            Mood::Hangs => "run hangs",
            Mood::Holds(_) => "run holds its thread",
        });
        if mood == Mood::Flaps { flapped } else { mood }
    }

    pub(crate) fn end(&self, index: usize, result: Option<Status>) {
        let mut state = self.observe();
        let now = self.now(&state);
        state.end(index, now, result);
    }

    /// A run blocks the thread of the runtime: the clock advances, and others read.
    fn hold(&self, ms: u64) {
        self.meet_threads();
        if self.lock().is_uncertain() {
            return;
        }
        for part in 0..4 {
            self.jump(ms / 4 + u64::from(part == 0) * (ms % 4));
            reached("read while a thread is held");
            readers::look(self);
        }
    }

    /// The process is stopped and continued.
    pub(crate) fn pause(&self, ms: u64) {
        self.meet_threads();
        let mut state = self.lock();
        let Some(health) = state.health.clone() else {
            return;
        };
        reached("process paused");
        state.note(3, 0, ms);
        drop(state);
        self.jump(ms);
        self.lock().paused += ms;
        testing::pause_process(&health, Duration::from_millis(ms));
    }

    /// The clock advances while health stops, since a blocked thread delays the stop.
    pub(crate) fn wait_for_threads(&self, ms: u64) {
        self.jump(ms);
    }

    /// Moves the clock while no task can run. Earlier messages to systemd belong to
    /// the moment before.
    fn jump(&self, ms: u64) {
        let mut state = self.observe();
        self.hear_systemd(&mut state);
        state.jumped += ms;
        state.claims.displace();
        drop(state);
        move_clock(ms);
    }

    pub(crate) fn set_mood(&self, index: usize, mood: Mood) {
        self.lock().moods[index] = mood;
        self.0.released[index].notify_waiters();
        self.release(index, Mood::Passes, |was| was == Mood::Hangs);
    }

    /// What systemd has been told at this moment.
    fn hear_systemd(&self, state: &mut State) {
        if !self.service().notifies_systemd {
            return;
        }
        let (clock, passing) = (self.clock(), state.passing.1);
        for message in systemd::messages() {
            if let Some(broken) = state.claims.tells_systemd(&message, passing, clock) {
                state.fail(|| broken);
            }
        }
    }

    /// The runtime is idle: everything at this moment has been done.
    pub(crate) fn idle(&self) {
        {
            // The engine has taken every result, even if it runs a check again.
            let mut state = self.observe();
            let now = self.now(&state);
            state.take_returned(now, |_, _| true);
        }
        self.meet_threads();
        let mut state = self.observe();
        let now = self.now(&state);
        if state.health.is_none() || state.is_uncertain() {
            return;
        }
        let clock = self.clock();
        self.hear_systemd(&mut state);
        let State { oracle, claims, .. } = &mut *state;
        let broken = claims.at_idle(oracle, now, clock);
        if let Some(broken) = broken {
            state.fail(|| broken);
        }
    }

    /// The moment after this number of milliseconds.
    pub(crate) fn now_and(&self, ms: u64) -> u64 {
        self.now(&self.lock()) + ms
    }
}

/// A run of an async check, which is abandoned if it is dropped.
struct Run<'a> {
    world: &'a World,
    index: usize,
    ended: bool,
}

impl Run<'_> {
    fn end(mut self, mood: Mood) -> Outcome {
        self.ended = true;
        self.world.end(self.index, Some(mood.status()));
        outcome(mood)
    }
}

impl Drop for Run<'_> {
    fn drop(&mut self) {
        if !self.ended {
            reached("run abandoned");
            self.world.end(self.index, None);
        }
    }
}

pub(crate) fn outcome(mood: Mood) -> Outcome {
    assert!(mood != Mood::Panics, "{SIMULATED} panic of a check");
    if mood == Mood::ReturnsError {
        let error: Box<dyn Error + Send + Sync> = "connection refused".into();
        return Outcome::fail("unreachable").because(error);
    }
    match mood.status() {
        Status::Pass => Outcome::pass(),
        Status::Warn => Outcome::warn("slow"),
        Status::Fail => Outcome::fail("down"),
    }
}

impl State {
    pub(crate) fn fail(&mut self, text: impl FnOnce() -> String) {
        if self.failure.is_none() {
            let at = self.oracle.now();
            self.failure = Some(format!("at {at} ms: {}", text()));
        }
    }

    /// The clock at a moment of running time.
    pub(crate) fn clock_at(&self, running: u64) -> u64 {
        running + self.paused
    }

    /// A blocking check has returned and the engine has not been polled since, so the
    /// expected answer is not determined.
    pub(crate) fn is_uncertain(&self) -> bool {
        self.plain
            .iter()
            .any(|plain| matches!(plain, Plain::Returned(..)))
    }

    fn begin(&mut self, index: usize, now: u64) {
        self.oracle.advance(now);
        let broken = self.claims.begins(&self.oracle, index, now);
        self.oracle.begin(index, now);
        self.unless_uncertain(broken);
    }

    /// A violation counts only if the engine knows what the oracle knows.
    fn unless_uncertain(&mut self, broken: Option<String>) {
        if let Some(broken) = broken.filter(|_| !self.is_uncertain()) {
            self.fail(|| broken);
        }
    }

    fn end(&mut self, index: usize, now: u64, result: Option<Status>) {
        self.note(1, index, now);
        self.oracle.end(index, now, result);
        self.claims.ended(index, now);
    }

    /// Blocking checks whose results the engine has taken.
    fn take_returned(&mut self, now: u64, is_taken: impl Fn(usize, RunNumber) -> bool) {
        for index in 0..self.plain.len() {
            self.take_returned_of(index, now, &is_taken);
        }
    }

    fn take_returned_of(
        &mut self,
        index: usize,
        now: u64,
        is_taken: impl Fn(usize, RunNumber) -> bool,
    ) {
        if let Plain::Returned(mood, number) = self.plain[index] {
            if is_taken(index, number) {
                self.plain[index] = Plain::Idle;
                self.end(index, now, Some(mood.status()));
            }
        }
    }

    /// The next result or skip that the engine has announced.
    fn next_completed(&mut self) -> Option<CheckReport> {
        loop {
            let next = unconstrained(self.events.as_mut()?.next());
            let next = pin!(next).poll(&mut Context::from_waker(Waker::noop()));
            match next {
                Poll::Ready(Some(Event::Completed(report))) => return Some(report),
                Poll::Ready(Some(Event::Lagged(missed))) => {
                    self.fail(|| format!("a subscriber missed {missed} events"));
                }
                Poll::Ready(Some(_)) => {}
                Poll::Ready(None) | Poll::Pending => return None,
            }
        }
    }

    fn skip(&mut self, index: usize, now: u64, root: &str) {
        reached("skipped");
        self.oracle.advance(now);
        let broken = self.claims.skips(&self.oracle, index, now, root);
        self.unless_uncertain(broken);
        self.oracle.skip(index, now, root);
    }

    fn see_probes(&mut self, now: u64) {
        let passing = Probe::ALL.map(|probe| self.oracle.probe(probe) != Status::Fail);
        if self.passing.0 != now {
            self.passing = (now, [false; 3]);
        }
        for (seen, now) in self.passing.1.iter_mut().zip(passing) {
            *seen |= now;
        }
    }

    /// Adds an event to the trace.
    pub(crate) fn note(&mut self, what: u64, index: usize, now: u64) {
        // Runs that end after the stop end at arbitrary times.
        if self.oracle.stage == Stage::Stopped {
            return;
        }
        for word in [what, index as u64, now] {
            self.trace = (self.trace ^ word)
                .wrapping_mul(0x0100_0000_01b3)
                .rotate_left(7);
        }
    }

    pub(crate) fn verdict(&self, index: usize) -> Verdict {
        self.oracle.verdict(index).0
    }
}
