//! The thread that writes the time stamps for the detection of pauses.

use std::sync::Weak;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::{io, thread};

use crate::engine::monitor::Monitor;
use crate::engine::pause::PERIOD;

/// The handle of the thread. The thread ends when it is dropped.
#[derive(Debug)]
pub(crate) struct PauseDetector {
    _alive: Sender<()>,
}

impl PauseDetector {
    /// # Errors
    ///
    /// Fails if the system cannot start a thread.
    pub(crate) fn spawn(monitor: Weak<Monitor>) -> io::Result<Self> {
        let (alive, ended) = mpsc::channel::<()>();
        if let Some(monitor) = monitor.upgrade() {
            monitor.pauses().start();
        }
        thread::Builder::new()
            .name("health-clock".to_owned())
            .spawn(move || {
                while ended.recv_timeout(PERIOD) == Err(RecvTimeoutError::Timeout) {
                    let Some(monitor) = monitor.upgrade() else {
                        return;
                    };
                    if !monitor.pauses().stamp() {
                        monitor.end_pause();
                    }
                }
            })?;
        Ok(PauseDetector { _alive: alive })
    }
}
