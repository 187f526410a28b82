//! The thread that writes the log.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tracing::dispatcher::{self, Dispatch};
use tracing::level_filters::LevelFilter;
use tracing::subscriber::NoSubscriber;

use crate::spawn;
use crate::telemetry::log::line::Line;
use crate::telemetry::log::write;
use crate::telemetry::queue::{Popped, Queue, Record};
use crate::text::panic::caught;

/// Writes messages in the order in which they are appended.
#[derive(Debug)]
pub(crate) struct Log {
    queue: Arc<Queue<Line>>,
}

impl Record for Line {
    fn key(&self) -> Option<usize> {
        match self {
            Line::Transition { check, .. } => Some(*check),
            _ => None,
        }
    }

    /// Merges an older transition into this one.
    fn absorb(&mut self, older: Self) {
        if let (Line::Transition { turned, .. }, Line::Transition { turned: older, .. }) =
            (self, older)
        {
            let turned = Arc::make_mut(turned);
            turned.from = older.from;
            turned.held += older.held;
        }
    }
}

impl Log {
    /// Starts the thread. It writes to the default subscriber of the calling
    /// thread if there is one, otherwise to that of the process.
    ///
    /// # Errors
    ///
    /// Fails if the system cannot start a thread.
    pub(crate) fn start(checks: usize) -> io::Result<Self> {
        let queue = Arc::new(Queue::new(checks));
        let log = Log {
            queue: Arc::clone(&queue),
        };
        let dispatch = dispatcher::get_default(Dispatch::clone);
        spawn::thread("health-log", move || work(&queue, &dispatch))?;
        Ok(log)
    }

    /// Returns whether a subscriber may want messages. Calls no subscriber.
    #[expect(clippy::unused_self, reason = "same signature")]
    pub(crate) fn is_on(&self) -> bool {
        LevelFilter::current() != LevelFilter::OFF
    }

    pub(crate) fn append(&self, line: Line) {
        if self.is_on() {
            self.queue.push(line);
        }
    }

    /// Blocks until all messages so far are written, for at most `limit`.
    pub(crate) fn flush(&self, limit: Duration) {
        self.queue.wait_idle(limit);
    }

    pub(crate) fn close(&self) {
        self.queue.close();
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        self.close();
    }
}

fn work(queue: &Queue<Line>, dispatch: &Dispatch) {
    while let Popped::Record(line, missed) = queue.pop(None) {
        // The subscriber is code of the application and may panic.
        let _ = caught(|| {
            // A subscriber that is set for this thread makes tracing slower in
            // all others.
            if dispatch.is::<NoSubscriber>() {
                write(&line, missed);
            } else {
                dispatcher::with_default(dispatch, || write(&line, missed));
            }
        });
    }
}

fn write(line: &Line, missed: u64) {
    if missed > 0 {
        log!(warn, missed, "the log is too slow, transitions were merged");
    }
    write::write(line);
}
