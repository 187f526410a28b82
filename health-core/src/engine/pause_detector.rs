//! The thread that writes the time stamps for the detection of pauses.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::thread::{self, Thread};

use crate::engine::monitor::Monitor;
use crate::engine::pause::PERIOD;
use crate::spawn;

/// The handle of the thread. The thread ends when it is dropped.
pub(crate) struct PauseDetector {
    thread: Thread,
    is_over: Arc<AtomicBool>,
}

impl PauseDetector {
    /// # Errors
    ///
    /// Fails if the system cannot start a thread.
    pub(crate) fn spawn(monitor: Weak<Monitor>) -> io::Result<Self> {
        let is_over = Arc::new(AtomicBool::new(false));
        if let Some(monitor) = monitor.upgrade() {
            monitor.pauses().start();
        }
        let thread = spawn::thread("health-clock", {
            let is_over = Arc::clone(&is_over);
            move || stamp_until(&is_over, &monitor)
        })?;
        Ok(PauseDetector { thread, is_over })
    }
}

impl Drop for PauseDetector {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Release);
        self.thread.unpark();
    }
}

/// A park may end early, which only adds a stamp.
fn stamp_until(is_over: &AtomicBool, monitor: &Weak<Monitor>) {
    loop {
        thread::park_timeout(PERIOD);
        let monitor = monitor.upgrade();
        let Some(monitor) = monitor.filter(|_| !is_over.load(Ordering::Acquire)) else {
            return;
        };
        if !monitor.pauses().stamp() {
            monitor.end_pause();
        }
    }
}
