//! What an application can observe: every run, and every turn of a verdict.

use std::sync::OnceLock;
use std::time::{Duration, SystemTime};

use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;

use crate::incident::Incident;
use crate::snapshot::CheckReport;
use crate::verdict::Verdict;

/// Events that a subscriber may be behind before it misses some.
const BACKLOG: usize = 1024;

/// Something happened to a check.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Event {
    /// There is a result: a run came back, timed out, or was skipped, or
    /// something else was reported.
    Ran(CheckReport),
    /// What is held of the check has changed. Follows the result that did it,
    /// if it was one and not the passing of time.
    Turned(Turned),
    /// The subscriber was too slow, and this many events are gone.
    Missed(u64),
}

/// A verdict turned.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Turned {
    /// What was held before.
    pub from: Verdict,
    /// For how long it was.
    pub held: Duration,
    /// When it turned, by the wall clock.
    pub at: SystemTime,
    /// The incident that begins, goes on or ends with this.
    pub incident: Option<Incident>,
    /// The check as it is now: verdict, reason, duration, consecutive results.
    pub report: CheckReport,
}

/// The events of a [`Health`](crate::Health) from the moment of
/// [`subscribe`](crate::Health::subscribe) on.
///
/// Reading them slowly, or not at all, never delays a check.
#[derive(Debug)]
pub struct Events(broadcast::Receiver<Event>);

impl Events {
    /// The next event, or `None` once health has ended.
    ///
    /// Cancel safe: no event is lost if the future is dropped.
    pub async fn next(&mut self) -> Option<Event> {
        match self.0.recv().await {
            Ok(event) => Some(event),
            Err(RecvError::Lagged(missed)) => Some(Event::Missed(missed)),
            Err(RecvError::Closed) => None,
        }
    }
}

/// Where events come from. Costs a load while nobody subscribes.
#[derive(Debug, Default)]
pub(crate) struct Bus(OnceLock<broadcast::Sender<Event>>);

impl Bus {
    pub(crate) fn subscribe(&self) -> Events {
        let sender = self.0.get_or_init(|| broadcast::Sender::new(BACKLOG));
        Events(sender.subscribe())
    }

    /// Whether an event would be heard.
    pub(crate) fn is_heard(&self) -> bool {
        self.0
            .get()
            .is_some_and(|sender| sender.receiver_count() > 0)
    }

    pub(crate) fn publish(&self, event: Event) {
        if let Some(sender) = self.0.get() {
            // An error says that the last subscriber has just gone.
            let _ = sender.send(event);
        }
    }
}
