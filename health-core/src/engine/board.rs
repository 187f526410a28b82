//! The state of all checks, probes and the lifecycle at one moment.
//!
//! Everything that a reader can see follows from one [`Board`], which is changed
//! under one lock ([`Monitor`](crate::monitor::Monitor)). Time comes first: every
//! deadline up to now is applied at its own moment and in order, before anything
//! is recorded, latched or read. A change is announced by appending it to the
//! [`Outlet`]; nothing here calls code of the application.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::time::Instant;

use crate::check::options::Plan;
use crate::check::outcome::{Outcome, Status};
use crate::check::probe::Probe;
use crate::check::source::View;
use crate::telemetry::event::Transition;
use crate::telemetry::log::line::{AnswerTransition, Line};
use crate::telemetry::outlet::Outlet;
use crate::time::clock::{Clock, Moment};
use crate::verdict::deadlines::Deadlines;
use crate::verdict::impact::{Impact, ProbeCounts};
use crate::verdict::snapshot::{CheckReport, Seen};
use crate::verdict::track::{Track, Verdict};

const PROBES: usize = Probe::ALL.len();

/// What was declared of a check. It never changes.
#[derive(Debug)]
pub(crate) struct Declared {
    pub(crate) name: Arc<str>,
    pub(crate) plan: Plan,
    /// The checks that come first.
    pub(crate) after: Box<[usize]>,
    /// The checks that come after this one.
    pub(crate) dependents: Box<[usize]>,
}

impl Declared {
    /// Whether the check has nothing to do once startup has passed.
    pub(crate) fn is_for_startup_only(&self) -> bool {
        let mut probes = self.plan.probes.iter();
        probes.all(|probe| probe == Probe::Startup)
    }
}

/// Whether a check may run now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    /// Run.
    Go,
    /// Nothing to do before the next due time.
    Rest,
    /// A check that comes first is failing, so this one was skipped.
    Skip,
    /// A check that comes first has no result yet: wait for it.
    Hold,
}

enum Obstacle {
    None,
    NoResult,
    /// The check at the root.
    Failing(Arc<str>),
}

/// How far the service has come.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Lifecycle {
    /// Startup has passed, for good.
    pub(crate) started: bool,
    pub(crate) draining: Option<Moment>,
    /// Readiness fails for good.
    pub(crate) closed: bool,
}

/// What must be done once the lock has been released.
#[derive(Debug, Default)]
pub(crate) struct Effects {
    /// Most changes concern one check, which costs no allocation.
    first: Option<Changed>,
    more: Vec<Changed>,
    /// The checks that were for startup only are done.
    pub(crate) latched: bool,
}

/// A change of a check that other tasks wait for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Changed {
    pub(crate) check: usize,
    /// There is a result, or a skip.
    pub(crate) answered: bool,
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
    tracks: Vec<Track>,
    deadlines: Deadlines,
    counts: [ProbeCounts; PROBES],
    lifecycle: Lifecycle,
    /// The status of each probe as the log knows it.
    logged: [Status; PROBES],
    /// Counts visible changes, so that what was rendered can be reused.
    generation: u64,
    /// Counts changes that may change the status of a probe.
    turns: u64,
    clock: Clock,
    /// The board has been brought to this moment.
    latest: Moment,
    outlet: Arc<Outlet>,
    effects: Effects,
}

impl Board {
    pub(crate) fn new(
        declared: Arc<[Declared]>,
        tracks: Vec<Track>,
        clock: Clock,
        outlet: Arc<Outlet>,
    ) -> Self {
        let mut board = Board {
            deadlines: Deadlines::new(tracks.len()),
            counts: [ProbeCounts::default(); PROBES],
            lifecycle: Lifecycle::default(),
            logged: [Status::Pass; PROBES],
            generation: 0,
            turns: 0,
            latest: Moment::START,
            effects: Effects::default(),
            declared,
            tracks,
            clock,
            outlet,
        };
        for check in 0..board.tracks.len() {
            board.tracks[check].look(Moment::START, &view(&board.clock, &board.lifecycle));
            board.deadlines.set(check, board.tracks[check].due());
            let standing = board.tracks[check].standing();
            for probe in Probe::ALL {
                let impact = Impact::of(standing, &board.declared[check].plan, probe);
                board.counts[probe as usize].add(impact);
            }
        }
        board.latch_startup(Moment::START);
        // The state at the start is no change.
        board.logged = Probe::ALL.map(|probe| board.status_in_log(probe));
        board
    }

    /// The running time at an instant; it never goes back.
    pub(crate) fn moment(&self, instant: Instant) -> Moment {
        self.clock.at(instant).max(self.latest)
    }

    pub(crate) fn instant(&self, moment: Moment) -> Option<Instant> {
        self.clock.instant(moment)
    }

    pub(crate) fn generation(&self) -> u64 {
        self.generation
    }

    /// Counts changes of verdicts and of the lifecycle: without one every probe has
    /// the status that it had.
    pub(crate) fn turns(&self) -> u64 {
        self.turns
    }

    pub(crate) fn lifecycle(&self) -> &Lifecycle {
        &self.lifecycle
    }

    pub(crate) fn track(&self, check: usize) -> &Track {
        &self.tracks[check]
    }

    /// Decides what is asked for next; see [`Track::ask`].
    pub(crate) fn ask(&mut self, check: usize) -> bool {
        self.tracks[check].ask()
    }

    pub(crate) fn take_effects(&mut self) -> Option<Effects> {
        let is_empty = self.effects.first.is_none() && !self.effects.latched;
        (!is_empty).then(|| std::mem::take(&mut self.effects))
    }

    /// The earliest moment at which time alone changes something.
    pub(crate) fn next_deadline(&self) -> Moment {
        self.deadlines.earliest()
    }

    /// The next deadline by a clock that counts pauses as well.
    pub(crate) fn next_deadline_unpaused(&self) -> Moment {
        self.deadlines.earliest() + self.clock.paused()
    }

    // Time.

    /// The process was stopped for so long until now, so this time does not count.
    pub(crate) fn pause(&mut self, now: Instant, lasted: Duration) {
        let lasted = lasted.min(self.clock.at(now).since(self.latest));
        if !lasted.is_zero() {
            self.clock.discount(now, lasted);
            self.outlet.log(Line::Paused(lasted));
        }
    }

    /// Applies every deadline up to `now`, each at its own moment.
    pub(crate) fn pass_time(&mut self, now: Moment) {
        while let Some(check) = self.deadlines.passed(now) {
            let due = self.next_deadline();
            self.change(check, due, |track, view| {
                track.step(now, view);
            });
        }
        self.latest = now;
    }

    // Changes.

    pub(crate) fn change(
        &mut self,
        check: usize,
        at: Moment,
        change: impl FnOnce(&mut Track, &View<'_>),
    ) {
        let before = Seen::of(&self.tracks[check]);
        change(&mut self.tracks[check], &view(&self.clock, &self.lifecycle));
        self.changed(check, at, before);
    }

    /// A run begins, which no reader sees. Returns `false` if no run counts any more.
    pub(crate) fn begin(&mut self, check: usize, now: Moment) -> bool {
        let track = &mut self.tracks[check];
        track.begin(now);
        self.deadlines.set(check, track.due());
        track.deadline().is_some()
    }

    /// Follows up on the change of a track that was in state `before`.
    fn changed(&mut self, check: usize, at: Moment, before: Seen) {
        let track = &mut self.tracks[check];
        self.deadlines.set(check, track.due());
        let after = Seen::of(track);
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
    }

    /// Startup has passed for good once all of its checks pass at one moment.
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
                self.tracks[check].retire();
                self.deadlines.set(check, None);
            }
        }
        let has_startup = |it: &Declared| it.plan.probes.contains(Probe::Startup);
        if self.declared.iter().any(has_startup) {
            let after = at.since(Moment::START);
            self.outlet.log(Line::StartupPassed(after));
        }
    }

    /// Decides what the check does now that it is due, or has been woken.
    pub(crate) fn turn(&mut self, check: usize, is_due: bool, now: Moment) -> Turn {
        match self.obstacle(check) {
            Obstacle::Failing(root) => {
                let must_answer = is_due || self.tracks[check].is_asked();
                let is_new = self.tracks[check].blocked_by() != Some(&root);
                if must_answer || is_new {
                    self.change(check, now, |track, _| track.skip(root));
                }
                Turn::Skip
            }
            Obstacle::NoResult => Turn::Hold,
            Obstacle::None => self.turn_alone(check, is_due),
        }
    }

    /// As [`turn`](Self::turn), for a check that comes after no other.
    pub(crate) fn turn_alone(&mut self, check: usize, is_due: bool) -> Turn {
        if self.tracks[check].decide(is_due) {
            Turn::Go
        } else {
            Turn::Rest
        }
    }

    /// What stands in the way of a run; of two failing checks, the first named.
    fn obstacle(&self, check: usize) -> Obstacle {
        let mut obstacle = Obstacle::None;
        for &first in &self.declared[check].after {
            let track = &self.tracks[first];
            match track.verdict() {
                Verdict::Pass | Verdict::Warn => {}
                Verdict::Fail => return Obstacle::Failing(Arc::clone(&self.declared[first].name)),
                Verdict::Skipped => {
                    let root = track.blocked_by().unwrap_or(&self.declared[first].name);
                    return Obstacle::Failing(Arc::clone(root));
                }
                Verdict::Unknown => obstacle = Obstacle::NoResult,
            }
        }
        obstacle
    }

    pub(crate) fn force(&mut self, check: usize, at: Moment, outcome: Outcome) {
        self.change(check, at, |track, _| track.force(at, outcome));
    }

    /// The service is on its way out.
    pub(crate) fn start_drain(&mut self, at: Moment) {
        if self.lifecycle.draining.is_none() {
            self.lifecycle.draining = Some(at);
            self.generation += 1;
            self.turns += 1;
        }
    }

    /// Readiness fails from now on, and nothing takes that back.
    pub(crate) fn close(&mut self) {
        if !self.lifecycle.closed {
            self.lifecycle.closed = true;
            self.generation += 1;
            self.turns += 1;
            self.announce_answers();
        }
    }

    /// No further result counts, and time changes nothing any more.
    pub(crate) fn freeze(&mut self) {
        for check in 0..self.tracks.len() {
            let before = Seen::of(&self.tracks[check]);
            self.tracks[check].retire();
            self.deadlines.set(check, None);
            if before != Seen::of(&self.tracks[check]) {
                self.generation += 1;
            }
        }
    }

    // What is announced.

    fn announce(&mut self, check: usize, at: Moment, before: Seen, answered: bool, turned: bool) {
        if answered && self.outlet.has_subscribers() {
            self.outlet.completed(self.report(check, at));
        }
        if turned {
            let (held, incident) = self.tracks[check].turned(at);
            if self.outlet.wants_transitions() {
                let turned = Transition {
                    from: before.standing.verdict,
                    held,
                    at: SystemTime::now(),
                    incident,
                    report: self.report(check, at),
                };
                self.outlet.turned(check, turned);
            }
        } else if let Some(lasting) = self.tracks[check].reminder(at) {
            let report = Box::new(self.report(check, at));
            self.outlet.log(Line::Lasts { report, lasting });
        }
    }

    /// Announces which probes have another status than the log knows, and the
    /// checks that did it.
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

    /// The checks that give a probe this status.
    fn responsible(&self, probe: Probe, status: Status) -> Vec<Arc<str>> {
        let all = self.tracks.iter().zip(&*self.declared);
        let responsible = all.filter(|(track, declared)| {
            let impact = Impact::of(track.standing(), &declared.plan, probe);
            status != Status::Pass && impact != Impact::Pending && impact.status() == status
        });
        responsible
            .map(|(_, declared)| Arc::clone(&declared.name))
            .collect()
    }

    // Readings.

    pub(crate) fn status(&self, probe: Probe) -> Status {
        self.through_lifecycle(probe, self.counts[probe as usize].status())
    }

    fn status_in_log(&self, probe: Probe) -> Status {
        self.through_lifecycle(probe, self.counts[probe as usize].status_in_log())
    }

    /// Readiness waits for startup, and ends for good when it is closed.
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

    /// The status of each probe as if these checks, which are sorted, did not exist.
    pub(crate) fn status_without(&self, excluded: &[usize]) -> [Status; PROBES] {
        let mut counts = self.counts;
        for &check in excluded {
            for probe in Probe::ALL {
                let standing = self.tracks[check].standing();
                let impact = Impact::of(standing, &self.declared[check].plan, probe);
                counts[probe as usize].replace(impact, Impact::None);
            }
        }
        Probe::ALL.map(|probe| self.through_lifecycle(probe, counts[probe as usize].status()))
    }

    /// With the history of the check.
    pub(crate) fn report(&self, check: usize, now: Moment) -> CheckReport {
        let kept = self.tracks[check].kept();
        self.glance(check, now).with_history(kept)
    }

    pub(crate) fn glance(&self, check: usize, now: Moment) -> CheckReport {
        let Declared { name, plan, .. } = &self.declared[check];
        CheckReport::new(Arc::clone(name), plan, &self.tracks[check], now)
    }
}

fn view<'a>(clock: &'a Clock, lifecycle: &Lifecycle) -> View<'a> {
    View {
        clock,
        draining: lifecycle.draining.is_some(),
    }
}
