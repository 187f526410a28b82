//! What an application can observe: every run, and every turn of a verdict.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use tokio::sync::Notify;

use crate::verdict::incident::Incident;
use crate::verdict::snapshot::CheckReport;
use crate::verdict::track::Verdict;

/// Events that a subscriber may be behind before it misses some.
const BACKLOG: usize = 1024;

/// Something happened to a check.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Event {
    /// There is a result: a run came back, timed out, or was skipped, or
    /// something else was reported.
    Completed(CheckReport),
    /// The verdict changed. Sent after the `Completed` event that caused it, if any: the
    /// passing of time changes a verdict as well.
    Transition(Transition),
    /// The subscriber was too slow, and this many events are gone.
    Lagged(u64),
}

/// A verdict turned.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Transition {
    /// The verdict before.
    pub from: Verdict,
    /// How long it lasted.
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
pub struct Events {
    bus: Arc<Bus>,
    /// The number of the next event to read.
    next: u64,
}

impl Events {
    /// The next event, or `None` once health has ended.
    ///
    /// Cancel safe: no event is lost if the future is dropped.
    pub async fn next(&mut self) -> Option<Event> {
        loop {
            let published = self.bus.published.notified();
            {
                let ring = self.bus.ring();
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
            self.bus.ring().clear();
        }
    }
}

/// The last events, for subscribers that read at their own pace. Costs a load
/// while there is no subscriber.
///
/// Publishing and waking are apart: events are published under the lock of the
/// state that they describe, and a waker is code of the application.
#[derive(Debug, Default)]
pub(crate) struct Bus {
    ring: Mutex<Ring>,
    subscribers: AtomicUsize,
    published: Notify,
}

#[derive(Debug, Default)]
struct Ring {
    events: VecDeque<Event>,
    /// The number of the oldest event that is kept.
    first: u64,
    closed: bool,
}

impl Ring {
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
        let ring = self.ring();
        self.subscribers.fetch_add(1, Ordering::AcqRel);
        Events {
            next: ring.next(),
            bus: Arc::clone(self),
        }
    }

    /// Whether an event would be read.
    pub(crate) fn has_subscribers(&self) -> bool {
        self.subscribers.load(Ordering::Acquire) > 0
    }

    /// Appends an event and wakes nobody; see [`wake`](Self::wake).
    pub(crate) fn publish(&self, event: Event) {
        let mut ring = self.ring();
        if ring.events.len() == BACKLOG {
            ring.events.pop_front();
            ring.first += 1;
        }
        ring.events.push_back(event);
    }

    /// Wakes the subscribers that wait. Called without a lock.
    pub(crate) fn wake(&self) {
        if self.has_subscribers() {
            self.published.notify_waiters();
        }
    }

    /// No event comes after those that are kept.
    pub(crate) fn close(&self) {
        self.ring().closed = true;
        self.wake();
    }

    fn ring(&self) -> MutexGuard<'_, Ring> {
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
