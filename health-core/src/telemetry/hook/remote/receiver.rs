//! What a builder can be told to notify.

use crate::telemetry::hook::remote::push::PushMonitor;
use crate::telemetry::hook::remote::webhook::Webhook;

/// A service that is notified: a [`Webhook`] or a [`PushMonitor`].
#[derive(Debug)]
pub struct Receiver(pub(crate) Kind);

#[derive(Debug)]
pub(crate) enum Kind {
    Webhook(Webhook),
    PushMonitor(PushMonitor),
}

impl From<Webhook> for Receiver {
    fn from(webhook: Webhook) -> Self {
        Receiver(Kind::Webhook(webhook))
    }
}

impl From<PushMonitor> for Receiver {
    fn from(monitor: PushMonitor) -> Self {
        Receiver(Kind::PushMonitor(monitor))
    }
}
