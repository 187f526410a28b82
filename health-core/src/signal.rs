//! The signals that ask a process to stop.

use std::future::{Future, poll_fn};
use std::io;
use std::task::{Context, Poll};

use tokio::time::timeout_at;

use crate::health::Health;
use crate::observe;

/// See [`Health::drain_on_signal`].
pub(crate) fn drain_on_signal(health: Health) -> impl Future<Output = ()> + Send + use<> {
    let signals = Signals::listen();
    async move {
        let mut signals = match signals {
            Ok(signals) => signals,
            Err(error) => {
                observe::no_signals(&error);
                return std::future::pending().await;
            }
        };
        signals.next().await;
        let end = health.begin_drain();
        // Whichever comes first: the end of the delay or a second signal.
        let _ = timeout_at(end, signals.next()).await;
    }
}

impl Signals {
    async fn next(&mut self) {
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

#[cfg(unix)]
struct Signals {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn listen() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Signals {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Signals {
            terminate,
            interrupt,
        } = self;
        any_of([terminate.poll_recv(cx), interrupt.poll_recv(cx)])
    }
}

#[cfg(windows)]
struct Signals {
    ctrl_c: tokio::signal::windows::CtrlC,
    ctrl_break: tokio::signal::windows::CtrlBreak,
    shutdown: tokio::signal::windows::CtrlShutdown,
}

#[cfg(windows)]
impl Signals {
    fn listen() -> io::Result<Self> {
        use tokio::signal::windows::{ctrl_break, ctrl_c, ctrl_shutdown};
        Ok(Signals {
            ctrl_c: ctrl_c()?,
            ctrl_break: ctrl_break()?,
            shutdown: ctrl_shutdown()?,
        })
    }

    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<()> {
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
