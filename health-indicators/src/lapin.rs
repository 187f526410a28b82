//! RabbitMQ, over a connection or a channel of lapin 4.
//!
//! ```no_run,standalone_crate
//! use std::sync::Arc;
//! use health_core::HealthState;
//! use lapin::Connection;
//!
//! #[derive(Clone, HealthState)]
//! struct AppState {
//!     /// The broker takes messages.
//!     #[health(check = health_indicators::lapin::connection)]
//!     broker: Arc<Connection>,
//!     #[health(check = health_indicators::lapin::channel)]
//!     orders: lapin::Channel,
//! }
//! ```
//!
//! A run sends nothing: it reads what lapin knows. A broker that does not answer
//! any more is noticed by the heartbeats of AMQP, after about twice their
//! interval (60 s by default). Ask for a shorter one in the URL of the broker,
//! `?heartbeat=5`.
//!
//! | the run | verdict | class |
//! |---|---|---|
//! | finds the connection or the channel closed, broken, or being opened again | failing | `unreachable` |
//! | finds the connection blocked by an alarm of the broker | failing | `saturated` |
//!
//! A `Connection` exists only once it has logged in: wrong credentials are an error
//! of `Connection::connect`. If they change later and the connection is lost, lapin
//! does not tell why it cannot open it again, so the class is `unreachable`.
//!
//! The broker blocks a connection when it publishes during an alarm, such as that
//! of memory or disk. `publish` then hangs, while the connection is open.

use std::borrow::Borrow;

use health_core::Outcome;
use health_core::check::FailureClass;
use lapin::{Channel, Connection};

use crate::failure::failure;

/// Checks that the connection is open and that the broker does not block it.
#[allow(
    clippy::unused_async,
    reason = "a plain `fn` would get a thread of its own"
)]
pub async fn connection<C>(connection: &C) -> Outcome
where
    C: Borrow<Connection> + Sync,
{
    let status = Borrow::<Connection>::borrow(connection).status();
    if !status.connected() {
        failure(FailureClass::Unreachable)
    } else if status.blocked() {
        Outcome::fail("the broker takes no messages").class(FailureClass::Saturated)
    } else {
        Outcome::pass()
    }
}

/// Checks that the channel is open.
///
/// An error of a channel, such as publishing to an exchange that is not there,
/// closes it and leaves the connection open.
#[allow(
    clippy::unused_async,
    reason = "a plain `fn` would get a thread of its own"
)]
pub async fn channel(channel: &Channel) -> Outcome {
    if channel.status().connected() {
        Outcome::pass()
    } else {
        failure(FailureClass::Unreachable)
    }
}
