//! The runtime of a thread of this crate, apart from the application's.

use std::future::Future;
use std::io;

use tokio::runtime::{Builder, Runtime};

/// A runtime for one thread of this crate.
///
/// Unlike tokio's, it can be dropped inside another runtime. This happens if the
/// thread cannot be started.
pub(crate) struct OwnRuntime(Option<Runtime>);

impl OwnRuntime {
    pub(crate) fn new() -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        Ok(OwnRuntime(Some(runtime)))
    }

    /// Calls `code` inside the runtime, which sockets and signals need.
    pub(crate) fn within<T>(&self, code: impl FnOnce() -> T) -> T {
        let _entered = self.0.as_ref().map(Runtime::enter);
        code()
    }

    pub(crate) fn block_on(&self, future: impl Future<Output = ()>) {
        if let Some(runtime) = &self.0 {
            runtime.block_on(future);
        }
    }
}

impl Drop for OwnRuntime {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}
