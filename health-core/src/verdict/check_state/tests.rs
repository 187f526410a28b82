//! Cases of the state machine.

use super::*;
use crate::check::options::CheckOptions;

const fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

fn state(options: &CheckOptions) -> CheckState {
    CheckState::new(&options.resolve().expect("legal options"), 4, Moment::START)
}

/// Executes one run from `start` for `took`.
fn run(state: &mut CheckState, start: Moment, took: Duration, outcome: Outcome) {
    state.begin(start);
    finish(state, start + took, outcome);
}

fn finish(state: &mut CheckState, now: Moment, outcome: Outcome) {
    state.advance(now);
    state.finish(now, outcome);
}

#[test]
fn a_check_is_unknown_until_its_first_result() {
    let now = Moment::START;
    let mut state = state(&CheckOptions::new());
    assert_eq!(state.verdict(), Verdict::Unknown);
    state.begin(now);
    assert_eq!(state.verdict(), Verdict::Unknown);
    finish(&mut state, now + secs(1), Outcome::pass());
    assert_eq!(state.verdict(), Verdict::Pass);
    assert_eq!(state.last().expect("a result").took, Some(secs(1)));
}

/// Its task may have decided on the skip before startup passed or health
/// stopped.
#[test]
fn a_retired_check_is_not_skipped() {
    let now = Moment::START;
    let mut state = state(&CheckOptions::new());
    run(&mut state, now, secs(1), Outcome::pass());
    state.retire();
    state.skip("database".into());
    assert_eq!(state.verdict(), Verdict::Pass);
    assert_eq!(state.blocked_by(), None);
}

#[test]
fn a_check_fails_at_its_deadline_and_a_late_pass_does_not_reset_it() {
    let now = Moment::START;
    let mut state = state(&CheckOptions::new().timeout(secs(2)));
    state.begin(now);
    assert_eq!(state.due(), Some(now + secs(2)));
    state.advance(now + Duration::from_millis(1999));
    assert_eq!(state.verdict(), Verdict::Unknown);
    state.advance(now + secs(2));
    assert_eq!(state.verdict(), Verdict::Fail);
    assert_eq!(state.overdue_since(), Some(now));
    assert_eq!(state.last().expect("a result").took, Some(secs(2)));
    finish(&mut state, now + secs(3), Outcome::pass());
    assert_eq!(state.verdict(), Verdict::Fail);
    assert_eq!(state.overdue_since(), None);
}

#[test]
fn more_than_a_hundred_missed_periods_are_counted_at_once() {
    let options = CheckOptions::new().timeout(secs(1)).interval(secs(10));
    for (late, results) in [(1_000, 102), (1_001, 2)] {
        let mut state = state(&options);
        state.begin(Moment::START);
        // The second timeout, at 11 s, is recorded this late.
        state.advance(Moment::START + secs(11 + late));
        assert_eq!(state.results(), results, "{late} s late");
        assert_eq!(state.verdict(), Verdict::Fail);
    }
}

#[test]
fn a_run_that_returns_late_has_timed_out_without_a_reader() {
    let now = Moment::START;
    let mut state = state(&CheckOptions::new().timeout(secs(2)));
    run(&mut state, now, secs(5), Outcome::pass());
    assert_eq!(state.verdict(), Verdict::Fail);
    let last = state.last().expect("a result");
    assert_eq!(last.outcome.message(), Some("timed out"));
}

#[test]
fn a_hanging_run_counts_one_failure_per_period() {
    let now = Moment::START;
    let options = CheckOptions::new().failure_threshold(3);
    let mut state = state(&options);
    run(&mut state, now, secs(0), Outcome::pass());
    state.begin(now + secs(10));
    for (later, verdict) in [
        (15, Verdict::Pass),
        (25, Verdict::Pass),
        (34, Verdict::Pass),
        (35, Verdict::Fail),
    ] {
        state.advance(now + secs(later));
        assert_eq!(state.verdict(), verdict, "after {later} s");
    }
    assert_eq!(state.last().expect("a result").took, Some(secs(25)));
    assert_eq!(state.overdue_since(), Some(now + secs(10)));
}

#[test]
fn a_late_reader_applies_many_missed_periods_at_once() {
    let now = Moment::START;
    let mut state = state(&CheckOptions::new().failure_threshold(3));
    run(&mut state, now, secs(0), Outcome::pass());
    state.begin(now + secs(10));
    state.advance(now + secs(1_000_000));
    assert_eq!(state.verdict(), Verdict::Fail);
    assert!(
        state.results() < 10,
        "not a hundred thousand times the same"
    );
    assert!(state.due().is_some_and(|due| due > now + secs(1_000_000)));
}

#[test]
fn a_timeout_at_the_stale_moment_fails_at_once() {
    let now = Moment::START;
    let options = CheckOptions::new()
        .failure_threshold(2)
        .interval(secs(10))
        .timeout(secs(5))
        .stale_after(secs(20));
    let mut state = state(&options);
    run(&mut state, now, secs(0), Outcome::pass());
    state.begin(now + secs(15));
    state.advance(now + secs(20));
    assert_eq!(state.verdict(), Verdict::Fail, "one failure of two");
}

#[test]
fn a_good_result_goes_stale_and_a_failure_does_not() {
    let now = Moment::START;
    let mut state = state(&CheckOptions::new().interval(secs(10)).timeout(secs(5)));
    run(&mut state, now, secs(0), Outcome::warn("slow"));
    state.advance(now + Duration::from_millis(34_999));
    assert_eq!(state.verdict(), Verdict::Warn);
    state.advance(now + secs(35));
    assert_eq!(state.verdict(), Verdict::Unknown);
    assert!(state.standing().stale);

    run(&mut state, now + secs(40), secs(0), Outcome::fail("down"));
    state.advance(now + secs(4000));
    assert_eq!(state.verdict(), Verdict::Fail);
    assert_eq!(state.due(), None);
}

#[test]
fn thresholds_delay_the_verdict_but_not_the_first_pass() {
    let now = Moment::START;
    let options = CheckOptions::new()
        .failure_threshold(3)
        .success_threshold(2);
    let mut state = state(&options);
    run(&mut state, now, secs(0), Outcome::fail("down"));
    assert_eq!(state.verdict(), Verdict::Unknown, "one failure of three");
    run(&mut state, now, secs(0), Outcome::pass());
    assert_eq!(state.verdict(), Verdict::Pass);
    for _ in 0..2 {
        run(&mut state, now, secs(0), Outcome::fail("down"));
        assert_eq!(state.verdict(), Verdict::Pass);
    }
    run(&mut state, now, secs(0), Outcome::fail("down"));
    assert_eq!(state.verdict(), Verdict::Fail);
    run(&mut state, now, secs(0), Outcome::pass());
    assert_eq!(state.verdict(), Verdict::Fail, "one pass of two");
    run(&mut state, now, secs(0), Outcome::warn("slow"));
    assert_eq!(state.verdict(), Verdict::Warn);
    assert_eq!(state.consecutive(), 2);
}

#[test]
fn a_check_is_skipped_until_its_next_result() {
    let now = Moment::START;
    let mut state = state(&CheckOptions::new());
    run(&mut state, now, secs(0), Outcome::pass());
    state.skip("database".into());
    assert_eq!(state.verdict(), Verdict::Skipped);
    assert_eq!(state.blocked_by().map(|name| &**name), Some("database"));
    assert_eq!(state.answers(), 2);
    state.begin(now + secs(10));
    assert_eq!(state.verdict(), Verdict::Skipped);
    finish(&mut state, now + secs(10), Outcome::pass());
    assert_eq!(state.verdict(), Verdict::Pass);
}

#[test]
fn a_forced_outcome_overrides_all_runs() {
    let now = Moment::START;
    let options = CheckOptions::new()
        .failure_threshold(3)
        .success_threshold(2);
    let mut state = state(&options);
    run(&mut state, now, secs(0), Outcome::pass());
    state.force(now, Outcome::fail("drill"));
    assert_eq!(state.verdict(), Verdict::Fail, "whatever the threshold");
    run(&mut state, now, secs(0), Outcome::pass());
    run(&mut state, now, secs(0), Outcome::pass());
    assert_eq!(state.verdict(), Verdict::Fail);
    state.forced = None;
    run(&mut state, now, secs(0), Outcome::pass());
    run(&mut state, now, secs(0), Outcome::pass());
    assert_eq!(state.verdict(), Verdict::Pass);
}

#[test]
fn a_request_joins_the_pending_run() {
    let now = Moment::START;
    let mut state = state(&CheckOptions::new());
    assert!(!state.decide(false), "no run was requested");
    assert!(state.request_run(), "a run must be decided on");
    assert!(state.request_run(), "and it has not been yet");
    assert!(state.decide(false));
    assert!(!state.request_run(), "it is about to begin");
    state.begin(now);
    assert!(!state.request_run(), "it is under way");
    finish(&mut state, now, Outcome::pass());
    assert!(!state.decide(false), "all who asked have been answered");
    assert!(state.request_run());
}

#[test]
fn a_retired_check_keeps_its_verdict() {
    let now = Moment::START;
    let mut state = state(&CheckOptions::new());
    run(&mut state, now, secs(0), Outcome::pass());
    state.begin(now + secs(10));
    state.retire();
    finish(&mut state, now + secs(11), Outcome::fail("late"));
    state.advance(now + secs(100_000));
    assert_eq!(state.verdict(), Verdict::Pass);
    assert_eq!(state.due(), None);
}
