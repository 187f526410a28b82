//! Settings of a single check.

use serde_json::Value;

use crate::check::options::CheckOptions;
use crate::registry::settings::value::{InvalidValue, duration, flag, threshold};

/// The names of the options of a check that settings can change.
pub(super) const NAMES: [&str; 8] = [
    "enabled",
    "timeout",
    "interval",
    "cache",
    "initial_delay",
    "stale_after",
    "failure_threshold",
    "success_threshold",
];

/// The changes of the settings to one check.
#[derive(Debug, Default)]
pub(crate) struct Change {
    pub(crate) disables: bool,
    /// Only contains the options that are set.
    pub(crate) options: Option<CheckOptions>,
}

impl Change {
    /// Applies the value of an option. Returns whether there is such an option.
    pub(super) fn set(&mut self, option: &str, value: &Value) -> Result<bool, InvalidValue> {
        if option == "enabled" {
            self.disables = !flag(value)?;
            return Ok(true);
        }
        let options = self.options.clone().unwrap_or_default();
        self.options = Some(match option {
            "timeout" => options.timeout(duration(value)?),
            "interval" => options.interval(duration(value)?),
            "cache" => options.cache(duration(value)?),
            "initial_delay" => options.initial_delay(duration(value)?),
            "stale_after" => options.stale_after(duration(value)?),
            "failure_threshold" => options.failure_threshold(threshold(value)?),
            "success_threshold" => options.success_threshold(threshold(value)?),
            _ => return Ok(false),
        });
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_an_option() {
        for name in NAMES {
            let set = Change::default().set(name, &Value::Null);
            assert!(set.is_err(), "{name} takes no null");
        }
        let unknown = Change::default().set("unknown", &Value::Null);
        assert!(matches!(unknown, Ok(false)));
    }
}
