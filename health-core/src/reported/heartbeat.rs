//! [`Heartbeat`]: a liveness signal of a background task.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::Instant;

use crate::check::outcome::Outcome;
use crate::check::rules::Mistake;
use crate::check::source::{Reading, Reported, Reports, Source, Subscribers, View};
use crate::time::clock::Moment;

const MAX_DEADLINE: Duration = Duration::from_secs(24 * 60 * 60);

/// A liveness signal of a background task, such as a consumer or a scheduler.
/// The check fails if no beat arrives within the timeout.
///
/// A check of a message broker shows that the broker works; a heartbeat shows
/// that the consumer does. Give it to
/// [`HealthBuilder::reported`](crate::HealthBuilder::reported), and call
/// [`beat`](Self::beat) once per round. Before the first beat the check is
/// unknown, and the timeout counts from the start.
///
/// Each read compares the last beat with the clock, so the failure is visible
/// even while the runtime of the task is blocked.
///
/// All clones share one heartbeat. When the last clone is dropped, because the
/// task has panicked or returned, the check fails at once. Dropping it is not a
/// failure after [`finish`](Self::finish) or during a
/// [drain](crate::Health::drain). A missed deadline during a drain is a failure
/// unless `finish` was called.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), health_core::StartError> {
/// use std::time::Duration;
/// use health_core::report::Verdict;
/// use health_core::reported::Heartbeat;
/// use health_core::{CheckOptions, Health};
///
/// let consumer = Heartbeat::new("consumer", Duration::from_secs(30));
/// let health = Health::builder()
///     .reported(&consumer, CheckOptions::new().liveness().critical())
///     .start()?;
///
/// let work = async move {
///     loop {
///         consumer.beat();
///         // .. handle the next message ..
///         # break;
///     }
///     # consumer
/// };
/// # let consumer = work.await;
/// assert_eq!(health.check("consumer").unwrap().verdict(), Verdict::Pass);
/// # drop(consumer);
/// # assert_eq!(health.check("consumer").unwrap().message(), Some("the heartbeat was dropped"));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use = "the check fails without beats, and a dropped heartbeat cannot beat"]
pub struct Heartbeat {
    handles: Arc<Handles>,
}

/// The state shared by the clones. Dropping it means that the last clone is
/// gone.
#[derive(Debug)]
struct Handles {
    state: Arc<State>,
}

/// One atomic word: the time of the last beat, in milliseconds since creation,
/// and four flags.
#[derive(Debug)]
struct State {
    name: String,
    deadline: Duration,
    created: Instant,
    word: AtomicU64,
    /// The number of beats that changed the time of the last one.
    beats: AtomicU64,
    subscribers: Subscribers,
}

/// A reader has seen a missed deadline, or no beat at all, so the next beat
/// notifies the subscribers.
const SILENT: u64 = 1 << 63;
/// The last handle has been dropped.
const DROPPED: u64 = 1 << 62;
/// There was no beat yet.
const NO_BEAT_YET: u64 = 1 << 61;
/// The work has ended in an orderly way.
const FINISHED: u64 = 1 << 60;
const FLAGS: u64 = SILENT | DROPPED | NO_BEAT_YET | FINISHED;

impl From<&Heartbeat> for Reported {
    fn from(heartbeat: &Heartbeat) -> Self {
        Reported {
            name: heartbeat.handles.state.name.clone(),
            source: Arc::clone(&heartbeat.handles.state) as _,
        }
    }
}

impl Heartbeat {
    /// Creates a heartbeat without a beat.
    ///
    /// [`start`](crate::HealthBuilder::start) returns an error if the timeout is not
    /// from 1 ms to 24 h, if the name breaks the rules for check names, or if all
    /// clones have been dropped before.
    pub fn new(name: impl Into<String>, timeout: Duration) -> Self {
        let state = State {
            name: name.into(),
            deadline: timeout,
            created: Instant::now(),
            word: AtomicU64::new(SILENT | NO_BEAT_YET),
            beats: AtomicU64::new(0),
            subscribers: Subscribers::default(),
        };
        let handles = Handles {
            state: Arc::new(state),
        };
        Heartbeat {
            handles: Arc::new(handles),
        }
    }

    /// Reports that the task is running.
    ///
    /// Can be called from any thread, with or without a runtime, and at any
    /// rate: it reads the clock, and writes at most once per millisecond.
    pub fn beat(&self) {
        self.handles.state.beat(Instant::now());
    }

    /// Reports that the work has ended as intended: the check passes from now on,
    /// without further beats and after the drop of the heartbeat.
    ///
    /// Call it at the intended end of the loop, so that a shutdown without a drain or
    /// a completed job is not a failure. It is permanent and applies to all clones.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), health_core::StartError> {
    /// use std::time::Duration;
    /// use health_core::report::Verdict;
    /// use health_core::reported::Heartbeat;
    /// use health_core::{CheckOptions, Health};
    ///
    /// let import = Heartbeat::new("import", Duration::from_secs(30));
    /// let health = Health::builder()
    ///     .reported(&import, CheckOptions::new().liveness().critical())
    ///     .start()?;
    /// for _file in 0..3 {
    ///     import.beat();
    /// }
    /// import.finish();
    /// drop(import);
    /// assert_eq!(health.check("import").unwrap().verdict(), Verdict::Pass);
    /// # Ok(())
    /// # }
    /// ```
    pub fn finish(&self) {
        let state = &self.handles.state;
        state.word.fetch_or(FINISHED, Ordering::AcqRel);
        state.subscribers.notify();
    }
}

impl Drop for Handles {
    fn drop(&mut self) {
        self.state.word.fetch_or(DROPPED, Ordering::AcqRel);
        self.state.subscribers.notify();
    }
}

impl State {
    fn beat(&self, now: Instant) {
        let now = self.millis(now);
        let last = self.word.load(Ordering::Acquire);
        if last & FINISHED != 0 {
            return;
        }
        if last & FLAGS == 0 && now <= last {
            return;
        }
        if last & FLAGS != 0 || now - last >= self.deadline_millis() {
            // Readers may not have seen yet that the deadline before this beat
            // was missed.
            self.subscribers.notify();
        }
        // If two threads beat at once, the later time counts.
        let later = |word: u64| (word & FINISHED == 0).then(|| now.max(word & !FLAGS));
        let before = self
            .word
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, later);
        self.beats.fetch_add(1, Ordering::Relaxed);
        if before.is_ok_and(|word| word & SILENT != 0) {
            self.subscribers.notify();
        }
    }

    fn millis(&self, moment: Instant) -> u64 {
        let since_created = moment.saturating_duration_since(self.created);
        u64::try_from(since_created.as_millis()).map_or(!FLAGS, |millis| millis.min(!FLAGS))
    }

    fn deadline_millis(&self) -> u64 {
        u64::try_from(self.deadline.as_millis()).unwrap_or(u64::MAX)
    }

    fn last_beat(&self, word: u64) -> Instant {
        self.created + Duration::from_millis(word & !FLAGS)
    }

    /// Returns the time at which the last beat expires.
    fn expires_at(&self, word: u64, view: &View<'_>) -> Moment {
        view.clock.at(self.last_beat(word)) + self.deadline
    }

    /// Returns the word, flagged if the last beat has expired. The flag is only
    /// set if no beat came meanwhile, so that no beat is lost.
    fn flag_if_expired(&self, now: Moment, view: &View<'_>) -> u64 {
        let silent = |word: u64| {
            let is_over = word & FLAGS == 0 && now >= self.expires_at(word, view);
            is_over.then_some(word | SILENT)
        };
        match self
            .word
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, silent)
        {
            Ok(word) => word | SILENT,
            Err(word) => word,
        }
    }

    fn is_dropped(&self) -> bool {
        self.word.load(Ordering::Acquire) & DROPPED != 0
    }
}

impl Source for State {
    fn read(&self, now: Moment, since: Moment, view: &View<'_>) -> Reading {
        let word = self.flag_if_expired(now, view);
        if word & FINISHED != 0 {
            return Reading::of(Outcome::pass());
        }
        if word & FLAGS == 0 {
            return Reading {
                until: Some(self.expires_at(word, view)),
                ..Reading::of(Outcome::pass())
            };
        }
        if word & DROPPED != 0 {
            return Reading {
                is_orderly_end: true,
                ..Reading::of(Outcome::fail("the heartbeat was dropped"))
            };
        }
        // A reader that has seen no beat yet waits one deadline for the first
        // one.
        let was_seen = word & NO_BEAT_YET == 0 && self.expires_at(word, view) > since;
        let patience = since + self.deadline;
        if !was_seen && now < patience {
            return Reading {
                until: Some(patience),
                ..Reading::NONE
            };
        }
        let deadline = humantime::format_duration(self.deadline);
        Reading::of(Outcome::fail(format!("no heartbeat for {deadline}")))
    }

    fn subscribers(&self) -> &Subscribers {
        &self.subscribers
    }

    fn patience(&self) -> Duration {
        self.deadline
    }

    fn reports(&self) -> Option<Reports> {
        let word = self.word.load(Ordering::Acquire);
        (word & NO_BEAT_YET == 0).then(|| Reports {
            count: self.beats.load(Ordering::Relaxed),
            last: self.last_beat(word),
        })
    }

    fn broken_rule(&self) -> Option<Mistake> {
        let rule = |what: &str, help: &str| {
            Some(Mistake {
                what: what.to_owned(),
                help: help.to_owned(),
            })
        };
        if self.is_dropped() {
            return rule(
                "the heartbeat has been dropped, so it cannot beat",
                "keep a clone of it where the work is done",
            );
        }
        if self.deadline < Duration::from_millis(1) {
            return rule(
                "the timeout of a heartbeat cannot be below 1 ms",
                "write several times what one round of the work takes",
            );
        }
        if self.deadline > MAX_DEADLINE {
            return rule(
                "the timeout of the heartbeat is too long",
                "the longest timeout is 24 h",
            );
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use super::*;
    use crate::check::source::Subscriber;

    /// Counts notifications.
    #[derive(Default)]
    struct Changes(AtomicUsize);

    impl Subscriber for Changes {
        fn changed(&self, _: usize) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }

        fn gate_abandoned(&self, _: usize) {}
    }

    #[test]
    fn a_beat_in_time_notifies_no_subscriber() {
        let heartbeat = Heartbeat::new("worker", Duration::from_millis(50));
        let state = &heartbeat.handles.state;
        let changes = Arc::new(Changes::default());
        let subscriber = Arc::downgrade(&changes);
        state.subscribers.add(subscriber, 0);
        let beat_at = |millis| {
            let before = changes.0.load(Ordering::Relaxed);
            state.beat(state.created + Duration::from_millis(millis));
            changes.0.load(Ordering::Relaxed) > before
        };
        assert!(beat_at(1), "the first beat");
        assert!(!beat_at(20), "in time");
        assert!(!beat_at(69), "in time by a millisecond");
        assert!(beat_at(119), "at the deadline");
    }
}

/// These properties hold for every reader and every order of operations:
///
/// 1. It passes while the last beat is younger than the deadline, is unknown
///    before the first one, and fails otherwise.
/// 2. A frequent reader and an infrequent reader see the same verdict and count
///    the same results.
#[cfg(test)]
mod properties {
    use std::sync::Mutex;

    use proptest::prelude::*;

    use super::*;
    use crate::check::options::CheckOptions;
    use crate::check::source::Subscriber;
    use crate::time::clock::Clock;
    use crate::verdict::Verdict;
    use crate::verdict::check_state::CheckState;

    const DEADLINE: Duration = Duration::from_millis(50);

    struct Reader {
        clock: Clock,
        now: Mutex<Instant>,
        state: Mutex<CheckState>,
    }

    impl Reader {
        fn of(heartbeat: &Heartbeat, start: Instant) -> Arc<Self> {
            let plan = CheckOptions::new().resolve().expect("legal options");
            let clock = Clock::start(start);
            let state =
                CheckState::reported(&plan, 4, Reported::from(heartbeat).source, clock.at(start));
            let reader = Arc::new(Reader {
                clock,
                now: Mutex::new(start),
                state: Mutex::new(state),
            });
            reader.changed(0);
            let subscriber = Arc::downgrade(&reader);
            heartbeat.handles.state.subscribers.add(subscriber, 0);
            reader
        }

        fn view(&self) -> View<'_> {
            View {
                clock: &self.clock,
                draining: false,
            }
        }

        fn look(&self, now: Instant) -> (Verdict, u64) {
            *self.now.lock().expect("one thread") = now;
            let mut state = self.state.lock().expect("one thread");
            while state.step(self.clock.at(now), &self.view()).is_some() {}
            (state.verdict(), state.results())
        }
    }

    impl Subscriber for Reader {
        fn changed(&self, _: usize) {
            let now = self.clock.at(*self.now.lock().expect("one thread"));
            let mut state = self.state.lock().expect("one thread");
            while state.step(now, &self.view()).is_some() {}
            state.look(now, &self.view());
        }

        fn gate_abandoned(&self, _: usize) {}
    }

    proptest! {
        #[test]
        fn readers_agree_on_every_history_of_beats(
            before_the_start in 0_u64..120,
            steps in prop::collection::vec((0_u64..80, any::<bool>(), any::<bool>()), 0..60),
        ) {
            let heartbeat = Heartbeat::new("worker", DEADLINE);
            let start = heartbeat.handles.state.created + Duration::from_millis(before_the_start);
            let (often, seldom) = (Reader::of(&heartbeat, start), Reader::of(&heartbeat, start));
            let mut now = start;
            let mut last: Option<Instant> = None;

            for (after, beats, looks) in steps {
                for part in 0..=after {
                    often.look(now + Duration::from_millis(part));
                }
                now += Duration::from_millis(after);
                if beats {
                    *seldom.now.lock().expect("one thread") = now;
                    heartbeat.handles.state.beat(now);
                    last = Some(now);
                }
                if looks {
                    let expected = match last {
                        Some(last) if now < last + DEADLINE => Verdict::Pass,
                        None if now < start + DEADLINE => Verdict::Unknown,
                        _ => Verdict::Fail,
                    };
                    let held = seldom.look(now);
                    prop_assert_eq!(held.0, expected, "1");
                    prop_assert_eq!(held, often.look(now), "2");
                }
            }
        }
    }
}
