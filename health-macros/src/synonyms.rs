//! The names of probes, and names of options in other frameworks.

use crate::diag::{listed, nearest};

/// Names of options in other frameworks, or frequent guesses.
const FAMILIAR: &[(&str, &str)] = &[
    ("period", "write `interval = \"10s\"`"),
    ("every", "write `interval = \"10s\"`"),
    ("ttl", "write `cache = \"1s\"`"),
    ("threshold", "write `failure_threshold = 3`"),
    (
        "description",
        "write it as the first line of the doc comment",
    ),
    (
        "links",
        "write `CheckOptions::links` on the builder; the attribute has no links",
    ),
    ("depends_on", "write `after(database)`"),
    ("requires", "write `after(database)`"),
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

/// A probe of the attribute.
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

    /// Returns the probe that has this name in another framework.
    fn familiar(word: &str) -> Option<Probe> {
        FAMILIAR_PROBES
            .iter()
            .find_map(|&(known, probe)| (known == word).then_some(probe))
    }

    /// Returns the help for an unknown probe.
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

/// The unit of the observed value in the metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    Bytes,
    Seconds,
    Ratio,
    Count,
}

/// Units that are converted to one of the metrics, and other words for it.
const FAMILIAR_UNITS: &[(&str, Unit)] = &[
    ("byte", Unit::Bytes),
    ("kib", Unit::Bytes),
    ("mib", Unit::Bytes),
    ("gib", Unit::Bytes),
    ("s", Unit::Seconds),
    ("ms", Unit::Seconds),
    ("milliseconds", Unit::Seconds),
    ("duration", Unit::Seconds),
    ("percent", Unit::Ratio),
    ("share", Unit::Ratio),
    ("number", Unit::Count),
    ("connections", Unit::Count),
];

impl Unit {
    const ALL: [Unit; 4] = [Unit::Bytes, Unit::Seconds, Unit::Ratio, Unit::Count];

    const fn key(self) -> &'static str {
        match self {
            Unit::Bytes => "bytes",
            Unit::Seconds => "seconds",
            Unit::Ratio => "ratio",
            Unit::Count => "count",
        }
    }

    pub(crate) fn named(word: &str) -> Option<Unit> {
        Unit::ALL.into_iter().find(|unit| unit.key() == word)
    }

    /// Returns the help for an unknown unit.
    pub(crate) fn meant(word: &str) -> String {
        let word = word.to_lowercase();
        let familiar = FAMILIAR_UNITS.iter().find(|(known, _)| *known == word);
        if let Some(unit) = Unit::named(&word).or(familiar.map(|(_, unit)| *unit)) {
            return format!("write `observes({})`", unit.key());
        }
        match nearest(&word, Unit::ALL.map(Unit::key)) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("the units are {}", listed(Unit::ALL.map(Unit::key))),
        }
    }
}

/// Returns the error and the help for an unknown option; `value` is what was
/// written after it.
pub(crate) fn unknown(key: &str, value: &str, options: &[&str]) -> (String, String) {
    if PROBE_KINDS.contains(&key) {
        let what = format!("there is no option `{key}`; the probes are flags");
        return (what, Probe::meant(value.trim_matches('"')));
    }
    if key == "secondary" {
        return (
            "`secondary` goes on the struct of the state".into(),
            "write `#[health(secondary)]` above `struct`".into(),
        );
    }
    (
        format!("unknown option `{key}`"),
        help_for_unknown(key, options),
    )
}

fn help_for_unknown(key: &str, options: &[&str]) -> String {
    if let Some(probe) = Probe::familiar(key) {
        return format!("write `{}`", probe.key());
    }
    if let Some((_, help)) = FAMILIAR.iter().find(|&&(known, _)| known == key) {
        return (*help).into();
    }
    match nearest(key, options.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("the options are {}", listed(options.iter().copied())),
    }
}
