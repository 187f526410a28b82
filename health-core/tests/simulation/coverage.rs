//! The faults and the branches of the oracle that the simulation has reached, and how
//! often.

use std::cell::RefCell;
use std::collections::BTreeMap;

/// Everything that many seeds together must reach.
pub(crate) const WANTED: &[&str] = &[
    // Declarations.
    "background check",
    "check on demand",
    "plain function",
    "check after others",
    "gate",
    "heartbeat",
    "supervised task",
    "switch",
    "numbers from settings",
    "check left out by settings",
    "stale_after refused",
    "more first runs than may start at once",
    // Faults.
    "run fails",
    "run returns an error",
    "run panics",
    "run is slow",
    "run hangs",
    "run warns",
    "run flaps",
    "run holds its thread",
    "plain function holds its thread",
    "process paused",
    "refresh",
    "refresh during the initial delay",
    "drain",
    "stop",
    "start again",
    "late result",
    "run abandoned",
    "gate opened",
    "gate dropped",
    "beat",
    "heartbeat dropped",
    "task ended",
    "task cancelled",
    "task panicked",
    "switched off",
    "switched off for a while",
    "switched on",
    "log blocked",
    "log panics",
    "hook blocked",
    "hook panics",
    // Readers.
    "status read",
    "snapshot read",
    "probe page",
    "health page",
    "group page",
    "check page",
    "status page",
    "metrics page",
    "text",
    "health+json",
    "answer that waits",
    "answer that gives up",
    "read while a thread is held",
    "read at a deadline",
    "systemd is ready",
    "systemd watchdog",
    // Branches of the oracle.
    "failure threshold filled",
    "failure without credit",
    "failure below its threshold",
    "pass below its threshold",
    "timed out",
    "timed out once more",
    "stale",
    "skipped",
    "skipped check runs at once",
    "skipped check goes on failing liveness",
    "run after a hold",
    "startup latched",
    "startup check retired",
    "orderly end during a drain",
    "right in the end",
];

thread_local! {
    static COUNTS: RefCell<BTreeMap<&'static str, u64>> = const { RefCell::new(BTreeMap::new()) };
}

/// Records that something has been reached.
pub(crate) fn reached(what: &'static str) {
    COUNTS.with_borrow_mut(|counts| *counts.entry(what).or_default() += 1);
}

/// Everything that this thread has reached since the last call.
pub(crate) fn take() -> BTreeMap<&'static str, u64> {
    COUNTS.with_borrow_mut(std::mem::take)
}
