//! A bounded queue from the checks to one listener thread.
//!
//! A listener that blocks must not delay a check, and a slow listener must
//! still get the newest state of every check. A full queue therefore merges
//! older records of a check into its newest one, instead of rejecting a record
//! or dropping the oldest.

use std::collections::VecDeque;
use std::sync::{Condvar, PoisonError};
use std::time::{Duration, Instant};

use crate::sync::Mutex;

/// The minimum capacity, so that a short burst is delivered record by record.
const MIN_CAPACITY: usize = 256;
/// The maximum time that a stop waits for the listeners after [`Queue::close`].
pub(crate) const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(2);
/// The part of [`SHUTDOWN_TIMEOUT`] in which a listener delivers. The rest is for
/// logging the records that were not delivered.
const DELIVERY_TIMEOUT: Duration = Duration::from_millis(1_500);

/// An element of a [`Queue`].
pub(crate) trait Record: Send {
    /// Identifies the check, by a number below the `keys` given to
    /// [`Queue::new`].
    ///
    /// `None` for a record that cannot be merged. Such records are bounded too:
    /// a full queue drops the oldest of them.
    fn key(&self) -> Option<usize>;

    /// Merges an older record of the same key into this one.
    ///
    /// Called for the most recent of the older records first. Runs under the
    /// lock of the queue, so it must neither block nor run user code.
    fn absorb(&mut self, older: Self);
}

/// A bounded queue with one consumer.
///
/// [`push`](Self::push) never blocks on the consumer and never loses the newest
/// record of a key. The records of one key always stay in order.
#[derive(Debug)]
pub(crate) struct Queue<R> {
    /// Locked for a few instructions, or for one merge.
    state: Mutex<State<R>>,
    changed: Condvar,
    /// Keys are below this number.
    keys: usize,
    capacity: usize,
}

#[derive(Debug)]
struct State<R> {
    records: VecDeque<R>,
    /// Records that were merged or dropped since the last pop.
    missed: u64,
    /// Whether the consumer still processes the last popped record.
    is_busy: bool,
    closed: Option<Instant>,
}

/// The result of [`Queue::pop`].
#[derive(Debug, PartialEq)]
pub(crate) enum Popped<R> {
    /// The oldest record, and the number of records merged or dropped since the
    /// previous one was popped.
    Record(R, u64),
    /// The deadline has passed, and the queue is empty.
    Nothing,
    /// The queue is closed and empty.
    Closed,
}

impl<R: Record> Queue<R> {
    /// Creates a queue for records whose keys are below `keys`.
    pub(crate) fn new(keys: usize) -> Self {
        Queue {
            state: Mutex::new(State {
                records: VecDeque::new(),
                missed: 0,
                is_busy: false,
                closed: None,
            }),
            changed: Condvar::new(),
            keys,
            capacity: MIN_CAPACITY.max(keys.saturating_mul(2)),
        }
    }

    /// Appends a record, unless the queue is closed.
    ///
    /// Takes amortized constant time: a merge passes over the queue once and
    /// leaves at least a quarter of it free.
    pub(crate) fn push(&self, record: R) {
        let mut state = self.state.lock();
        if state.closed.is_some() {
            return;
        }
        if state.records.len() >= self.capacity {
            state.merge(self.keys, self.capacity / 4);
        }
        state.records.push_back(record);
        drop(state);
        self.changed.notify_all();
    }

    /// Waits for the next record, until `deadline` if there is one. Does not wait
    /// if the deadline has passed.
    pub(crate) fn pop(&self, deadline: Option<Instant>) -> Popped<R> {
        let mut state = self.state.lock();
        if std::mem::take(&mut state.is_busy) {
            self.changed.notify_all();
        }
        loop {
            if let Some(record) = state.records.pop_front() {
                state.is_busy = true;
                return Popped::Record(record, std::mem::take(&mut state.missed));
            }
            if state.closed.is_some() {
                return Popped::Closed;
            }
            let Some(deadline) = deadline else {
                let woken = self.changed.wait(state);
                state = woken.unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Popped::Nothing;
            }
            let woken = self.changed.wait_timeout(state, left);
            (state, _) = woken.unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Lets the consumer process the queued records, then ends it. Records that
    /// are pushed later are discarded.
    pub(crate) fn close(&self) {
        self.state.lock().closed.get_or_insert_with(Instant::now);
        self.changed.notify_all();
    }

    /// Returns the remaining part of [`DELIVERY_TIMEOUT`], or `None` while the queue
    /// is open.
    pub(crate) fn time_left(&self) -> Option<Duration> {
        let closed = self.state.lock().closed?;
        Some(DELIVERY_TIMEOUT.saturating_sub(closed.elapsed()))
    }

    /// Waits until the consumer has processed all records so far, for at most
    /// `limit`.
    #[cfg(any(feature = "testing", feature = "tracing"))]
    pub(crate) fn wait_idle(&self, limit: Duration) {
        let is_busy = |state: &mut State<R>| state.is_busy || !state.records.is_empty();
        let waited = self
            .changed
            .wait_timeout_while(self.state.lock(), limit, is_busy);
        drop(waited.unwrap_or_else(PoisonError::into_inner));
    }

    /// Removes and returns all queued records, in order.
    pub(crate) fn take_all(&self) -> VecDeque<R> {
        let mut state = self.state.lock();
        state.missed = 0;
        state.is_busy |= !state.records.is_empty();
        std::mem::take(&mut state.records)
    }
}

impl<R: Record> State<R> {
    /// Keeps the newest record of each key and the newest `unkeyed` records
    /// without a key, in their order.
    fn merge(&mut self, keys: usize, unkeyed: usize) {
        let before = self.records.len();
        // Position of the newest record of each key, counted from the back.
        let mut newest: Vec<Option<usize>> = vec![None; keys];
        let mut kept: VecDeque<R> = VecDeque::with_capacity(before);
        let mut room = unkeyed;
        while let Some(record) = self.records.pop_back() {
            let Some(key) = record.key() else {
                if room > 0 {
                    room -= 1;
                    kept.push_front(record);
                }
                continue;
            };
            if let Some(from_back) = newest[key] {
                let front = kept.len() - 1;
                kept[front - from_back].absorb(record);
            } else {
                newest[key] = Some(kept.len());
                kept.push_front(record);
            }
        }
        self.missed += (before - kept.len()) as u64;
        self.records = kept;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::thread;

    use proptest::prelude::*;

    use super::*;

    /// Far longer than any operation here takes, even on a busy machine.
    const BOUND: Duration = Duration::from_secs(20);

    /// Covers the states from `first` to `last` of one check.
    #[derive(Clone, Copy, Debug, PartialEq)]
    struct StateRange {
        check: Option<usize>,
        first: u64,
        last: u64,
    }

    impl Record for StateRange {
        fn key(&self) -> Option<usize> {
            self.check
        }

        fn absorb(&mut self, older: Self) {
            assert_eq!((older.check, older.last + 1), (self.check, self.first));
            self.first = older.first;
        }
    }

    /// Numbers the states of each check from 0.
    struct Checks {
        states: Vec<u64>,
        unkeyed: u64,
    }

    impl Checks {
        fn new(count: usize) -> Self {
            Checks {
                states: vec![0; count],
                unkeyed: 0,
            }
        }

        fn turn(&mut self, check: Option<usize>) -> StateRange {
            let counter = match check {
                Some(check) => &mut self.states[check],
                None => &mut self.unkeyed,
            };
            let state = StateRange {
                check,
                first: *counter,
                last: *counter,
            };
            *counter += 1;
            state
        }
    }

    /// Pops all queued records, and returns them with the sum of missed ones.
    fn drain(queue: &Queue<StateRange>) -> (Vec<StateRange>, u64) {
        let (mut popped, mut sum) = (Vec::new(), 0);
        while let Popped::Record(record, missed) = queue.pop(Some(Instant::now())) {
            popped.push(record);
            sum += missed;
        }
        (popped, sum)
    }

    #[test]
    fn records_are_popped_in_the_order_of_the_pushes() {
        let queue = Queue::new(3);
        let mut checks = Checks::new(3);
        let pushed: Vec<_> = (0..256).map(|nth| checks.turn(Some(nth % 3))).collect();
        for &record in &pushed {
            queue.push(record);
        }
        assert_eq!(drain(&queue), (pushed, 0));
    }

    #[test]
    fn a_full_queue_keeps_the_newest_record_of_each_check() {
        let queue = Queue::new(2);
        let mut checks = Checks::new(2);
        queue.push(checks.turn(Some(0)));
        for _ in 0..10_000 {
            queue.push(checks.turn(Some(1)));
        }
        let (popped, missed) = drain(&queue);
        let quiet = StateRange {
            check: Some(0),
            first: 0,
            last: 0,
        };
        assert_eq!(popped[0], quiet);
        assert_eq!(popped.last().expect("records").last, 9_999);
        assert_eq!(popped.len() as u64 + missed, 10_001);
    }

    #[test]
    fn a_merge_frees_a_quarter_of_the_queue() {
        for keys in [0, 1, 128, 1_000] {
            let queue = Queue::new(keys);
            let mut checks = Checks::new(keys);
            // Fills the queue with different keys and with records without a
            // key.
            for nth in 0..=queue.capacity {
                let key = (keys > 0 && nth % 2 == 0).then(|| (nth / 2) % keys.max(1));
                queue.push(checks.turn(key));
            }
            let length = queue.take_all().len();
            assert!(length <= queue.capacity * 3 / 4 + 1, "{keys}");
        }
    }

    #[test]
    fn a_closed_queue_is_drained_and_accepts_no_records() {
        let queue = Queue::new(1);
        let mut checks = Checks::new(1);
        let first = checks.turn(Some(0));
        queue.push(first);
        assert_eq!(queue.time_left(), None);
        queue.close();
        queue.push(checks.turn(Some(0)));
        assert!(
            queue
                .time_left()
                .is_some_and(|left| left <= DELIVERY_TIMEOUT)
        );
        assert_eq!(queue.pop(None), Popped::Record(first, 0));
        assert_eq!(queue.pop(None), Popped::Closed);
        assert_eq!(queue.pop(Some(Instant::now() + BOUND)), Popped::Closed);
    }

    #[test]
    fn a_push_and_a_close_wake_the_consumer() {
        let queue = Arc::new(Queue::new(1));
        let consumer = thread::spawn({
            let queue = Arc::clone(&queue);
            move || {
                let first = queue.pop(Some(Instant::now() + BOUND));
                (first, queue.pop(None))
            }
        });
        let record = Checks::new(1).turn(Some(0));
        queue.push(record);
        queue.close();
        let (first, then) = consumer.join().expect("no panic");
        assert_eq!((first, then), (Popped::Record(record, 0), Popped::Closed));
    }

    #[test]
    fn an_empty_queue_pops_nothing_at_the_deadline() {
        let queue = Queue::<StateRange>::new(1);
        assert_eq!(queue.pop(Some(Instant::now())), Popped::Nothing);
        assert!(queue.take_all().is_empty());
    }

    #[test]
    fn a_producer_and_a_slow_consumer_agree_on_every_state() {
        const CHECKS: usize = 200;
        const TURNS: usize = 100_000;
        let queue = Arc::new(Queue::new(CHECKS));
        let producer = thread::spawn({
            let queue = Arc::clone(&queue);
            move || {
                let mut checks = Checks::new(CHECKS);
                for nth in 0..TURNS {
                    queue.push(checks.turn(Some(nth * 7 % CHECKS)));
                }
                queue.close();
            }
        });
        let mut next = [0; CHECKS];
        let (mut popped, mut missed) = (0, 0);
        while let Popped::Record(record, merged) = queue.pop(None) {
            let check = record.check.expect("a key");
            assert_eq!(record.first, next[check], "no state is skipped");
            next[check] = record.last + 1;
            popped += 1;
            missed += merged;
        }
        producer.join().expect("no panic");
        assert_eq!(next, [(TURNS / CHECKS) as u64; CHECKS]);
        assert_eq!(popped + missed, TURNS as u64);
    }

    #[derive(Clone, Debug)]
    enum Step {
        Push(Option<usize>),
        Pop,
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let step = prop_oneof![
            // Few keys, so that records are merged, and one key that is rare.
            20 => (0_usize..4).prop_map(|key| Step::Push(Some(key))),
            1 => Just(Step::Push(Some(150))),
            4 => Just(Step::Push(None)),
            3 => Just(Step::Pop),
        ];
        prop::collection::vec(step, 0..4_000)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// Compared with a reader that sees every record: the queue stays
        /// bounded, the records of a key cover its states without a gap and in
        /// order, and the newest state arrives.
        #[test]
        fn no_interleaving_loses_or_reorders_the_states_of_a_check(steps in steps()) {
            let queue = Queue::new(151);
            let mut checks = Checks::new(151);
            let mut next = vec![0; 151];
            let mut last_unkeyed = None;
            let (mut pushed, mut popped, mut missed) = (0_u64, 0_u64, 0_u64);
            let mut see = |record: StateRange| {
                if let Some(check) = record.check {
                    assert_eq!(record.first, next[check]);
                    next[check] = record.last + 1;
                } else {
                    assert!(Some(record.last) > last_unkeyed);
                    last_unkeyed = Some(record.last);
                }
            };
            for step in steps {
                match step {
                    Step::Push(key) => {
                        queue.push(checks.turn(key));
                        pushed += 1;
                        prop_assert!(queue.state.lock().records.len() <= queue.capacity);
                    }
                    Step::Pop => {
                        if let Popped::Record(record, merged) = queue.pop(Some(Instant::now())) {
                            see(record);
                            popped += 1;
                            missed += merged;
                        }
                    }
                }
            }
            let (rest, merged) = drain(&queue);
            popped += rest.len() as u64;
            missed += merged;
            rest.into_iter().for_each(&mut see);
            prop_assert_eq!(pushed, popped + missed);
            prop_assert_eq!(&next, &checks.states);
            prop_assert_eq!(last_unkeyed, checks.unkeyed.checked_sub(1));
        }
    }
}
