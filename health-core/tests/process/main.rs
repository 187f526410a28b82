//! What a process does when it is stopped, continued or asked to end.
//!
//! Where a signal is sent, the child is this program again, with a variable
//! that says what it should do.

mod drain;
mod no_log;
mod pauses;
mod signals;
