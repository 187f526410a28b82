//! The signals that ask a process to stop.

use std::future::poll_fn;
use std::io;
use std::task::{Context, Poll};

/// SIGTERM, which Kubernetes, Docker and systemd send, and SIGINT.
#[cfg(unix)]
pub(crate) struct Signals {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    /// Catches the signals from now on; must be called inside a runtime.
    pub(crate) fn listen() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Signals {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    /// Whether there was another since the last request.
    pub(crate) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Signals {
            terminate,
            interrupt,
        } = self;
        any_of([terminate.poll_recv(cx), interrupt.poll_recv(cx)])
    }
}

/// Ctrl-C, Ctrl-Break, and the end of the session.
#[cfg(windows)]
pub(crate) struct Signals {
    ctrl_c: tokio::signal::windows::CtrlC,
    ctrl_break: tokio::signal::windows::CtrlBreak,
    shutdown: tokio::signal::windows::CtrlShutdown,
}

#[cfg(windows)]
impl Signals {
    /// Catches the signals from now on; must be called inside a runtime.
    pub(crate) fn listen() -> io::Result<Self> {
        use tokio::signal::windows::{ctrl_break, ctrl_c, ctrl_shutdown};
        Ok(Signals {
            ctrl_c: ctrl_c()?,
            ctrl_break: ctrl_break()?,
            shutdown: ctrl_shutdown()?,
        })
    }

    /// Whether there was another since the last request.
    pub(crate) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Signals {
            ctrl_c,
            ctrl_break,
            shutdown,
        } = self;
        any_of([
            ctrl_c.poll_recv(cx),
            ctrl_break.poll_recv(cx),
            shutdown.poll_recv(cx),
        ])
    }
}

impl Signals {
    /// The next request to stop.
    pub(crate) async fn next(&mut self) {
        poll_fn(|cx| self.poll_next(cx)).await;
    }
}

/// Ready once one of them is. All have been polled, so each wakes the task.
fn any_of<const N: usize>(polls: [Poll<Option<()>>; N]) -> Poll<()> {
    if polls.iter().any(Poll::is_ready) {
        Poll::Ready(())
    } else {
        Poll::Pending
    }
}
