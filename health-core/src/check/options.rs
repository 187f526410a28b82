//! The options of the attribute and of the builder, their defaults and their
//! rules.

use std::borrow::Cow;
use std::time::Duration;

use crate::check::probe::{Probe, Probes};
use crate::check::rules::{
    self, HumanDuration, MAX_DESCRIPTION, MAX_ENDPOINT, MAX_NAME, MAX_PERIOD, MAX_STALE_AFTER,
    MAX_TIMEOUT, Mistake, Timing,
};
use crate::check::unit::Unit;
use crate::check::uri;

/// The maximum time that an answer waits for checks with the option `cache`:
/// kubelet gives up after 1 s.
pub(crate) const MAX_ON_DEMAND_WAIT: Duration = Duration::from_millis(800);

/// The options of one check, as `#[health_check(..)]` takes them.
///
/// The attribute expands to this builder, and [`HealthBuilder::check`] takes it
/// for checks that are created at run time. Options that are not set keep their
/// defaults. A default adapts to the options that are set: an `interval` of 2 s
/// alone makes the timeout 2 s, and a `timeout` of 30 s alone makes the
/// interval 30 s.
///
/// Contradictory options are compile errors in the attribute and problems of
/// [`HealthBuilder::start`] here.
///
/// [`HealthBuilder::check`]: crate::HealthBuilder::check
/// [`HealthBuilder::start`]: crate::HealthBuilder::start
///
/// ```
/// use std::time::Duration;
/// use health_core::CheckOptions;
///
/// let options = CheckOptions::new().timeout(Duration::from_secs(2)).critical();
/// # let _ = options;
/// ```
#[derive(Clone, Debug, Default)]
#[must_use = "options do nothing until a check takes them"]
pub struct CheckOptions {
    probes: Probes,
    critical: Criticality,
    timeout: Option<Duration>,
    interval: Option<Duration>,
    initial_delay: Option<Duration>,
    failure_threshold: Option<u32>,
    success_threshold: Option<u32>,
    stale_after: Option<Duration>,
    cache: Option<Duration>,
    pub(crate) after: Vec<Text>,
    pub(crate) tags: Vec<Text>,
    affects: Vec<Text>,
    links: Vec<(Text, Text)>,
    component: Option<Text>,
    observes: Option<Unit>,
    description: Option<Text>,
}

/// A text of the attribute, or one that is created at run time.
type Text = Cow<'static, str>;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Criticality {
    #[default]
    Nowhere,
    Only(Probes),
    Everywhere,
}

impl CheckOptions {
    /// Returns the defaults: counts for readiness, not critical, runs every 10
    /// s with a timeout of 5 s.
    pub const fn new() -> Self {
        CheckOptions {
            probes: Probes::NONE,
            critical: Criticality::Nowhere,
            timeout: None,
            interval: None,
            initial_delay: None,
            failure_threshold: None,
            success_threshold: None,
            stale_after: None,
            cache: None,
            after: Vec::new(),
            tags: Vec::new(),
            affects: Vec::new(),
            links: Vec::new(),
            component: None,
            observes: None,
            description: None,
        }
    }

    /// Sets the timeout of one run. At most 1 h; default 5 s. A run that
    /// exceeds it counts as failed.
    pub const fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Sets the interval of the background runs, each shortened by up to 10 %
    /// at random. At most 24 h; default 10 s.
    pub const fn interval(mut self, interval: Duration) -> Self {
        self.interval = Some(interval);
        self
    }

    /// Sets the delay before the first run. At most 24 h; default none.
    ///
    /// Until the first result the check is unknown, which does not count as
    /// healthy.
    pub const fn initial_delay(mut self, delay: Duration) -> Self {
        self.initial_delay = Some(delay);
        self
    }

    /// Makes the check critical: while it fails, every probe that it counts for
    /// fails (503). Without this the probes are degraded (200).
    pub const fn critical(mut self) -> Self {
        self.critical = Criticality::Everywhere;
        self
    }

    /// Makes the check critical for this probe only. Can be called for several
    /// probes.
    pub const fn critical_for(mut self, probe: Probe) -> Self {
        let already = match self.critical {
            Criticality::Nowhere => Probes::NONE,
            Criticality::Only(probes) => probes,
            Criticality::Everywhere => Probes::ALL,
        };
        self.critical = Criticality::Only(already.with(probe));
        self
    }

    /// Counts the check for liveness. It must be [`critical`](Self::critical)
    /// there.
    pub const fn liveness(self) -> Self {
        self.counts_for(Probe::Liveness)
    }

    /// Counts the check for readiness, which is the default if no probe is set.
    pub const fn readiness(self) -> Self {
        self.counts_for(Probe::Readiness)
    }

    /// Counts the check for startup. It must be [`critical`](Self::critical)
    /// there.
    pub const fn startup(self) -> Self {
        self.counts_for(Probe::Startup)
    }

    const fn counts_for(mut self, probe: Probe) -> Self {
        self.probes = self.probes.with(probe);
        self
    }

    /// Sets how many consecutive failures make the check failing. At least 1;
    /// default 1.
    pub const fn failure_threshold(mut self, runs: u32) -> Self {
        self.failure_threshold = Some(runs);
        self
    }

    /// Sets how many consecutive passes make the check passing again. At least
    /// 1; default 1.
    pub const fn success_threshold(mut self, runs: u32) -> Self {
        self.success_threshold = Some(runs);
        self
    }

    /// Sets the age at which a pass no longer counts. At most 365 days.
    ///
    /// The default is three intervals plus one timeout. If
    /// [`failure_threshold`](Self::failure_threshold) is more than three, it is
    /// that many intervals plus one timeout. An age below `failure_threshold`
    /// intervals is an error, because the threshold could never be reached; so
    /// is one below an interval plus a timeout.
    pub const fn stale_after(mut self, age: Duration) -> Self {
        self.stale_after = Some(age);
        self
    }

    /// Runs the check on demand instead of in the background: when a probe asks
    /// and the last result is older than `age`. At most 24 h. Excludes
    /// `interval`.
    ///
    /// The probe waits for the run for at most 800 ms, then answers with the
    /// last known result. Use it for processes that are frozen between
    /// requests, and for checks that are too expensive to repeat periodically.
    pub const fn cache(mut self, age: Duration) -> Self {
        self.cache = Some(age);
        self
    }

    /// Sets the checks that this check depends on. While one of them fails,
    /// this check does not run, and it is reported as skipped together with the
    /// name of the failing check.
    ///
    /// A reported check, such as a heartbeat, is skipped in the same way: missed
    /// beats do not count while a dependency fails, and the deadline restarts when
    /// the dependency passes again. For liveness the verdict before the skip counts,
    /// so an outage of a broker does not restart its consumers.
    ///
    /// ```
    /// use health_core::CheckOptions;
    ///
    /// let options = CheckOptions::new().after(["database"]);
    /// # let _ = options;
    /// ```
    pub fn after(mut self, names: impl IntoIterator<Item = impl Into<Text>>) -> Self {
        self.after = texts(names);
        self
    }

    /// Sets the tags for reports and for groups
    /// ([`HttpOptions::group`](crate::config::HttpOptions::group)), such as
    /// `["db", "eu"]`. At most 64; each follows the rules for check names.
    ///
    /// ```
    /// use health_core::CheckOptions;
    ///
    /// let tenant = String::from("tenant-7");
    /// let options = CheckOptions::new().tags(["db".into(), tenant]);
    /// # let _ = options;
    /// ```
    pub fn tags(mut self, tags: impl IntoIterator<Item = impl Into<Text>>) -> Self {
        self.tags = texts(tags);
        self
    }

    /// Sets the endpoints that do not work while the check does not pass, as
    /// URI templates: the `affectedEndpoints` of `application/health+json`. At
    /// most 64, each of at most 1,024 bytes.
    ///
    /// ```
    /// use health_core::CheckOptions;
    ///
    /// let options = CheckOptions::new().affects(["/orders", "/orders/{id}"]);
    /// # let _ = options;
    /// ```
    pub fn affects(mut self, endpoints: impl IntoIterator<Item = impl Into<Text>>) -> Self {
        self.affects = texts(endpoints);
        self
    }

    /// Sets URIs by relation, such as a runbook: the `links` of the check in
    /// `application/health+json`. At most 64, each of at most 1,024 bytes.
    ///
    /// ```
    /// use health_core::CheckOptions;
    ///
    /// let options = CheckOptions::new().links([("runbook", "https://example.com/orders-db")]);
    /// # let _ = options;
    /// ```
    pub fn links<R, U>(mut self, links: impl IntoIterator<Item = (R, U)>) -> Self
    where
        R: Into<Text>,
        U: Into<Text>,
    {
        let links = links.into_iter();
        self.links = links
            .map(|(relation, uri)| (relation.into(), uri.into()))
            .collect();
        self
    }

    /// Sets the type of the checked component: the `componentType` of
    /// `application/health+json`. At most 64 characters; default `component`.
    pub fn component(mut self, kind: impl Into<Text>) -> Self {
        self.component = Some(kind.into());
        self
    }

    /// Shows the value of [`Outcome::observe`](crate::Outcome::observe) in the
    /// metrics, as a gauge with this unit in its name:
    /// `health_check_observed_bytes`, `_seconds`, `_ratio`, or
    /// `health_check_observed` for a count. Default: the value is not in the
    /// metrics.
    ///
    /// The value is `NaN` until the first result, and while the last result has no
    /// number in this unit.
    ///
    /// ```
    /// use health_core::CheckOptions;
    /// use health_core::check::Unit;
    ///
    /// let options = CheckOptions::new().observes(Unit::Bytes);
    /// # let _ = options;
    /// ```
    pub const fn observes(mut self, unit: Unit) -> Self {
        self.observes = Some(unit);
        self
    }

    /// Sets a description of one line, at most 256 characters. The attribute
    /// takes the first line of the doc comment.
    pub fn description(mut self, line: impl Into<Text>) -> Self {
        self.description = Some(line.into());
        self
    }

    /// Returns these options with the values that `change` sets.
    ///
    /// `interval` and `cache` cannot be combined, so setting one removes the
    /// other.
    #[cfg(feature = "settings")]
    pub(crate) fn changed_by(self, change: &CheckOptions) -> Self {
        let (interval, cache) = match (change.interval, change.cache) {
            (None, None) => (self.interval, self.cache),
            set => set,
        };
        CheckOptions {
            timeout: change.timeout.or(self.timeout),
            interval,
            cache,
            initial_delay: change.initial_delay.or(self.initial_delay),
            stale_after: change.stale_after.or(self.stale_after),
            failure_threshold: change.failure_threshold.or(self.failure_threshold),
            success_threshold: change.success_threshold.or(self.success_threshold),
            ..self
        }
    }

    /// Fills in the defaults, or returns every rule that is broken.
    pub(crate) fn resolve(&self) -> Result<Plan, Vec<Mistake>> {
        let plan = self.with_defaults();
        let mut broken = Vec::new();
        self.check_ranges(&plan, &mut broken);
        self.check_contradictions(&plan, &mut broken);
        self.validated(plan, broken)
    }

    /// Like [`resolve`](Self::resolve), for a check that is reported instead of
    /// run. `own` is a rule that the source itself breaks.
    pub(crate) fn resolve_reported(&self, own: Option<Mistake>) -> Result<Plan, Vec<Mistake>> {
        let plan = self.with_defaults();
        let mut broken = Vec::from_iter(own);
        self.check_nothing_about_runs(&mut broken);
        self.validated(plan, broken)
    }

    /// Applies the rules for all checks.
    fn validated(&self, plan: Plan, mut broken: Vec<Mistake>) -> Result<Plan, Vec<Mistake>> {
        self.check_texts(&mut broken);
        check_criticality(&plan, &mut broken);
        if broken.is_empty() {
            Ok(plan)
        } else {
            Err(broken)
        }
    }

    /// Fills in the defaults without applying the rules.
    pub(crate) fn with_defaults(&self) -> Plan {
        let timing = self.timing();
        let failure_threshold = self.failure_threshold.unwrap_or(1);
        let probes = if self.probes.is_empty() {
            Probes::NONE.with(Probe::Readiness)
        } else {
            self.probes
        };
        Plan {
            probes,
            critical: match self.critical {
                Criticality::Nowhere => Probes::NONE,
                Criticality::Only(named) => named,
                Criticality::Everywhere => probes,
            },
            timeout: timing.timeout,
            interval: timing.period,
            on_demand: timing.on_demand,
            tags: self.tags.as_slice().into(),
            affects: self.affects.as_slice().into(),
            links: self.links.as_slice().into(),
            component: self.component.clone().unwrap_or("component".into()),
            observes: self.observes,
            description: self.description.clone(),
            initial_delay: self.initial_delay.unwrap_or_default(),
            failure_threshold,
            success_threshold: self.success_threshold.unwrap_or(1),
            stale_after: self
                .stale_after
                .unwrap_or_else(|| timing.default_stale_after(failure_threshold)),
        }
    }

    fn timing(&self) -> Timing {
        Timing::new(self.timeout, self.interval, self.cache)
    }

    fn check_ranges(&self, plan: &Plan, broken: &mut Vec<Mistake>) {
        let zero = [
            (
                plan.timeout.is_zero(),
                "a timeout of zero fails every run",
                "leave `timeout` out for the default of 5 seconds",
            ),
            (
                self.interval == Some(Duration::ZERO),
                "`interval` must be greater than zero",
                "leave `interval` out for the default of 10 seconds",
            ),
            (
                self.failure_threshold == Some(0) || self.success_threshold == Some(0),
                "a threshold of zero would change the verdict without a result",
                "write 1 or more; 1 is the default and can be left out",
            ),
        ];
        for (is_broken, what, help) in zero {
            if is_broken {
                broken.push(Mistake::new(what, help));
            }
        }
        let longest = [
            ("timeout", self.timeout, MAX_TIMEOUT),
            ("interval", self.interval, MAX_PERIOD),
            ("cache", self.cache, MAX_PERIOD),
            ("initial_delay", self.initial_delay, MAX_PERIOD),
            ("stale_after", self.stale_after, MAX_STALE_AFTER),
        ];
        for (option, written, limit) in longest {
            if written.is_some_and(|written| written > limit) {
                let help = format!("the longest `{option}` is {}", HumanDuration(limit));
                broken.push(Mistake::new(format!("`{option}` is too long"), help));
            }
        }
    }

    fn check_nothing_about_runs(&self, broken: &mut Vec<Mistake>) {
        let written = [
            ("timeout", self.timeout.is_some()),
            ("interval", self.interval.is_some()),
            ("cache", self.cache.is_some()),
            ("initial_delay", self.initial_delay.is_some()),
            ("failure_threshold", self.failure_threshold.is_some()),
            ("success_threshold", self.success_threshold.is_some()),
            ("stale_after", self.stale_after.is_some()),
        ];
        for (option, _) in written.into_iter().filter(|(_, written)| *written) {
            broken.push(Mistake {
                what: format!("it is reported and never run, so `{option}` has no effect on it"),
                help: format!("leave `{option}` out"),
            });
        }
    }

    fn check_contradictions(&self, plan: &Plan, broken: &mut Vec<Mistake>) {
        if self.cache.is_some() && self.interval.is_some() {
            broken.push(Mistake {
                what: "`cache` and `interval` cannot be combined".into(),
                help: "`interval` runs the check in the background, `cache` runs it when a probe asks; keep one".into(),
            });
        }
        if !plan.on_demand && plan.timeout > plan.interval {
            broken.push(Mistake {
                what: format!(
                    "the timeout {} is longer than the interval {}",
                    HumanDuration(plan.timeout),
                    HumanDuration(plan.interval)
                ),
                help: "one run must end before the next is due; shorten the timeout or lengthen the interval".into(),
            });
        }
        let Some(stale_after) = self.stale_after.filter(|age| *age <= MAX_STALE_AFTER) else {
            return;
        };
        let spell = |duration| HumanDuration(duration).to_string();
        let threshold = plan.failure_threshold;
        broken.extend(
            self.timing()
                .check_stale_after(stale_after, threshold, spell)
                .err(),
        );
    }

    /// Applies the attribute's rules to texts that are created at run time.
    fn check_texts(&self, broken: &mut Vec<Mistake>) {
        check_list("tags", "the tag ", &self.tags, rules::check_tag, broken);
        check_list(
            "affects",
            "the endpoint ",
            &self.affects,
            rules::check_endpoint,
            broken,
        );
        check_list("after", "", &self.after, |_| Ok(()), broken);
        broken.extend(rules::check_count("links", self.links.len()).err());
        let links = self.links.iter();
        broken.extend(links.filter_map(|(relation, uri)| check_link(relation, uri).err()));
        let component = self.component.as_deref();
        broken.extend(component.and_then(|kind| rules::check_component(kind).err()));
        let description = self.description.as_deref();
        broken.extend(description.and_then(|line| check_description(line).err()));
    }
}

fn texts(texts: impl IntoIterator<Item = impl Into<Text>>) -> Vec<Text> {
    texts.into_iter().map(Into::into).collect()
}

/// Applies the rules for a list and the rule for each of its texts.
fn check_list(
    option: &str,
    thing: &str,
    texts: &[Text],
    rule: impl Fn(&str) -> Result<(), Mistake>,
    broken: &mut Vec<Mistake>,
) {
    if let Err(too_many) = rules::check_count(option, texts.len()) {
        broken.push(too_many);
        return;
    }
    let each = texts.iter().filter_map(|text| {
        let Mistake { what, help } = rule(text).err()?;
        // Unlike a compiler error, an error of `start` has no span, so it
        // quotes the text.
        let text = shown(text);
        Some(Mistake::new(
            format!("`{text}` is not allowed: {what}"),
            help,
        ))
    });
    broken.extend(each);
    broken
        .extend(rules::repeated(texts).map(|nth| rules::listed_twice(thing, &shown(&texts[nth]))));
}

/// Shortens a text for an error message.
fn shown(text: &str) -> String {
    let start: String = text.chars().take(MAX_NAME).collect();
    let dots = if start.len() < text.len() { "…" } else { "" };
    format!("{}{dots}", start.escape_debug())
}

fn check_link(relation: &str, uri: &str) -> Result<(), Mistake> {
    rules::check_line("relation", relation, MAX_NAME)
        .map_err(|what| Mistake::new(what, "write for example `\"runbook\"`"))?;
    if uri.len() <= MAX_ENDPOINT && uri::is_uri(uri) {
        return Ok(());
    }
    Err(Mistake::new(
        format!("`{}` is not a link", shown(uri)),
        format!(
            "write a relation and a URI: `(\"{relation}\", \"https://example.com/runbook\")`, at most {MAX_ENDPOINT} bytes"
        ),
    ))
}

fn check_description(line: &str) -> Result<(), Mistake> {
    rules::check_line("description", line, MAX_DESCRIPTION)
        .map_err(|what| Mistake::new(what, "write one line for people, or leave it out"))
}

fn check_criticality(plan: &Plan, broken: &mut Vec<Mistake>) {
    for probe in plan.critical.difference(plan.probes).iter() {
        broken.push(Mistake {
            what: format!("the check does not count for {probe}, so it cannot be critical there"),
            help: format!("add `.{probe}()` to its options, or write `.critical()` alone"),
        });
    }
    for probe in plan.probes.difference(plan.critical).iter() {
        if probe != Probe::Readiness {
            broken.push(Mistake {
                what: format!("a {probe} check that is not critical has no effect"),
                help: format!("add `.critical()`, or leave `.{probe}()` out"),
            });
        }
    }
}

impl Plan {
    pub(crate) fn has_tag(&self, tag: &str) -> bool {
        self.tags.iter().any(|own| own == tag)
    }
}

/// The options of a check with every default filled in.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) probes: Probes,
    pub(crate) critical: Probes,
    pub(crate) timeout: Duration,
    /// The interval of background runs, or the maximum age of a result on
    /// demand.
    pub(crate) interval: Duration,
    pub(crate) on_demand: bool,
    pub(crate) tags: Box<[Text]>,
    pub(crate) affects: Box<[Text]>,
    pub(crate) links: Box<[(Text, Text)]>,
    pub(crate) component: Text,
    pub(crate) observes: Option<Unit>,
    pub(crate) description: Option<Text>,
    pub(crate) initial_delay: Duration,
    pub(crate) failure_threshold: u32,
    pub(crate) success_threshold: u32,
    pub(crate) stale_after: Duration,
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn secs(secs: u64) -> Duration {
        Duration::from_secs(secs)
    }

    fn resolved(options: &CheckOptions) -> Plan {
        options.resolve().expect("these options are legal")
    }

    #[test]
    fn defaults_adapt_to_explicit_options() {
        let both = resolved(&CheckOptions::new());
        assert_eq!((both.timeout, both.interval), (secs(5), secs(10)));
        assert_eq!(both.stale_after, secs(35));

        let short = resolved(&CheckOptions::new().interval(secs(2)));
        assert_eq!((short.timeout, short.interval), (secs(2), secs(2)));

        let long = resolved(&CheckOptions::new().timeout(secs(30)));
        assert_eq!((long.timeout, long.interval), (secs(30), secs(30)));
    }

    #[test]
    fn readiness_is_the_default_probe_and_critical_follows_the_probes() {
        let plan = resolved(&CheckOptions::new().critical());
        assert!(plan.probes.contains(Probe::Readiness));
        assert!(!plan.probes.contains(Probe::Liveness));
        assert!(plan.critical.contains(Probe::Readiness));

        let both = resolved(&CheckOptions::new().startup().readiness().critical());
        assert!(both.critical.contains(Probe::Startup));
        assert!(both.critical.contains(Probe::Readiness));
    }

    #[test]
    fn every_broken_rule_is_reported() {
        let options = CheckOptions::new()
            .timeout(secs(0))
            .interval(secs(0))
            .failure_threshold(0)
            .stale_after(secs(2 * MAX_STALE_AFTER.as_secs()))
            .liveness()
            .critical_for(Probe::Startup);
        let broken = options.resolve().expect_err("six rules are broken");
        let texts: Vec<_> = broken.iter().map(|rule| rule.what.as_str()).collect();
        assert_eq!(
            texts,
            [
                "a timeout of zero fails every run",
                "`interval` must be greater than zero",
                "a threshold of zero would change the verdict without a result",
                "`stale_after` is too long",
                "the check does not count for startup, so it cannot be critical there",
                "a liveness check that is not critical has no effect",
            ]
        );
    }

    #[test]
    fn contradicting_options_are_refused() {
        let longer = CheckOptions::new().timeout(secs(30)).interval(secs(10));
        assert!(longer.resolve().is_err());
        let stale = CheckOptions::new().interval(secs(30)).stale_after(secs(10));
        assert!(stale.resolve().is_err());
    }

    #[test]
    fn a_check_on_demand_has_an_age_and_no_interval() {
        let plan = resolved(&CheckOptions::new().cache(secs(1)));
        assert!(plan.on_demand);
        assert_eq!((plan.timeout, plan.interval), (secs(5), secs(1)));
        assert_eq!(plan.stale_after, secs(8));
        let zero = resolved(&CheckOptions::new().cache(secs(0)));
        assert!(zero.interval.is_zero(), "every probe asks anew");
        let both = CheckOptions::new().cache(secs(1)).interval(secs(1));
        let broken = both.resolve().expect_err("they exclude each other");
        assert_eq!(broken.len(), 1);
    }

    #[test]
    fn a_failure_threshold_lengthens_the_default_stale_after() {
        let plan = resolved(&CheckOptions::new().failure_threshold(20));
        assert_eq!(plan.stale_after, secs(205));
        let never = resolved(&CheckOptions::new().failure_threshold(u32::MAX));
        assert_eq!(never.stale_after, MAX_STALE_AFTER);
    }

    #[test]
    fn an_unreachable_failure_threshold_is_refused() {
        let options = CheckOptions::new()
            .failure_threshold(20)
            .stale_after(secs(30));
        let broken = options.resolve().expect_err("20 runs take 200 s");
        assert_eq!(
            broken,
            [Mistake::new(
                "`stale_after` of 30s is shorter than the 200s that 20 failures take, so `failure_threshold` can never be reached",
                "write at least 20 times the interval, 200s, or leave it out for 205s",
            )]
        );
        let long_enough = options.stale_after(secs(200));
        assert!(long_enough.resolve().is_ok());
    }

    #[test]
    fn the_longest_interval_has_a_valid_stale_after() {
        let options = CheckOptions::new().interval(MAX_PERIOD);
        for days in [2, 3, 365] {
            let options = options.clone().stale_after(secs(days * 86_400));
            assert!(options.resolve().is_ok(), "{days} days");
        }
    }

    #[test]
    fn settings_can_replace_an_interval_by_a_cache() {
        let background = CheckOptions::new().interval(secs(30));
        let on_demand = background
            .clone()
            .changed_by(&CheckOptions::new().cache(secs(2)));
        let plan = resolved(&on_demand);
        assert!(plan.on_demand);
        assert_eq!(plan.interval, secs(2));

        let again = on_demand.changed_by(&CheckOptions::new().interval(secs(20)));
        let plan = resolved(&again);
        assert!(!plan.on_demand);
        assert_eq!(plan.interval, secs(20));

        let unchanged = again
            .clone()
            .changed_by(&CheckOptions::new().timeout(secs(1)));
        assert_eq!(resolved(&unchanged).interval, secs(20));
        let both = CheckOptions::new().cache(secs(2)).interval(secs(20));
        assert!(again.changed_by(&both).resolve().is_err());
    }

    #[test]
    fn options_follow_the_same_rules_as_the_attribute() {
        const LONG: &str = match std::str::from_utf8(&[b'x'; 1_000]) {
            Ok(text) => text,
            Err(_) => "",
        };
        let plain = CheckOptions::new;
        for refused in [
            plain().tags(["A B"]),
            plain().tags([""]),
            plain().tags([LONG]),
            plain().tags(["db", "db"]),
            plain().tags(["x"; 65]),
            plain().after(["db", "db"]),
            plain().affects(["/orders", "/orders"]),
            plain().affects(["/orders/{id"]),
            plain().component(""),
            plain().component(LONG),
            plain().component("a\nb"),
            plain().description(" "),
            plain().description(LONG),
            plain().links([("", "https://example.com")]),
            plain().links([("runbook", "not a uri")]),
            plain().links([("runbook", "/"); 65]),
        ] {
            assert!(refused.resolve().is_err(), "{refused:?}");
            assert!(refused.resolve_reported(None).is_err(), "{refused:?}");
        }
        let legal = plain()
            .tags(["db", "eu-1"])
            .affects(["/orders", "/orders/{id}"])
            .component("data store")
            .description("Größe der Schlange")
            .links([("runbook", "https://example.com/a?b")]);
        assert!(legal.resolve().is_ok());
    }

    #[test]
    fn huge_durations_are_refused_without_overflow() {
        let absurd = CheckOptions::new()
            .timeout(Duration::MAX)
            .interval(Duration::MAX)
            .stale_after(Duration::MAX);
        assert!(absurd.resolve().is_err());
    }
}
