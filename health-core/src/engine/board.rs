//! The state of all checks, all probes and the lifecycle at one moment.
//!
//! Everything that readers see is derived from one [`Board`], which is changed
//! under one lock ([`Monitor`](crate::engine::monitor::Monitor)). Before a
//! change or a read, all deadlines up to now are applied in order, each at its
//! own time. Changes are appended to the [`Outlet`]; nothing here calls code of
//! the application.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::time::Instant;

use crate::check::options::Plan;
use crate::check::outcome::Status;
use crate::check::probe::Probe;
use crate::check::source::View;
use crate::telemetry::event::Transition;
use crate::telemetry::log::line::{AnswerTransition, Line};
use crate::telemetry::outlet::Outlet;
use crate::time::clock::{Clock, Moment};
use crate::verdict::Verdict;
#[cfg(feature = "status-page")]
use crate::verdict::changes::{Change, Changes};
use crate::verdict::check_state::CheckState;
#[cfg(feature = "status-page")]
use crate::verdict::day::Day;
use crate::verdict::deadlines::Deadlines;
use crate::verdict::impact::{Impact, ProbeCounts};
#[cfg(feature = "status-page")]
use crate::verdict::incident::Incident;
use crate::verdict::late::{Explanation, LateEnd};
use crate::verdict::snapshot::{CheckReport, Seen};

const PROBES: usize = Probe::ALL.len();

/// The declaration of a check, which never changes.
#[derive(Debug)]
pub(crate) struct Declared {
    pub(crate) name: Arc<str>,
    pub(crate) plan: Arc<Plan>,
    /// The checks that must pass before this one runs.
    pub(crate) after: Box<[usize]>,
    /// The checks that run after this one.
    pub(crate) dependents: Box<[usize]>,
}

impl Declared {
    /// Returns whether the check has no purpose once startup has passed.
    pub(crate) fn is_for_startup_only(&self) -> bool {
        let mut probes = self.plan.probes.iter();
        probes.all(|probe| probe == Probe::Startup)
    }
}

/// What the task of a check does next.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Decision {
    /// Run.
    Go,
    /// Nothing to do before the next due time.
    Rest,
    /// A prerequisite is failing, so the check is skipped.
    Skip,
    /// A prerequisite has no result yet: wait for it.
    Hold,
}

enum Obstacle {
    None,
    NoResult,
    /// The failing check at the root of the dependency chain.
    Failing(Arc<str>),
}

/// The progress of the service.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Lifecycle {
    /// Startup has passed permanently.
    pub(crate) started: bool,
    pub(crate) draining: Option<Moment>,
    /// Readiness fails permanently.
    pub(crate) closed: bool,
}

/// The actions that follow once the lock has been released.
#[derive(Debug, Default)]
pub(crate) struct Effects {
    /// Most changes concern one check, which needs no allocation.
    first: Option<Changed>,
    more: Vec<Changed>,
    /// The checks that are for startup only have ended.
    pub(crate) latched: bool,
}

/// A change of a check that tasks may wait for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Changed {
    pub(crate) check: usize,
    /// There is a result, or the check was skipped.
    pub(crate) answered: bool,
    /// The verdict has changed, or the check that a skip is due to.
    pub(crate) turned: bool,
}

impl Effects {
    fn add(&mut self, changed: Changed) {
        if self.first.is_none() {
            self.first = Some(changed);
        } else {
            self.more.push(changed);
        }
    }

    pub(crate) fn changed(&self) -> impl Iterator<Item = Changed> {
        self.first.into_iter().chain(self.more.iter().copied())
    }
}

#[derive(Debug)]
pub(crate) struct Board {
    declared: Arc<[Declared]>,
    states: Vec<CheckState>,
    /// The last changes, if a page shows them.
    #[cfg(feature = "status-page")]
    changes: Option<Changes>,
    deadlines: Deadlines,
    counts: [ProbeCounts; PROBES],
    lifecycle: Lifecycle,
    /// The last logged status of each probe.
    logged: [Status; PROBES],
    /// Counts visible changes, so that a rendered answer can be reused.
    generation: u64,
    /// Counts changes that may affect the status of a probe.
    turns: u64,
    clock: Clock,
    /// The moment up to which deadlines have been applied.
    latest: Moment,
    outlet: Arc<Outlet>,
    effects: Effects,
}

impl Board {
    pub(crate) fn new(
        declared: Arc<[Declared]>,
        states: Vec<CheckState>,
        clock: Clock,
        outlet: Arc<Outlet>,
    ) -> Self {
        let mut board = Board {
            deadlines: Deadlines::new(states.len()),
            counts: [ProbeCounts::default(); PROBES],
            lifecycle: Lifecycle::default(),
            logged: [Status::Pass; PROBES],
            generation: 0,
            turns: 0,
            latest: Moment::START,
            effects: Effects::default(),
            #[cfg(feature = "status-page")]
            changes: None,
            declared,
            states,
            clock,
            outlet,
        };
        for check in 0..board.states.len() {
            board.states[check].look(Moment::START, &view(&board.clock, &board.lifecycle));
            board.deadlines.set(check, board.states[check].due());
            let standing = board.states[check].standing();
            for probe in Probe::ALL {
                let impact = Impact::of(standing, &board.declared[check].plan, probe);
                board.counts[probe as usize].add(impact);
            }
        }
        board.latch_startup(Moment::START);
        // The initial state is not logged as a change.
        board.logged = Probe::ALL.map(|probe| board.status_in_log(probe));
        board
    }

    /// Returns the running time at an instant. It never decreases.
    pub(crate) fn moment(&self, instant: Instant) -> Moment {
        self.clock.at(instant).max(self.latest)
    }

    pub(crate) fn instant(&self, moment: Moment) -> Option<Instant> {
        self.clock.instant(moment)
    }

    pub(crate) fn generation(&self) -> u64 {
        self.generation
    }

    /// Returns the number of changes of verdicts and the lifecycle. The status
    /// of a probe only changes together with this number.
    pub(crate) fn turns(&self) -> u64 {
        self.turns
    }

    pub(crate) fn lifecycle(&self) -> &Lifecycle {
        &self.lifecycle
    }

    pub(crate) fn state(&self, check: usize) -> &CheckState {
        &self.states[check]
    }

    /// Decides whether to request a run; see [`CheckState::request_run`].
    pub(crate) fn request_run(&mut self, check: usize) -> bool {
        self.states[check].request_run()
    }

    pub(crate) fn take_effects(&mut self) -> Option<Effects> {
        let is_empty = self.effects.first.is_none() && !self.effects.latched;
        (!is_empty).then(|| std::mem::take(&mut self.effects))
    }

    /// Returns the earliest deadline.
    pub(crate) fn next_deadline(&self) -> Moment {
        self.deadlines.earliest()
    }

    /// Returns the next deadline by a clock that includes pauses.
    pub(crate) fn next_deadline_unpaused(&self) -> Moment {
        self.deadlines.earliest() + self.clock.paused()
    }

    /// Keeps the last changes of all checks, and the last day of each check, from
    /// now on.
    #[cfg(feature = "status-page")]
    pub(crate) fn with_day(mut self) -> Self {
        self.changes = Some(Changes::default());
        for state in &mut self.states {
            state.keep_day(self.latest);
        }
        self
    }

    /// Returns the last day of a check, if there is such a check and it is kept.
    #[cfg(feature = "status-page")]
    pub(crate) fn day(&self, check: usize, now: Moment) -> Option<Day> {
        self.states.get(check)?.day(now)
    }

    /// Returns the last changes, if they are kept.
    #[cfg(feature = "status-page")]
    pub(crate) fn changes(&self) -> Option<&Changes> {
        self.changes.as_ref()
    }

    // Time.

    /// Excludes a pause of the process that ended now.
    pub(crate) fn pause(&mut self, now: Instant, lasted: Duration) {
        let lasted = lasted.min(self.clock.at(now).since(self.latest));
        if !lasted.is_zero() {
            self.clock.discount(now, lasted);
            self.outlet.log(Line::Paused(lasted));
        }
    }

    /// Applies every deadline up to `now`, each at its own time.
    pub(crate) fn pass_time(&mut self, now: Moment) {
        while let Some(check) = self.deadlines.passed(now) {
            let due = self.next_deadline();
            self.change(check, due, |state, view| {
                state.step(now, view);
            });
        }
        self.latest = now;
    }

    // Changes.

    pub(crate) fn change(
        &mut self,
        check: usize,
        at: Moment,
        change: impl FnOnce(&mut CheckState, &View<'_>),
    ) {
        let before = Seen::of(&self.states[check]);
        change(&mut self.states[check], &view(&self.clock, &self.lifecycle));
        self.changed(check, at, before);
    }

    /// Records that a run begins, which is not visible to readers. Returns
    /// `false` if runs no longer count.
    pub(crate) fn begin(&mut self, check: usize, now: Moment) -> bool {
        let state = &mut self.states[check];
        state.begin(now);
        self.deadlines.set(check, state.due());
        state.deadline().is_some()
    }

    /// Records the end of a run that has already been counted as timed out, and
    /// announces what explains the timeout.
    pub(crate) fn land(&mut self, check: usize, now: Moment, end: LateEnd) {
        let mut explanation = None;
        self.change(check, now, |state, _| explanation = state.land(now, end));
        if let Some(explanation) = explanation {
            self.explain(check, now, explanation);
        }
    }

    /// Updates everything that depends on a check whose previous state was
    /// `before`.
    fn changed(&mut self, check: usize, at: Moment, before: Seen) {
        let state = &mut self.states[check];
        self.deadlines.set(check, state.due());
        let after = Seen::of(state);
        let turned = before.standing.verdict != after.standing.verdict;
        if before != after {
            self.generation += 1;
        }
        if before.standing != after.standing {
            let plan = &self.declared[check].plan;
            for probe in plan.probes.iter() {
                let [from, to] = [before, after].map(|seen| Impact::of(seen.standing, plan, probe));
                self.counts[probe as usize].replace(from, to);
            }
        }
        let answered = before.answers != after.answers;
        self.announce(check, at, before, answered, turned);
        if answered || turned {
            self.effects.add(Changed {
                check,
                answered,
                turned,
            });
        }
        if before.standing != after.standing {
            self.turns += 1;
            self.latch_startup(at);
            self.announce_answers();
        }
        if turned {
            self.follow(check, at);
        }
    }

    /// Skips the reported checks that depend on this one, or ends their skip.
    /// Those that run decide in their own tasks.
    fn follow(&mut self, check: usize, at: Moment) {
        let declared = Arc::clone(&self.declared);
        for &dependent in &declared[check].dependents {
            if !self.states[dependent].follows_others() {
                continue;
            }
            let blocked_by = self.states[dependent].blocked_by();
            match self.obstacle(dependent) {
                Obstacle::Failing(root) if blocked_by != Some(&root) => {
                    self.skip(dependent, at, root);
                }
                Obstacle::None if blocked_by.is_some() => {
                    self.change(dependent, at, |state, view| state.resume(at, view));
                }
                Obstacle::Failing(_) | Obstacle::NoResult | Obstacle::None => {}
            }
        }
    }

    /// Skips a check because of `root`. The checks that depend on it are skipped
    /// for the same root, so they decide again if it is another one.
    fn skip(&mut self, check: usize, at: Moment, root: Arc<str>) {
        let before = self.states[check].blocked_by().cloned();
        self.change(check, at, |state, _| state.skip(root));
        if before.is_some() && before.as_ref() != self.states[check].blocked_by() {
            self.effects.add(Changed {
                check,
                answered: false,
                turned: true,
            });
            self.follow(check, at);
        }
    }

    /// Latches startup once all of its checks pass at the same moment.
    fn latch_startup(&mut self, at: Moment) {
        let is_failing = self.counts[Probe::Startup as usize].status() == Status::Fail;
        if self.lifecycle.started || is_failing {
            return;
        }
        self.lifecycle.started = true;
        self.generation += 1;
        self.turns += 1;
        self.effects.latched = true;
        for (check, declared) in self.declared.iter().enumerate() {
            if declared.is_for_startup_only() {
                self.states[check].retire();
                self.deadlines.set(check, None);
            }
        }
        let has_startup = |it: &Declared| it.plan.probes.contains(Probe::Startup);
        if self.declared.iter().any(has_startup) {
            let after = at.since(Moment::START);
            self.outlet.log(Line::StartupPassed(after));
        }
    }

    /// Decides what a check does that is due or was woken.
    pub(crate) fn turn(&mut self, check: usize, is_due: bool, now: Moment) -> Decision {
        match self.obstacle(check) {
            Obstacle::Failing(root) => {
                let must_answer = is_due || self.states[check].is_requested();
                let is_new = self.states[check].blocked_by() != Some(&root);
                if must_answer || is_new {
                    self.skip(check, now, root);
                }
                Decision::Skip
            }
            Obstacle::NoResult => Decision::Hold,
            Obstacle::None => self.turn_alone(check, is_due),
        }
    }

    /// Like [`turn`](Self::turn), for a check without prerequisites.
    pub(crate) fn turn_alone(&mut self, check: usize, is_due: bool) -> Decision {
        if self.states[check].decide(is_due) {
            Decision::Go
        } else {
            Decision::Rest
        }
    }

    /// Returns what prevents a run. Of two failing prerequisites, the first one
    /// counts.
    fn obstacle(&self, check: usize) -> Obstacle {
        let mut obstacle = Obstacle::None;
        for &first in &self.declared[check].after {
            let state = &self.states[first];
            match state.verdict() {
                Verdict::Pass | Verdict::Warn => {}
                Verdict::Fail => return Obstacle::Failing(Arc::clone(&self.declared[first].name)),
                Verdict::Skipped => {
                    let root = state.blocked_by().unwrap_or(&self.declared[first].name);
                    return Obstacle::Failing(Arc::clone(root));
                }
                Verdict::Unknown => obstacle = Obstacle::NoResult,
            }
        }
        obstacle
    }

    /// Begins the drain.
    pub(crate) fn start_drain(&mut self, at: Moment) {
        if self.lifecycle.draining.is_none() {
            self.lifecycle.draining = Some(at);
            self.generation += 1;
            self.turns += 1;
        }
    }

    /// Makes readiness fail permanently.
    pub(crate) fn close(&mut self) {
        if !self.lifecycle.closed {
            self.lifecycle.closed = true;
            self.generation += 1;
            self.turns += 1;
            self.announce_answers();
        }
    }

    /// Ignores all further results and deadlines.
    pub(crate) fn freeze(&mut self) {
        for check in 0..self.states.len() {
            let before = Seen::of(&self.states[check]);
            self.states[check].retire();
            self.deadlines.set(check, None);
            if before != Seen::of(&self.states[check]) {
                self.generation += 1;
            }
        }
    }

    // Announcements.

    fn announce(&mut self, check: usize, at: Moment, before: Seen, answered: bool, turned: bool) {
        if answered && self.outlet.has_subscribers() {
            self.outlet.completed(self.report(check, at));
        }
        if turned {
            let from = before.standing.verdict;
            let (held, incident) = self.states[check].turned(at);
            #[cfg(feature = "status-page")]
            {
                self.states[check].record_day(from, at);
                self.keep_change(check, before, held, incident);
            }
            if self.outlet.wants_transitions() {
                let turned = Transition {
                    from,
                    held,
                    at: SystemTime::now(),
                    incident,
                    report: self.report(check, at),
                };
                self.outlet.turned(check, turned);
            }
        } else if let Some(lasting) = self.states[check].reminder(at) {
            let report = Box::new(self.report(check, at));
            self.outlet.log(Line::Lasts { report, lasting });
        }
    }

    /// Keeps a change for the status page. A passing first result is not a change.
    #[cfg(feature = "status-page")]
    fn keep_change(
        &mut self,
        check: usize,
        before: Seen,
        held: Duration,
        incident: Option<Incident>,
    ) {
        let Some(changes) = &mut self.changes else {
            return;
        };
        let state = &self.states[check];
        let (from, to) = (before.standing.verdict, state.verdict());
        if before.answers == 0 && from == Verdict::Unknown && to == Verdict::Pass {
            return;
        }
        changes.add(Change {
            check,
            at: SystemTime::now(),
            from,
            to,
            held,
            incident,
            reason: state.public_reason().map(Box::from),
        });
    }

    /// Announces the cause of a timeout that has already been announced.
    fn explain(&mut self, check: usize, at: Moment, explanation: Explanation) {
        if !self.outlet.wants_transitions() {
            return;
        }
        let verdict = self.states[check].verdict();
        let explained = Transition {
            from: verdict,
            held: self.states[check].lasting(at),
            at: SystemTime::now(),
            incident: self.states[check].incident(),
            report: self.report(check, at),
        };
        self.outlet.explained(check, explained, explanation);
    }

    /// Announces the probes whose status differs from the last logged one, and
    /// the checks that caused it.
    fn announce_answers(&mut self) {
        for probe in Probe::ALL {
            let to = self.status_in_log(probe);
            let from = std::mem::replace(&mut self.logged[probe as usize], to);
            if from != to {
                let draining = probe == Probe::Readiness && self.lifecycle.closed;
                self.outlet.log(Line::Answer(AnswerTransition {
                    probe,
                    from,
                    to,
                    checks: self.responsible(probe, to),
                    draining,
                }));
            }
        }
    }

    /// Returns the checks that cause this status of a probe.
    fn responsible(&self, probe: Probe, status: Status) -> Vec<Arc<str>> {
        let all = self.states.iter().zip(&*self.declared);
        let responsible = all.filter(|(state, declared)| {
            let impact = Impact::of(state.standing(), &declared.plan, probe);
            status != Status::Pass && impact != Impact::Pending && impact.status() == status
        });
        responsible
            .map(|(_, declared)| Arc::clone(&declared.name))
            .collect()
    }

    // Reads.

    pub(crate) fn status(&self, probe: Probe) -> Status {
        self.through_lifecycle(probe, self.counts[probe as usize].status())
    }

    fn status_in_log(&self, probe: Probe) -> Status {
        self.through_lifecycle(probe, self.counts[probe as usize].status_in_log())
    }

    /// Applies the lifecycle: readiness fails until startup has passed, and
    /// permanently when it is closed.
    fn through_lifecycle(&self, probe: Probe, status: Status) -> Status {
        let Lifecycle {
            started, closed, ..
        } = self.lifecycle;
        match probe {
            Probe::Startup if started => Status::Pass,
            Probe::Readiness if !started || closed => Status::Fail,
            Probe::Liveness | Probe::Readiness | Probe::Startup => status,
        }
    }

    /// Returns the status of each probe without these checks, which are sorted.
    pub(crate) fn status_without(&self, excluded: &[usize]) -> [Status; PROBES] {
        let mut counts = self.counts;
        for &check in excluded {
            for probe in Probe::ALL {
                let standing = self.states[check].standing();
                let impact = Impact::of(standing, &self.declared[check].plan, probe);
                counts[probe as usize].replace(impact, Impact::None);
            }
        }
        Probe::ALL.map(|probe| self.through_lifecycle(probe, counts[probe as usize].status()))
    }

    /// Returns a report with the history of the check.
    pub(crate) fn report(&self, check: usize, now: Moment) -> CheckReport {
        let kept = self.states[check].kept();
        self.glance(check, now).with_history(kept)
    }

    pub(crate) fn glance(&self, check: usize, now: Moment) -> CheckReport {
        let Declared { name, plan, .. } = &self.declared[check];
        CheckReport::new(Arc::clone(name), Arc::clone(plan), &self.states[check], now)
    }
}

fn view<'a>(clock: &'a Clock, lifecycle: &Lifecycle) -> View<'a> {
    View {
        clock,
        draining: lifecycle.draining.is_some(),
    }
}
