//! The rules about when checks run. The numbers are those of the rules in README.md.

use std::collections::BTreeMap;

use health_core::report::Verdict;
use health_core::{Probe, Status};

use crate::coverage::reached;
use crate::oracle::{Oracle, Stage, is_good};
use crate::service::{Check, Kind, NAMES};

/// Rule 13: this many first runs start at once, and another one after each delay.
const FIRST_RUNS: usize = 8;
const ONE_MORE_EVERY: u64 = 250;
/// Rule 4: the longest wait of an answer.
const LONGEST_WAIT: u64 = 800;
/// tokio rounds each timer up to a millisecond.
const ROUNDING: u64 = 1;

/// The state of the schedule of one check.
#[derive(Clone, Debug, Default)]
struct Schedule {
    running: bool,
    runs: u64,
    last_begin: Option<u64>,
    /// A run was requested while the last one ended.
    perhaps_asked: bool,
    /// When a run was requested that has not begun.
    asked: Option<u64>,
    /// An extra run, a skip or a moved clock has changed the distance between runs.
    displaced: bool,
    /// Since when a run is expected within an interval.
    quiet_since: u64,
    /// It waited for a dependency when the runtime was idle.
    held: Option<Hold>,
    /// The last result, timeout or skip.
    answered: Option<u64>,
}

/// Why a due check does not run yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hold {
    /// A dependency has no valid result.
    Unknown,
    /// A dependency on demand runs first.
    Outdated,
}

/// A waiting reader.
#[derive(Clone, Debug)]
struct Waiting {
    checks: Vec<usize>,
    /// In milliseconds of the clock.
    since: u64,
    is_answer: bool,
}

#[derive(Debug)]
pub(crate) struct Claims {
    checks: Vec<Check>,
    schedules: Vec<Schedule>,
    waiting: BTreeMap<u64, Waiting>,
    /// Something inside health-core requests runs at unknown times.
    asks_by_itself: bool,
    start: u64,
    next: u64,
    /// Runs that have ended, which the engine may not have noticed yet.
    pub(crate) returned: Vec<bool>,
    /// The messages to systemd.
    is_ready: bool,
    /// In milliseconds of the clock.
    last_ping: Option<u64>,
}

impl Claims {
    pub(crate) fn new(checks: &[Check], asks_by_itself: bool, start: u64) -> Self {
        let spread = ONE_MORE_EVERY * checks.len() as u64;
        let schedule = |check: &Check| Schedule {
            quiet_since: start + check.initial_delay + spread,
            ..Schedule::default()
        };
        Claims {
            schedules: checks.iter().map(schedule).collect(),
            checks: checks.to_vec(),
            waiting: BTreeMap::new(),
            asks_by_itself,
            start,
            next: 0,
            returned: vec![false; checks.len()],
            is_ready: false,
            last_ping: None,
        }
    }

    /// A run begins. Returns the rule that this violates.
    pub(crate) fn begins(&mut self, oracle: &Oracle, index: usize, now: u64) -> Option<String> {
        let broken = self.broken_by_run(oracle, index, now);
        let check = &self.checks[index];
        let is_skipped = oracle.verdict(index).0 == Verdict::Skipped;
        let schedule = &mut self.schedules[index];
        let follows_hold = schedule.held == Some(Hold::Unknown);
        // Dependents may have requested its first result.
        let has_dependents = self.checks.iter().any(|other| other.after.contains(&index));
        let may_be_asked = schedule.asked.is_some()
            || schedule.perhaps_asked
            || (has_dependents && oracle.verdict(index).0 == Verdict::Unknown);
        if is_skipped {
            reached("skipped check runs at once");
        }
        if follows_hold && schedule.runs == 0 {
            reached("run after a hold");
        }
        if schedule.asked.is_some() && now < self.start + check.initial_delay {
            reached("refresh during the initial delay");
        }
        schedule.displaced |= is_skipped
            || may_be_asked
            || schedule.held == Some(Hold::Outdated)
            || (schedule.runs == 0 && self.checks.len() > FIRST_RUNS);
        schedule.held = None;
        schedule.running = true;
        schedule.runs += 1;
        schedule.last_begin = Some(now);
        schedule.quiet_since = now;
        schedule.asked = None;
        schedule.perhaps_asked = false;
        broken
    }

    fn broken_by_run(&self, oracle: &Oracle, index: usize, now: u64) -> Option<String> {
        let (check, schedule) = (&self.checks[index], &self.schedules[index]);
        let name = NAMES[index];
        let (verdict, _) = oracle.verdict(index);
        if schedule.running {
            return Some(format!("rule 1: two runs of {name} at once"));
        }
        if oracle.is_over(index) {
            return Some(format!("rule 7, 8: {name} runs although it is over"));
        }
        // The simulation learns of a blocking check a little later, at the same time.
        let was_good = |first| check.plain && oracle.turns_now(first);
        let is_bad = |&first: &usize| !is_good(oracle.verdict(first).0) && !was_good(first);
        if let Some(&first) = check.after.iter().find(|first| is_bad(first)) {
            let first = NAMES[first];
            return Some(format!("rule 5: {name} runs although {first} is not good"));
        }
        let is_asked = schedule.asked.is_some() || schedule.perhaps_asked;
        let has_dependents = self.checks.iter().any(|other| other.after.contains(&index));
        let may_be_asked = is_asked || has_dependents || self.asks_by_itself;
        if check.is_on_demand() && !may_be_asked && verdict != Verdict::Skipped {
            return Some(format!("rule 4: {name} runs although nobody asked"));
        }
        // A pause of the process does not delay a run.
        let is_early =
            now < self.start + check.initial_delay && !schedule.displaced && schedule.runs == 0;
        if is_early && !may_be_asked {
            return Some(format!(
                "rule 13: {name} runs before its initial delay is over"
            ));
        }
        let since = now - schedule.last_begin?;
        let least = check.interval * 9 / 10;
        let is_regular = !is_asked && !schedule.displaced && verdict != Verdict::Skipped;
        if check.kind == Kind::Background && is_regular && since + ROUNDING < least {
            return Some(format!("rule 13: {name} runs again after {since} ms"));
        }
        None
    }

    pub(crate) fn ended(&mut self, index: usize, now: u64) {
        let schedule = &mut self.schedules[index];
        schedule.running = false;
        schedule.quiet_since = now;
        schedule.answered = Some(now);
    }

    /// A run is skipped. Returns the rule that this violates.
    pub(crate) fn skips(
        &mut self,
        oracle: &Oracle,
        index: usize,
        now: u64,
        root: &str,
    ) -> Option<String> {
        let schedule = &mut self.schedules[index];
        schedule.quiet_since = now;
        schedule.asked = None;
        schedule.answered = Some(now);
        schedule.displaced = true;
        // Skips are noticed when the runtime is idle, and the check may have run
        // since.
        let is_right =
            self.is_cause(oracle, index, root) || self.has_recovered(oracle, index, root);
        (!is_right).then(|| {
            format!(
                "rule 5: {} is skipped for {root}, which is not the cause",
                NAMES[index]
            )
        })
    }

    /// Whether a dependency fails, or is skipped for the same root cause.
    fn is_cause(&self, oracle: &Oracle, index: usize, root: &str) -> bool {
        let names_it = |&first: &usize| match oracle.verdict(first).0 {
            Verdict::Fail => NAMES[first] == root,
            Verdict::Skipped => oracle.checks[first].blocked_by.as_deref() == Some(root),
            _ => false,
        };
        self.checks[index].after.iter().any(names_it)
    }

    /// Whether the root is a dependency of the check and failed until now.
    fn has_recovered(&self, oracle: &Oracle, index: usize, root: &str) -> bool {
        let is_behind = |&first: &usize| {
            (NAMES[first] == root && oracle.has_just_recovered(first))
                || self.has_recovered(oracle, first, root)
        };
        self.checks[index].after.iter().any(is_behind)
    }

    /// The clock has moved while no task could run.
    pub(crate) fn displace(&mut self) {
        for schedule in &mut self.schedules {
            schedule.displaced = true;
        }
    }

    // Requests for runs.

    /// A page requests its checks on demand. Returns how to record its answer.
    pub(crate) fn answer_asks(&mut self, oracle: &Oracle, checks: Vec<usize>, clock: u64) -> u64 {
        for &index in &checks {
            if oracle.is_outdated(index) {
                self.ask(oracle, index);
            }
        }
        self.wait(Waiting {
            checks,
            since: clock,
            is_answer: true,
        })
    }

    pub(crate) fn refresh_asks(&mut self, oracle: &Oracle, index: usize, clock: u64) -> u64 {
        if self.checks[index].is_run() && !oracle.is_over(index) {
            self.ask(oracle, index);
        }
        self.wait(Waiting {
            checks: vec![index],
            since: clock,
            is_answer: false,
        })
    }

    fn ask(&mut self, oracle: &Oracle, index: usize) {
        // A run in flight is joined; an overdue one prevents a new run.
        let schedule = &mut self.schedules[index];
        if self.returned[index] {
            // The engine may or may not have noticed its end.
            schedule.perhaps_asked = true;
        } else if !schedule.running {
            schedule.asked.get_or_insert(oracle.now());
        }
    }

    fn wait(&mut self, waiting: Waiting) -> u64 {
        self.next += 1;
        self.waiting.insert(self.next, waiting);
        self.next
    }

    /// A waiting reader has its answer. Returns the rule that this violates.
    pub(crate) fn answered(
        &mut self,
        id: u64,
        oracle: &Oracle,
        clock: u64,
        jumped: u64,
    ) -> Option<String> {
        let waiting = self.waiting.remove(&id)?;
        let took = clock - waiting.since;
        if waiting.is_answer {
            if took >= LONGEST_WAIT {
                reached("answer that gives up");
            } else if took > 0 {
                reached("answer that waits");
            }
            let is_late = took > LONGEST_WAIT + ROUNDING + jumped;
            return is_late.then(|| format!("rule 4: an answer took {took} ms"));
        }
        let index = waiting.checks[0];
        let schedule = &self.schedules[index];
        let is_overdue = oracle.checks[index]
            .flight
            .is_some_and(|flight| flight.overdue);
        let last_end = oracle.checks[index].last_end.max(schedule.answered);
        let is_answered = last_end.is_some_and(|at| at + jumped + took >= oracle.now());
        let may_not_run = oracle.is_over(index) || !self.checks[index].is_run() || is_overdue;
        (!is_answered && !may_not_run).then(|| {
            format!(
                "rule 10: refresh of {} returned without a result",
                NAMES[index]
            )
        })
    }

    /// A message is sent to systemd. Returns the rule that this violates.
    pub(crate) fn tells_systemd(
        &mut self,
        message: &str,
        passing: [bool; 3],
        clock: u64,
    ) -> Option<String> {
        let has = |word: &str| message.lines().any(|line| line == word);
        let passes = |probe: Probe| passing[probe as usize];
        if has("WATCHDOG=1") {
            reached("systemd watchdog");
            self.last_ping = Some(clock);
            if !passes(Probe::Liveness) {
                return Some("systemd: the watchdog was fed while liveness fails".to_owned());
            }
        }
        if has("READY=1") {
            reached("systemd is ready");
            let is_second = std::mem::replace(&mut self.is_ready, true);
            if is_second || !passes(Probe::Readiness) {
                return Some(format!(
                    "systemd: ready twice: {is_second}, or while it is not"
                ));
            }
        }
        None
    }

    /// The messages that systemd must have got after a long time without a failure.
    pub(crate) fn at_end(&self, oracle: &Oracle, clock: u64) -> Option<String> {
        if !self.asks_by_itself {
            return None;
        }
        let is_ready = oracle.probe(Probe::Readiness) != Status::Fail;
        if is_ready && !self.is_ready && oracle.stage == Stage::Serving {
            return Some("systemd was never told that the service is ready".to_owned());
        }
        let is_alive = oracle.probe(Probe::Liveness) != Status::Fail;
        let is_fed = self.last_ping.is_some_and(|ping| ping + 2_000 > clock);
        (is_alive && !is_fed).then(|| "systemd: the watchdog starves".to_owned())
    }

    // What must have happened once the runtime is idle.

    pub(crate) fn at_idle(&mut self, oracle: &Oracle, now: u64, clock: u64) -> Option<String> {
        let mut broken = None;
        for index in 0..self.checks.len() {
            if self.checks[index].is_run() && !oracle.is_over(index) {
                broken = broken.or(self.at_idle_of(oracle, index, now));
            }
        }
        let late = self
            .waiting
            .values()
            .find(|waiting| waiting.is_answer && clock > waiting.since + LONGEST_WAIT + ROUNDING);
        if late.is_some() {
            return Some("rule 4: an answer is still waiting after 800 ms".to_owned());
        }
        let idle = self.waiting.values().find(|waiting| {
            let awaited = |&index: &usize| self.is_awaited(oracle, index);
            !waiting.checks.iter().any(awaited)
        });
        if let Some(Waiting {
            checks, is_answer, ..
        }) = idle
        {
            let who = if *is_answer {
                "rule 4: an answer"
            } else {
                "rule 10: a refresh"
            };
            return broken.or(Some(format!(
                "{who} waits for {checks:?}, and nothing is under way"
            )));
        }
        broken
    }

    fn at_idle_of(&mut self, oracle: &Oracle, index: usize, now: u64) -> Option<String> {
        let check = self.checks[index].clone();
        let hold = self.hold(oracle, index);
        let is_starting = now < self.start + check.initial_delay.max(self.spread());
        let schedule = &mut self.schedules[index];
        if schedule.running {
            return None;
        }
        schedule.held = hold;
        if hold.is_some() {
            schedule.quiet_since = now;
            return None;
        }
        if is_starting {
            return None;
        }
        let name = NAMES[index];
        if schedule.asked.is_some() {
            return Some(format!("rule 4, 10: {name} was asked for and is not run"));
        }
        let is_skipped = oracle.verdict(index).0 == Verdict::Skipped;
        if is_skipped
            && check
                .after
                .iter()
                .all(|&first| is_good(oracle.verdict(first).0))
        {
            return Some(format!(
                "rule 5: {name} is skipped, and what comes first is good"
            ));
        }
        let root = oracle.checks[index].blocked_by.as_deref();
        if let Some(root) = root.filter(|root| !self.is_cause(oracle, index, root)) {
            return Some(format!(
                "rule 5: {name} stays skipped for {root}, which is not the cause"
            ));
        }
        let schedule = &self.schedules[index];
        let longest = check.interval + 2 * ROUNDING;
        let quiet = now.saturating_sub(schedule.quiet_since);
        (check.kind == Kind::Background && quiet > longest)
            .then(|| format!("rule 13: {name} has not run for {quiet} ms"))
    }

    fn hold(&self, oracle: &Oracle, index: usize) -> Option<Hold> {
        let after = &self.checks[index].after;
        let is_unknown = |&first: &usize| oracle.verdict(first).0 == Verdict::Unknown;
        if after.iter().any(is_unknown) {
            return Some(Hold::Unknown);
        }
        let is_under_way = |&first: &usize| self.is_under_way(oracle, first);
        after.iter().any(is_under_way).then_some(Hold::Outdated)
    }

    /// Rule 13: until when first runs may be delayed.
    fn spread(&self) -> u64 {
        let late = self.checks.len().saturating_sub(FIRST_RUNS) as u64;
        ONE_MORE_EVERY * late
    }

    /// A requested run has begun or may begin.
    fn is_awaited(&self, oracle: &Oracle, index: usize) -> bool {
        let is_overdue = oracle.checks[index]
            .flight
            .is_some_and(|flight| flight.overdue);
        self.is_under_way(oracle, index) && !is_overdue
    }

    /// A run has begun, was requested, or is delayed by a dependency.
    fn is_under_way(&self, oracle: &Oracle, index: usize) -> bool {
        let schedule = &self.schedules[index];
        schedule.running || schedule.asked.is_some() || self.hold(oracle, index).is_some()
    }
}
