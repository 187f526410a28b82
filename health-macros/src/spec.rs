//! [`Args`] and [`Function`] → [`Spec`]. Each rule is one `check_*` function.

use std::ops::RangeInclusive;

use proc_macro2::{Ident, Span, TokenStream};
use syn::ext::IdentExt;

use crate::args::Args;
use crate::diag::{Diag, Mistake, Place};
use crate::duration;
use crate::item::Function;
use crate::tokens::pretty;
use crate::value::{CheckPath, Critical, Millis, Slot, Written};
use crate::words::Probe;

const MINUTE: u64 = 60_000;
const HOUR: u64 = 60 * MINUTE;
const DEFAULT_TIMEOUT: u64 = 5_000;
const DEFAULT_INTERVAL: u64 = 10_000;
const LONGEST_TIMEOUT: u64 = HOUR;
const LONGEST_PERIOD: u64 = 24 * HOUR;
const LONGEST_NAME: usize = 64;

/// Names that the framework uses itself, and what for.
const RESERVED: &[(&str, &str)] = &[
    ("shutdown", "the drain"),
    ("startup", "the start"),
    ("runtime", "the watchdog"),
    ("groups", "groups of checks"),
];

/// A declaration that obeys every rule.
pub(crate) struct Spec {
    pub(crate) name: String,
    /// Where the name was written.
    pub(crate) name_span: Span,
    pub(crate) settings: Vec<Setting>,
    /// The checks that come first.
    pub(crate) after: Vec<CheckPath>,
    /// The future is not `Send`.
    pub(crate) is_local: bool,
    pub(crate) source: Source,
    pub(crate) root: Option<syn::Path>,
    pub(crate) function: Function,
}

/// What is written, as calls of the options' builder.
pub(crate) enum Setting {
    Flag(&'static str),
    CriticalFor(Probe),
    Duration(&'static str, u64),
    Count(&'static str, u32),
    Text(&'static str, String),
    Texts(&'static str, Vec<String>),
}

/// Which state must provide the parameters.
pub(crate) enum Source {
    /// That of the package.
    Package,
    /// The one that `state` names.
    Named(syn::Path),
    /// Whichever is given when the program starts.
    Late,
}

/// Applies every rule. What it returns is only good if nothing was reported.
pub(crate) fn validate(args: Args, function: Function, diag: &Diag) -> Spec {
    check_ranges(&args, diag);
    check_timeout_fits_interval(&args, diag);
    check_cache_without_interval(&args, diag);
    check_stale_after(&args, diag);
    check_probes_are_critical(&args, diag);
    check_critical_probes_count(&args, diag);
    check_late_names_no_state(&args, diag);
    check_local_is_async(&args, &function, diag);
    check_after(&args, &function, diag);
    check_tags(&args, diag);
    check_affects(&args, diag);
    check_component(&args, diag);
    check_name(&args, &function, diag);
    let settings = settings(&args, &function);
    let named = args
        .name
        .get()
        .map(|name| (name.value.clone(), span_of(name.at.tokens())));
    let (name, name_span) =
        named.unwrap_or_else(|| (function.name.unraw().to_string(), function.name.span()));
    let source = match (args.late.get(), args.state.into_value()) {
        (Some(_), _) => Source::Late,
        (None, Some(path)) => Source::Named(path),
        (None, None) => Source::Package,
    };
    Spec {
        name,
        name_span,
        settings,
        after: args
            .after
            .into_value()
            .map_or_else(Vec::new, |after| after.0),
        is_local: args.local.get().is_some(),
        source,
        root: args.krate.into_value(),
        function,
    }
}

fn span_of(tokens: &TokenStream) -> Span {
    tokens
        .clone()
        .into_iter()
        .next()
        .map_or_else(Span::call_site, |token| token.span())
}

fn settings(args: &Args, function: &Function) -> Vec<Setting> {
    let flags = [
        ("liveness", &args.liveness),
        ("readiness", &args.readiness),
        ("startup", &args.startup),
    ];
    let durations = [
        ("timeout", &args.timeout),
        ("interval", &args.interval),
        ("cache", &args.cache),
        ("initial_delay", &args.initial_delay),
        ("stale_after", &args.stale_after),
    ];
    let counts = [
        ("failure_threshold", &args.failure_threshold),
        ("success_threshold", &args.success_threshold),
    ];
    let flags = flags
        .into_iter()
        .filter_map(|(key, slot)| slot.get().map(|_| Setting::Flag(key)));
    let durations = durations
        .into_iter()
        .filter_map(|(key, slot)| Some(Setting::Duration(key, slot.get()?.value.count)));
    let counts = counts
        .into_iter()
        .filter_map(|(key, slot)| Some(Setting::Count(key, slot.get()?.value)));
    let critical = match args.critical.get().map(|critical| &critical.value) {
        None => Vec::new(),
        Some(Critical::Everywhere) => vec![Setting::Flag("critical")],
        Some(Critical::Only(probes)) => probes
            .iter()
            .map(|&(probe, _)| Setting::CriticalFor(probe))
            .collect(),
    };
    let tags = args.tags.get().map(|tags| {
        let tags = tags.value.0.iter().map(|(tag, _)| tag.clone());
        Setting::Texts("tags", tags.collect())
    });
    let affects = args.affects.get().map(|affects| {
        let endpoints = affects.value.0.iter().map(|(endpoint, _)| endpoint.clone());
        Setting::Texts("affects", endpoints.collect())
    });
    let component = args
        .component
        .get()
        .map(|component| component.value.clone());
    let component = component.map(|text| Setting::Text("component", text));
    let description = function.description.clone();
    let description = description.map(|text| Setting::Text("description", text));
    flags
        .chain(critical)
        .chain(durations)
        .chain(counts)
        .chain(tags)
        .chain(affects)
        .chain(component)
        .chain(description)
        .collect()
}

fn check_ranges(args: &Args, diag: &Diag) {
    check_longest("timeout", &args.timeout, LONGEST_TIMEOUT, diag);
    check_longest("interval", &args.interval, LONGEST_PERIOD, diag);
    check_longest("cache", &args.cache, LONGEST_PERIOD, diag);
    check_longest("initial_delay", &args.initial_delay, LONGEST_PERIOD, diag);
    check_longest("stale_after", &args.stale_after, LONGEST_PERIOD, diag);
    check_not_zero(
        &args.timeout,
        "a timeout of zero fails every run",
        "leave `timeout` out for the default of 5 seconds, or write at least `\"1ms\"`",
        diag,
    );
    check_not_zero(
        &args.interval,
        "an interval of zero leaves no pause between runs",
        "leave `interval` out for the default of 10 seconds, or write for example `\"30s\"`",
        diag,
    );
    check_threshold(&args.failure_threshold, diag);
    check_threshold(&args.success_threshold, diag);
}

fn check_longest(key: &str, slot: &Slot<Millis>, longest: u64, diag: &Diag) {
    let Some(written) = slot.get().filter(|written| written.value.count > longest) else {
        return;
    };
    let what = format!("`{}` is too long for `{key}`", written.value.text);
    let help = format!("the longest `{key}` is `\"{}\"`", duration::format(longest));
    diag.error(&written.at, what, help);
}

fn check_not_zero(slot: &Slot<Millis>, what: &str, help: &str, diag: &Diag) {
    if let Some(written) = slot.get().filter(|written| written.value.count == 0) {
        diag.error(&written.at, what, help);
    }
}

fn check_threshold(slot: &Slot<u32>, diag: &Diag) {
    if let Some(written) = slot.get().filter(|written| written.value == 0) {
        let what = "a threshold of zero would turn the verdict without a result";
        let help = "write `1` or more; `1` is the default and can be left out";
        diag.error(&written.at, what, help);
    }
}

/// A duration that its own rules allow.
fn sound(slot: &Slot<Millis>, longest: u64) -> Option<&Written<Millis>> {
    slot.get()
        .filter(|written| (1..=longest).contains(&written.value.count))
}

fn check_timeout_fits_interval(args: &Args, diag: &Diag) {
    let timeout = sound(&args.timeout, LONGEST_TIMEOUT);
    let interval = sound(&args.interval, LONGEST_PERIOD);
    let (Some(timeout), Some(interval)) = (timeout, interval) else {
        return;
    };
    if timeout.value.count > interval.value.count {
        let what = format!(
            "the timeout `{}` is longer than the interval `{}`",
            timeout.value.text, interval.value.text
        );
        let help =
            "one run must end before the next is due; shorten the timeout or lengthen the interval";
        diag.error(&timeout.at, what, help);
    }
}

fn check_cache_without_interval(args: &Args, diag: &Diag) {
    let (Some(cache), Some(interval)) = (args.cache.get(), args.interval.get()) else {
        return;
    };
    diag.error(
        Place::last(&cache.key, &interval.key),
        "`cache` and `interval` exclude each other",
        "`interval` runs the check in the background, `cache` runs it when a probe asks; keep one",
    );
}

fn check_stale_after(args: &Args, diag: &Diag) {
    let Some(stale_after) = args.stale_after.get() else {
        return;
    };
    let Some(Rhythm {
        timeout,
        period,
        name,
    }) = rhythm(args)
    else {
        return;
    };
    let least = period + timeout;
    let written = stale_after.value.count;
    if written >= least || written > LONGEST_PERIOD {
        return;
    }
    let what = if written < period {
        format!(
            "`stale_after` is shorter than {name}, so every pass goes stale before the next run"
        )
    } else {
        format!(
            "`stale_after` is shorter than {name} and the timeout together, so a pass can go stale before the next run ends"
        )
    };
    let help = if least > LONGEST_PERIOD {
        format!("leave it out: the default is three times {name} and one timeout")
    } else {
        let default = duration::format(3 * period + timeout);
        let least = duration::format(least);
        format!(
            "write at least {name} and the timeout together, `\"{least}\"`, or leave it out for `\"{default}\"`"
        )
    };
    diag.error(&stale_after.at, what, help);
}

/// How often a check runs and how long it may take.
struct Rhythm {
    timeout: u64,
    /// The interval, or the age at which a result is fetched anew.
    period: u64,
    /// What the user calls the period.
    name: &'static str,
}

/// The rhythm where defaults have given way to what is written; nothing if one
/// of the options is wrong by itself, or if they contradict each other.
fn rhythm(args: &Args) -> Option<Rhythm> {
    let usable = |slot: &Slot<Millis>, range: RangeInclusive<u64>| {
        !slot.is_broken()
            && slot
                .get()
                .is_none_or(|written| range.contains(&written.value.count))
    };
    if !usable(&args.timeout, 1..=LONGEST_TIMEOUT)
        || !usable(&args.interval, 1..=LONGEST_PERIOD)
        || !usable(&args.cache, 0..=LONGEST_PERIOD)
    {
        return None;
    }
    let count = |slot: &Slot<Millis>| slot.get().map(|written| written.value.count);
    let timeout = count(&args.timeout);
    let (timeout, period, name) = match (count(&args.cache), count(&args.interval)) {
        (Some(_), Some(_)) => return None,
        (Some(cache), None) => (timeout.unwrap_or(DEFAULT_TIMEOUT), cache, "`cache`"),
        (None, interval) => {
            let (timeout, interval) = give_way(timeout, interval);
            (timeout, interval, "the interval")
        }
    };
    Some(Rhythm {
        timeout,
        period,
        name,
    })
}

/// Timeout and interval, of which a default gives way to what is written.
fn give_way(timeout: Option<u64>, interval: Option<u64>) -> (u64, u64) {
    match (timeout, interval) {
        (Some(timeout), Some(interval)) => (timeout, interval),
        (Some(timeout), None) => (timeout, DEFAULT_INTERVAL.max(timeout)),
        (None, Some(interval)) => (DEFAULT_TIMEOUT.min(interval), interval),
        (None, None) => (DEFAULT_TIMEOUT, DEFAULT_INTERVAL),
    }
}

/// The probes that are written as options, with the places of their keys.
fn probes(args: &Args) -> Vec<(Probe, Place)> {
    let slots = [&args.liveness, &args.readiness, &args.startup];
    let written = Probe::ALL.into_iter().zip(slots);
    written
        .filter_map(|(probe, slot)| Some((probe, slot.get()?.key.clone())))
        .collect()
}

/// A check that cannot fail liveness or startup decides nothing there.
fn check_probes_are_critical(args: &Args, diag: &Diag) {
    if args.critical.is_broken() {
        return;
    }
    let critical = args.critical.get().map(|critical| &critical.value);
    for (probe, key) in probes(args)
        .iter()
        .filter(|(probe, _)| *probe != Probe::Readiness)
    {
        let word = probe.key();
        match critical {
            None => diag.error(
                key,
                format!("a `{word}` check that is not critical decides nothing"),
                format!("write `{word}, critical`, or leave `{word}` out to count for readiness"),
            ),
            Some(Critical::Only(only)) if only.iter().all(|(named, _)| named != probe) => {
                let mut all: Vec<_> = only.iter().map(|(named, _)| named.key()).collect();
                all.push(word);
                diag.error(
                    key,
                    format!("the check is not critical for `{word}`, so there it decides nothing"),
                    format!("write `critical({})`, or take `{word}` out", all.join(", ")),
                );
            }
            Some(_) => {}
        }
    }
}

fn check_critical_probes_count(args: &Args, diag: &Diag) {
    let Some(Written {
        value: Critical::Only(critical),
        ..
    }) = args.critical.get()
    else {
        return;
    };
    let slots = [&args.liveness, &args.readiness, &args.startup];
    if slots.iter().any(|slot| slot.is_broken()) {
        return;
    }
    let probes = probes(args);
    for (probe, at) in critical {
        let is_default = probes.is_empty() && *probe == Probe::Readiness;
        if is_default || probes.iter().any(|(counted, _)| counted == probe) {
            continue;
        }
        let word = probe.key();
        diag.error(
            at,
            format!("the check does not count for `{word}`, so it cannot be critical there"),
            format!("add `{word}` to the options, or write `critical` alone"),
        );
    }
}

fn check_late_names_no_state(args: &Args, diag: &Diag) {
    if let (Some(_), Some(state)) = (args.late.get(), args.state.get()) {
        diag.error(
            &state.key,
            "`late` and `state` exclude each other",
            "`late` looks the parameters up when the program starts, `state` verifies them now; keep one",
        );
    }
}

fn check_local_is_async(args: &Args, function: &Function, diag: &Diag) {
    if let Some(local) = args.local.get().filter(|_| !function.is_async) {
        let what = format!(
            "`local` is for futures, and `{}` is a plain `fn`",
            function.name
        );
        let help = "leave `local` out: a plain `fn` runs on a thread of its own already";
        diag.error(&local.key, what, help);
    }
}

/// What a path names is for rustc to find out; a circle too, unless it is this one.
fn check_after(args: &Args, function: &Function, diag: &Diag) {
    let Some(after) = args.after.get() else {
        return;
    };
    let checks = after.value.0.iter();
    let texts = checks.map(|check| (pretty(check.place.tokens()), &check.place));
    check_listed_once("", texts, diag);
    for check in &after.value.0 {
        let parent = check.parent.to_string().replace(' ', "");
        let is_here = match parent.as_str() {
            "" | "self::" => function.owner.is_none(),
            "Self::" => function.owner.is_some(),
            _ => false,
        };
        if is_here && check.name == function.name {
            let what = format!("`{}` cannot wait for itself", check.name);
            diag.error(&check.place, what, "remove it from `after`");
        }
    }
}

fn check_tags(args: &Args, diag: &Diag) {
    let Some(tags) = args.tags.get() else {
        return;
    };
    let tags = &tags.value.0;
    for (tag, at) in tags {
        if let Err(mistake) = shape("tag", tag, "remove it") {
            diag.report(at, &mistake);
        }
    }
    let texts = tags.iter().map(|(tag, at)| (tag.clone(), at));
    check_listed_once("the tag ", texts, diag);
}

fn check_affects(args: &Args, diag: &Diag) {
    let Some(affects) = args.affects.get() else {
        return;
    };
    let endpoints = &affects.value.0;
    for (endpoint, at) in endpoints {
        let what = if endpoint.is_empty() {
            "an endpoint cannot be empty".into()
        } else if let Some(bad) = endpoint.chars().find(|&c| !is_template_char(c)) {
            format!("an endpoint cannot contain {}", named(bad))
        } else if !is_balanced(endpoint) {
            "a variable of an endpoint stands in one pair of braces".into()
        } else {
            continue;
        };
        diag.error(at, what, "write a path or a URI: `\"/orders/{id}\"`");
    }
    let texts = endpoints.iter().map(|(text, at)| (text.clone(), at));
    check_listed_once("the endpoint ", texts, diag);
}

/// Of RFC 6570.
fn is_template_char(c: char) -> bool {
    c.is_ascii_graphic() && !"\"<>\\^`".contains(c)
}

fn named(bad: char) -> String {
    if bad == ' ' {
        "a space".into()
    } else {
        format!("`{}`", bad.escape_debug())
    }
}

fn is_balanced(template: &str) -> bool {
    let braces = template.chars().filter(|c| "{}".contains(*c));
    let braces: Vec<char> = braces.collect();
    braces.chunks(2).all(|pair| pair == ['{', '}'])
}

fn check_listed_once<'a>(
    thing: &str,
    listed: impl Iterator<Item = (String, &'a Place)>,
    diag: &Diag,
) {
    let mut seen = Vec::new();
    for (text, at) in listed {
        if seen.contains(&text) {
            let what = format!("{thing}`{text}` is listed twice");
            diag.error(at, what, "keep one of the two");
        } else {
            seen.push(text);
        }
    }
}

fn check_component(args: &Args, diag: &Diag) {
    let Some(component) = args.component.get() else {
        return;
    };
    let text = &component.value;
    let length = text.chars().count();
    let what = if text.trim().is_empty() {
        "a component cannot be empty".into()
    } else if length > LONGEST_NAME {
        format!("a component has at most {LONGEST_NAME} characters, this one has {length}")
    } else if let Some(bad) = text.chars().find(|c| c.is_control()) {
        format!("a component cannot contain `{}`", bad.escape_debug())
    } else {
        return;
    };
    let help =
        "name a kind of thing, for example `\"datastore\"`, or leave it out for `\"component\"`";
    diag.error(&component.at, what, help);
}

fn check_name(args: &Args, function: &Function, diag: &Diag) {
    if args.name.is_broken() {
        return;
    }
    if let Some(written) = args.name.get() {
        if let Err(mistake) = written_name(&written.value) {
            diag.report(&written.at, &mistake);
        }
    } else if let Err(mistake) = function_name(&function.name) {
        diag.report(&Place::item(&function.name), &mistake);
    }
}

fn written_name(name: &str) -> Result<(), Mistake> {
    let otherwise = "leave `name` out to use the name of the function";
    shape("check name", name, otherwise)?;
    reserved(name).map_or(Ok(()), |what| {
        Err(Mistake::new(
            what,
            format!("write for example `\"{name}-check\"`"),
        ))
    })
}

/// The rules for names and tags; `otherwise` is the help where no legal text is near.
fn shape(thing: &str, text: &str, otherwise: &str) -> Result<(), Mistake> {
    if text.is_empty() {
        let what = format!("a {thing} cannot be empty");
        return Err(Mistake::new(what, otherwise));
    }
    if let Some(bad) = text.chars().find(|&c| !is_name_char(c)) {
        let bad = named(bad);
        let proposal = proposal(text)
            .map(|text| format!(": `\"{text}\"`"))
            .unwrap_or_default();
        return Err(Mistake::new(
            format!("a {thing} cannot contain {bad}"),
            format!("use `a` to `z`, digits, `-`, `_` and `.`{proposal}"),
        ));
    }
    if !text.starts_with(|c: char| c.is_ascii_alphanumeric()) {
        let help =
            proposal(text).map_or_else(|| otherwise.into(), |text| format!("write `\"{text}\"`"));
        let what = format!("a {thing} starts with a letter or a digit");
        return Err(Mistake::new(what, help));
    }
    if text.len() > LONGEST_NAME {
        return Err(Mistake::new(
            format!(
                "a {thing} has at most {LONGEST_NAME} characters, this one has {}",
                text.len()
            ),
            "it becomes a path, a label and a JSON key; shorten it",
        ));
    }
    Ok(())
}

/// The same rules, for a name that cannot be changed in the attribute.
fn function_name(function: &Ident) -> Result<(), Mistake> {
    let name = function.unraw().to_string();
    let (what, proposal) = if let Some(what) = reserved(&name) {
        (what, Some(format!("{name}-check")))
    } else if written_name(&name).is_err() {
        (
            format!("`{name}` cannot be the name of a check"),
            proposal(&name),
        )
    } else {
        return Ok(());
    };
    let example = proposal.unwrap_or_else(|| "orders-db".into());
    let help = format!("name it in the attribute: `#[health_check(name = \"{example}\")]`");
    Err(Mistake::new(what, help))
}

fn is_name_char(c: char) -> bool {
    c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_' | '.')
}

/// What is wrong with a name that the framework uses itself.
fn reserved(name: &str) -> Option<String> {
    let folded = fold(name);
    let (_, used_for) = RESERVED
        .iter()
        .find(|&&(reserved, _)| fold(reserved) == folded)?;
    Some(format!(
        "the name `{name}` is taken by the framework, for {used_for}"
    ))
}

/// Names that differ only in `-`, `_` and `.` are the same.
pub(crate) fn fold(name: &str) -> String {
    name.replace(['-', '.'], "_")
}

/// The nearest legal name, if there is one.
fn proposal(name: &str) -> Option<String> {
    let lower = name.to_lowercase();
    let words = lower
        .split(|c| !is_name_char(c))
        .filter(|word| !word.is_empty());
    let words: Vec<&str> = words.collect();
    let legal = words.join("-");
    let legal = legal.trim_matches(['-', '_', '.']);
    let short: String = legal.chars().take(LONGEST_NAME).collect();
    (!short.is_empty()).then_some(short)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_legal_name() {
        assert_eq!(proposal("My DB").as_deref(), Some("my-db"));
        assert_eq!(proposal("_db").as_deref(), Some("db"));
        assert_eq!(proposal("-db-").as_deref(), Some("db"));
        assert_eq!(proposal("größe").as_deref(), Some("gr-e"));
        assert_eq!(proposal("***"), None);
        assert_eq!(proposal(&"x".repeat(90)).map(|name| name.len()), Some(64));
    }

    #[test]
    fn legal_names() {
        for name in ["db", "orders-db", "a.b_c-9", "0", &"x".repeat(64)] {
            assert_eq!(written_name(name), Ok(()), "{name}");
        }
    }

    #[test]
    fn the_words_of_the_framework_are_reserved() {
        for (name, _) in RESERVED {
            assert!(written_name(name).is_err(), "{name}");
        }
        assert_eq!(written_name("startup-db"), Ok(()));
    }
}
