//! Methods of the builder that set groups of options and receivers of events.

use crate::builder::HealthBuilder;
use crate::engine::options::RuntimeOptions;
use crate::http::options::HttpOptions;
use crate::http::service_info::ServiceInfo;
use crate::lifecycle::options::LifecycleOptions;
use crate::registry::error::Problem;
use crate::telemetry::event::Transition;
#[cfg(feature = "webhook")]
use crate::telemetry::hook::remote::receiver::{Receiver, ReceiverKind};

impl HealthBuilder {
    /// Sets the HTTP pages, their paths and contents, and which clients see
    /// private details. Call once: [`start`](Self::start) fails after a second call.
    pub fn http(mut self, options: HttpOptions) -> Self {
        self.called.push("http");
        self.http = options;
        self
    }

    /// Sets what the answers show about the service, such as its version. Call
    /// once: [`start`](Self::start) fails after a second call.
    pub fn service_info(mut self, info: ServiceInfo) -> Self {
        self.called.push("service_info");
        self.service_info = info;
        self
    }

    /// Sets how the service starts and drains. Call once: [`start`](Self::start)
    /// fails after a second call.
    pub fn lifecycle(mut self, options: LifecycleOptions) -> Self {
        self.called.push("lifecycle");
        self.lifecycle = options;
        self
    }

    /// Sets how checks run. Call once:
    /// [`start`](Self::start) fails after a second call.
    pub fn runtime(mut self, options: RuntimeOptions) -> Self {
        self.called.push("runtime");
        self.runtime = options;
        self
    }

    /// Calls `hook` at each transition of a check, on its own thread within the
    /// runtime. Hooks do not wait for each other.
    ///
    /// A hook cannot delay a check. It reads from a bounded queue of at least
    /// 256 transitions. When the queue is full, the transitions of each check
    /// are merged into its newest one, whose [`from`](Transition::from) is then
    /// the state before the oldest; the number of merged transitions is logged.
    /// A panic is logged, and the hook is called again at the next transition.
    /// At shutdown the hook has 2 s for the queued transitions, and
    /// [`Health::stop`](crate::Health::stop) waits for it. A hook that never
    /// returns keeps its thread.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), health_core::StartError> {
    /// use health_core::{CheckOptions, Health};
    ///
    /// let (tell, told) = std::sync::mpsc::channel();
    /// let health = Health::builder()
    ///     .check("queue", CheckOptions::new(), || async { false })
    ///     .on_transition(move |turned| {
    ///         let _ = tell.send(format!("{} is {}", turned.report.name(), turned.report.verdict()));
    ///     })
    ///     .start()?;
    /// health.refresh("queue").await;
    /// health.stop().await;
    /// assert_eq!(told.recv().unwrap(), "queue is error");
    /// # Ok(())
    /// # }
    /// ```
    pub fn on_transition(mut self, hook: impl FnMut(&Transition) + Send + 'static) -> Self {
        self.hooks.push(Box::new(hook));
        self
    }

    /// Adds a [`Webhook`](crate::notify::Webhook) or a
    /// [`PushMonitor`](crate::notify::PushMonitor).
    #[cfg(feature = "webhook")]
    pub fn notify(mut self, receiver: impl Into<Receiver>) -> Self {
        match receiver.into() {
            Receiver(ReceiverKind::Webhook(webhook)) => self.webhooks.push(webhook),
            Receiver(ReceiverKind::PushMonitor(monitor)) => self.push_monitors.push(monitor),
        }
        self
    }

    /// Returns a problem for each method that was called again. The second call
    /// replaces all options of the first, such as its guard.
    pub(super) fn repeated_calls(&self) -> impl Iterator<Item = Problem> {
        let calls = self.called.iter().enumerate();
        let repeated = calls.filter(|(nth, method)| self.called[..*nth].contains(method));
        repeated.map(|(_, method)| {
            Problem::setting(
                format!("`{method}` is called twice on the builder"),
                format!("gather the options in one value: `.{method}(..)`"),
            )
        })
    }
}
