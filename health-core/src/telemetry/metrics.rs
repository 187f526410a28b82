//! The metrics: their names, descriptions and values. All exporters read this
//! table.

use std::time::{Duration, SystemTime};

use crate::check::class::FailureClass;
use crate::check::outcome::Status;
use crate::check::probe::Probe;
use crate::check::unit::Unit;
use crate::telemetry::sample::{CheckSample, Sample};
use crate::verdict::Verdict;
use crate::verdict::stats::BOUNDS;

/// A metric family: its name, type and description. The guide [Metrics] lists the
/// families.
///
/// [Metrics]: https://docs.rs/health-axum/latest/health_axum/_guides/metrics/index.html
#[derive(Debug)]
#[non_exhaustive]
pub struct Family {
    /// The name, with `_total` or `_info` if the type requires it.
    pub name: &'static str,
    /// The type.
    pub kind: Kind,
    /// The unit, such as `seconds`.
    pub unit: Option<&'static str>,
    /// The description. Contains no characters that have to be escaped.
    pub help: &'static str,
    /// Passes each value to the sink.
    pub(crate) points: fn(&Sample<'_>, Sink<'_>),
}

impl Family {
    /// Returns all families, in the order of the metrics page.
    pub fn all() -> &'static [Family] {
        &FAMILIES
    }
}

/// The metric types of OpenMetrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// A number that only grows.
    Counter,
    /// A number that can grow and shrink.
    Gauge,
    /// A distribution in buckets.
    Histogram,
    /// A constant 1 whose labels are the information.
    Info,
    /// One value for each state: 1 for the current one, 0 for the others.
    StateSet,
}

pub(crate) type Sink<'s> = &'s mut dyn FnMut(Point<'_>);

/// One value of a family.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Point<'a> {
    /// The suffix of the name: `_bucket`, `_sum` or `_count` for a histogram, empty
    /// for other types.
    pub suffix: &'static str,
    /// The names and values of the labels.
    pub labels: &'a [(&'static str, &'a str)],
    /// The value.
    pub value: f64,
}

/// The upper bounds of the buckets of durations.
pub const DURATION_BOUNDS: [Duration; 12] = {
    let mut bounds = [Duration::ZERO; 12];
    let mut nth = 0;
    while nth < bounds.len() {
        bounds[nth] = BOUNDS[nth].0;
        nth += 1;
    }
    bounds
};

pub(crate) const DURATION: Family = Family {
    name: "health_check_duration_seconds",
    kind: Kind::Histogram,
    unit: Some("seconds"),
    help: "The duration of the runs of a check, or the timeout of runs that exceeded it.",
    points: durations,
};

/// All families, in the order of the output.
pub(crate) static FAMILIES: [Family; 19] = [
    Family {
        name: "health_status",
        kind: Kind::Gauge,
        unit: None,
        help: "Whether a probe passes: 1 if its answer is healthy or degraded.",
        points: |sample, sink| {
            for probe in Probe::ALL {
                let passes = sample.status[probe as usize] != Status::Fail;
                emit(sink, &[("kind", probe.as_str())], passes.into());
            }
        },
    },
    Family {
        name: "health_check_status",
        kind: Kind::Gauge,
        unit: None,
        help: "Whether a check works: 1 if its verdict is ok or degraded.",
        points: |sample, sink| {
            for check in &sample.checks {
                for probe in check.probes.iter() {
                    let labels = [("check", &*check.name), ("kind", probe.as_str())];
                    emit(sink, &labels, check.verdict.is_good().into());
                }
            }
        },
    },
    Family {
        name: STATE,
        kind: Kind::StateSet,
        unit: None,
        help: "The verdict of a check.",
        points: |sample, sink| {
            for check in &sample.checks {
                for verdict in Verdict::ALL {
                    let labels = [("check", &*check.name), (STATE, verdict.as_str())];
                    emit(sink, &labels, (check.verdict == verdict).into());
                }
            }
        },
    },
    Family {
        name: "health_checks_total",
        kind: Kind::Counter,
        unit: None,
        help: "The results of a check; a hanging run counts once more in each interval.",
        points: |sample, sink| {
            for check in &sample.checks {
                for probe in check.probes.iter() {
                    for (status, word) in RESULTS {
                        let (name, kind) = (&*check.name, probe.as_str());
                        let labels = [("check", name), ("kind", kind), ("status", word)];
                        emit(sink, &labels, check.stats.results(status).into());
                    }
                }
            }
        },
    },
    Family {
        name: "health_check_failures_total",
        kind: Kind::Counter,
        unit: None,
        help: "The failures of a check by class, for the classes that have occurred.",
        points: |sample, sink| {
            for check in &sample.checks {
                for class in FailureClass::ALL {
                    let labels = [("check", &*check.name), ("class", class.as_str())];
                    match check.stats.failures(class) {
                        0 => {}
                        failures => emit(sink, &labels, failures.into()),
                    }
                }
            }
        },
    },
    Family {
        name: "health_check_transitions_total",
        kind: Kind::Counter,
        unit: None,
        help: "The number of changes of the verdict of a check.",
        points: |sample, sink| each(sample, sink, |check| check.stats.transitions().into()),
    },
    Family {
        name: "health_check_last_transition_timestamp_seconds",
        kind: Kind::Gauge,
        unit: Some("seconds"),
        help: "The time of the last change of the verdict of a check, or of the start.",
        points: |sample, sink| {
            each(sample, sink, |check| {
                timestamp(Some(sample.started_at + check.turned_after))
            });
        },
    },
    Family {
        name: "health_check_runs_total",
        kind: Kind::Counter,
        unit: None,
        help: "The number of runs of a check, or of reports: each beat of a heartbeat counts.",
        points: |sample, sink| each(sample, sink, |check| exact(check.runs)),
    },
    Family {
        name: "health_check_consecutive_failures",
        kind: Kind::Gauge,
        unit: None,
        help: "The number of consecutive failures of a check.",
        points: |sample, sink| each(sample, sink, |check| check.consecutive_failures.into()),
    },
    DURATION,
    Family {
        name: "health_check_last_success_timestamp_seconds",
        kind: Kind::Gauge,
        unit: Some("seconds"),
        help: "The time of the last result of a check that was not a failure, 0 before the first.",
        points: |sample, sink| each(sample, sink, |check| timestamp(check.stats.last_success())),
    },
    Family {
        name: "health_check_in_flight_seconds",
        kind: Kind::Gauge,
        unit: Some("seconds"),
        help: "The age of the current run of a check, 0 if there is none.",
        points: |sample, sink| {
            each(sample, sink, |check| {
                check.in_flight.map_or(0.0, |age| age.as_secs_f64())
            });
        },
    },
    Family {
        name: "health_check_observed_bytes",
        kind: Kind::Gauge,
        unit: Some("bytes"),
        help: "The last observed value of a check that declares it, in bytes; NaN without one.",
        points: |sample, sink| observations(sample, sink, Unit::Bytes),
    },
    Family {
        name: "health_check_observed_seconds",
        kind: Kind::Gauge,
        unit: Some("seconds"),
        help: "The last observed value of a check that declares it, in seconds; NaN without one.",
        points: |sample, sink| observations(sample, sink, Unit::Seconds),
    },
    Family {
        name: "health_check_observed_ratio",
        kind: Kind::Gauge,
        unit: Some("ratio"),
        help: "The last observed value of a check that declares it, as a share of 1; NaN without one.",
        points: |sample, sink| observations(sample, sink, Unit::Ratio),
    },
    Family {
        name: "health_check_observed",
        kind: Kind::Gauge,
        unit: None,
        help: "The last observed value of a check that declares it, in its own unit; NaN without one.",
        points: |sample, sink| observations(sample, sink, Unit::Count),
    },
    Family {
        name: "health_start_time_seconds",
        kind: Kind::Gauge,
        unit: Some("seconds"),
        help: "The time of the start of the checks.",
        points: |sample, sink| emit(sink, &[], timestamp(Some(sample.started_at))),
    },
    Family {
        name: "health_drain_start_timestamp_seconds",
        kind: Kind::Gauge,
        unit: Some("seconds"),
        help: "The time when the drain began, 0 if there is none.",
        points: |sample, sink| emit(sink, &[], timestamp(sample.drain_started_at)),
    },
    Family {
        name: "health_service_info",
        kind: Kind::Info,
        unit: None,
        help: "The version of the service, if it is set.",
        points: |sample, sink| match sample.version {
            Some(version) => emit(sink, &[("version", version)], 1.0),
            None => emit(sink, &[], 1.0),
        },
    },
];

/// The label of a state set must have the name of the family.
const STATE: &str = "health_check_state";

/// The words of Kubernetes' own metrics of health checks, which do not include
/// a degraded status.
const RESULTS: [(Status, &str); 3] = [
    (Status::Pass, "success"),
    (Status::Warn, "degraded"),
    (Status::Fail, "error"),
];

fn emit(sink: Sink<'_>, labels: &[(&'static str, &str)], value: f64) {
    sink(Point {
        suffix: "",
        labels,
        value,
    });
}

/// Emits one value per check.
fn each(sample: &Sample<'_>, sink: Sink<'_>, value: impl Fn(&CheckSample) -> f64) {
    for check in &sample.checks {
        emit(sink, &[("check", &check.name)], value(check));
    }
}

/// Emits the value of each check that observes this unit.
fn observations(sample: &Sample<'_>, sink: Sink<'_>, unit: Unit) {
    for check in &sample.checks {
        if let Some((_, value)) = check.observed.filter(|(observed, _)| *observed == unit) {
            emit(sink, &[("check", &check.name)], value.unwrap_or(f64::NAN));
        }
    }
}

fn durations(sample: &Sample<'_>, sink: Sink<'_>) {
    for check in &sample.checks {
        let name = ("check", &*check.name);
        let cumulated = check.stats.cumulated();
        let bounds = BOUNDS.iter().map(|(_, bound)| *bound).chain(["+Inf"]);
        for (bound, &runs) in bounds.zip(&cumulated) {
            sink(Point {
                suffix: "_bucket",
                labels: &[name, ("le", bound)],
                value: exact(runs),
            });
        }
        sink(Point {
            suffix: "_sum",
            labels: &[name],
            value: check.stats.total().as_secs_f64(),
        });
        sink(Point {
            suffix: "_count",
            labels: &[name],
            value: exact(cumulated[BOUNDS.len()]),
        });
    }
}

/// The sum of a few 32-bit numbers is exact.
#[allow(clippy::cast_precision_loss)]
fn exact(count: u64) -> f64 {
    count as f64
}

/// A clock before 1970 is not set yet.
fn timestamp(at: Option<SystemTime>) -> f64 {
    let since_epoch = at.and_then(|at| at.duration_since(SystemTime::UNIX_EPOCH).ok());
    since_epoch.map_or(0.0, |since| since.as_secs_f64())
}
