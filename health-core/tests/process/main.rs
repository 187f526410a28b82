//! A process that is stopped, continued or asked to end by a signal.
//!
//! The child of a test is this program again, with an environment variable that
//! selects its behaviour.

mod drain;
mod no_log;
mod pauses;
mod signals;
