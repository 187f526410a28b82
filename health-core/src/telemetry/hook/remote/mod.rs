//! Delivery to other services over HTTP.
//!
//! A [`Webhook`] gets transitions; the [`outbox`] decides what it is sent and
//! when. A [`PushMonitor`] gets calls while the service is alive and ready. Both
//! use one [`client`], whose failures [`retry`] counts.

pub(crate) mod body;
pub(crate) mod client;
pub(crate) mod outbox;
pub(crate) mod push;
pub(crate) mod receiver;
pub(crate) mod retry;
pub(crate) mod sign;
pub(crate) mod webhook;

use crate::telemetry::hook::{Listener, Turn};
use crate::telemetry::queue::{LAST_WORDS, Popped, Queue, Record};
