//! What the tests of the workspace share: waiting with a bound, the captured log,
//! and an HTTP receiver.
//!
//! The crate knows nothing of health, so that `health-core` can use it in its own
//! tests.
#![allow(
    clippy::missing_panics_doc,
    reason = "a helper panics where a test should fail"
)]

pub mod log;
pub mod receiver;
mod wait;

pub use log::Log;
pub use wait::{BOUND, eventually, until};
