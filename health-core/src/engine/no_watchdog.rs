//! The watchdog without the feature `watchdog`. Nothing can create one.

use std::sync::Arc;

use tokio::runtime::Handle;

use crate::engine::run::{Alive, Polls};

/// The name stays reserved.
pub(crate) const NAME: &str = "runtime";

pub(crate) enum Watch {}

pub(crate) enum Watchdog {}

impl Watchdog {
    #[expect(clippy::needless_pass_by_value, reason = "same signature")]
    pub(crate) fn spawn(watch: Watch, _: &Handle, _: Alive) -> Self {
        match watch {}
    }

    pub(crate) fn watch(&self, _: &Handle) {
        match *self {}
    }

    pub(crate) fn set_checks(&self, _: Vec<(Arc<str>, Polls)>) {
        match *self {}
    }

    pub(crate) fn end(&self) {
        match *self {}
    }
}
