//! The states of checks that a receiver has not accepted yet.
//!
//! The outbox stores the newest state of each check and the time at which it is
//! due. It has no clock: the caller passes the current time.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::telemetry::hook::remote::{QueuedTransition, Record};
use crate::verdict::Verdict;

/// The time for which passing first results are collected, so that a start causes
/// one request instead of one per check.
const COLLECTED_FOR: Duration = Duration::from_secs(2);

/// The newest state of each check that the receiver has not accepted.
pub(super) struct Outbox {
    /// The minimum time between two states of one check.
    min_interval: Duration,
    checks: BTreeMap<usize, Entry>,
    /// The time at which the collected first results are due.
    collected_at: Option<Instant>,
}

/// The state of one check.
#[derive(Debug, Default)]
struct Entry {
    waiting: Option<Waiting>,
    /// The number of transitions that were merged and not yet reported to the
    /// receiver.
    missed: u64,
    last_taken: Option<Instant>,
}

#[derive(Debug)]
struct Waiting {
    turn: QueuedTransition,
    due: Due,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Due {
    At(Instant),
    /// The receiver refused the state. It is sent once more after the receiver
    /// has accepted another one, because the refusal may have been the
    /// receiver's mistake.
    AfterAnother,
    /// Like `At`, for the second attempt after a refusal.
    Again,
}

impl Outbox {
    pub(super) fn new(min_interval: Duration) -> Self {
        Outbox {
            min_interval,
            checks: BTreeMap::new(),
            collected_at: None,
        }
    }

    /// Stores the newest state of a check, which replaces an older one. If
    /// `is_wanted` is false, the state is not sent, and a waiting older one is
    /// dropped as outdated.
    pub(super) fn accept(
        &mut self,
        mut turn: QueuedTransition,
        is_wanted: impl FnOnce(&QueuedTransition) -> bool,
        now: Instant,
    ) {
        let check = turn.check;
        let entry = self.checks.entry(check).or_default();
        if let Some(older) = entry.waiting.take() {
            turn.absorb(older.turn);
        }
        turn.missed += std::mem::take(&mut entry.missed);
        if !is_wanted(&turn) {
            entry.missed = turn.missed;
            return;
        }
        let mut due = now;
        if is_good_first_result(&turn) {
            let collected_at = self.collected_at.filter(|&at| at > now);
            due = *self
                .collected_at
                .insert(collected_at.unwrap_or(now + COLLECTED_FOR));
        }
        if let Some(last) = entry.last_taken {
            due = due.max(last + self.min_interval);
        }
        entry.waiting = Some(Waiting {
            turn,
            due: Due::At(due),
        });
    }

    /// Returns when the next state is due.
    pub(super) fn next_due(&self, now: Instant) -> Option<Instant> {
        let waiting = self.waiting();
        let due = waiting.filter_map(|waiting| match waiting.due {
            Due::At(at) => Some(at),
            Due::Again => Some(now),
            Due::AfterAnother => None,
        });
        due.min()
    }

    /// Returns the states that are due, the oldest first, at most `most`.
    pub(super) fn due(&self, now: Instant, most: usize) -> Vec<&QueuedTransition> {
        let is_due = |waiting: &&Waiting| match waiting.due {
            Due::At(at) => at <= now,
            Due::Again => true,
            Due::AfterAnother => false,
        };
        let mut due: Vec<&QueuedTransition> = self
            .waiting()
            .filter(is_due)
            .map(|waiting| &waiting.turn)
            .collect();
        due.sort_by_key(|turn| turn.turned.at);
        due.truncate(most);
        due
    }

    /// Makes all states due, because the service stops.
    pub(super) fn hasten(&mut self, now: Instant) {
        for entry in self.checks.values_mut() {
            if let Some(Waiting {
                due: Due::At(at), ..
            }) = &mut entry.waiting
            {
                *at = now;
            }
        }
    }

    /// Removes the states of these checks, which the receiver accepted.
    pub(super) fn taken(&mut self, checks: &[usize], now: Instant) {
        for check in checks {
            if let Some(entry) = self.checks.get_mut(check) {
                entry.waiting = None;
                entry.last_taken = Some(now);
            }
        }
        for waiting in self
            .checks
            .values_mut()
            .filter_map(|entry| entry.waiting.as_mut())
        {
            if waiting.due == Due::AfterAnother {
                waiting.due = Due::Again;
            }
        }
    }

    /// Marks the states of these checks as refused.
    pub(super) fn refused(&mut self, checks: &[usize]) {
        for check in checks {
            let Some(entry) = self.checks.get_mut(check) else {
                continue;
            };
            let Some(waiting) = &mut entry.waiting else {
                continue;
            };
            if waiting.due == Due::Again {
                entry.missed = waiting.turn.missed + 1;
                entry.waiting = None;
            } else {
                waiting.due = Due::AfterAnother;
            }
        }
    }

    /// Returns how many states the receiver has neither accepted nor refused.
    pub(super) fn len(&self) -> usize {
        let waiting = self.waiting();
        waiting
            .filter(|state| state.due != Due::AfterAnother)
            .count()
    }

    fn waiting(&self) -> impl Iterator<Item = &Waiting> {
        self.checks
            .values()
            .filter_map(|entry| entry.waiting.as_ref())
    }
}

fn is_good_first_result(turn: &QueuedTransition) -> bool {
    turn.turned.from == Verdict::Unknown && turn.turned.incident.is_none()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Event, Events};
    use crate::telemetry::event::Transition;
    use crate::testing::Fake;
    use crate::{CheckOptions, Health, Outcome};

    const SECOND: Duration = Duration::from_secs(1);
    const MIN: Duration = Duration::from_secs(10);

    /// Produces transitions of two checks.
    struct Service {
        health: Health,
        events: Events,
    }

    impl Service {
        fn start() -> Self {
            let idle = CheckOptions::new().initial_delay(Duration::from_secs(3_600));
            let health = Health::builder()
                .check("a", idle.clone(), || async {})
                .check("b", idle, || async {})
                .start()
                .expect("it starts");
            let events = health.subscribe();
            Service { health, events }
        }

        async fn turn(&mut self, check: usize, outcome: Outcome) -> QueuedTransition {
            Fake::of(&self.health, ["a", "b"][check]).set(outcome);
            loop {
                let event = self.events.next().await.expect("an event");
                if let Event::Transition(turned) = event {
                    return QueuedTransition {
                        check,
                        turned: turned.into(),
                        missed: 0,
                        is_explanation: false,
                    };
                }
            }
        }

        async fn fail(&mut self, check: usize) -> QueuedTransition {
            self.turn(check, Outcome::fail("down")).await
        }

        async fn pass(&mut self, check: usize) -> QueuedTransition {
            self.turn(check, Outcome::pass()).await
        }
    }

    fn all(_: &QueuedTransition) -> bool {
        true
    }

    fn words(turned: &Transition) -> (&str, &str) {
        (turned.from.as_str(), turned.report.verdict().as_str())
    }

    #[tokio::test]
    async fn passing_first_results_are_batched_and_failing_ones_are_not() {
        let mut service = Service::start();
        let mut outbox = Outbox::new(MIN);
        let start = Instant::now();
        assert_eq!(outbox.next_due(start), None);
        outbox.accept(service.pass(0).await, all, start);
        outbox.accept(service.pass(1).await, all, start + SECOND);
        assert_eq!(outbox.next_due(start), Some(start + COLLECTED_FOR));
        assert_eq!(outbox.due(start + COLLECTED_FOR, 100).len(), 2);
        // The failure is sent at once, together with the state before it.
        outbox.accept(service.fail(1).await, all, start + SECOND);
        let due = outbox.due(start + SECOND, 100);
        assert_eq!(due.len(), 1);
        assert_eq!(words(&due[0].turned), ("unknown", "error"));
    }

    #[tokio::test]
    async fn a_check_is_sent_once_per_minimum_interval_with_its_newest_state() {
        let mut service = Service::start();
        let mut outbox = Outbox::new(MIN);
        let start = Instant::now();
        outbox.accept(service.fail(0).await, all, start);
        assert_eq!(outbox.due(start, 100).len(), 1);
        outbox.taken(&[0], start);
        assert_eq!((outbox.len(), outbox.next_due(start)), (0, None));
        for _ in 0..10 {
            outbox.accept(service.pass(0).await, all, start + SECOND);
            outbox.accept(service.fail(0).await, all, start + SECOND);
        }
        outbox.accept(service.pass(0).await, all, start + SECOND);
        assert!(outbox.due(start + MIN / 2, 100).is_empty());
        let due = outbox.due(start + MIN, 100);
        assert_eq!(due.len(), 1);
        assert_eq!(words(&due[0].turned), ("error", "ok"));
        assert_eq!(due[0].missed, 20);
        // Another check is not delayed.
        outbox.accept(service.fail(1).await, all, start + SECOND);
        assert_eq!(outbox.due(start + SECOND, 100).len(), 1);
    }

    #[tokio::test]
    async fn a_stop_makes_every_state_due() {
        let mut service = Service::start();
        let mut outbox = Outbox::new(MIN);
        let start = Instant::now();
        outbox.accept(service.pass(0).await, all, start);
        outbox.hasten(start);
        assert_eq!(outbox.due(start, 100).len(), 1);
    }

    #[tokio::test]
    async fn an_outdated_state_is_not_sent() {
        let mut service = Service::start();
        let mut outbox = Outbox::new(MIN);
        let start = Instant::now();
        let only_failures = |turn: &QueuedTransition| turn.turned.report.verdict() == Verdict::Fail;
        outbox.accept(service.fail(0).await, only_failures, start);
        outbox.accept(service.pass(0).await, only_failures, start);
        assert_eq!(outbox.len(), 0);
        outbox.accept(service.fail(0).await, only_failures, start);
        let due = outbox.due(start, 100);
        assert_eq!((due.len(), due[0].missed), (1, 1), "the first failure");
    }

    #[tokio::test]
    async fn a_refused_state_is_retried_once_after_another_was_accepted() {
        let mut service = Service::start();
        let mut outbox = Outbox::new(Duration::ZERO);
        let now = Instant::now();
        outbox.accept(service.fail(0).await, all, now);
        outbox.refused(&[0]);
        assert_eq!(outbox.next_due(now), None);
        outbox.accept(service.fail(1).await, all, now);
        outbox.taken(&[1], now);
        assert_eq!(outbox.due(now, 100)[0].check, 0);
        outbox.refused(&[0]);
        assert_eq!((outbox.len(), outbox.next_due(now)), (0, None));
        // The next state of the check reports the lost one.
        outbox.accept(service.pass(0).await, all, now);
        assert_eq!(outbox.due(now, 100)[0].missed, 1);
    }

    #[tokio::test]
    async fn a_newer_state_replaces_a_refused_one() {
        let mut service = Service::start();
        let mut outbox = Outbox::new(MIN);
        let now = Instant::now();
        outbox.accept(service.fail(0).await, all, now);
        outbox.refused(&[0]);
        outbox.accept(service.pass(0).await, all, now);
        let due = outbox.due(now, 100);
        assert_eq!(words(&due[0].turned), ("unknown", "ok"));
    }

    #[tokio::test]
    async fn a_batch_is_bounded_and_starts_with_the_oldest_states() {
        let mut service = Service::start();
        let mut outbox = Outbox::new(MIN);
        let now = Instant::now();
        let (b, a) = (service.fail(1).await, service.fail(0).await);
        outbox.accept(a, all, now);
        outbox.accept(b, all, now);
        let order = |most| -> Vec<_> { outbox.due(now, most).iter().map(|t| t.check).collect() };
        assert_eq!((order(100), order(1)), (vec![1, 0], vec![1]));
    }
}
