//! The receivers that a builder takes.

use crate::telemetry::hook::remote::push::PushMonitor;
use crate::telemetry::hook::remote::webhook::Webhook;

/// A receiver of notifications: a [`Webhook`] or a [`PushMonitor`].
#[derive(Debug)]
pub struct Receiver(pub(crate) ReceiverKind);

#[derive(Debug)]
pub(crate) enum ReceiverKind {
    Webhook(Webhook),
    PushMonitor(PushMonitor),
}

impl From<Webhook> for Receiver {
    fn from(webhook: Webhook) -> Self {
        Receiver(ReceiverKind::Webhook(webhook))
    }
}

impl From<PushMonitor> for Receiver {
    fn from(monitor: PushMonitor) -> Self {
        Receiver(ReceiverKind::PushMonitor(monitor))
    }
}
