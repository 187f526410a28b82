//! What an operator changes about checks without a new build.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::name;
use crate::options::CheckOptions;
use crate::problem::Problem;

/// Where the variables of the environment begin.
const PREFIX: &str = "HEALTH_CHECK_";

/// Changes to the options of checks, by name: from a configuration file through
/// serde, from the environment, or both.
///
/// | option | value |
/// |---|---|
/// | `enabled` | `false` leaves the check out |
/// | `timeout`, `interval`, `cache`, `initial_delay`, `stale_after` | a duration: `"500ms"`, `"2s"`, `"1m 30s"` |
/// | `failure_threshold`, `success_threshold` | a whole number of at least 1 |
///
/// Nothing is verified before [`HealthBuilder::start`], which refuses unknown
/// names, unknown options and bad values, all of them in one error.
///
/// [`HealthBuilder::start`]: crate::HealthBuilder::start
///
/// ```
/// use health_core::Settings;
///
/// #[derive(serde::Deserialize)]
/// struct Config {
///     health: Settings, // as a table of the application's own file
/// }
///
/// let config: Config = serde_json::from_str(
///     r#"{"health": {"database": {"timeout": "5s"}, "report": {"enabled": false}}}"#,
/// )?;
/// # let _ = config.health;
/// # Ok::<_, serde_json::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Settings {
    /// Values are taken as they come: serde would stop at the first bad one.
    checks: BTreeMap<String, BTreeMap<String, Value>>,
}

/// An option that can be set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Key {
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

    fn named(word: &str) -> Option<Key> {
        let found = Key::ALL.iter().find(|(name, _)| *name == word)?;
        Some(found.1)
    }

    fn names() -> impl Iterator<Item = &'static str> {
        Key::ALL.iter().map(|(name, _)| *name)
    }
}

impl Settings {
    /// The settings in these variables, usually [`std::env::vars_os`].
    ///
    /// `HEALTH_CHECK_<NAME>_<OPTION>=<value>`: the name of the check in capitals
    /// with `_` for `-` and `.`, then the option in capitals, such as
    /// `HEALTH_CHECK_ORDERS_DB_TIMEOUT=5s`. Other variables are left alone.
    ///
    /// ```
    /// use health_core::Settings;
    ///
    /// let vars = [("HEALTH_CHECK_ORDERS_DB_TIMEOUT", "5s"), ("HOME", "/root")];
    /// let settings = Settings::from_vars(vars);
    /// # let _ = settings;
    /// ```
    pub fn from_vars<K, V>(vars: impl IntoIterator<Item = (K, V)>) -> Self
    where
        K: Into<OsString>,
        V: Into<OsString>,
    {
        let mut settings = Settings::default();
        for (key, value) in vars {
            // A name that is no text is not ours; of a value that is none, what
            // can be read is refused at start.
            let Ok(key) = key.into().into_string() else {
                continue;
            };
            if let Some(rest) = key.strip_prefix(PREFIX) {
                let (check, option) = split(&rest.to_ascii_lowercase());
                let value = value.into().to_string_lossy().into_owned();
                let options = settings.checks.entry(check).or_default();
                options.insert(option, Value::String(value));
            }
        }
        settings
    }

    /// Adds other settings, which win where both speak of the same option.
    pub(crate) fn merge(&mut self, other: Settings) {
        for (check, options) in other.checks {
            self.checks.entry(check).or_default().extend(options);
        }
    }

    /// What is set for a check, whichever of `-`, `_` and `.` is written.
    pub(crate) fn of(&self, check: &str, problems: &mut Vec<Problem>) -> Change {
        let folded = name::folded(check);
        let mut change = Change::default();
        for (_, options) in self
            .checks
            .iter()
            .filter(|(name, _)| name::folded(name) == folded)
        {
            for (option, value) in options {
                if let Err(wrong) = change.set(option, value) {
                    problems.push(wrong.into_problem(check, option));
                }
            }
        }
        change
    }

    /// Refuses names that no check has.
    pub(crate) fn check_names(&self, known: &[Arc<str>], problems: &mut Vec<Problem>) {
        let folded: Vec<String> = known.iter().map(|name| name::folded(name)).collect();
        for name in self
            .checks
            .keys()
            .filter(|name| !folded.contains(&name::folded(name)))
        {
            let similar = name::similar(name, known.iter().map(|name| &**name));
            problems.push(Problem::BadSetting {
                what: format!("the settings name `{name}`, and no check has this name"),
                help: similar.map_or_else(
                    || "write the name of a check, or take it out of the settings".into(),
                    |similar| format!("did you mean `{similar}`?"),
                ),
            });
        }
    }
}

/// The name of the check and the option: the longest option that the variable
/// ends with, or what follows the last `_`.
fn split(rest: &str) -> (String, String) {
    let options = Key::names().filter_map(|option| {
        let check = rest.strip_suffix(option)?.strip_suffix('_')?;
        Some((check, option))
    });
    let longest = options.max_by_key(|(_, option)| option.len());
    let (check, option) = longest
        .or_else(|| rest.rsplit_once('_'))
        .unwrap_or((rest, ""));
    (check.to_owned(), option.to_owned())
}

/// What the settings change about one check.
#[derive(Debug, Default)]
pub(crate) struct Change {
    pub(crate) disables: bool,
    /// Only what is set is written here.
    pub(crate) options: Option<CheckOptions>,
}

/// Why a value cannot be used.
enum Wrong {
    Option,
    Value {
        value: String,
        expected: &'static str,
    },
}

impl Wrong {
    fn into_problem(self, check: &str, option: &str) -> Problem {
        let (what, help) = match self {
            Wrong::Option => (
                format!("the settings of `{check}` have an unknown option `{option}`"),
                match name::similar(option, Key::names()) {
                    Some(similar) => format!("did you mean `{similar}`?"),
                    None => format!(
                        "the options are {}",
                        Key::names().collect::<Vec<_>>().join(", ")
                    ),
                },
            ),
            Wrong::Value { value, expected } => (
                format!("the settings give `{check}` the {option} `{value}`"),
                format!("write {expected}"),
            ),
        };
        Problem::BadSetting { what, help }
    }
}

impl Change {
    fn set(&mut self, option: &str, value: &Value) -> Result<(), Wrong> {
        let key = Key::named(option).ok_or(Wrong::Option)?;
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

fn flag(value: &Value) -> Result<bool, Wrong> {
    match value {
        Value::Bool(flag) => Ok(*flag),
        Value::String(text) if text == "true" => Ok(true),
        Value::String(text) if text == "false" => Ok(false),
        other => Err(wrong(other, "`true` or `false`")),
    }
}

fn duration(value: &Value) -> Result<Duration, Wrong> {
    let text = value.as_str();
    text.and_then(|text| humantime::parse_duration(text).ok())
        .ok_or_else(|| {
            wrong(
                value,
                "a duration with its unit, such as `500ms`, `2s` or `1m`",
            )
        })
}

fn threshold(value: &Value) -> Result<u32, Wrong> {
    let number = match value {
        Value::String(text) => text.parse().ok(),
        other => other.as_u64().and_then(|number| u32::try_from(number).ok()),
    };
    number.ok_or_else(|| wrong(value, "a whole number of at least 1"))
}

fn wrong(value: &Value, expected: &'static str) -> Wrong {
    let value = value
        .as_str()
        .map_or_else(|| value.to_string(), |text| text.escape_debug().to_string());
    Wrong::Value { value, expected }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_is_a_check_and_an_option() {
        for (rest, check, option) in [
            ("db_timeout", "db", "timeout"),
            (
                "orders_db_failure_threshold",
                "orders_db",
                "failure_threshold",
            ),
            ("cache_cache", "cache", "cache"),
            ("db_timeuot", "db", "timeuot"),
            ("db", "db", ""),
        ] {
            assert_eq!(split(rest), (check.to_owned(), option.to_owned()), "{rest}");
        }
    }

    #[test]
    fn values_are_read_from_text_and_from_their_own_types() {
        assert!(matches!(flag(&Value::Bool(false)), Ok(false)));
        assert!(matches!(flag(&"true".into()), Ok(true)));
        assert!(flag(&"yes".into()).is_err());
        assert!(matches!(threshold(&3.into()), Ok(3)));
        assert!(matches!(threshold(&"3".into()), Ok(3)));
        assert!(threshold(&(-1).into()).is_err());
        assert!(threshold(&1.5.into()).is_err());
        assert!(matches!(duration(&"1m 30s".into()), Ok(time) if time.as_secs() == 90));
        for bad in [
            Value::from("2"),
            2.into(),
            "".into(),
            "soon".into(),
            Value::Null,
        ] {
            assert!(duration(&bad).is_err(), "{bad}");
        }
    }
}
