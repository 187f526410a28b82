//! The status of the service for readers that take no lock.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use tokio::time::Instant;

use crate::check::outcome::Status;
use crate::check::probe::Probe;
use crate::engine::board::Board;
use crate::time::clock::Moment;

/// The state that is read without the lock, and written under it.
#[derive(Debug)]
pub(super) struct StatusCache {
    /// Two bits for the status of each probe, then [`STARTED`] and [`CLOSED`].
    pub(super) flags: AtomicU32,
    /// The [number of changes](Board::turns) at which the flags were written.
    turns: AtomicU64,
    pub(super) generation: AtomicU64,
    /// The next deadline, in nanoseconds since the start, including pauses.
    deadline: AtomicU64,
}

const STATUS_BITS: u32 = 2;
pub(super) const STARTED: u32 = 1 << 8;
pub(super) const CLOSED: u32 = 1 << 9;
pub(super) const DRAINING: u32 = 1 << 10;

impl StatusCache {
    pub(super) fn of(board: &Board) -> Self {
        let cache = StatusCache {
            flags: AtomicU32::new(0),
            turns: AtomicU64::new(0),
            generation: AtomicU64::new(0),
            deadline: AtomicU64::new(0),
        };
        cache.show_turns(board);
        cache.show(board);
        cache
    }

    /// Returns whether the status of a probe may have changed. Writes the deadline
    /// last: a reader that sees the new one sees the other fields, too.
    pub(super) fn show(&self, board: &Board) -> bool {
        let has_turned = self.turns.load(Ordering::Relaxed) != board.turns();
        if has_turned {
            self.show_turns(board);
        }
        self.generation.store(board.generation(), Ordering::Release);
        let deadline = board.next_deadline_unpaused().as_nanos();
        self.deadline.store(deadline, Ordering::Release);
        has_turned
    }

    fn show_turns(&self, board: &Board) {
        let lifecycle = board.lifecycle();
        let mut flags = 0;
        for probe in Probe::ALL {
            flags |= (board.status(probe) as u32) << (STATUS_BITS * probe as u32);
        }
        for (flag, is_set) in [
            (STARTED, lifecycle.started),
            (CLOSED, lifecycle.closed),
            (DRAINING, lifecycle.draining.is_some()),
        ] {
            flags |= if is_set { flag } else { 0 };
        }
        self.flags.store(flags, Ordering::Release);
        self.turns.store(board.turns(), Ordering::Relaxed);
    }

    pub(super) fn status(&self, probe: Probe) -> Status {
        StatusCache::status_in(self.flags.load(Ordering::Acquire), probe)
    }

    pub(super) fn status_in(flags: u32, probe: Probe) -> Status {
        match (flags >> (STATUS_BITS * probe as u32)) & 0b11 {
            0 => Status::Pass,
            1 => Status::Warn,
            _ => Status::Fail,
        }
    }

    pub(super) fn has(&self, flag: u32) -> bool {
        self.flags.load(Ordering::Acquire) & flag != 0
    }

    /// Returns whether a deadline may have passed.
    pub(super) fn is_outdated(&self, started: Instant) -> bool {
        let now = Moment::START + started.elapsed();
        now.as_nanos() >= self.deadline.load(Ordering::Acquire)
    }
}
