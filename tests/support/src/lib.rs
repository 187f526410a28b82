//! What the tests of the workspace share: waiting with a bound, the captured log,
//! an HTTP receiver, and CPU time.
//!
//! The crate knows nothing of health, so that `health-core` can use it in its own
//! tests.
#![allow(
    clippy::missing_panics_doc,
    reason = "a helper panics where a test should fail"
)]

pub mod log;
mod processor;
pub mod receiver;
mod wait;

pub use log::Log;
pub use processor::processor_time;
pub use wait::{BOUND, eventually, until};
