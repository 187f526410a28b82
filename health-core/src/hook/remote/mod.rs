//! Delivery to other services over HTTP.
//!
//! A [`Webhook`] gets transitions; the [`outbox`] decides what it is sent and
//! when. A [`PushMonitor`] gets calls while the service is alive and ready. Both
//! use one [`client`], whose failures [`retry`] counts.

mod body;
mod client;
mod log;
mod outbox;
mod push;
mod retry;
mod sign;
mod webhook;

pub use push::PushMonitor;
pub(crate) use push::{Reader, Readings};
pub use webhook::Webhook;

use super::{LAST_WORDS, Listener, Queue, Record, Turn};
use crate::queue::Popped;
