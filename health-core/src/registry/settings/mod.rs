//! Configuration that an operator can change without a new build.

pub(crate) mod check;
pub(crate) mod service;
pub(crate) mod value;
pub(crate) mod variables;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::sync::Arc;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;

use crate::check::rules;
use crate::registry::error::{Problem, did_you_mean};
use crate::registry::settings::check::Change;
use crate::registry::settings::service::{ServiceOptions, TOKENS};
use crate::registry::settings::value::InvalidValue;
use crate::text::list::listed;

/// The prefix of [`Settings::from_vars`].
const DEFAULT_PREFIX: &str = "HEALTH_";
/// The maximum number of settings in the log message of the start.
const MAX_LISTED: usize = 20;
/// Options that exclude each other.
const PERIODS: [&str; 2] = ["interval", "cache"];

/// Changes to the service and its checks without a new build: from a
/// configuration file through serde, from environment variables, or both.
///
/// A table contains the options of the check of that name. Any other value is a
/// setting of the service:
///
/// | setting of the service | value |
/// |---|---|
/// | `drain_delay`, `termination_grace`, `startup_patience` | a duration: `"500ms"`, `"8s"`, `"1m 30s"` |
/// | `drain_readiness` | `true` or `false` |
/// | `details`, `probe_details` | `"status"` or `"checks"` |
/// | `guard_token` | a secret of at least 16 bytes |
/// | `guard_token_file` | a file that holds the secret |
/// | `guard_addresses`, `trusted_proxies` | addresses and ranges, separated by commas: `"10.0.0.0/8, ::1"`; in a file also a list |
/// | `base_path` | a path, such as `"/internal"` |
/// | `liveness_path`, `readiness_path`, `startup_path`, `health_path`, `status_path`, `metrics_path`, `openapi_path` | one more path of that page |
///
/// | option of a check | value |
/// |---|---|
/// | `enabled` | `false` disables the check |
/// | `timeout`, `interval`, `cache`, `initial_delay`, `stale_after` | a duration |
/// | `failure_threshold`, `success_threshold` | a whole number of at least 1 |
///
/// Settings take precedence over the builder, and a later source over an
/// earlier one. `-`, `_` and `.` are equal in the names of checks.
/// [`HealthBuilder::start`] validates the settings and reports all unknown
/// names, unknown options and invalid values in one error. `Debug` prints no
/// secret.
///
/// [`HealthBuilder::start`]: crate::HealthBuilder::start
///
/// ```
/// use health_core::config::Settings;
///
/// #[derive(serde::Deserialize)]
/// struct Config {
///     health: Settings, // a table of the application's configuration file
/// }
///
/// let config: Config = serde_json::from_str(
///     r#"{"health": {
///         "drain_delay": "12s",
///         "database": {"timeout": "5s"},
///         "report": {"enabled": false}
///     }}"#,
/// )?;
/// # let _ = config.health;
/// # Ok::<_, serde_json::Error>(())
/// ```
#[derive(Clone, Default, PartialEq)]
pub struct Settings {
    service: BTreeMap<String, Entry>,
    /// By normalized name.
    checks: BTreeMap<String, CheckEntries>,
    /// Variables that are neither a setting nor an option. Whether they are
    /// misspelled or unrelated can only be decided once the checks are known.
    unassigned: Vec<Variable>,
    prefixes: Vec<String>,
}

/// A value and its source.
#[derive(Clone, PartialEq)]
struct Entry {
    /// Not validated yet, because serde would stop at the first invalid value.
    value: Value,
    /// `None` for a value from a file.
    variable: Option<String>,
}

#[derive(Clone, Debug, Default, PartialEq)]
struct CheckEntries {
    /// The name as the last source spells it.
    written: String,
    options: BTreeMap<String, Entry>,
}

#[derive(Clone, PartialEq)]
struct Variable {
    name: String,
    of: Scope,
    /// The name without the prefix, in lower case.
    rest: String,
    value: String,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Scope {
    Service,
    Check,
}

impl Settings {
    /// Reads the settings with the prefix `HEALTH_` from these variables,
    /// usually [`std::env::vars_os`].
    ///
    /// | variable | sets |
    /// |---|---|
    /// | `HEALTH_<SETTING>` | a setting of the service: `HEALTH_DRAIN_DELAY=8s` |
    /// | `HEALTH_CHECK_<NAME>_<OPTION>` | an option of a check, with `_` for `-` and `.`: `HEALTH_CHECK_ORDERS_DB_TIMEOUT=5s` |
    ///
    /// An empty value sets nothing. [`HealthBuilder::start`] reports misspelled
    /// settings and ignores unrelated variables:
    ///
    /// | variable with the prefix | `start` |
    /// |---|---|
    /// | a setting, or an option of a check that exists | applies it, or reports an invalid value |
    /// | similar to a setting, or a check that exists with an unknown option | reports it: "did you mean" |
    /// | an option with a name similar to a check | reports it: "did you mean" |
    /// | an option with a value of its type, and an unknown check | reports it |
    /// | a value with `://` or a name with a suffix such as `_HOST`, `_PORT` or `_PATH`, as Kubernetes creates for a Service named `health-check` | ignores it |
    /// | any other, such as `HEALTH_CHECK_TIMEOUT`, which names no check | ignores it |
    ///
    /// [`HealthBuilder::start`]: crate::HealthBuilder::start
    ///
    /// ```
    /// use health_core::config::Settings;
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
        Settings::from_vars_with_prefix(DEFAULT_PREFIX, vars)
    }

    /// Like [`from_vars`](Self::from_vars), with another prefix, for hosts on
    /// which several services share an environment.
    ///
    /// The underscore at the end of the prefix is optional.
    ///
    /// ```
    /// use health_core::config::Settings;
    ///
    /// let vars = [
    ///     ("ORDERS_HEALTH_DRAIN_DELAY", "12s"),
    ///     ("ORDERS_HEALTH_CHECK_DB_TIMEOUT", "5s"),
    /// ];
    /// let settings = Settings::from_vars_with_prefix("ORDERS_HEALTH_", vars);
    /// # let _ = settings;
    /// ```
    pub fn from_vars_with_prefix<K, V>(prefix: &str, vars: impl IntoIterator<Item = (K, V)>) -> Self
    where
        K: Into<OsString>,
        V: Into<OsString>,
    {
        let mut prefix = prefix.trim_end_matches('_').to_owned();
        if !prefix.is_empty() {
            prefix.push('_');
        }
        let mut settings = Settings::default();
        for (name, value) in vars {
            // A name that is not UTF-8 cannot be a setting.
            let Ok(name) = name.into().into_string() else {
                continue;
            };
            if let Some(rest) = name.strip_prefix(&prefix) {
                let rest = rest.to_ascii_lowercase();
                let value = value.into().to_string_lossy().into_owned();
                if !value.is_empty() {
                    settings.add_variable(name, &rest, value);
                }
            }
        }
        settings.prefixes.push(prefix);
        settings
    }

    fn add_variable(&mut self, name: String, rest: &str, value: String) {
        let (of, rest) = match rest.strip_prefix("check_") {
            Some(rest) => (Scope::Check, rest),
            None => (Scope::Service, rest),
        };
        match (of, variables::split(rest)) {
            (Scope::Check, Some((check, option))) => {
                self.set_option(check, option, Entry::of_variable(name, value));
            }
            (Scope::Service, _) if service::NAMES.contains(&rest) => {
                let entry = Entry::of_variable(name, value);
                self.service.insert(rest.to_owned(), entry);
            }
            _ => self.unassigned.push(Variable {
                name,
                of,
                rest: rest.to_owned(),
                value,
            }),
        }
    }

    /// `-`, `_` and `.` are equal in names from a file, too.
    fn add_from_file(&mut self, name: &str, value: Value) {
        let of_file = |value| Entry {
            value,
            variable: None,
        };
        match value {
            Value::Object(options) => {
                let entries = self.checks.entry(rules::folded(name)).or_default();
                name.clone_into(&mut entries.written);
                for (option, value) in options {
                    self.set_option(name, &option, of_file(value));
                }
            }
            value => {
                self.service.insert(rules::folded(name), of_file(value));
            }
        }
    }

    fn set_option(&mut self, check: &str, option: &str, entry: Entry) {
        let entries = self.checks.entry(rules::folded(check)).or_default();
        check.clone_into(&mut entries.written);
        entries.options.insert(option.to_owned(), entry);
    }

    /// Adds other settings, which take precedence over these.
    pub(crate) fn merge(&mut self, other: Settings) {
        replace(&mut self.service, other.service, TOKENS);
        for (folded, entries) in other.checks {
            let known = self.checks.entry(folded).or_default();
            known.written = entries.written;
            replace(&mut known.options, entries.options, PERIODS);
        }
        self.unassigned.extend(other.unassigned);
        self.prefixes.extend(other.prefixes);
    }

    /// Returns the settings of the service. Problems are added to `problems`.
    pub(crate) fn service(&self, problems: &mut Vec<Problem>) -> ServiceOptions {
        let mut options = ServiceOptions::default();
        for (setting, entry) in &self.service {
            match options.set(setting, &entry.value) {
                Ok(true) => {}
                Ok(false) => problems.push(unknown_setting(setting, &entry.source())),
                Err(invalid) => {
                    let what = format!("the settings have an invalid `{setting}`:");
                    problems.push(bad_value(&what, &entry.source(), invalid));
                }
            }
        }
        if TOKENS.iter().all(|token| self.service.contains_key(*token)) {
            let [token, file] = TOKENS;
            problems.push(Problem::setting(
                format!("the settings have both `{token}` and `{file}`"),
                "keep one of the two",
            ));
        }
        for variable in self.unassigned(Scope::Service) {
            if rules::nearest(&variable.rest, service::NAMES).is_some() {
                problems.push(unknown_setting(&variable.rest, &variable.source()));
            }
        }
        options
    }

    /// Returns the settings of a check. `-`, `_` and `.` are equal in its name.
    pub(crate) fn of(&self, check: &str, problems: &mut Vec<Problem>) -> Change {
        let mut change = Change::default();
        for (option, entry) in self.options_of(check) {
            match change.set(option, &entry.value) {
                Ok(true) => {}
                Ok(false) => problems.push(unknown_option(check, option, &entry.source())),
                Err(invalid) => {
                    let what = format!("the settings have an invalid `{option}` for `{check}`:");
                    problems.push(bad_value(&what, &entry.source(), invalid));
                }
            }
        }
        change
    }

    /// Returns how the settings disable a check, in the operator's notation.
    pub(crate) fn disabled_by(&self, check: &str) -> String {
        let mut options = self.options_of(check);
        let by = options.find(|(option, _)| *option == "enabled");
        match by.and_then(|(_, entry)| entry.variable.as_ref()) {
            Some(variable) => format!("`{variable}=false`"),
            None => format!("`enabled = false` of `{check}`"),
        }
    }

    fn options_of(&self, check: &str) -> impl Iterator<Item = (&String, &Entry)> {
        let entries = self.checks.get(&rules::folded(check));
        entries.into_iter().flat_map(|entries| &entries.options)
    }

    /// Returns the variables that set nothing and may be misspelled.
    fn unassigned(&self, of: Scope) -> impl Iterator<Item = &Variable> {
        let unassigned = self.unassigned.iter();
        unassigned.filter(move |variable| {
            variable.of == of && !variables::is_foreign(&variable.rest, &variable.value)
        })
    }

    /// Reports unknown names of checks, and misspelled options in variables.
    pub(crate) fn check_names(&self, known: &[Arc<str>], problems: &mut Vec<Problem>) {
        let names: BTreeMap<String, &str> = known
            .iter()
            .map(|name| (rules::folded(name), &**name))
            .collect();
        let folded_names = || names.keys().map(String::as_str);
        for (folded, entries) in &self.checks {
            if names.contains_key(folded) {
                continue;
            }
            let similar = rules::nearest(folded, folded_names());
            let mut options = entries.options.iter();
            let meant =
                options.find(|(option, entry)| similar.is_some() || entry.is_ours(folded, option));
            // An empty table in a file.
            if meant.is_some() || entries.options.is_empty() {
                let source = meant.map_or_else(String::new, |(_, entry)| entry.source());
                let similar = similar.map(|similar| names[similar]);
                problems.push(unknown_check(&entries.written, similar, &source));
            }
        }
        for variable in self.unassigned(Scope::Check) {
            if let Some((check, word)) = variables::named(&variable.rest, folded_names()) {
                problems.push(unknown_option(names[check], word, &variable.source()));
            }
        }
    }

    /// Returns the names of what is set, without values: `drain_delay
    /// orders-db.timeout`.
    pub(crate) fn listed(&self) -> String {
        let of_service = self.service.keys().cloned();
        let of_checks = self.checks.values().flat_map(|entries| {
            let options = entries.options.keys();
            options.map(|option| format!("{}.{option}", entries.written))
        });
        let all: Vec<String> = of_service.chain(of_checks).collect();
        listed(&all, MAX_LISTED, " ")
    }

    /// Returns the prefixes of the variables that were read.
    pub(crate) fn prefixes(&self) -> &[String] {
        &self.prefixes
    }
}

/// Adds later entries. If two options exclude each other, the later source
/// replaces the option of the earlier one.
fn replace(
    entries: &mut BTreeMap<String, Entry>,
    later: BTreeMap<String, Entry>,
    exclusive: [&str; 2],
) {
    if exclusive.iter().any(|key| later.contains_key(*key)) {
        entries.retain(|key, _| !exclusive.contains(&key.as_str()));
    }
    entries.extend(later);
}

impl Entry {
    fn of_variable(name: String, value: String) -> Self {
        Entry {
            value: Value::String(value),
            variable: Some(name),
        }
    }

    /// Returns the source of the value, as the end of a clause.
    fn source(&self) -> String {
        self.variable.as_deref().map_or_else(String::new, source)
    }

    /// Returns whether an entry for an unknown check is certainly meant as a
    /// setting: it is in a file, or its value has the option's type.
    fn is_ours(&self, check: &str, option: &str) -> bool {
        if self.variable.is_none() {
            return true;
        }
        let is_foreign = self
            .value
            .as_str()
            .is_some_and(|value| variables::is_foreign(check, value));
        !is_foreign && matches!(Change::default().set(option, &self.value), Ok(true))
    }
}

impl Variable {
    fn source(&self) -> String {
        source(&self.name)
    }
}

fn source(variable: &str) -> String {
    format!(" (variable `{}`)", variable.escape_debug())
}

fn unknown_check(written: &str, similar: Option<&str>, source: &str) -> Problem {
    let written = written.escape_debug();
    Problem::setting(
        format!("settings refer to unknown check `{written}`{source}"),
        did_you_mean(similar, || {
            "write the name of a check, or take it out of the settings".into()
        }),
    )
}

fn unknown_option(check: &str, option: &str, source: &str) -> Problem {
    let what = if option.is_empty() {
        format!("the settings of `{check}`{source} name no option")
    } else {
        let option = option.escape_debug();
        format!("the settings of `{check}`{source} have an unknown option `{option}`")
    };
    let help = did_you_mean(rules::nearest(option, check::NAMES), || {
        format!("the options are {}", check::NAMES.join(", "))
    });
    Problem::setting(what, help)
}

fn unknown_setting(setting: &str, source: &str) -> Problem {
    let similar = rules::nearest(setting, service::NAMES);
    let setting = setting.escape_debug();
    Problem::setting(
        format!("the settings{source} have an unknown setting `{setting}`"),
        did_you_mean(similar, || {
            format!(
                "a check is a table of its options; the settings of the service are {}",
                service::NAMES.join(", ")
            )
        }),
    )
}

fn bad_value(what: &str, source: &str, invalid: InvalidValue) -> Problem {
    let shown = match invalid.shown {
        Some(shown) => format!("`{shown}`"),
        None => "a value of the wrong type".to_owned(),
    };
    Problem::setting(
        format!("{what} {shown}{source}"),
        format!("write {}", invalid.expected),
    )
}

impl<'de> Deserialize<'de> for Settings {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(FileVisitor)
    }
}

/// Visits entries in order, so that the later of two spellings wins.
struct FileVisitor;

impl<'de> Visitor<'de> for FileVisitor {
    type Value = Settings;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a table of settings")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Settings, A::Error> {
        let mut settings = Settings::default();
        while let Some((name, value)) = map.next_entry::<String, Value>()? {
            settings.add_from_file(&name, value);
        }
        Ok(settings)
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("service", &self.service)
            .field("checks", &self.checks)
            .finish_non_exhaustive()
    }
}

/// Omits the value, which can be a secret.
impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entry")
            .field("variable", &self.variable)
            .finish_non_exhaustive()
    }
}
