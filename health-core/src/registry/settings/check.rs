//! Settings of a single check.

use serde_json::Value;

use crate::check::options::CheckOptions;
use crate::registry::settings::value::{InvalidValue, duration, flag, threshold};

/// An option of a check that settings can change.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum CheckOption {
    Enabled,
    Timeout,
    Interval,
    Cache,
    InitialDelay,
    StaleAfter,
    FailureThreshold,
    SuccessThreshold,
}

impl CheckOption {
    const ALL: [(&'static str, CheckOption); 8] = [
        ("enabled", CheckOption::Enabled),
        ("timeout", CheckOption::Timeout),
        ("interval", CheckOption::Interval),
        ("cache", CheckOption::Cache),
        ("initial_delay", CheckOption::InitialDelay),
        ("stale_after", CheckOption::StaleAfter),
        ("failure_threshold", CheckOption::FailureThreshold),
        ("success_threshold", CheckOption::SuccessThreshold),
    ];

    pub(super) fn named(word: &str) -> Option<CheckOption> {
        let found = CheckOption::ALL.iter().find(|(name, _)| *name == word)?;
        Some(found.1)
    }

    pub(super) fn names() -> impl Iterator<Item = &'static str> {
        CheckOption::ALL.iter().map(|(name, _)| *name)
    }
}

/// The changes of the settings to one check.
#[derive(Debug, Default)]
pub(crate) struct Change {
    pub(crate) disables: bool,
    /// Only contains the options that are set.
    pub(crate) options: Option<CheckOptions>,
}

impl Change {
    pub(super) fn set(&mut self, key: CheckOption, value: &Value) -> Result<(), InvalidValue> {
        if key == CheckOption::Enabled {
            self.disables = !flag(value)?;
            return Ok(());
        }
        let options = self.options.take().unwrap_or_default();
        self.options = Some(match key {
            CheckOption::Enabled => options,
            CheckOption::Timeout => options.timeout(duration(value)?),
            CheckOption::Interval => options.interval(duration(value)?),
            CheckOption::Cache => options.cache(duration(value)?),
            CheckOption::InitialDelay => options.initial_delay(duration(value)?),
            CheckOption::StaleAfter => options.stale_after(duration(value)?),
            CheckOption::FailureThreshold => options.failure_threshold(threshold(value)?),
            CheckOption::SuccessThreshold => options.success_threshold(threshold(value)?),
        });
        Ok(())
    }
}
