//! Starts the threads and tasks of this crate.
//!
//! Their work is boxed. Otherwise the code of std and tokio that starts a thread
//! or polls a task would be compiled once more for each closure and future.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::thread::{self, Thread};

use tokio::runtime::Handle;
use tokio::task::AbortHandle;

/// Starts a thread.
///
/// # Errors
///
/// Fails if the system cannot start a thread.
pub(crate) fn thread(
    name: impl Into<String>,
    work: impl FnOnce() + Send + 'static,
) -> io::Result<Thread> {
    boxed_thread(name.into(), Box::new(work))
}

fn boxed_thread(name: String, work: Box<dyn FnOnce() + Send>) -> io::Result<Thread> {
    let started = thread::Builder::new().name(name).spawn(work)?;
    Ok(started.thread().clone())
}

/// Starts a task.
pub(crate) fn task(
    runtime: &Handle,
    work: impl Future<Output = ()> + Send + 'static,
) -> AbortHandle {
    let work: Pin<Box<dyn Future<Output = ()> + Send>> = Box::pin(work);
    runtime.spawn(work).abort_handle()
}
