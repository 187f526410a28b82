//! What can be said about a check beside its code: the options of the attribute
//! and of the builder, their defaults, and the rules that they obey.

use std::time::Duration;

use crate::probe::{Probe, Probes};
use crate::uri;

const DEFAULT_TIMEOUT: Duration = Duration::from_secs(5);
const DEFAULT_INTERVAL: Duration = Duration::from_secs(10);
const LONGEST_TIMEOUT: Duration = Duration::from_secs(60 * 60);
const LONGEST_PERIOD: Duration = Duration::from_secs(24 * 60 * 60);

/// The options of one check, as `#[health_check(..)]` takes them.
///
/// The attribute expands to this builder, and [`HealthBuilder::check`] takes
/// it for checks that are made at run time. What is not written keeps its
/// default; a default gives way to what is written, so `interval` of 2 s alone
/// makes the timeout 2 s, and `timeout` of 30 s alone makes the interval 30 s.
///
/// Contradictions are compile errors in the attribute and problems of
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
    after: &'static [&'static str],
    tags: &'static [&'static str],
    affects: &'static [&'static str],
    links: Links,
    component: Option<&'static str>,
    description: Option<&'static str>,
}

/// URIs by relation.
pub(crate) type Links = &'static [(&'static str, &'static str)];

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Criticality {
    #[default]
    Nowhere,
    Only(Probes),
    Everywhere,
}

impl CheckOptions {
    /// The defaults: readiness, not critical, every 10 s, at most 5 s a run.
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
            after: &[],
            tags: &[],
            affects: &[],
            links: &[],
            component: None,
            description: None,
        }
    }

    /// The hard bound of one run, as readers see it: at most 1 h, default 5 s.
    pub const fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// The period of the background runs, ±10 % jitter: at most 24 h, default 10 s.
    pub const fn interval(mut self, interval: Duration) -> Self {
        self.interval = Some(interval);
        self
    }

    /// The time before the first run: at most 24 h, default none.
    ///
    /// Until the first result the check is unknown, which is not healthy.
    pub const fn initial_delay(mut self, delay: Duration) -> Self {
        self.initial_delay = Some(delay);
        self
    }

    /// While the check fails, every probe that it counts for fails (503).
    /// Without this they are degraded (200).
    pub const fn critical(mut self) -> Self {
        self.critical = Criticality::Everywhere;
        self
    }

    /// Critical for this probe only; can be said of several.
    pub const fn critical_for(mut self, probe: Probe) -> Self {
        let already = match self.critical {
            Criticality::Nowhere => Probes::NONE,
            Criticality::Only(probes) => probes,
            Criticality::Everywhere => Probes::ALL,
        };
        self.critical = Criticality::Only(already.with(probe));
        self
    }

    /// Count for liveness. Must be [`critical`](Self::critical) there.
    pub const fn liveness(self) -> Self {
        self.counts_for(Probe::Liveness)
    }

    /// Count for readiness, which is the default if no probe is named.
    pub const fn readiness(self) -> Self {
        self.counts_for(Probe::Readiness)
    }

    /// Count for startup. Must be [`critical`](Self::critical) there.
    pub const fn startup(self) -> Self {
        self.counts_for(Probe::Startup)
    }

    const fn counts_for(mut self, probe: Probe) -> Self {
        self.probes = self.probes.with(probe);
        self
    }

    /// Consecutive failures before the verdict turns: at least 1, default 1.
    pub const fn failure_threshold(mut self, runs: u32) -> Self {
        self.failure_threshold = Some(runs);
        self
    }

    /// Consecutive passes before the verdict turns back: at least 1, default 1.
    pub const fn success_threshold(mut self, runs: u32) -> Self {
        self.success_threshold = Some(runs);
        self
    }

    /// A good verdict whose last result is older than this no longer counts: at
    /// most 24 h, default three intervals and one timeout.
    pub const fn stale_after(mut self, age: Duration) -> Self {
        self.stale_after = Some(age);
        self
    }

    /// Run on demand instead of in the background: when a probe asks and the
    /// last result is older than this, at most 24 h. Excludes `interval`.
    ///
    /// The probe waits for the run, at most 800 ms, then answers with what is
    /// known. For processes that are frozen between requests, and for checks
    /// that are too dear to repeat unasked.
    pub const fn cache(mut self, age: Duration) -> Self {
        self.cache = Some(age);
        self
    }

    /// Names of checks that come first: while one of them fails this one is not
    /// run, and is reported as skipped with the cause named.
    ///
    /// ```
    /// use health_core::CheckOptions;
    ///
    /// let options = CheckOptions::new().after(&["database"]);
    /// # let _ = options;
    /// ```
    pub const fn after(mut self, names: &'static [&'static str]) -> Self {
        self.after = names;
        self
    }

    /// Labels for reports and for groups
    /// ([`HealthBuilder::group`](crate::HealthBuilder::group)), such as
    /// `&["db", "eu"]`.
    pub const fn tags(mut self, tags: &'static [&'static str]) -> Self {
        self.tags = tags;
        self
    }

    /// What does not work while the check does not pass, as URI templates: the
    /// `affectedEndpoints` of `application/health+json`.
    ///
    /// ```
    /// use health_core::CheckOptions;
    ///
    /// let options = CheckOptions::new().affects(&["/orders", "/orders/{id}"]);
    /// # let _ = options;
    /// ```
    pub const fn affects(mut self, endpoints: &'static [&'static str]) -> Self {
        self.affects = endpoints;
        self
    }

    /// Where people find more, as URIs by relation: the `links` of the check in
    /// `application/health+json`.
    ///
    /// ```
    /// use health_core::CheckOptions;
    ///
    /// let options = CheckOptions::new().links(&[("runbook", "https://example.com/orders-db")]);
    /// # let _ = options;
    /// ```
    pub const fn links(mut self, links: &'static [(&'static str, &'static str)]) -> Self {
        self.links = links;
        self
    }

    /// What kind of thing is checked: the `componentType` of
    /// `application/health+json`, default `component`.
    pub const fn component(mut self, kind: &'static str) -> Self {
        self.component = Some(kind);
        self
    }

    /// A line for people; the attribute takes the first of the doc comment.
    pub const fn description(mut self, line: &'static str) -> Self {
        self.description = Some(line);
        self
    }

    /// These options, but for the numbers that `change` writes.
    pub(crate) fn changed_by(self, change: &CheckOptions) -> Self {
        CheckOptions {
            timeout: change.timeout.or(self.timeout),
            interval: change.interval.or(self.interval),
            cache: change.cache.or(self.cache),
            initial_delay: change.initial_delay.or(self.initial_delay),
            stale_after: change.stale_after.or(self.stale_after),
            failure_threshold: change.failure_threshold.or(self.failure_threshold),
            success_threshold: change.success_threshold.or(self.success_threshold),
            ..self
        }
    }

    pub(crate) fn prerequisites(&self) -> &'static [&'static str] {
        self.after
    }

    pub(crate) fn labels(&self) -> &'static [&'static str] {
        self.tags
    }

    /// Fills in the defaults, or says everything that is wrong.
    pub(crate) fn resolve(&self) -> Result<Plan, Vec<Rule>> {
        let plan = self.with_defaults();
        let mut broken = Vec::new();
        self.check_ranges(&plan, &mut broken);
        self.check_contradictions(&plan, &mut broken);
        self.check_uris(&mut broken);
        check_criticality(&plan, &mut broken);
        if broken.is_empty() {
            Ok(plan)
        } else {
            Err(broken)
        }
    }

    /// As [`resolve`](Self::resolve), for a check that is reported and never
    /// run, and that may break a rule of its own.
    pub(crate) fn resolve_reported(&self, own: Option<Rule>) -> Result<Plan, Vec<Rule>> {
        let plan = self.with_defaults();
        let mut broken = Vec::from_iter(own);
        self.check_nothing_about_runs(&mut broken);
        check_criticality(&plan, &mut broken);
        if broken.is_empty() {
            Ok(plan)
        } else {
            Err(broken)
        }
    }

    fn with_defaults(&self) -> Plan {
        // The period of a check on demand is the age at which it is run again.
        let (timeout, interval) = match (self.timeout, self.interval.or(self.cache)) {
            (timeout, Some(age)) if self.cache.is_some() => {
                (timeout.unwrap_or(DEFAULT_TIMEOUT), age)
            }
            (Some(timeout), Some(interval)) => (timeout, interval),
            (Some(timeout), None) => (timeout, DEFAULT_INTERVAL.max(timeout)),
            (None, Some(interval)) => (DEFAULT_TIMEOUT.min(interval), interval),
            (None, None) => (DEFAULT_TIMEOUT, DEFAULT_INTERVAL),
        };
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
            timeout,
            interval,
            on_demand: self.cache.is_some(),
            tags: self.tags,
            affects: self.affects,
            links: self.links,
            component: self.component.unwrap_or("component"),
            description: self.description,
            initial_delay: self.initial_delay.unwrap_or_default(),
            failure_threshold: self.failure_threshold.unwrap_or(1),
            success_threshold: self.success_threshold.unwrap_or(1),
            stale_after: self
                .stale_after
                .unwrap_or_else(|| 3 * interval.min(LONGEST_PERIOD) + timeout.min(LONGEST_TIMEOUT)),
        }
    }

    fn check_ranges(&self, plan: &Plan, broken: &mut Vec<Rule>) {
        if plan.timeout.is_zero() {
            broken.push(Rule {
                what: "a timeout of zero fails every run".into(),
                help: "leave `timeout` out for the default of 5 seconds".into(),
            });
        }
        if self.interval.is_some_and(|interval| interval.is_zero()) {
            broken.push(Rule {
                what: "an interval of zero leaves no pause between runs".into(),
                help: "leave `interval` out for the default of 10 seconds".into(),
            });
        }
        if self.failure_threshold == Some(0) || self.success_threshold == Some(0) {
            broken.push(Rule {
                what: "a threshold of zero would turn the verdict without a result".into(),
                help: "write 1 or more; 1 is the default and can be left out".into(),
            });
        }
        let longest = [
            ("timeout", self.timeout, LONGEST_TIMEOUT, "1 h"),
            ("interval", self.interval, LONGEST_PERIOD, "24 h"),
            ("cache", self.cache, LONGEST_PERIOD, "24 h"),
            ("initial_delay", self.initial_delay, LONGEST_PERIOD, "24 h"),
            ("stale_after", self.stale_after, LONGEST_PERIOD, "24 h"),
        ];
        for (option, written, limit, limit_text) in longest {
            if written.is_some_and(|written| written > limit) {
                broken.push(Rule {
                    what: format!("`{option}` is too long"),
                    help: format!("the longest `{option}` is {limit_text}"),
                });
            }
        }
    }

    fn check_nothing_about_runs(&self, broken: &mut Vec<Rule>) {
        let written = [
            ("timeout", self.timeout.is_some()),
            ("interval", self.interval.is_some()),
            ("cache", self.cache.is_some()),
            ("initial_delay", self.initial_delay.is_some()),
            ("failure_threshold", self.failure_threshold.is_some()),
            ("success_threshold", self.success_threshold.is_some()),
            ("stale_after", self.stale_after.is_some()),
            ("after", !self.after.is_empty()),
        ];
        for (option, _) in written.into_iter().filter(|(_, written)| *written) {
            broken.push(Rule {
                what: format!("it is reported and never run, so `{option}` means nothing to it"),
                help: format!("leave `{option}` out"),
            });
        }
    }

    fn check_contradictions(&self, plan: &Plan, broken: &mut Vec<Rule>) {
        if self.cache.is_some() && self.interval.is_some() {
            broken.push(Rule {
                what: "`cache` and `interval` exclude each other".into(),
                help: "`interval` runs the check in the background, `cache` runs it when a probe asks; keep one".into(),
            });
        }
        if !plan.on_demand && plan.timeout > plan.interval {
            broken.push(Rule {
                what: format!(
                    "the timeout {:?} is longer than the interval {:?}",
                    plan.timeout, plan.interval
                ),
                help: "one run must end before the next is due; shorten the timeout or lengthen the interval".into(),
            });
        }
        if let Some(stale_after) = self.stale_after {
            let least = plan.interval.saturating_add(plan.timeout);
            if stale_after < least {
                broken.push(Rule {
                    what: format!(
                        "a pass would be stale after {stale_after:?}, before the next run can end"
                    ),
                    help: format!(
                        "write at least the interval and the timeout together, {least:?}"
                    ),
                });
            }
        }
    }

    fn check_uris(&self, broken: &mut Vec<Rule>) {
        let endpoints = self.affects.iter().filter(|text| !uri::is_template(text));
        broken.extend(endpoints.map(|text| Rule {
            what: format!("`{}` is no endpoint", text.escape_debug()),
            help: "write a path or a URI, with variables in braces: `/orders/{id}`".into(),
        }));
        let is_link = |(relation, uri): &(&str, &str)| !relation.is_empty() && uri::is_uri(uri);
        let links = self.links.iter().filter(|link| !is_link(link));
        broken.extend(links.map(|(relation, uri)| Rule {
            what: format!("`{}` is no link", uri.escape_debug()),
            help: format!(
                "write a relation and a URI: `(\"{}\", \"https://example.com/runbook\")`",
                if relation.is_empty() {
                    "runbook"
                } else {
                    relation
                }
            ),
        }));
    }
}

fn check_criticality(plan: &Plan, broken: &mut Vec<Rule>) {
    for probe in plan.critical.difference(plan.probes).iter() {
        broken.push(Rule {
            what: format!("the check does not count for {probe}, so it cannot be critical there"),
            help: format!("add `.{probe}()` to its options, or write `.critical()` alone"),
        });
    }
    for probe in plan.probes.difference(plan.critical).iter() {
        if probe != Probe::Readiness {
            broken.push(Rule {
                what: format!("a {probe} check that is not critical decides nothing"),
                help: format!("add `.critical()`, or leave `.{probe}()` out"),
            });
        }
    }
}

/// The options of a check with every default filled in.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) probes: Probes,
    pub(crate) critical: Probes,
    pub(crate) timeout: Duration,
    /// Between two runs in the background, or the age at which a result is too
    /// old for a check on demand.
    pub(crate) interval: Duration,
    pub(crate) on_demand: bool,
    pub(crate) tags: &'static [&'static str],
    pub(crate) affects: &'static [&'static str],
    pub(crate) links: Links,
    pub(crate) component: &'static str,
    pub(crate) description: Option<&'static str>,
    pub(crate) initial_delay: Duration,
    pub(crate) failure_threshold: u32,
    pub(crate) success_threshold: u32,
    pub(crate) stale_after: Duration,
}

/// A rule that the options break, and what to type instead.
#[derive(Clone, Debug)]
pub(crate) struct Rule {
    pub(crate) what: String,
    pub(crate) help: String,
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
    fn defaults_give_way_to_what_is_written() {
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
    fn every_broken_rule_is_named() {
        let options = CheckOptions::new()
            .timeout(secs(0))
            .interval(secs(0))
            .failure_threshold(0)
            .stale_after(secs(2 * LONGEST_PERIOD.as_secs()))
            .liveness()
            .critical_for(Probe::Startup);
        let broken = options.resolve().expect_err("six rules are broken");
        let texts: Vec<_> = broken.iter().map(|rule| rule.what.as_str()).collect();
        assert_eq!(
            texts,
            [
                "a timeout of zero fails every run",
                "an interval of zero leaves no pause between runs",
                "a threshold of zero would turn the verdict without a result",
                "`stale_after` is too long",
                "the check does not count for startup, so it cannot be critical there",
                "a liveness check that is not critical decides nothing",
            ]
        );
    }

    #[test]
    fn written_values_that_contradict_each_other_are_refused() {
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
    fn absurd_durations_are_refused_and_never_overflow() {
        let absurd = CheckOptions::new()
            .timeout(Duration::MAX)
            .interval(Duration::MAX)
            .stale_after(Duration::MAX);
        assert!(absurd.resolve().is_err());
    }
}
