//! Delivery to other services over HTTP.
//!
//! A [`Webhook`] receives transitions; its [`outbox`] decides what is sent and
//! when. A [`PushMonitor`] receives calls while the service is alive and ready.
//! Both use a [`client`], and [`retry`] counts its failures.

pub(crate) mod body;
pub(crate) mod client;
pub(crate) mod outbox;
pub(crate) mod push;
pub(crate) mod receiver;
pub(crate) mod retry;
pub(crate) mod sign;
pub(crate) mod webhook;

use crate::telemetry::hook::{Listener, QueuedTransition};
use crate::telemetry::queue::{Popped, Queue, Record, SHUTDOWN_TIMEOUT};
