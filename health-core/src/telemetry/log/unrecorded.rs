//! Finds out at the start whether the log would record a failure.
//!
//! Many services restrict their log to their own crates. The cause of a failure
//! is private, so without the log no operator would see it.

use std::io::{self, Write as _};
use std::sync::Once;

#[cfg(feature = "tracing")]
use tracing::subscriber::NoSubscriber;
#[cfg(feature = "tracing")]
use tracing::{Dispatch, Level, dispatcher};

#[cfg(feature = "tracing")]
use crate::telemetry::log::TARGET;

/// The reason why failures are not recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unrecorded {
    #[cfg(feature = "tracing")]
    NoSubscriber,
    #[cfg(feature = "tracing")]
    Filtered,
    #[cfg(not(feature = "tracing"))]
    NoLog,
}

impl Unrecorded {
    /// Asks the subscriber of the calling thread, or that of the process.
    #[cfg(feature = "tracing")]
    pub(crate) fn find() -> Option<Self> {
        if tracing::enabled!(target: TARGET, Level::ERROR) {
            return None;
        }
        let is_missing = dispatcher::get_default(Dispatch::is::<NoSubscriber>);
        Some(if is_missing {
            Unrecorded::NoSubscriber
        } else {
            Unrecorded::Filtered
        })
    }

    #[cfg(not(feature = "tracing"))]
    #[expect(clippy::unnecessary_wraps, reason = "same signature")]
    pub(crate) fn find() -> Option<Self> {
        Some(Unrecorded::NoLog)
    }

    /// Writes one line to stderr, once per process.
    pub(crate) fn write(self) {
        static WRITTEN: Once = Once::new();
        WRITTEN.call_once(|| {
            // Without `eprintln!`, which panics if stderr is closed.
            let _ = writeln!(io::stderr(), "{}", self.text());
        });
    }

    fn text(self) -> &'static str {
        match self {
            #[cfg(feature = "tracing")]
            Unrecorded::NoSubscriber => {
                "health: the causes of failing checks are not logged, because no tracing subscriber \
                 is set. Set one before `start()`: `tracing_subscriber::fmt().init()`"
            }
            #[cfg(feature = "tracing")]
            Unrecorded::Filtered => {
                "health: the causes of failing checks are not logged, because the filter of the \
                 tracing subscriber drops the target `health`. Add it: `RUST_LOG=info,health=info`, \
                 or `health=info` beside the targets of your filter"
            }
            #[cfg(not(feature = "tracing"))]
            Unrecorded::NoLog => {
                "health: the causes of failing checks are not logged, because the feature `tracing` \
                 is off. Enable it, or read `Health::causes`"
            }
        }
    }
}

#[cfg(all(test, feature = "tracing"))]
mod tests {
    use tracing::subscriber::with_default;
    use tracing_subscriber::filter::Targets;
    use tracing_subscriber::layer::SubscriberExt as _;

    use super::*;

    fn found_with(filter: Targets) -> Option<Unrecorded> {
        let subscriber = tracing_subscriber::registry().with(filter);
        with_default(subscriber, Unrecorded::find)
    }

    #[test]
    fn the_filter_of_the_subscriber_is_respected() {
        let own = || Targets::new().with_target("orders", Level::TRACE);
        assert_eq!(found_with(own()), Some(Unrecorded::Filtered));
        let added = own().with_target("health", Level::ERROR);
        assert_eq!(found_with(added), None);
        let everything = Targets::new().with_default(Level::INFO);
        assert_eq!(found_with(everything), None);
        let none = Dispatch::none();
        let found = dispatcher::with_default(&none, Unrecorded::find);
        assert_eq!(found, Some(Unrecorded::NoSubscriber));
    }
}
