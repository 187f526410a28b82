//! The default format: compact JSON.
//!
//! ```json
//! {"status":"unhealthy","timestamp":"2026-11-21T10:15:30.123Z","version":"1.4.2","uptime_s":86400,
//!  "checks":{"database":{"status":"error","critical":true,"response_time_ms":2000.1,
//!                        "message":"withheld","checked_at":"2026-11-21T10:15:27.120Z"}}}
//! ```
//!
//! `status` is the first key, since some load balancers only read the
//! beginning. Times inside `checks` are absolute, so that this part is rendered
//! once per change and reused; `timestamp` and `uptime_s` belong to the answer.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::value::RawValue;

use crate::check::class::FailureClass;
use crate::check::outcome::{Observed, Status};
use crate::http::deserialize::HistorySummary;
use crate::http::render::Frame;
use crate::http::render::shown::Shown;
use crate::http::render::truncate::{Fitted, fit};
use crate::http::render::vocabulary::Vocabulary;
use crate::time::stamp::{milliseconds, timestamp};
use crate::verdict::Verdict;
use crate::verdict::incident::Incident;
use crate::verdict::snapshot::Seen;

/// Renders an answer with the status only.
pub(crate) fn status_only(words: Vocabulary, status: Status) -> Bytes {
    if words != Vocabulary::Healthy {
        return single_word(words.status(status));
    }
    Bytes::from_static(match status {
        Status::Pass => br#"{"status":"healthy"}"#,
        Status::Warn => br#"{"status":"degraded"}"#,
        Status::Fail => br#"{"status":"unhealthy"}"#,
    })
}

fn single_word(word: &'static str) -> Bytes {
    Bytes::from(format!(r#"{{"status":"{word}"}}"#))
}

/// A rendered check and its visible state at that time.
pub(crate) type Part = (Seen, Arc<RawValue>);

/// Renders each check. `before` has the rendered parts of the same checks in
/// the same order, which are reused where nothing has changed.
pub(crate) fn parts(words: Vocabulary, reports: &[Shown<'_>], before: &[Part]) -> Vec<Part> {
    let mut before = before.iter();
    let part = |&check: &Shown<'_>| {
        let seen = check.report.seen();
        let unchanged = before.next().filter(|(then, _)| *then == seen);
        let render = || (seen, to_raw(&CheckBody::new(words, check)).into());
        unchanged.cloned().unwrap_or_else(render)
    };
    reports.iter().map(part).collect()
}

/// Renders the part of the answer that only changes when a check does.
pub(crate) fn checks(
    words: Vocabulary,
    reports: &[Shown<'_>],
    parts: &[Part],
    draining: bool,
) -> Box<RawValue> {
    let names = reports.iter().map(|check| check.report.name());
    let bodies = parts.iter().map(|(_, body)| &**body);
    to_raw(&Checks {
        bodies: names.zip(bodies).collect(),
        draining: draining.then(|| CheckBody::draining(words)),
    })
}

/// Renders one check.
pub(crate) fn check(words: Vocabulary, check: Shown<'_>) -> Bytes {
    to_bytes(&CheckBody::alone(words, check))
}

/// Renders one check with the status only.
pub(crate) fn check_status_only(words: Vocabulary, verdict: Verdict) -> Bytes {
    single_word(words.verdict(verdict))
}

/// Renders the answer around rendered checks.
pub(crate) fn around(frame: &Frame<'_>, checks: &RawValue) -> Bytes {
    HealthBody::new(frame, checks).to_bytes()
}

/// Renders the answer with the checks that fit.
pub(crate) fn list(frame: &Frame<'_>, reports: &[Shown<'_>]) -> Bytes {
    if !frame.is_short {
        let parts = parts(frame.words, reports, &[]);
        return around(frame, &checks(frame.words, reports, &parts, frame.draining));
    }
    let Fitted {
        checks,
        named,
        more,
    } = fit(frame.budget(), reports, |check| {
        let body = to_raw(&CheckBody::new(frame.words, check));
        let length = check.report.name().len() + body.get().len() + r#""":,"#.len();
        (body, length)
    });
    let bodies = checks.iter();
    let checks = to_raw(&Checks {
        bodies: bodies
            .map(|(check, body)| (check.report.name(), &**body))
            .collect(),
        draining: frame.draining.then(|| CheckBody::draining(frame.words)),
    });
    let more = (more > 0).then(|| More {
        count: more,
        names: named.iter().map(|check| check.report.name()).collect(),
    });
    HealthBody {
        more,
        ..HealthBody::new(frame, &checks)
    }
    .to_bytes()
}

/// All keys are strings and the output is in memory, so this cannot fail.
const WRITABLE: &str = "plain structs can be written as JSON";

pub(super) fn to_bytes(value: &impl Serialize) -> Bytes {
    Bytes::from(serde_json::to_vec(value).expect(WRITABLE))
}

pub(super) fn to_raw(value: &impl Serialize) -> Box<RawValue> {
    serde_json::value::to_raw_value(value).expect(WRITABLE)
}

#[derive(serde::Serialize)]
struct HealthBody<'a> {
    status: &'static str,
    timestamp: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<&'a str>,
    uptime_s: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    warnings: Option<[&'a str; 1]>,
    checks: &'a RawValue,
    #[serde(skip_serializing_if = "Option::is_none")]
    more: Option<More<'a>>,
}

/// The checks that did not fit.
#[derive(serde::Serialize)]
struct More<'a> {
    count: usize,
    /// The names of those that fit.
    names: Vec<&'a str>,
}

impl<'a> HealthBody<'a> {
    fn new(frame: &'a Frame<'_>, checks: &'a RawValue) -> Self {
        HealthBody {
            status: frame.words.status(frame.status),
            timestamp: timestamp(SystemTime::now()),
            version: frame.version,
            uptime_s: frame.uptime.as_secs(),
            warnings: frame.warning.as_deref().map(|warning| [warning]),
            checks,
            more: None,
        }
    }

    fn to_bytes(&self) -> Bytes {
        let mut json = Vec::with_capacity(self.checks.get().len() + 128);
        serde_json::to_writer(&mut json, self).expect(WRITABLE);
        Bytes::from(json)
    }
}

/// Checks that have been rendered individually, and the entry for startup.
struct Checks<'a> {
    bodies: Vec<(&'a str, &'a RawValue)>,
    draining: Option<CheckBody<'a>>,
}

impl Serialize for Checks<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (name, body) in &self.bodies {
            map.serialize_entry(name, body)?;
        }
        if let Some(draining) = &self.draining {
            map.serialize_entry("shutdown", draining)?;
        }
        map.end()
    }
}

#[derive(Default, serde::Serialize)]
pub(super) struct CheckBody<'a> {
    status: &'static str,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    excluded: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    tags: &'a [Cow<'static, str>],
    critical: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_time_ms: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    class: Option<FailureClass>,
    /// The texts of errors, for recognized clients.
    #[serde(skip_serializing_if = "Option::is_none")]
    cause: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    incident: Option<Incident>,
    #[serde(skip_serializing_if = "Option::is_none")]
    consecutive: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    history: Option<HistorySummary>,
    #[serde(skip_serializing_if = "Option::is_none")]
    checked_at: Option<String>,
    /// The last result, if the thresholds keep the verdict from changing.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_status: Option<&'static str>,
    /// The failing check at the root of the dependency chain.
    #[serde(skip_serializing_if = "Option::is_none")]
    blocked_by: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    overdue_since: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    observed: Option<&'a Observed>,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<&'a serde_json::Value>,
}

impl<'a> CheckBody<'a> {
    pub(super) fn new(words: Vocabulary, check: Shown<'a>) -> Self {
        let report = check.report;
        let verdict = report.verdict();
        let last = report.last_status().map(Verdict::from);
        CheckBody {
            description: None,
            tags: &[],
            status: words.verdict(verdict),
            excluded: check.excluded,
            critical: report.is_critical(),
            response_time_ms: report.response_time().map(milliseconds),
            message: check.message(),
            class: report.failure_class(),
            cause: check.cause(),
            incident: report.incident(),
            consecutive: check.full.then(|| report.consecutive()),
            history: check.full.then(|| (&report.history()).into()),
            checked_at: report.checked_at().map(timestamp),
            last_status: last
                .filter(|&last| last != verdict)
                .map(|last| words.verdict(last)),
            blocked_by: report.blocked_by(),
            overdue_since: report.overdue_since().map(timestamp),
            observed: report.observed(),
            detail: report.detail(),
        }
    }

    /// Adds the declaration, which is only shown in the answer of a single
    /// check.
    pub(super) fn alone(words: Vocabulary, check: Shown<'a>) -> Self {
        CheckBody {
            description: check.report.description(),
            tags: &check.report.plan().tags,
            ..CheckBody::new(words, check)
        }
    }

    pub(super) fn draining(words: Vocabulary) -> Self {
        CheckBody {
            status: words.verdict(Verdict::Fail),
            critical: true,
            message: Some("draining"),
            ..CheckBody::default()
        }
    }
}
