//! The time until the timeout of a run that blocks its thread.

use std::cell::Cell;
use std::time::Duration;

use tokio::time::Instant;

thread_local! {
    /// Each such run has a thread of its own, which ends with it.
    static DEADLINE: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// Returns the time until the timeout of the current run, or `None` outside of
/// a run that blocks its thread.
///
/// The runs of a plain function and of a [`BlockingIndicator`] block. Nothing can
/// end such a run from outside, so give a call that blocks a shorter timeout of
/// its own: the run then ends in time and returns what has failed. A run of an
/// async check needs no such limit. On a thread that the run has started itself,
/// the result is `None` as well.
///
/// [`BlockingIndicator`]: crate::check::BlockingIndicator
///
/// ```standalone_crate
/// use std::net::{SocketAddr, TcpStream};
/// use std::time::Duration;
/// use health_core::check::time_left;
/// use health_core::health_check;
///
/// /// The printer listens.
/// #[health_check(timeout = "2s")]
/// fn printer() -> std::io::Result<()> {
///     let limit = time_left().unwrap_or(Duration::from_secs(1)).mul_f64(0.75);
///     TcpStream::connect_timeout(&SocketAddr::from(([192, 0, 2, 1], 9100)), limit)?;
///     Ok(())
/// }
/// ```
pub fn time_left() -> Option<Duration> {
    let deadline = DEADLINE.get()?;
    Some(deadline.saturating_duration_since(Instant::now()))
}

/// The run on this thread has this deadline.
pub(crate) fn set_deadline(deadline: Instant) {
    DEADLINE.set(Some(deadline));
}
