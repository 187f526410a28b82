//! These properties hold for every order of operations:
//!
//! 1. Reads change nothing: extra calls of `advance` lead to the same verdict.
//! 2. A good verdict has a good result that is younger than `stale_after`.
//! 3. A good verdict never survives `failure_threshold` consecutive failures.
//! 4. A run that exceeds its timeout has failed, regardless of its result.

use std::sync::Mutex;

use proptest::prelude::*;

use super::*;
use crate::check::options::CheckOptions;
use crate::check::source::{Reading, Source, Subscribers};
use crate::verdict::late::LateEnd;

const TIMEOUT: Duration = Duration::from_millis(50);
const INTERVAL: Duration = Duration::from_millis(100);
const STALE_AFTER: Duration = Duration::from_millis(350);

/// An operation after some time.
#[derive(Clone, Debug)]
struct Step {
    after: Duration,
    event: Event,
}

#[derive(Clone, Debug)]
enum Event {
    Begin,
    Finish(Status),
    Land,
    Look,
}

fn status() -> impl Strategy<Value = Status> {
    prop_oneof![Just(Status::Pass), Just(Status::Warn), Just(Status::Fail)]
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let event = prop_oneof![
        4 => Just(Event::Begin),
        4 => status().prop_map(Event::Finish),
        1 => Just(Event::Land),
        2 => Just(Event::Look),
    ];
    let step = (0_u64..120, event).prop_map(|(after, event)| Step {
        after: Duration::from_millis(after),
        event,
    });
    prop::collection::vec(step, 0..60)
}

/// A source with one reading until a given time, which passes afterwards.
#[derive(Debug, Default)]
struct Said {
    until: Mutex<Option<(Status, Moment)>>,
    subscribers: Subscribers,
}

impl Source for Said {
    fn read(&self, now: Moment, _: Moment, _: &View<'_>) -> Reading {
        match *self.until.lock().expect("one thread") {
            Some((status, until)) if now < until => Reading {
                until: Some(until),
                ..Reading::of(Outcome::from(status))
            },
            _ => Reading::of(Outcome::pass()),
        }
    }

    fn subscribers(&self) -> &Subscribers {
        &self.subscribers
    }
}

fn happen(state: &mut CheckState, now: Moment, event: &Event) {
    state.advance(now);
    match event {
        Event::Begin if state.flight.is_none() => state.begin(now),
        Event::Finish(status) => state.finish(now, Outcome::from(*status)),
        Event::Land => drop(state.land(now, LateEnd::Dropped)),
        Event::Begin | Event::Look => {}
    }
}

proptest! {
    #[test]
    fn readers_agree_on_every_history_of_runs(
        steps in steps(),
        failure_threshold in 1_u32..4,
        success_threshold in 1_u32..4,
    ) {
        let options = CheckOptions::new()
            .timeout(TIMEOUT)
            .interval(INTERVAL)
            .stale_after(STALE_AFTER)
            .failure_threshold(failure_threshold)
            .success_threshold(success_threshold);
        let plan = options.resolve().expect("legal options");
        let mut seldom = CheckState::new(&plan, 4, Moment::START);
        let mut often = CheckState::new(&plan, 4, Moment::START);
        let mut now = Moment::START;
        let mut results: Vec<(Moment, Status)> = Vec::new();

        for Step { after, event } in &steps {
            for part in 1..=4 {
                often.advance(now + *after * part / 4);
            }
            now = now + *after;
            let mut miss = seldom.flight.map(|flight| flight.next_miss);
            let mut overdue = seldom.overdue_since().is_some();
            while let Some(missed) = miss.filter(|miss| now >= *miss) {
                results.push((missed, Status::Fail));
                overdue = true;
                miss = Some(missed + INTERVAL);
            }
            if let (Some(_), false, Event::Finish(status)) = (miss, overdue, event) {
                results.push((now, *status));
            }
            happen(&mut seldom, now, event);
            happen(&mut often, now, event);

            prop_assert_eq!(seldom.verdict(), often.verdict(), "1");
            prop_assert_eq!(seldom.results(), often.results(), "1");
            prop_assert_eq!(seldom.results(), results.len() as u64, "4");
            if seldom.verdict().is_good() {
                let good = results.iter().rev().find(|(_, status)| *status != Status::Fail);
                let (at, _) = *good.expect("5: a good result");
                prop_assert!(now < at + STALE_AFTER, "2");
                let failures = results.iter().rev().take_while(|(_, status)| *status == Status::Fail);
                prop_assert!(failures.count() < failure_threshold as usize, "3");
            }
            if let Some(due) = seldom.due() {
                prop_assert!(due > now, "what was due has been done");
            }
        }
    }

    /// A reported outcome is valid until the next report, for every reader.
    #[test]
    fn readers_agree_on_reported_outcomes(
        steps in prop::collection::vec((0_u64..120, status(), 0_u64..200), 0..40),
    ) {
        let plan = CheckOptions::new().resolve().expect("legal options");
        let mut now = Moment::START;
        let said = Arc::new(Said::default());
        let state = || {
            let mut state = CheckState::reported(&plan, 4, Arc::clone(&said) as _, now);
            state.look_at(now);
            state
        };
        let (mut seldom, mut often) = (state(), state());
        for (after, status, lasting) in steps {
            let says = *said.until.lock().expect("one thread");
            for part in 1..=4 {
                often.advance(now + Duration::from_millis(after) * part / 4);
            }
            now = now + Duration::from_millis(after);
            seldom.advance(now);
            let held = says.filter(|(_, until)| now < *until);
            let expected = held.map_or(Verdict::Pass, |(status, _)| status.into());
            prop_assert_eq!(seldom.verdict(), expected);
            prop_assert_eq!(often.verdict(), expected, "1");
            prop_assert_eq!(seldom.results(), often.results(), "1");
            prop_assert!(seldom.due().is_none_or(|due| due > now), "what was due has been done");

            let until = now + Duration::from_millis(lasting);
            *said.until.lock().expect("one thread") = Some((status, until));
            seldom.look_at(now);
            often.look_at(now);
        }
    }
}
