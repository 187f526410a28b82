//! Rules for options and names: limits, defaults and the messages about
//! mistakes.
//!
//! This file is compiled into `health-core` and, through a link, into
//! `health-macros`, so that the attribute and the builder apply the same rules.
//! It only uses `std`.

use std::fmt;
use std::time::Duration;

const HOUR: Duration = Duration::from_secs(60 * 60);
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(5);
const DEFAULT_INTERVAL: Duration = Duration::from_secs(10);

/// The maximum `timeout`.
pub(crate) const MAX_TIMEOUT: Duration = HOUR;
/// The maximum `interval`, `cache` and `initial_delay`.
pub(crate) const MAX_PERIOD: Duration = Duration::from_secs(24 * 60 * 60);
/// The maximum `stale_after`. It leaves room for a check that runs once a day
/// with a threshold of several failures.
pub(crate) const MAX_STALE_AFTER: Duration = Duration::from_secs(365 * 24 * 60 * 60);
/// The maximum length of names, tags and components, in characters.
pub(crate) const MAX_NAME: usize = 64;
/// The maximum length of an endpoint, in bytes.
pub(crate) const MAX_ENDPOINT: usize = 1024;
/// The maximum length of a description, in characters.
pub(crate) const MAX_DESCRIPTION: usize = 256;
/// The maximum number of tags, affected endpoints and links of one check.
pub(crate) const MAX_LIST: usize = 64;

/// Names that the framework uses itself, each with its purpose.
pub(crate) const RESERVED: [(&str, &str); 4] = [
    ("shutdown", "the drain"),
    ("startup", "the start"),
    ("runtime", "the watchdog"),
    ("groups", "groups of checks"),
];

/// A broken rule and what to write instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mistake {
    pub(crate) what: String,
    pub(crate) help: String,
}

impl Mistake {
    pub(crate) fn new(what: impl Into<String>, help: impl Into<String>) -> Self {
        Mistake {
            what: what.into(),
            help: help.into(),
        }
    }
}

/// The period and the timeout of a check.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Timing {
    pub(crate) timeout: Duration,
    /// The interval, or the age at which a check on demand runs again.
    pub(crate) period: Duration,
    pub(crate) on_demand: bool,
}

impl Timing {
    /// Fills in the defaults, which adapt to the values that are set. `cache`
    /// wins over `interval`; setting both is a mistake.
    pub(crate) fn new(
        timeout: Option<Duration>,
        interval: Option<Duration>,
        cache: Option<Duration>,
    ) -> Self {
        if let Some(period) = cache {
            return Timing {
                timeout: timeout.unwrap_or(DEFAULT_TIMEOUT),
                period,
                on_demand: true,
            };
        }
        let (timeout, period) = match (timeout, interval) {
            (Some(timeout), Some(interval)) => (timeout, interval),
            (Some(timeout), None) => (timeout, DEFAULT_INTERVAL.max(timeout)),
            (None, Some(interval)) => (DEFAULT_TIMEOUT.min(interval), interval),
            (None, None) => (DEFAULT_TIMEOUT, DEFAULT_INTERVAL),
        };
        Timing {
            timeout,
            period,
            on_demand: false,
        }
    }

    /// Returns the age at which a pass no longer counts: three periods, or
    /// `failure_threshold` periods if that is more, plus one timeout.
    pub(crate) fn default_stale_after(self, failure_threshold: u32) -> Duration {
        let periods = self.period.saturating_mul(failure_threshold.max(3));
        periods.saturating_add(self.timeout).min(MAX_STALE_AFTER)
    }

    /// Returns what is wrong with `stale_after`, if anything.
    ///
    /// `spell` formats a duration in the user's notation.
    pub(crate) fn check_stale_after(
        self,
        stale_after: Duration,
        failure_threshold: u32,
        spell: impl Fn(Duration) -> String,
    ) -> Result<(), Mistake> {
        let failures = self.period.saturating_mul(failure_threshold);
        let run = self.period.saturating_add(self.timeout);
        let least = failures.max(run);
        if stale_after >= least {
            return Ok(());
        }
        let period = if self.on_demand {
            "`cache`"
        } else {
            "the interval"
        };
        let what = if stale_after < self.period {
            format!(
                "`stale_after` is shorter than {period}, so every pass goes stale before the next run"
            )
        } else if stale_after < run {
            format!(
                "`stale_after` is shorter than {period} and the timeout together, so a pass can go stale before the next run ends"
            )
        } else {
            format!(
                "`stale_after` of {} is shorter than the {} that {failure_threshold} failures take, so `failure_threshold` can never be reached",
                HumanDuration(stale_after),
                HumanDuration(failures),
            )
        };
        let bound = if failures > run {
            format!("{failure_threshold} times {period}")
        } else {
            format!("{period} and the timeout together")
        };
        let help = if least > MAX_STALE_AFTER {
            format!("leave it out, or lower `failure_threshold` or {period}")
        } else {
            format!(
                "write at least {bound}, {}, or leave it out for {}",
                spell(least),
                spell(self.default_stale_after(failure_threshold)),
            )
        };
        Err(Mistake::new(what, help))
    }
}

/// Displays a duration in the notation of the attribute and the settings, in
/// the largest unit that divides it.
pub(crate) struct HumanDuration(pub(crate) Duration);

impl fmt::Display for HumanDuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNITS: [(&str, u128); 4] = [("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];
        let HumanDuration(duration) = *self;
        let milliseconds = duration.as_millis();
        if duration.is_zero() {
            return f.write_str("0s");
        }
        if duration.subsec_nanos() % 1_000_000 != 0 {
            return write!(f, "{duration:?}");
        }
        let fits = |&(_, factor): &(&str, u128)| milliseconds % factor == 0;
        let (unit, factor) = UNITS.into_iter().find(fits).unwrap_or(("ms", 1));
        write!(f, "{}{unit}", milliseconds / factor)
    }
}

/// Validates a check name or tag. `otherwise` is the help if no similar legal
/// text exists.
pub(crate) fn check_shape(thing: &str, text: &str, otherwise: &str) -> Result<(), Mistake> {
    if text.is_empty() {
        return Err(Mistake::new(
            format!("a {thing} cannot be empty"),
            otherwise,
        ));
    }
    if let Some(bad) = text.chars().find(|&c| !is_name_char(c)) {
        let proposal = proposal(text).map(|text| format!(": `\"{text}\"`"));
        return Err(Mistake::new(
            format!("a {thing} cannot contain {}", named(bad)),
            format!(
                "use `a` to `z`, digits, `-`, `_` and `.`{}",
                proposal.unwrap_or_default()
            ),
        ));
    }
    if !text.starts_with(|c: char| c.is_ascii_alphanumeric()) {
        let help =
            proposal(text).map_or_else(|| otherwise.into(), |text| format!("write `\"{text}\"`"));
        let what = format!("a {thing} starts with a letter or a digit");
        return Err(Mistake::new(what, help));
    }
    check_length(thing, text.len(), MAX_NAME).map_err(|what| {
        Mistake::new(
            what,
            "shorten it: the name is used in paths, labels and JSON keys",
        )
    })
}

fn check_length(thing: &str, length: usize, longest: usize) -> Result<(), String> {
    if length <= longest {
        return Ok(());
    }
    let article = if thing.starts_with(['a', 'e', 'i', 'o', 'u']) {
        "an"
    } else {
        "a"
    };
    Err(format!(
        "{article} {thing} has at most {longest} characters, this one has {length}"
    ))
}

/// Returns what the framework uses a reserved name for.
pub(crate) fn reserved_for(name: &str) -> Option<&'static str> {
    let folded = folded(name);
    let (_, used_for) = RESERVED.iter().find(|(reserved, _)| *reserved == folded)?;
    Some(used_for)
}

/// Normalizes a name. Names that differ only in `-`, `_` and `.` count as
/// equal, because they are the same metric label.
pub(crate) fn folded(name: &str) -> String {
    name.replace(['-', '.'], "_")
}

/// Returns the nearest legal name, if there is one.
pub(crate) fn proposal(name: &str) -> Option<String> {
    let lower = name.to_lowercase();
    let words = lower
        .split(|c| !is_name_char(c))
        .filter(|word| !word.is_empty());
    let words: Vec<&str> = words.collect();
    let legal = words.join("-");
    let legal = legal.trim_matches(['-', '_', '.']);
    let short: String = legal.chars().take(MAX_NAME).collect();
    (!short.is_empty()).then_some(short)
}

fn is_name_char(c: char) -> bool {
    c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_' | '.')
}

fn named(bad: char) -> String {
    if bad == ' ' {
        "a space".into()
    } else {
        format!("`{}`", bad.escape_debug())
    }
}

/// Validates a tag.
pub(crate) fn check_tag(tag: &str) -> Result<(), Mistake> {
    check_shape("tag", tag, "remove it")
}

/// Validates a component.
pub(crate) fn check_component(component: &str) -> Result<(), Mistake> {
    check_line("component", component, MAX_NAME).map_err(|what| {
        Mistake::new(
            what,
            "name a kind of thing, for example `\"datastore\"`, or leave it out for `\"component\"`",
        )
    })
}

/// Validates a line of text.
pub(crate) fn check_line(thing: &str, text: &str, longest: usize) -> Result<(), String> {
    if text.trim().is_empty() {
        return Err(format!("a {thing} cannot be empty"));
    }
    check_length(thing, text.chars().count(), longest)?;
    match text.chars().find(|c| c.is_control()) {
        Some(bad) => Err(format!("a {thing} cannot contain `{}`", bad.escape_debug())),
        None => Ok(()),
    }
}

/// Validates an endpoint, which is a URI template ([RFC 6570][rfc]).
///
/// [rfc]: https://www.rfc-editor.org/rfc/rfc6570#section-2
pub(crate) fn check_endpoint(endpoint: &str) -> Result<(), Mistake> {
    let what = if endpoint.is_empty() {
        "an endpoint cannot be empty".into()
    } else if let Some(bad) = endpoint.chars().find(|&c| !is_template_char(c)) {
        format!("an endpoint cannot contain {}", named(bad))
    } else if !is_balanced(endpoint) {
        "a variable of an endpoint is written in one pair of braces".into()
    } else if let Err(what) = check_length("endpoint", endpoint.len(), MAX_ENDPOINT) {
        what
    } else {
        return Ok(());
    };
    Err(Mistake::new(
        what,
        "write a path or a URI: `\"/orders/{id}\"`",
    ))
}

pub(crate) fn is_template_char(c: char) -> bool {
    c.is_ascii_graphic() && !"\"<>\\^`".contains(c)
}

fn is_balanced(template: &str) -> bool {
    let braces: Vec<char> = template.chars().filter(|c| "{}".contains(*c)).collect();
    braces.chunks(2).all(|pair| pair == ['{', '}'])
}

/// Validates the length of a list.
pub(crate) fn check_count(option: &str, count: usize) -> Result<(), Mistake> {
    if count <= MAX_LIST {
        return Ok(());
    }
    Err(Mistake::new(
        format!("`{option}` lists at most {MAX_LIST}, this one lists {count}"),
        "keep those that readers need",
    ))
}

/// Returns the positions of duplicates.
pub(crate) fn repeated(texts: &[impl AsRef<str>]) -> impl Iterator<Item = usize> {
    let is_repeated = |&nth: &usize| {
        let text = texts[nth].as_ref();
        texts[..nth].iter().any(|earlier| earlier.as_ref() == text)
    };
    (0..texts.len()).filter(is_repeated)
}

/// Returns the mistake for a duplicate in a list. `thing` is empty or ends with
/// a space.
pub(crate) fn listed_twice(thing: &str, text: &str) -> Mistake {
    Mistake::new(
        format!("{thing}`{text}` is listed twice"),
        "keep one of the two",
    )
}

/// Returns the known word that is most similar, with at most 1 + length / 4
/// edits.
pub(crate) fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let known = known
        .into_iter()
        .map(|candidate| (distance(word, candidate), candidate));
    let (edits, candidate) = known.min_by_key(|&(edits, _)| edits)?;
    (edits <= 1 + word.chars().count() / 4).then_some(candidate)
}

/// Returns the Levenshtein distance.
fn distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (removed, from) in from.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = removed + 1;
        for (column, &to) in to.iter().enumerate() {
            let replaced = diagonal + usize::from(from != to);
            diagonal = row[column + 1];
            row[column + 1] = replaced.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row[to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn secs(secs: u64) -> Duration {
        Duration::from_secs(secs)
    }

    fn spelt(duration: Duration) -> String {
        HumanDuration(duration).to_string()
    }

    fn stale_after(period: u64, threshold: u32, written: u64) -> Result<(), Mistake> {
        let timing = Timing::new(None, Some(secs(period)), None);
        timing.check_stale_after(secs(written), threshold, spelt)
    }

    #[test]
    fn stale_after_leaves_time_to_reach_the_failure_threshold() {
        let timing = Timing::new(None, None, None);
        assert_eq!(timing.default_stale_after(1), secs(35));
        assert_eq!(timing.default_stale_after(3), secs(35));
        assert_eq!(timing.default_stale_after(20), secs(205));
        assert_eq!(stale_after(10, 20, 200), Ok(()));
        assert_eq!(
            stale_after(10, 20, 199),
            Err(Mistake::new(
                "`stale_after` of 199s is shorter than the 200s that 20 failures take, so `failure_threshold` can never be reached",
                "write at least 20 times the interval, 200s, or leave it out for 205s",
            ))
        );
    }

    #[test]
    fn the_longest_interval_has_a_valid_stale_after() {
        let day = MAX_PERIOD.as_secs();
        assert_eq!(stale_after(day, 1, 2 * day), Ok(()));
        assert_eq!(stale_after(day, 365, 365 * day), Ok(()));
        let beyond = stale_after(day, 366, 365 * day).expect_err("it is above the limit");
        assert!(beyond.help.starts_with("leave it out"), "{}", beyond.help);
    }

    #[test]
    fn a_huge_failure_threshold_saturates() {
        let timing = Timing::new(None, Some(MAX_PERIOD), None);
        assert_eq!(timing.default_stale_after(u32::MAX), MAX_STALE_AFTER);
        let absurd = Timing::new(Some(Duration::MAX), Some(Duration::MAX), None);
        assert_eq!(absurd.default_stale_after(u32::MAX), MAX_STALE_AFTER);
        assert!(absurd.check_stale_after(secs(1), u32::MAX, spelt).is_err());
    }

    #[test]
    fn durations_are_written_in_the_largest_unit_that_fits() {
        for (duration, text) in [
            (secs(0), "0s"),
            (Duration::from_millis(1_500), "1500ms"),
            (secs(35), "35s"),
            (secs(120), "2m"),
            (secs(3_600), "1h"),
            (Duration::from_micros(1_500), "1.5ms"),
        ] {
            assert_eq!(spelt(duration), text);
        }
    }

    #[test]
    fn invalid_names_get_the_nearest_valid_proposal() {
        assert_eq!(proposal("My DB").as_deref(), Some("my-db"));
        assert_eq!(proposal("_db").as_deref(), Some("db"));
        assert_eq!(proposal("-db-").as_deref(), Some("db"));
        assert_eq!(proposal("größe").as_deref(), Some("gr-e"));
        assert_eq!(proposal("***"), None);
        assert_eq!(proposal(&"x".repeat(90)).map(|name| name.len()), Some(64));
    }

    #[test]
    fn names_and_tags_follow_the_same_rules() {
        for good in ["db", "orders-db", "a.b_c-9", "0", &"x".repeat(64)] {
            assert_eq!(check_tag(good), Ok(()), "{good}");
        }
        let too_long = "x".repeat(65);
        for bad in ["", "DB", "-db", "_db", "a b", "ä", "a/b", "a:b", &too_long] {
            assert!(check_tag(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn endpoints_are_uri_templates() {
        for good in ["/orders/{id}", "/{a}/{b}{?c,d}", "{+path}|", "%7B"] {
            assert_eq!(check_endpoint(good), Ok(()), "{good}");
        }
        for bad in ["", "a b", "/ä", "a\nb", "<a>", "\"", "`"] {
            assert!(check_endpoint(bad).is_err(), "{bad}");
        }
        for unbalanced in ["{", "}", "{{a}}", "a}b{", "{a"] {
            assert!(check_endpoint(unbalanced).is_err(), "{unbalanced}");
        }
    }

    #[test]
    fn only_a_similar_word_is_proposed() {
        let options = ["name", "timeout", "critical", "crate"];
        assert_eq!(nearest("timeuot", options), Some("timeout"));
        assert_eq!(nearest("Critical", options), Some("critical"));
        assert_eq!(nearest("nmae", options), Some("name"));
        assert_eq!(nearest("severity", options), None);
        assert_eq!(nearest("x", []), None);
    }

    #[test]
    fn edit_distances_are_counted() {
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("abc", ""), 3);
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("live", "live"), 0);
    }
}
