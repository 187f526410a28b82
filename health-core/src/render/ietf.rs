//! `application/health+json`, as far as its last draft goes
//! ([draft-inadarei-api-health-check-06][draft], expired in 2022).
//!
//! ```json
//! {"status":"fail","releaseId":"1.4.2","output":"database",
//!  "checks":{"database:responseTime":[{"componentType":"datastore","observedValue":2000.1,
//!            "observedUnit":"ms","status":"fail","time":"2026-11-21T10:15:27.120Z","output":"timed out"}],
//!            "uptime":[{"componentType":"system","observedValue":86400,"observedUnit":"s","status":"pass",
//!            "time":"2026-11-21T10:15:30.123Z"}]}}
//! ```
//!
//! [draft]: https://datatracker.ietf.org/doc/html/draft-inadarei-api-health-check-06

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::Value;

use super::json::{milliseconds, timestamp, to_bytes};
use super::{Shown, cut};
use crate::incident::Incident;
use crate::outcome::Status;
use crate::snapshot::CheckReport;
use crate::verdict::Verdict;

/// The whole answer for those who only need the status.
pub(crate) fn status_only(status: Status) -> Bytes {
    Bytes::from_static(match status {
        Status::Pass => br#"{"status":"pass"}"#,
        Status::Warn => br#"{"status":"warn"}"#,
        Status::Fail => br#"{"status":"fail"}"#,
    })
}

/// Everything that may be said.
pub(crate) fn list<'a>(
    status: Status,
    release: Option<&str>,
    uptime: Duration,
    checks: impl Iterator<Item = Shown<'a>> + Clone,
) -> Bytes {
    let reports = checks.clone().map(|check| check.report);
    let failing = reports.filter(|report| !report.verdict().is_good());
    let names: Vec<&str> = failing.map(CheckReport::name).collect();
    let output = (status != Status::Pass && !names.is_empty()).then(|| names.join(", "));
    to_bytes(&Root {
        status: word(status),
        release_id: release,
        output: output.as_deref().map(cut),
        checks: Checks {
            reports: checks,
            uptime,
        },
    })
}

/// One check by itself: the same form, with nothing beside it.
pub(crate) fn check(check: Shown<'_>) -> Bytes {
    let status = match check.report.verdict() {
        Verdict::Pass => Status::Pass,
        Verdict::Warn => Status::Warn,
        Verdict::Fail | Verdict::Unknown | Verdict::Skipped => Status::Fail,
    };
    to_bytes(&Root {
        status: word(status),
        release_id: None,
        output: None,
        checks: Single(check),
    })
}

fn word(status: Status) -> &'static str {
    match status {
        Status::Pass => "pass",
        Status::Warn => "warn",
        Status::Fail => "fail",
    }
}

#[derive(serde::Serialize)]
#[serde(rename_all = "camelCase")]
struct Root<'a, C> {
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    release_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    output: Option<&'a str>,
    checks: C,
}

struct Checks<I> {
    reports: I,
    uptime: Duration,
}

impl<'a, I> Serialize for Checks<I>
where
    I: Iterator<Item = Shown<'a>> + Clone,
{
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for check in self.reports.clone() {
            map.serialize_entry(&key(check.report), &[Entry::new(check)])?;
        }
        map.serialize_entry("uptime", &[Entry::uptime(self.uptime)])?;
        map.end()
    }
}

struct Single<'a>(Shown<'a>);

impl Serialize for Single<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(1))?;
        map.serialize_entry(&key(self.0.report), &[Entry::new(self.0)])?;
        map.end()
    }
}

/// What the check measured itself has no name in the draft; how long it took has.
fn key(report: &CheckReport) -> String {
    match report.observed() {
        Some(_) => report.name().to_owned(),
        None => format!("{}:responseTime", report.name()),
    }
}

#[derive(serde::Serialize)]
#[serde(rename_all = "camelCase")]
struct Entry<'a> {
    component_type: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    observed_value: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    observed_unit: Option<&'a str>,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    time: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    output: Option<String>,
    /// No part of the draft, which allows further keys.
    #[serde(skip_serializing_if = "Option::is_none")]
    incident: Option<Incident>,
}

impl<'a> Entry<'a> {
    fn new(check: Shown<'a>) -> Self {
        let report = check.report;
        let measured = report.observed();
        let took = report.response_time().map(milliseconds);
        let verdict = report.verdict();
        let output = match verdict {
            Verdict::Pass => None,
            Verdict::Unknown => check.reason().or_else(|| Some("no result yet".to_owned())),
            Verdict::Skipped => report.skipped_for().map(str::to_owned),
            Verdict::Warn | Verdict::Fail => check.reason(),
        };
        Entry {
            component_type: report.component(),
            observed_value: measured
                .map_or_else(|| took.map(Value::from), |seen| Some(seen.value.clone())),
            observed_unit: measured.map(|seen| &*seen.unit).or(took.map(|_| "ms")),
            status: match verdict {
                Verdict::Pass => "pass",
                Verdict::Warn => "warn",
                Verdict::Fail | Verdict::Unknown | Verdict::Skipped => "fail",
            },
            time: report.checked_at().map(timestamp),
            output,
            incident: report.incident(),
        }
    }

    fn uptime(uptime: Duration) -> Self {
        Entry {
            component_type: "system",
            observed_value: Some(uptime.as_secs().into()),
            observed_unit: Some("s"),
            status: "pass",
            time: Some(timestamp(SystemTime::now())),
            output: None,
            incident: None,
        }
    }
}
