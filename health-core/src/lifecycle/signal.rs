//! Termination signals.
//!
//! The signals are counted on a separate thread, so that they work while every
//! worker of the application is blocked and after its runtime has ended.

use std::convert::Infallible;
use std::future::poll_fn;
use std::task::{Context, Poll};
use std::time::Duration;
use std::{io, process};

use tokio::sync::{oneshot, watch};
use tokio::time::timeout;

use crate::own_runtime::OwnRuntime;
use crate::race::unless;
use crate::spawn;
use crate::telemetry::log;

/// The number of the signal that ends the process.
const LAST: u32 = 3;
/// The maximum time that the exit waits for its log message. A full pipe can
/// block it.
const LOG_TIMEOUT: Duration = Duration::from_secs(1);

/// The number of termination signals so far.
pub(crate) struct Requests(watch::Receiver<u32>);

impl Requests {
    /// Starts to handle the signals. The third one ends the process; the others
    /// are only counted.
    pub(crate) fn listen() -> io::Result<Self> {
        let (count, counted) = watch::channel(0);
        let runtime = OwnRuntime::new()?;
        let signals = runtime.within(Signals::listen)?;
        let listen = move || runtime.block_on(count_until_the_last(signals, count));
        spawn::thread("health-signals", listen)?;
        Ok(Requests(counted))
    }

    /// Waits until this number of signals has arrived.
    pub(crate) async fn reach(&mut self, number: u32) {
        if self.0.wait_for(|&count| count >= number).await.is_err() {
            // The sender is gone, so no further signal is counted.
            std::future::pending::<Infallible>().await;
        }
    }
}

/// Returns when every receiver is dropped before the first signal.
async fn count_until_the_last(mut signals: Signals, count: watch::Sender<u32>) {
    let first = unless(count.closed(), signals.next()).await;
    let Some(mut code) = first else {
        return;
    };
    count.send_replace(1);
    for number in 2..=LAST {
        code = signals.next().await;
        count.send_replace(number);
    }
    let (logged, is_logged) = oneshot::channel::<Infallible>();
    let log = move || {
        log::ended_by_signal(code);
        drop(logged);
    };
    // Without a thread the process ends without the message.
    let _ = spawn::thread("health-log", log);
    let _ = timeout(LOG_TIMEOUT, is_logged).await;
    process::exit(code);
}

impl Signals {
    /// Returns the next signal as the exit code of the process.
    async fn next(&mut self) -> i32 {
        poll_fn(|cx| self.poll_next(cx)).await
    }
}

/// SIGTERM, which Kubernetes, Docker and systemd send, and SIGINT.
#[cfg(unix)]
struct Signals {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    /// Must be called inside a runtime.
    fn listen() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Signals {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<i32> {
        use tokio::signal::unix::SignalKind;
        let code = |kind: SignalKind| 128 + kind.as_raw_value();
        first_of([
            (self.terminate.poll_recv(cx), code(SignalKind::terminate())),
            (self.interrupt.poll_recv(cx), code(SignalKind::interrupt())),
        ])
    }
}

/// Ctrl-C, Ctrl-Break, and the end of the session.
#[cfg(windows)]
struct Signals {
    ctrl_c: tokio::signal::windows::CtrlC,
    ctrl_break: tokio::signal::windows::CtrlBreak,
    shutdown: tokio::signal::windows::CtrlShutdown,
}

#[cfg(windows)]
impl Signals {
    /// Must be called inside a runtime.
    fn listen() -> io::Result<Self> {
        use tokio::signal::windows::{ctrl_break, ctrl_c, ctrl_shutdown};
        Ok(Signals {
            ctrl_c: ctrl_c()?,
            ctrl_break: ctrl_break()?,
            shutdown: ctrl_shutdown()?,
        })
    }

    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<i32> {
        first_of([
            (self.ctrl_c.poll_recv(cx), 1),
            (self.ctrl_break.poll_recv(cx), 1),
            (self.shutdown.poll_recv(cx), 1),
        ])
    }
}

/// Returns the code of the first ready signal. The caller polls all signals, so
/// that each of them wakes the task.
fn first_of<const N: usize>(polls: [(Poll<Option<()>>, i32); N]) -> Poll<i32> {
    let ready = polls.into_iter().find(|(poll, _)| poll.is_ready());
    ready.map_or(Poll::Pending, |(_, code)| Poll::Ready(code))
}
