//! Helpers of all tests of the workspace: bounded waits, the captured log, an HTTP
//! receiver, and CPU time.
//!
//! The crate does not depend on health, so that the tests of `health-core` can use
//! it.
#![allow(
    clippy::missing_panics_doc,
    reason = "a helper panics where a test should fail"
)]

pub mod log;
mod port;
mod processor;
pub mod receiver;
mod wait;

pub use log::Log;
pub use port::{free_address, free_port};
pub use processor::processor_time;
pub use wait::{BOUND, eventually, until};
