//! The status of a part of the service, and each change of it, for protocols
//! other than HTTP.

use std::pin::pin;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::sleep;

use crate::check::outcome::Status;
use crate::health::Health;
use crate::http::endpoint::subject::{Found, Subject};
use crate::race::unless;

/// The period at which a watch runs checks on demand: the default of kubelet.
const REFRESH_INTERVAL: Duration = Duration::from_secs(10);

/// The statuses of single subjects (feature `watch`).
impl Health {
    /// Returns the current status of a subject, or `None` if there is no such check
    /// or no check with this tag. Runs no check and does not wait.
    pub fn status_of(&self, subject: &Subject) -> Option<Status> {
        let endpoint = self.endpoint_ref();
        Some(endpoint.status_of(&endpoint.find(subject)?))
    }

    /// Returns the statuses of these subjects, in order, after running outdated
    /// checks on demand ([`CheckOptions::cache`](crate::CheckOptions::cache)). Waits
    /// for them at most 800 ms, like
    /// [`Endpoint::respond`](crate::http::Endpoint::respond); without such checks it
    /// is ready at once.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), health_core::StartError> {
    /// use std::time::Duration;
    /// use health_core::http::Subject;
    /// use health_core::{CheckOptions, Health, Status};
    ///
    /// let options = CheckOptions::new().cache(Duration::from_secs(1));
    /// let health = Health::builder().check("mail", options, || async {}).start()?;
    /// let subjects = [Subject::check("mail"), Subject::check("nobody")];
    /// assert_eq!(health.fresh_statuses(&subjects).await, [Some(Status::Pass), None]);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn fresh_statuses(&self, subjects: &[Subject]) -> Vec<Option<Status>> {
        let endpoint = self.endpoint_ref();
        let found: Vec<_> = subjects.iter().map(|it| endpoint.find(it)).collect();
        endpoint.refresh_outdated(found.iter().flatten()).await;
        let status = |found: &Option<Found>| Some(endpoint.status_of(found.as_ref()?));
        found.iter().map(status).collect()
    }

    /// Watches the status of a subject: see [`StatusWatch`]. `None` if there is no
    /// such check or no check with this tag.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), health_core::StartError> {
    /// use std::time::Duration;
    /// use health_core::config::LifecycleOptions;
    /// use health_core::{Health, Probe, Status};
    ///
    /// let health = Health::builder().lifecycle(LifecycleOptions::new().drain_delay(Duration::ZERO)).start()?;
    /// let mut ready = health.watch(&Probe::Readiness.into()).expect("a probe exists");
    /// assert_eq!(ready.next().await, Some(Status::Pass));
    /// health.drain().await;
    /// assert_eq!(ready.next().await, Some(Status::Fail));
    /// assert_eq!(ready.next().await, None);
    /// # Ok(())
    /// # }
    /// ```
    pub fn watch(&self, subject: &Subject) -> Option<StatusWatch> {
        Some(StatusWatch {
            found: self.endpoint_ref().find(subject)?,
            turns: self.monitor().watch_turns(),
            last: None,
            health: self.clone(),
        })
    }

    /// Completes when the drain is over or health has [stopped](Self::stop).
    /// Afterwards no watch changes.
    ///
    /// # Panics
    ///
    /// Panics if it is awaited outside a tokio runtime with a timer.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), health_core::StartError> {
    /// use health_core::Health;
    ///
    /// let health = Health::builder().start()?;
    /// health.stop().await;
    /// health.ended().await;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn ended(&self) {
        let mut turns = self.monitor().watch_turns();
        let stopped = async {
            // The monitor keeps the sender.
            let _ = turns.wait_for(|has_stopped| *has_stopped).await;
        };
        unless(self.drained(), stopped).await;
    }
}

/// A stream of the status of a [`Subject`], created by [`Health::watch`].
///
/// Changes between two reads are merged: a read returns the current status, or
/// waits if it equals the one that was read last. Checks on demand are run at the
/// first read, and every 10 s while a read waits.
///
/// The checks run for as long as a watch exists.
#[derive(Debug)]
pub struct StatusWatch {
    health: Health,
    found: Found,
    turns: watch::Receiver<bool>,
    last: Option<Status>,
}

impl StatusWatch {
    /// Returns the status at the first call and the next other status at later
    /// ones. Returns `None` once the drain is over or health has stopped, after
    /// the last status before that.
    ///
    /// Cancel safe: no change is lost if the future is dropped.
    ///
    /// # Panics
    ///
    /// Panics if it is awaited outside a tokio runtime with a timer.
    pub async fn next(&mut self) -> Option<Status> {
        let endpoint = self.health.endpoint_ref();
        let is_on_demand = endpoint.is_on_demand(&self.found);
        if is_on_demand && self.last.is_none() {
            endpoint.refresh_outdated([&self.found]).await;
        }
        let mut drained = pin!(self.health.drained());
        let mut is_over = false;
        loop {
            // Read before the status, so that no later change is missed.
            is_over |= *self.turns.borrow_and_update();
            let status = endpoint.status_of(&self.found);
            if self.last.replace(status) != Some(status) {
                return self.last;
            }
            if is_over {
                return None;
            }
            let changed = async { drop(self.turns.changed().await) };
            let turned = unless(drained.as_mut(), changed);
            if is_on_demand {
                match unless(sleep(REFRESH_INTERVAL), turned).await {
                    Some(turned) => is_over = turned.is_none(),
                    None => endpoint.refresh_outdated([&self.found]).await,
                }
            } else {
                is_over = turned.await.is_none();
            }
        }
    }
}
