//! Validates [`Args`] and [`Function`], and returns a [`Spec`]. Each rule is
//! one `check_*` function.

use std::ops::RangeInclusive;
use std::time::Duration;

use proc_macro2::{Ident, Span, TokenStream};
use syn::Member;
use syn::ext::IdentExt;

use crate::args::Args;
use crate::diag::{Diag, Mistake, Place};
use crate::item::Function;
use crate::rules::{self, HumanDuration, MAX_PERIOD, MAX_STALE_AFTER, MAX_TIMEOUT, Timing};
use crate::synonyms::{Probe, Unit};
use crate::tokens::pretty;
use crate::value::{CheckPath, Critical, Millis, Slot, Written};

/// A valid declaration.
pub(crate) struct Spec {
    pub(crate) name: String,
    /// The span of the name.
    pub(crate) name_span: Span,
    pub(crate) settings: Vec<Setting>,
    /// The prerequisites.
    pub(crate) after: Vec<CheckPath>,
    /// Whether the future is not `Send`.
    pub(crate) is_local: bool,
    pub(crate) source: Source,
    pub(crate) root: Option<syn::Path>,
    pub(crate) subject: Subject,
}

/// The item with the attribute.
pub(crate) enum Subject {
    Function(Function),
    Field(Field),
}

/// A field of a state that has a check of its own.
pub(crate) struct Field {
    /// The visibility of the struct, because `after` must reach the check from each
    /// module that sees the state.
    pub(crate) visibility: TokenStream,
    pub(crate) state: Ident,
    pub(crate) member: Member,
    pub(crate) ty: TokenStream,
    /// The `T` of a field of type `Option<T>`, which the check takes.
    pub(crate) some: Option<TokenStream>,
    /// The first line of its doc comment.
    pub(crate) description: Option<String>,
    /// The expression of the check.
    pub(crate) check: TokenStream,
}

impl Subject {
    /// The source of the default name; a field of a tuple struct has none.
    pub(crate) fn name(&self) -> Option<&Ident> {
        match self {
            Subject::Function(function) => Some(&function.name),
            Subject::Field(Field {
                member: Member::Named(name),
                ..
            }) => Some(name),
            Subject::Field(_) => None,
        }
    }

    fn description(&self) -> Option<&String> {
        match self {
            Subject::Function(function) => function.description.as_ref(),
            Subject::Field(field) => field.description.as_ref(),
        }
    }

    /// Whether it is in an `impl` block.
    fn is_in_impl(&self) -> bool {
        matches!(self, Subject::Function(Function { owner: Some(_), .. }))
    }

    /// The word for it in messages.
    fn kind(&self) -> &'static str {
        match self {
            Subject::Function(_) => "function",
            Subject::Field(_) => "field",
        }
    }

    /// The attribute, in messages.
    fn attribute(&self) -> &'static str {
        match self {
            Subject::Function(_) => "health_check",
            Subject::Field(_) => "health",
        }
    }
}

/// The options that are set, as calls of `CheckOptions`.
pub(crate) enum Setting {
    Flag(&'static str),
    CriticalFor(Probe),
    Observes(Unit),
    Duration(&'static str, u64),
    Count(&'static str, u32),
    Text(&'static str, String),
    Texts(&'static str, Vec<String>),
}

/// The state that must provide the parameters.
pub(crate) enum Source {
    /// The state of the package.
    Package,
    /// The state of the option `state`.
    Named(syn::Path),
    /// The state that is passed when the program starts.
    Late,
}

/// Applies every rule. The result may only be used if nothing was reported.
pub(crate) fn validate(args: Args, subject: Subject, diag: &Diag) -> Spec {
    check_ranges(&args, diag);
    check_timeout_fits_interval(&args, diag);
    check_cache_without_interval(&args, diag);
    check_stale_after(&args, diag);
    check_probes_are_critical(&args, diag);
    check_critical_probes_count(&args, diag);
    match &subject {
        Subject::Function(function) => {
            check_late_names_no_state(&args, diag);
            check_local_is_async(&args, function, diag);
        }
        Subject::Field(_) => check_field_is_the_source(&args, diag),
    }
    check_after(&args, &subject, diag);
    check_tags(&args, diag);
    check_affects(&args, diag);
    check_component(&args, diag);
    check_name(&args, &subject, diag);
    let settings = settings(&args, &subject);
    let named = args
        .name
        .get()
        .map(|name| (name.value.clone(), span_of(name.at.tokens())));
    let own = || {
        let own = subject.name()?;
        Some((own.unraw().to_string(), own.span()))
    };
    // without any name, a mistake was reported before
    let (name, name_span) = named
        .or_else(own)
        .unwrap_or_else(|| (String::new(), Span::call_site()));
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
        subject,
    }
}

fn span_of(tokens: &TokenStream) -> Span {
    tokens
        .clone()
        .into_iter()
        .next()
        .map_or_else(Span::call_site, |token| token.span())
}

fn settings(args: &Args, subject: &Subject) -> Vec<Setting> {
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
    let observes = args
        .observes
        .get()
        .map(|unit| Setting::Observes(unit.value));
    let description = subject.description().cloned();
    let description = description.map(|text| Setting::Text("description", text));
    flags
        .chain(critical)
        .chain(durations)
        .chain(counts)
        .chain(tags)
        .chain(affects)
        .chain(component)
        .chain(observes)
        .chain(description)
        .collect()
}

fn check_ranges(args: &Args, diag: &Diag) {
    check_longest("timeout", &args.timeout, MAX_TIMEOUT, diag);
    check_longest("interval", &args.interval, MAX_PERIOD, diag);
    check_longest("cache", &args.cache, MAX_PERIOD, diag);
    check_longest("initial_delay", &args.initial_delay, MAX_PERIOD, diag);
    check_longest("stale_after", &args.stale_after, MAX_STALE_AFTER, diag);
    check_not_zero(
        &args.timeout,
        "a timeout of zero fails every run",
        "leave `timeout` out for the default of 5 seconds, or write at least `\"1ms\"`",
        diag,
    );
    check_not_zero(
        &args.interval,
        "`interval` must be greater than zero",
        "leave `interval` out for the default of 10 seconds, or write for example `\"30s\"`",
        diag,
    );
    check_threshold(&args.failure_threshold, diag);
    check_threshold(&args.success_threshold, diag);
}

fn check_longest(key: &str, slot: &Slot<Millis>, longest: Duration, diag: &Diag) {
    let Some(written) = slot.get().filter(|written| written.value.get() > longest) else {
        return;
    };
    let what = format!("`{}` is too long for `{key}`", written.value.text);
    let help = format!("the longest `{key}` is `\"{}\"`", HumanDuration(longest));
    diag.error(&written.at, what, help);
}

fn check_not_zero(slot: &Slot<Millis>, what: &str, help: &str, diag: &Diag) {
    if let Some(written) = slot.get().filter(|written| written.value.count == 0) {
        diag.error(&written.at, what, help);
    }
}

fn check_threshold(slot: &Slot<u32>, diag: &Diag) {
    if let Some(written) = slot.get().filter(|written| written.value == 0) {
        let what = "a threshold of zero would change the verdict without a result";
        let help = "write `1` or more; `1` is the default and can be left out";
        diag.error(&written.at, what, help);
    }
}

/// Returns a duration that is valid on its own.
fn sound(slot: &Slot<Millis>, longest: Duration) -> Option<&Written<Millis>> {
    slot.get()
        .filter(|written| (SHORTEST..=longest).contains(&written.value.get()))
}

const SHORTEST: Duration = Duration::from_millis(1);

fn check_timeout_fits_interval(args: &Args, diag: &Diag) {
    let timeout = sound(&args.timeout, MAX_TIMEOUT);
    let interval = sound(&args.interval, MAX_PERIOD);
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
        "`cache` and `interval` cannot be combined",
        "`interval` runs the check in the background, `cache` runs it when a probe asks; keep one",
    );
}

fn check_stale_after(args: &Args, diag: &Diag) {
    let (Some(stale_after), Some(timing)) = (args.stale_after.get(), timing(args)) else {
        return;
    };
    let age = stale_after.value.get();
    let threshold = args.failure_threshold.get();
    let threshold = threshold.map_or(1, |threshold| threshold.value);
    if age > MAX_STALE_AFTER || args.failure_threshold.is_broken() {
        return;
    }
    let quoted = |duration| format!("`\"{}\"`", HumanDuration(duration));
    if let Err(mistake) = timing.check_stale_after(age, threshold, quoted) {
        diag.report(&stale_after.at, &mistake);
    }
}

/// Returns the period and the timeout, with defaults filled in. `None` if one
/// of the options is invalid or if they contradict each other.
fn timing(args: &Args) -> Option<Timing> {
    let usable = |slot: &Slot<Millis>, range: RangeInclusive<Duration>| {
        !slot.is_broken()
            && slot
                .get()
                .is_none_or(|written| range.contains(&written.value.get()))
    };
    if !usable(&args.timeout, SHORTEST..=MAX_TIMEOUT)
        || !usable(&args.interval, SHORTEST..=MAX_PERIOD)
        || !usable(&args.cache, Duration::ZERO..=MAX_PERIOD)
        || args.cache.get().is_some() && args.interval.get().is_some()
    {
        return None;
    }
    let get = |slot: &Slot<Millis>| slot.get().map(|written| written.value.get());
    Some(Timing::new(
        get(&args.timeout),
        get(&args.interval),
        get(&args.cache),
    ))
}

/// Returns the probes that are set as options, with the positions of their
/// keys.
fn probes(args: &Args) -> Vec<(Probe, Place)> {
    let slots = [&args.liveness, &args.readiness, &args.startup];
    let written = Probe::ALL.into_iter().zip(slots);
    written
        .filter_map(|(probe, slot)| Some((probe, slot.get()?.key.clone())))
        .collect()
}

/// Reports a check of liveness or startup that is not critical, because it has
/// no effect there.
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
                format!("a `{word}` check that is not critical has no effect"),
                format!("write `{word}, critical`, or leave `{word}` out to count for readiness"),
            ),
            Some(Critical::Only(only)) if only.iter().all(|(named, _)| named != probe) => {
                let mut all: Vec<_> = only.iter().map(|(named, _)| named.key()).collect();
                all.push(word);
                diag.error(
                    key,
                    format!("the check is not critical for `{word}`, so it has no effect there"),
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
            "`late` and `state` cannot be combined",
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

/// The check of a field gets the field and has no parameters.
fn check_field_is_the_source(args: &Args, diag: &Diag) {
    let keys = [
        args.late.get().map(|late| ("late", &late.key)),
        args.state.get().map(|state| ("state", &state.key)),
    ];
    for (word, key) in keys.into_iter().flatten() {
        let what = format!("`{word}` is for parameters, and the check of a field takes this field");
        diag.error(key, what, format!("leave `{word}` out"));
    }
}

/// Reports a check that depends on itself. rustc resolves the paths and reports
/// longer cycles.
fn check_after(args: &Args, subject: &Subject, diag: &Diag) {
    let Some(after) = args.after.get() else {
        return;
    };
    let checks = after.value.0.iter();
    let texts: Vec<_> = checks
        .map(|check| (pretty(check.place.tokens()), check.place.clone()))
        .collect();
    check_list("after", "", &texts, diag);
    for check in &after.value.0 {
        let parent = check.parent.to_string().replace(' ', "");
        let is_here = match parent.as_str() {
            "" | "self::" => !subject.is_in_impl(),
            "Self::" => subject.is_in_impl(),
            _ => false,
        };
        if is_here && subject.name() == Some(&check.name) {
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
        report(rules::check_tag(tag), at, diag);
    }
    check_list("tags", "the tag ", tags, diag);
}

fn check_affects(args: &Args, diag: &Diag) {
    let Some(affects) = args.affects.get() else {
        return;
    };
    let endpoints = &affects.value.0;
    for (endpoint, at) in endpoints {
        report(rules::check_endpoint(endpoint), at, diag);
    }
    check_list("affects", "the endpoint ", endpoints, diag);
}

fn check_component(args: &Args, diag: &Diag) {
    if let Some(component) = args.component.get() {
        report(
            rules::check_component(&component.value),
            &component.at,
            diag,
        );
    }
}

/// Applies the rules for each list: its length, and no duplicates.
fn check_list(option: &str, thing: &str, listed: &[(String, Place)], diag: &Diag) {
    if let Some((_, last)) = listed.last() {
        report(rules::check_count(option, listed.len()), last, diag);
    }
    let texts: Vec<_> = listed.iter().map(|(text, _)| text).collect();
    for nth in rules::repeated(&texts) {
        let (text, at) = &listed[nth];
        diag.report(at, &rules::listed_twice(thing, text));
    }
}

fn report(verdict: Result<(), Mistake>, at: &Place, diag: &Diag) {
    if let Err(mistake) = verdict {
        diag.report(at, &mistake);
    }
}

fn check_name(args: &Args, subject: &Subject, diag: &Diag) {
    if args.name.is_broken() {
        return;
    }
    if let Some(written) = args.name.get() {
        if let Err(mistake) = written_name(&written.value, subject.kind()) {
            diag.report(&written.at, &mistake);
        }
    } else if let Some(name) = subject.name() {
        if let Err(mistake) = own_name(name, subject) {
            diag.report(&Place::item(name), &mistake);
        }
    } else if let Subject::Field(field) = subject {
        diag.error(
            &Place::item(&field.check),
            "a check on a field without a name needs `name`",
            "write for example `name = \"orders-db\"`",
        );
    }
}

/// `kind` names the item that the name comes from otherwise.
fn written_name(name: &str, kind: &str) -> Result<(), Mistake> {
    let otherwise = format!("leave `name` out to use the name of the {kind}");
    rules::check_shape("check name", name, &otherwise)?;
    reserved(name).map_or(Ok(()), |what| {
        Err(Mistake::new(
            what,
            format!("write for example `\"{name}-check\"`"),
        ))
    })
}

/// Applies the same rules to the function's name, which cannot be changed in
/// the attribute.
fn own_name(name: &Ident, subject: &Subject) -> Result<(), Mistake> {
    let name = name.unraw().to_string();
    let (what, proposal) = if let Some(what) = reserved(&name) {
        (what, Some(format!("{name}-check")))
    } else if written_name(&name, subject.kind()).is_err() {
        (
            format!("`{name}` cannot be the name of a check"),
            rules::proposal(&name),
        )
    } else {
        return Ok(());
    };
    let example = proposal.unwrap_or_else(|| "orders-db".into());
    let attribute = subject.attribute();
    let help = format!("name it in the attribute: `#[{attribute}(name = \"{example}\")]`");
    Err(Mistake::new(what, help))
}

/// Returns the error for a name that the framework uses itself.
fn reserved(name: &str) -> Option<String> {
    let used_for = rules::reserved_for(name)?;
    Some(format!("the name `{name}` is reserved for {used_for}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn valid_names_are_accepted() {
        for name in ["db", "orders-db", "a.b_c-9", "0", &"x".repeat(64)] {
            assert_eq!(written_name(name, "function"), Ok(()), "{name}");
        }
    }

    #[test]
    fn words_of_the_framework_are_reserved() {
        for (name, _) in rules::RESERVED {
            assert!(written_name(name, "function").is_err(), "{name}");
        }
        assert_eq!(written_name("startup-db", "function"), Ok(()));
    }
}
