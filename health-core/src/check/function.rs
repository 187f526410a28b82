//! The function of one run, and where the results of a check come from.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use crate::check::outcome::{IntoOutcome, Outcome};
use crate::check::source::Source;

/// The future of one run.
pub(crate) type Running = Pin<Box<dyn Future<Output = Outcome> + Send>>;
/// The future of one run that is not `Send`.
pub(crate) type LocalRunning = Pin<Box<dyn Future<Output = Outcome>>>;

/// Where the results of a check come from.
#[derive(Clone, Debug)]
pub(crate) enum ResultSource {
    /// The check is run.
    Runs(CheckFn),
    /// The results are reported by the application.
    Reports(Arc<dyn Source>),
}

/// The function of one run, with everything that it needs.
#[doc(hidden)]
#[derive(Clone)]
pub enum CheckFn {
    /// Polled on the application's runtime.
    Async(Arc<dyn Fn() -> Running + Send + Sync>),
    /// Polled on its own thread.
    Local(Arc<dyn Fn() -> LocalRunning + Send + Sync>),
    /// Called on its own thread.
    Blocking(Arc<dyn Fn() -> Outcome + Send + Sync>),
}

impl CheckFn {
    pub(crate) fn closure<F, Fut, Via>(check: F) -> Self
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output: IntoOutcome<Via>> + Send + 'static,
    {
        CheckFn::Async(Arc::new(move || {
            let run = check();
            Box::pin(async move { run.await.into_outcome() })
        }))
    }

    pub(crate) fn blocking_closure<F, T, Via>(check: F) -> Self
    where
        F: Fn() -> T + Send + Sync + 'static,
        T: IntoOutcome<Via>,
    {
        CheckFn::Blocking(Arc::new(move || check().into_outcome()))
    }
}

impl fmt::Debug for CheckFn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            CheckFn::Async(_) => "Async",
            CheckFn::Local(_) => "Local",
            CheckFn::Blocking(_) => "Blocking",
        })
    }
}
