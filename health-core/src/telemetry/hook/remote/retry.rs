//! Retries of failed requests and their log messages.

use std::time::{Duration, Instant};

use crate::telemetry::hook::remote::client::Refusal;
use crate::telemetry::log::delivery;

/// The number of consecutive failures before one is logged: a single failure is
/// usual while a receiver is deployed.
const LOGGED_AFTER: u32 = 3;

/// Consecutive failures, with exponential backoff.
pub(super) struct Retry {
    receiver: String,
    first: Duration,
    longest: Duration,
    failures: u32,
    since: Option<Instant>,
    last_refusal: Option<String>,
}

impl Retry {
    pub(super) fn new(receiver: String, first: Duration, longest: Duration) -> Self {
        Retry {
            receiver,
            first,
            longest,
            failures: 0,
            since: None,
            last_refusal: None,
        }
    }

    /// Counts a temporary failure. Returns the pause before the next attempt.
    pub(super) fn failed(&mut self, refusal: &Refusal, now: Instant) -> Duration {
        self.since.get_or_insert(now);
        self.failures = self.failures.saturating_add(1);
        if self.failures == LOGGED_AFTER {
            delivery::unreachable(&self.receiver, self.failures, &refusal.why);
        }
        self.pause().max(refusal.rest)
    }

    /// Records a final refusal, which shows that the receiver is reachable.
    /// Equal consecutive refusals are logged once.
    pub(super) fn refused(&mut self, refusal: &Refusal, now: Instant) {
        self.reached(now);
        if self.last_refusal.as_ref() != Some(&refusal.why) {
            delivery::refused(&self.receiver, &refusal.why);
            self.last_refusal = Some(refusal.why.clone());
        }
    }

    pub(super) fn succeeded(&mut self, now: Instant) {
        self.reached(now);
        self.last_refusal = None;
    }

    fn reached(&mut self, now: Instant) {
        let since = self.since.take();
        if let (Some(since), true) = (since, self.failures >= LOGGED_AFTER) {
            delivery::reachable_again(&self.receiver, now.saturating_duration_since(since));
        }
        self.failures = 0;
    }

    /// Doubles with each failure. A random part of at most a half is
    /// subtracted, so that the replicas of a service do not retry at the same
    /// moment.
    fn pause(&self) -> Duration {
        let doublings = self.failures.saturating_sub(1).min(16);
        let doubled = self.first.saturating_mul(1 << doublings);
        let longest = doubled.min(self.longest);
        longest.mul_f64(0.5 + fastrand::f64() / 2.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn refusal(rest: Duration) -> Refusal {
        Refusal {
            why: "it answered 503".to_owned(),
            status: None,
            rest,
        }
    }

    #[test]
    fn retry_pauses_double_up_to_a_limit_with_jitter() {
        for _ in 0..100 {
            let mut retry = Retry::new("test".to_owned(), SECOND, 10 * SECOND);
            for seconds in [1, 2, 4, 8, 10, 10] {
                let pause = retry.failed(&refusal(Duration::ZERO), Instant::now());
                let longest = seconds * SECOND;
                assert!((longest / 2..=longest).contains(&pause), "{pause:?}");
            }
        }
    }

    #[test]
    fn a_success_resets_the_retry_pause() {
        let mut retry = Retry::new("test".to_owned(), SECOND, 60 * SECOND);
        for _ in 0..1_000 {
            retry.failed(&refusal(Duration::ZERO), Instant::now());
        }
        retry.succeeded(Instant::now());
        assert!(retry.failed(&refusal(Duration::ZERO), Instant::now()) <= SECOND);
    }

    #[test]
    fn the_receiver_can_prolong_the_retry_pause() {
        let mut retry = Retry::new("test".to_owned(), SECOND, SECOND);
        let pause = retry.failed(&refusal(30 * SECOND), Instant::now());
        assert_eq!(pause, 30 * SECOND);
    }
}
