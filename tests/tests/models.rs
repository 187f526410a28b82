//! The lock-free part of the engine, in every order of events.
//!
//! The file of health-core is compiled here once more, with loom's atomics and
//! threads in the place of the standard library's, and its own tests are run
//! as models.

mod sync {
    pub(crate) use loom::model;
    pub(crate) use loom::sync::Arc;
    pub(crate) use loom::sync::atomic::{AtomicU64, Ordering};
    pub(crate) use loom::thread;
}

#[path = "../../health-core/src/horizon.rs"]
mod horizon;
