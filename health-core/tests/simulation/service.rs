//! A service with its options, generated from a seed.

use std::time::Duration;

use fastrand::Rng;
use health_core::config::HttpOptions;
use health_core::config::LifecycleOptions;
use health_core::config::RuntimeOptions;
use health_core::config::Settings;
use health_core::http::{Details, Page};
use health_core::{CheckOptions, Health, HealthBuilder, Probe, StartError};

use crate::world::World;

/// In the order in which health-core sorts them, so that an index identifies a check.
pub(crate) const NAMES: [&str; 16] = [
    "c00", "c01", "c02", "c03", "c04", "c05", "c06", "c07", "c08", "c09", "c10", "c11", "c12",
    "c13", "c14", "c15",
];
/// The tags. Each is a group if a check has it.
pub(crate) const TAGS: [&str; 2] = ["blue", "red"];

/// The kind of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Background,
    OnDemand,
    Gate,
    Heartbeat,
    Task,
    Switch,
}

/// The declaration of one check. All times are in milliseconds.
#[derive(Clone, Debug)]
pub(crate) struct Check {
    pub(crate) kind: Kind,
    /// A blocking check, which runs on a thread of its own.
    pub(crate) plain: bool,
    pub(crate) probes: [bool; 3],
    pub(crate) critical: [bool; 3],
    pub(crate) tags: &'static [&'static str],
    pub(crate) timeout: u64,
    /// The interval in the background, the `cache` of a check on demand, or the
    /// deadline of a heartbeat.
    pub(crate) interval: u64,
    pub(crate) written_stale_after: Option<u64>,
    pub(crate) initial_delay: u64,
    pub(crate) failure_threshold: u32,
    pub(crate) success_threshold: u32,
    pub(crate) after: Vec<usize>,
    /// The options come from the settings of an operator.
    pub(crate) by_settings: bool,
}

impl Check {
    pub(crate) fn is_run(&self) -> bool {
        matches!(self.kind, Kind::Background | Kind::OnDemand)
    }

    pub(crate) fn is_on_demand(&self) -> bool {
        self.kind == Kind::OnDemand
    }

    pub(crate) fn counts_for(&self, probe: Probe) -> bool {
        self.probes[probe as usize]
    }

    pub(crate) fn is_critical_for(&self, probe: Probe) -> bool {
        self.critical[probe as usize]
    }

    pub(crate) fn is_critical(&self) -> bool {
        self.critical.contains(&true)
    }

    pub(crate) fn is_for_startup_only(&self) -> bool {
        self.probes == [false, false, true]
    }

    /// Rule 3: the documented default.
    pub(crate) fn stale_after(&self) -> u64 {
        let periods = u64::from(self.failure_threshold.max(3));
        let default = periods * self.interval + self.timeout;
        self.written_stale_after.unwrap_or(default)
    }

    /// Rule 3: a shorter one is refused.
    pub(crate) fn least_stale_after(&self) -> u64 {
        let threshold = u64::from(self.failure_threshold) * self.interval;
        threshold.max(self.interval + self.timeout)
    }
}

/// All declarations.
#[allow(clippy::struct_excessive_bools)] // each flag is independent
#[derive(Clone, Debug)]
pub(crate) struct Service {
    pub(crate) checks: Vec<Check>,
    pub(crate) drain_readiness: bool,
    pub(crate) lists_checks: bool,
    /// One more check, which the settings disable.
    pub(crate) has_disabled: bool,
    pub(crate) notifies_systemd: bool,
}

impl Service {
    pub(crate) fn new(rng: &mut Rng) -> Self {
        let count = match rng.u8(..10) {
            0 => rng.usize(9..=NAMES.len()),
            1..=4 => rng.usize(1..=3),
            _ => rng.usize(3..=8),
        };
        let mut checks: Vec<Check> = (0..count).map(|_| check(rng)).collect();
        let orders = rng.bool();
        for (index, check) in checks.iter_mut().enumerate().skip(1) {
            if orders && check.is_run() && rng.u8(..3) > 0 {
                let (first, second) = (rng.usize(..index), rng.usize(..index));
                check.after = vec![first];
                if second != first && rng.u8(..3) == 0 {
                    check.after.push(second);
                }
            }
        }
        if rng.u8(..40) == 0 {
            let run = checks
                .iter_mut()
                .find(|check| check.kind == Kind::Background);
            if let Some(check) = run {
                check.written_stale_after = Some(check.least_stale_after() - 1);
            }
        }
        Service {
            checks,
            drain_readiness: rng.u8(..4) > 0,
            lists_checks: rng.bool(),
            has_disabled: rng.u8(..8) == 0,
            notifies_systemd: rng.u8(..6) == 0,
        }
    }

    /// Whether the options contradict each other, so that the start fails.
    pub(crate) fn is_refused(&self) -> bool {
        self.checks.iter().any(|check| {
            let least = check.least_stale_after();
            check
                .written_stale_after
                .is_some_and(|written| written < least)
        })
    }

    /// The tags that are groups.
    pub(crate) fn groups(&self) -> impl Iterator<Item = &'static str> {
        TAGS.into_iter()
            .filter(|tag| self.checks.iter().any(|check| check.tags.contains(tag)))
    }

    /// Starts the service, with the runs and handles of `world`.
    pub(crate) fn start(&self, world: &World) -> Result<Health, StartError> {
        let mut http = HttpOptions::new()
            .path("/metrics", Page::Metrics)
            .path("/status", Page::StatusPage);
        if self.lists_checks {
            http = http.probe_details(Details::Checks);
        }
        for tag in self.groups() {
            http = http.group(tag);
        }
        let mut lifecycle = LifecycleOptions::new()
            .fail_readiness_while_draining(self.drain_readiness)
            .drain_delay(Duration::from_secs(2));
        if self.notifies_systemd {
            lifecycle = lifecycle.notify_systemd();
        }
        let mut builder = Health::builder()
            .http(http)
            .lifecycle(lifecycle)
            // The clock advances while a check blocks its thread.
            .runtime(RuntimeOptions::new().max_poll_time(None))
            .on_transition(crate::record::hook);
        let mut settings = serde_json::Map::new();
        for (index, check) in self.checks.iter().enumerate() {
            builder = add(builder, index, check, world);
            if check.by_settings && check.is_run() {
                settings.insert(NAMES[index].into(), numbers(check));
            }
        }
        if self.has_disabled {
            builder = builder.check("disabled", CheckOptions::new().critical(), || async {
                false
            });
            settings.insert("disabled".into(), serde_json::json!({ "enabled": false }));
        }
        let settings: Settings =
            serde_json::from_value(settings.into()).expect("these settings are legal");
        builder.settings(settings).start()
    }
}

fn check(rng: &mut Rng) -> Check {
    let kind = match rng.u8(..16) {
        0..=6 => Kind::Background,
        7..=10 => Kind::OnDemand,
        11 => Kind::Gate,
        12 | 13 => Kind::Heartbeat,
        14 => Kind::Task,
        _ => Kind::Switch,
    };
    let is_run = matches!(kind, Kind::Background | Kind::OnDemand);
    let timeout = *rng.choice(&[100, 250, 500, 900, 1500]).expect("some") + rng.u64(..2) * 7;
    let interval = match kind {
        Kind::OnDemand => *rng.choice(&[0, 200, 1000, 3000]).expect("some"),
        _ => timeout + *rng.choice(&[0, 300, 1000, 2500, 5000]).expect("some") + rng.u64(..3),
    };
    let (probes, critical) = probes(rng, kind);
    let mut check = Check {
        kind,
        plain: is_run && rng.u8(..5) == 0,
        probes,
        critical,
        tags: match rng.u8(..6) {
            _ if kind == Kind::Gate => &[],
            0 => &TAGS,
            1 => &TAGS[..1],
            2 => &TAGS[1..],
            _ => &[],
        },
        timeout,
        interval,
        written_stale_after: None,
        initial_delay: if is_run && rng.u8(..6) == 0 {
            rng.u64(1..4000)
        } else {
            0
        },
        failure_threshold: *rng.choice(&[1, 1, 1, 2, 3, 5]).expect("some"),
        success_threshold: *rng.choice(&[1, 1, 1, 2, 3]).expect("some"),
        after: Vec::new(),
        by_settings: rng.u8(..5) == 0,
    };
    if is_run && rng.u8(..3) == 0 {
        let least = check.least_stale_after();
        check.written_stale_after = Some(least + rng.u64(..2) * rng.u64(..3000));
    }
    check
}

/// The probes that a check counts for, and those for which it is critical.
fn probes(rng: &mut Rng, kind: Kind) -> ([bool; 3], [bool; 3]) {
    if kind == Kind::Gate {
        return ([false, false, true], [false, false, true]);
    }
    let mut probes = [rng.u8(..4) == 0, rng.u8(..4) > 0, rng.u8(..4) == 0];
    if probes == [false; 3] {
        probes[Probe::Readiness as usize] = true;
    }
    // Liveness and startup checks must be critical there.
    let mut critical = probes;
    critical[Probe::Readiness as usize] &= rng.bool();
    (probes, critical)
}

fn add(builder: HealthBuilder, index: usize, check: &Check, world: &World) -> HealthBuilder {
    let mut options = CheckOptions::new().tags(check.tags.iter().copied());
    for probe in Probe::ALL {
        options = match probe {
            Probe::Liveness if check.counts_for(probe) => options.liveness(),
            Probe::Readiness if check.counts_for(probe) => options.readiness(),
            Probe::Startup if check.counts_for(probe) => options.startup(),
            _ => options,
        };
        if check.is_critical_for(probe) {
            options = options.critical_for(probe);
        }
    }
    let name = NAMES[index];
    match world.handle(index) {
        Some(handle) => handle.add_to(builder, options),
        None if check.plain => {
            let body = world.plain_body(index);
            builder.check_blocking(name, with_numbers(options, check), body)
        }
        None => {
            let body = world.body(index);
            builder.check(name, with_numbers(options, check), body)
        }
    }
}

fn with_numbers(options: CheckOptions, check: &Check) -> CheckOptions {
    let options = options.after(check.after.iter().map(|&index| NAMES[index]));
    let ms = Duration::from_millis;
    if check.by_settings {
        // The settings replace these options.
        let ten = Duration::from_secs(10);
        return match check.kind {
            Kind::OnDemand => options.cache(ten),
            _ => options.interval(ten),
        };
    }
    let mut options = options
        .timeout(ms(check.timeout))
        .initial_delay(ms(check.initial_delay))
        .failure_threshold(check.failure_threshold)
        .success_threshold(check.success_threshold);
    if let Some(stale_after) = check.written_stale_after {
        options = options.stale_after(ms(stale_after));
    }
    match check.kind {
        Kind::OnDemand => options.cache(ms(check.interval)),
        _ => options.interval(ms(check.interval)),
    }
}

fn numbers(check: &Check) -> serde_json::Value {
    let ms = |ms: u64| format!("{ms}ms");
    let period = if check.is_on_demand() {
        "cache"
    } else {
        "interval"
    };
    let mut numbers = serde_json::json!({
        "timeout": ms(check.timeout),
        period: ms(check.interval),
        "initial_delay": ms(check.initial_delay),
        "failure_threshold": check.failure_threshold,
        "success_threshold": check.success_threshold,
    });
    if let Some(stale_after) = check.written_stale_after {
        numbers["stale_after"] = ms(stale_after).into();
    }
    numbers
}
