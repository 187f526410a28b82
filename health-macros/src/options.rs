//! The options of the attribute: one row each. Messages are built from this table.

use crate::args::{Args, Given};
use crate::diag::{Diag, listed, nearest};

/// One option. To add one: a row here, a field in [`Args`], a rule and a
/// setting in `spec`.
pub(crate) struct Row {
    pub(crate) key: &'static str,
    /// What to type, for the help lines.
    pub(crate) example: &'static str,
    pub(crate) read: fn(&mut Args, &Given<'_>, &Diag),
}

macro_rules! row {
    ($key:literal => $field:ident, $example:literal) => {
        Row {
            key: $key,
            example: $example,
            read: |args, given, diag| args.$field.read(given, diag),
        }
    };
}

/// All options, in the order in which they are listed to the user.
pub(crate) const OPTIONS: &[Row] = &[
    row!("name" => name, "name = \"orders-db\""),
    row!("timeout" => timeout, "timeout = \"2s\""),
    row!("critical" => critical, "critical"),
    row!("liveness" => liveness, "liveness"),
    row!("readiness" => readiness, "readiness"),
    row!("startup" => startup, "startup"),
    row!("interval" => interval, "interval = \"10s\""),
    row!("initial_delay" => initial_delay, "initial_delay = \"5s\""),
    row!("failure_threshold" => failure_threshold, "failure_threshold = 3"),
    row!("success_threshold" => success_threshold, "success_threshold = 3"),
    row!("stale_after" => stale_after, "stale_after = \"1m\""),
    row!("late" => late, "late"),
    row!("state" => state, "state = AppState"),
    row!("crate" => krate, "crate = health_core"),
];

/// What other frameworks call it, or what comes to mind first.
const FAMILIAR: &[(&str, &str)] = &[
    ("period", "write `interval = \"10s\"`"),
    ("every", "write `interval = \"10s\"`"),
    ("ttl", "write `stale_after = \"1m\"`"),
    (
        "blocking",
        "write a plain `fn`: it runs on a blocking thread",
    ),
];

const FAMILIAR_PROBES: &[(&str, Probe)] = &[
    ("live", Probe::Liveness),
    ("ready", Probe::Readiness),
    ("started", Probe::Startup),
];

const PROBE_KINDS: &[&str] = &["kind", "probe", "probes", "type"];

pub(crate) fn find(key: &str) -> Option<&'static Row> {
    OPTIONS.iter().find(|row| row.key == key)
}

/// A probe, as the attribute names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Probe {
    Liveness,
    Readiness,
    Startup,
}

impl Probe {
    pub(crate) const ALL: [Probe; 3] = [Probe::Liveness, Probe::Readiness, Probe::Startup];

    pub(crate) const fn key(self) -> &'static str {
        match self {
            Probe::Liveness => "liveness",
            Probe::Readiness => "readiness",
            Probe::Startup => "startup",
        }
    }

    pub(crate) fn named(word: &str) -> Option<Probe> {
        Probe::ALL.into_iter().find(|probe| probe.key() == word)
    }

    /// The probe that another framework calls so.
    fn familiar(word: &str) -> Option<Probe> {
        FAMILIAR_PROBES
            .iter()
            .find_map(|&(known, probe)| (known == word).then_some(probe))
    }

    /// The help for a word that names no probe.
    pub(crate) fn meant(word: &str) -> String {
        if let Some(probe) = Probe::named(word).or_else(|| Probe::familiar(word)) {
            return format!("write `{}`", probe.key());
        }
        match nearest(word, Probe::ALL.map(Probe::key)) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("the probes are {}", listed(Probe::ALL.map(Probe::key))),
        }
    }
}

/// What is wrong with a key that is no option, and the help; `value` is what
/// was written after it.
pub(crate) fn unknown(key: &str, value: &str) -> (String, String) {
    if PROBE_KINDS.contains(&key) {
        let what = format!("there is no option `{key}`; the probes are flags");
        return (what, Probe::meant(value.trim_matches('"')));
    }
    (format!("unknown option `{key}`"), help_for_unknown(key))
}

fn help_for_unknown(key: &str) -> String {
    if let Some(probe) = Probe::familiar(key) {
        return format!("write `{}`", probe.key());
    }
    if let Some((_, help)) = FAMILIAR.iter().find(|&&(known, _)| known == key) {
        return (*help).into();
    }
    let keys = || OPTIONS.iter().map(|row| row.key);
    match nearest(key, keys()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("the options are {}", listed(keys())),
    }
}
