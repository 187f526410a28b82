//! What settings change about one check.

use serde_json::Value;

use crate::check::options::CheckOptions;
use crate::registry::settings::value::{Refused, duration, flag, threshold};

/// An option that can be set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Key {
    Enabled,
    Timeout,
    Interval,
    Cache,
    InitialDelay,
    StaleAfter,
    FailureThreshold,
    SuccessThreshold,
}

impl Key {
    const ALL: [(&'static str, Key); 8] = [
        ("enabled", Key::Enabled),
        ("timeout", Key::Timeout),
        ("interval", Key::Interval),
        ("cache", Key::Cache),
        ("initial_delay", Key::InitialDelay),
        ("stale_after", Key::StaleAfter),
        ("failure_threshold", Key::FailureThreshold),
        ("success_threshold", Key::SuccessThreshold),
    ];

    pub(super) fn named(word: &str) -> Option<Key> {
        let found = Key::ALL.iter().find(|(name, _)| *name == word)?;
        Some(found.1)
    }

    pub(super) fn names() -> impl Iterator<Item = &'static str> {
        Key::ALL.iter().map(|(name, _)| *name)
    }
}

/// What the settings change about one check.
#[derive(Debug, Default)]
pub(crate) struct Change {
    pub(crate) disables: bool,
    /// Only what is set is written here.
    pub(crate) options: Option<CheckOptions>,
}

impl Change {
    pub(super) fn set(&mut self, key: Key, value: &Value) -> Result<(), Refused> {
        if key == Key::Enabled {
            self.disables = !flag(value)?;
            return Ok(());
        }
        let options = self.options.take().unwrap_or_default();
        self.options = Some(match key {
            Key::Enabled => options,
            Key::Timeout => options.timeout(duration(value)?),
            Key::Interval => options.interval(duration(value)?),
            Key::Cache => options.cache(duration(value)?),
            Key::InitialDelay => options.initial_delay(duration(value)?),
            Key::StaleAfter => options.stale_after(duration(value)?),
            Key::FailureThreshold => options.failure_threshold(threshold(value)?),
            Key::SuccessThreshold => options.success_threshold(threshold(value)?),
        });
        Ok(())
    }
}
