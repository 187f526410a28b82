//! The drain: the time for which the service keeps serving before it ends.

use std::future::pending;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep_until, timeout_at};

/// Environment variables that identify a platform, and the default time between
/// a termination signal and the kill there.
///
/// Kubernetes: `terminationGracePeriodSeconds`; ECS: `stopTimeout`; Cloud Run
/// has a fixed time. Other platforms cannot be identified by a variable, or do
/// not document their time.
const PLATFORMS: [(&str, Duration); 3] = [
    ("KUBERNETES_SERVICE_HOST", Duration::from_secs(30)),
    ("ECS_CONTAINER_METADATA_URI_V4", Duration::from_secs(30)),
    ("K_SERVICE", Duration::from_secs(10)),
];

/// Returns the default grace period of the platform, if it can be identified.
pub(crate) fn default_grace_period(is_set: impl Fn(&str) -> bool) -> Option<Duration> {
    let platform = PLATFORMS.iter().find(|(variable, _)| is_set(variable))?;
    Some(platform.1)
}

/// The state of the drain, shared by all waiting tasks. A second signal ends the
/// delay for all of them.
pub(crate) struct Drain {
    delay: Duration,
    end: watch::Sender<Option<Instant>>,
    /// The limit of the server's shutdown after the drain, if there is one.
    limit: Arc<OnceLock<Duration>>,
}

impl Drain {
    pub(crate) fn new(delay: Duration) -> Self {
        Drain {
            delay,
            end: watch::Sender::new(None),
            limit: Arc::default(),
        }
    }

    /// Sets the limit of the shutdown after the drain. Later calls have no effect.
    pub(crate) fn set_limit(&self, limit: Duration) {
        let _ = self.limit.set(limit);
    }

    pub(crate) fn delay(&self) -> Duration {
        self.delay
    }

    /// Begins the drain. Returns `false` if it had begun before.
    pub(crate) fn begin(&self) -> bool {
        self.end.send_if_modified(|end| {
            let is_first = end.is_none();
            end.get_or_insert_with(|| Instant::now() + self.delay);
            is_first
        })
    }

    /// Ends the drain delay, if it has not elapsed yet.
    #[cfg(feature = "signal")]
    pub(crate) fn end_delay(&self) {
        let now = Instant::now();
        self.end
            .send_modify(|end| *end = end.map(|end| end.min(now)));
    }

    pub(crate) fn watch(&self) -> DrainWatch {
        DrainWatch {
            end: self.end.subscribe(),
            #[cfg(all(feature = "systemd", unix))]
            limit: Arc::clone(&self.limit),
        }
    }
}

/// Waits for the drain without keeping health alive.
pub(crate) struct DrainWatch {
    end: watch::Receiver<Option<Instant>>,
    #[cfg(all(feature = "systemd", unix))]
    limit: Arc<OnceLock<Duration>>,
}

impl DrainWatch {
    /// Waits until the drain has begun.
    #[cfg(all(feature = "systemd", unix))]
    pub(crate) async fn begun(&mut self) {
        if self.end.wait_for(Option::is_some).await.is_err() {
            // Health has ended, so no drain can begin.
            pending::<()>().await;
        }
    }

    /// Returns the remaining time of the drain plus the limit of the shutdown,
    /// if there is one.
    #[cfg(all(feature = "systemd", unix))]
    pub(crate) fn remaining(&self) -> Duration {
        let end = *self.end.borrow();
        let delay = end.map_or(Duration::ZERO, |end| {
            end.saturating_duration_since(Instant::now())
        });
        delay + self.limit.get().copied().unwrap_or_default()
    }

    /// Waits until the drain is over.
    pub(crate) async fn over(mut self) {
        loop {
            let end = *self.end.borrow_and_update();
            let changed = self.end.changed();
            let is_alive = match end {
                None => changed.await.is_ok(),
                Some(end) => match timeout_at(end, changed).await {
                    Ok(changed) => changed.is_ok(),
                    Err(_elapsed) => return,
                },
            };
            if !is_alive {
                // Health has ended, so the current end is final.
                return match end {
                    None => pending().await,
                    Some(end) => sleep_until(end).await,
                };
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_platform_is_detected_by_its_variable() {
        let in_kubernetes = default_grace_period(|name| name == "KUBERNETES_SERVICE_HOST");
        assert_eq!(in_kubernetes, Some(Duration::from_secs(30)));
        let in_cloud_run = default_grace_period(|name| name == "K_SERVICE");
        assert_eq!(in_cloud_run, Some(Duration::from_secs(10)));
        assert_eq!(default_grace_period(|_| false), None);
    }

    #[tokio::test(start_paused = true)]
    async fn waiters_see_the_end_of_the_drain_after_health_is_dropped() {
        let drain = Drain::new(Duration::from_secs(5));
        let before = drain.watch();
        assert!(drain.begin() && !drain.begin());
        let watches = [before, drain.watch()];
        drop(drain);
        let start = Instant::now();
        for watch in watches {
            watch.over().await;
            assert_eq!(start.elapsed(), Duration::from_secs(5));
        }
    }

    #[cfg(feature = "signal")]
    #[tokio::test(start_paused = true)]
    async fn ending_the_delay_ends_the_drain_for_all_waiters() {
        let drain = Drain::new(Duration::from_secs(5));
        drain.end_delay();
        let idle = tokio::time::timeout(Duration::from_secs(60), drain.watch().over());
        assert!(idle.await.is_err(), "there is no delay to end");
        drain.begin();
        let start = Instant::now();
        let waiting = tokio::spawn(drain.watch().over());
        tokio::time::sleep(Duration::from_secs(2)).await;
        drain.end_delay();
        waiting.await.expect("no panic");
        assert_eq!(start.elapsed(), Duration::from_secs(2));
        tokio::time::sleep(Duration::from_secs(9)).await;
        drain.end_delay();
        drain.watch().over().await;
        assert_eq!(start.elapsed(), Duration::from_secs(11), "at once");
    }
}
