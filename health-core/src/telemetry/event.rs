//! Events for applications: each completed run and each transition.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

use tokio::sync::Notify;

use crate::sync::Mutex;
use crate::verdict::Verdict;
use crate::verdict::incident::Incident;
use crate::verdict::snapshot::CheckReport;

/// The number of events that a subscriber can lag behind before it loses some.
const BACKLOG: usize = 1024;

/// An event of a check.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Event {
    /// There is a new result: a run completed, timed out or was skipped, or a
    /// reported state changed.
    Completed(CheckReport),
    /// The verdict changed. Sent after the `Completed` event that caused it, if
    /// any: an elapsed deadline changes a verdict as well.
    Transition(Transition),
    /// The subscriber was too slow, and this number of events is lost.
    Lagged(u64),
}

/// A change of a verdict.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Transition {
    /// The previous verdict.
    pub from: Verdict,
    /// The duration of the previous verdict.
    pub held: Duration,
    /// The wall-clock time of the change.
    pub at: SystemTime,
    /// The incident that begins, continues or ends with this transition.
    pub incident: Option<Incident>,
    /// The current state of the check: verdict, reason, duration, consecutive
    /// results.
    pub report: CheckReport,
}

/// A stream of the events of a [`Health`](crate::Health) since the call of
/// [`subscribe`](crate::Health::subscribe).
///
/// A slow subscriber never delays a check.
#[derive(Debug)]
pub struct Events {
    bus: Arc<Bus>,
    /// The sequence number of the next event to read.
    next: u64,
}

impl Events {
    /// Returns the next event, or `None` once health has ended.
    ///
    /// Cancel safe: no event is lost if the future is dropped.
    pub async fn next(&mut self) -> Option<Event> {
        loop {
            let published = self.bus.published.notified();
            {
                let ring = self.bus.ring.lock();
                if self.next < ring.first {
                    let missed = ring.first - self.next;
                    self.next = ring.first;
                    return Some(Event::Lagged(missed));
                }
                if let Some(event) = ring.at(self.next) {
                    self.next += 1;
                    return Some(event.clone());
                }
                if ring.closed {
                    return None;
                }
            }
            published.await;
        }
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        if self.bus.subscribers.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.bus.ring.lock().clear();
        }
    }
}

/// A buffer of recent events for subscribers that read at their own pace.
/// Without subscribers it costs one atomic load.
///
/// Publishing and waking are separate steps, because events are published under
/// the lock of the state that they describe, and a waker is code of the
/// application.
#[derive(Debug, Default)]
pub(crate) struct Bus {
    ring: Mutex<Backlog>,
    subscribers: AtomicUsize,
    published: Notify,
}

#[derive(Debug, Default)]
struct Backlog {
    events: VecDeque<Event>,
    /// The sequence number of the oldest event in the buffer.
    first: u64,
    closed: bool,
}

impl Backlog {
    fn at(&self, number: u64) -> Option<&Event> {
        let index = usize::try_from(number.checked_sub(self.first)?).ok()?;
        self.events.get(index)
    }

    fn next(&self) -> u64 {
        self.first + self.events.len() as u64
    }

    fn clear(&mut self) {
        self.first = self.next();
        self.events = VecDeque::new();
    }
}

impl Bus {
    pub(crate) fn subscribe(self: &Arc<Self>) -> Events {
        let ring = self.ring.lock();
        self.subscribers.fetch_add(1, Ordering::AcqRel);
        Events {
            next: ring.next(),
            bus: Arc::clone(self),
        }
    }

    /// Returns whether an event would be read.
    pub(crate) fn has_subscribers(&self) -> bool {
        self.subscribers.load(Ordering::Acquire) > 0
    }

    /// Appends an event without waking subscribers; see [`wake`](Self::wake).
    pub(crate) fn publish(&self, event: Event) {
        let mut ring = self.ring.lock();
        if ring.events.len() == BACKLOG {
            ring.events.pop_front();
            ring.first += 1;
        }
        ring.events.push_back(event);
    }

    /// Wakes waiting subscribers. Must be called without a lock.
    pub(crate) fn wake(&self) {
        if self.has_subscribers() {
            self.published.notify_waiters();
        }
    }

    /// Ends the stream after the buffered events.
    pub(crate) fn close(&self) {
        self.ring.lock().closed = true;
        self.wake();
    }
}
