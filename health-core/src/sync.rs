//! What the lock-free parts are made of.
//!
//! They name it through this module, so that a model checker can put its own in
//! its place: `tests/tests/models.rs` compiles the same files against loom.

#[cfg(test)]
pub(crate) use std::sync::Arc;
pub(crate) use std::sync::atomic::{AtomicU64, Ordering};
#[cfg(test)]
pub(crate) use std::thread;

/// Runs a test once; the model checker runs it in every order of events.
#[cfg(test)]
pub(crate) fn model(test: impl Fn() + Send + Sync + 'static) {
    test();
}
