//! `application/health+json`, following its last draft
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

use std::borrow::Cow;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::check::class::FailureClass;
use crate::check::outcome::Status;
use crate::http::render::Frame;
use crate::http::render::json::{self, to_bytes, to_raw};
use crate::http::render::shown::Shown;
use crate::http::render::truncate::{Fitted, fit};
use crate::http::render::vocabulary::Vocabulary;
use crate::text::bounded::{MAX_MESSAGE_LEN, cut};
use crate::time::stamp::{milliseconds, timestamp};
use crate::verdict::Verdict;
use crate::verdict::incident::Incident;
use crate::verdict::snapshot::CheckReport;

/// The words of the draft.
const WORDS: Vocabulary = Vocabulary::Pass;

/// Renders an answer with the status only.
pub(crate) fn status_only(status: Status) -> Bytes {
    json::status_only(WORDS, status)
}

/// Renders all public details that fit.
pub(crate) fn list(frame: &Frame<'_>, checks: &[Shown<'_>]) -> Bytes {
    let counted = checks.iter().filter(|check| !check.excluded);
    let failing = counted.filter(|check| !check.report.verdict().is_good());
    let names = failing.map(|check| check.report.name());
    let names: Vec<&str> = names.chain(frame.draining.then_some("shutdown")).collect();
    let output = (frame.status != Status::Pass && !names.is_empty()).then(|| names.join(", "));
    let fitted = fit(frame.budget(), checks, |check| {
        let entries = to_raw(&[Entry::new(check)]);
        let length = key(check.report).len() + entries.get().len() + r#""":,"#.len();
        (entries, length)
    });
    let about = frame.about;
    let said = about.map_or(&[][..], |about| &about.notes);
    let said = said.iter().map(|note| Cow::Borrowed(&**note));
    let cut_off = (fitted.more > 0).then(|| left_out(&fitted));
    let notes = said.chain(cut_off.map(Cow::Owned));
    let notes = notes.chain(frame.warning.as_deref().map(Cow::Borrowed));
    to_bytes(&Root {
        status: WORDS.status(frame.status),
        release_id: frame.version,
        service_id: about.and_then(|about| about.service_id.as_deref()),
        description: about.and_then(|about| about.description.as_deref()),
        notes: notes.collect(),
        output: output.as_deref().map(|names| cut(names, MAX_MESSAGE_LEN)),
        links: Relations(about.map_or(&[][..], |about| &about.links)),
        checks: Checks {
            checks: fitted.checks,
            uptime: Some(frame.uptime),
        },
    })
}

fn left_out<T>(fitted: &Fitted<'_, T>) -> String {
    let names = fitted.named.iter().map(|check| check.report.name());
    let names: Vec<&str> = names.collect();
    format!("{} more checks: {}", fitted.more, names.join(", "))
}

/// Renders one check in the same form.
pub(crate) fn check(check: Shown<'_>) -> Bytes {
    to_bytes(&Root {
        status: WORDS.status(check.report.verdict().status()),
        checks: Checks {
            checks: vec![(check, to_raw(&[Entry::new(check)]))],
            uptime: None,
        },
        ..Root::default()
    })
}

#[derive(Default, serde::Serialize)]
#[serde(rename_all = "camelCase")]
struct Root<'a> {
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    release_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    service_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    notes: Vec<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    output: Option<&'a str>,
    #[serde(skip_serializing_if = "Relations::is_empty")]
    links: Relations<'a>,
    checks: Checks<'a>,
}

/// URIs by relation.
#[derive(Default)]
struct Relations<'a>(&'a [(Cow<'static, str>, Cow<'static, str>)]);

impl Relations<'_> {
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Serialize for Relations<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(relation, uri)| (relation, uri)))
    }
}

const UPTIME: &str = "uptime";

#[derive(Default)]
struct Checks<'a> {
    checks: Vec<(Shown<'a>, Box<RawValue>)>,
    /// Omitted in the answer of a single check.
    uptime: Option<Duration>,
}

impl Serialize for Checks<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (check, entries) in &self.checks {
            map.serialize_entry(&key(check.report), entries)?;
        }
        // Omitted if a check of this name has the key, since keys are unique.
        let mut checks = self.checks.iter();
        let is_free = checks.all(|(check, _)| key(check.report) != UPTIME);
        if let Some(uptime) = self.uptime.filter(|_| is_free) {
            map.serialize_entry(UPTIME, &[Entry::uptime(uptime)])?;
        }
        map.end()
    }
}

/// Returns the key. The draft defines a name for the response time, but none for an
/// observed value.
fn key(report: &CheckReport) -> String {
    match report.observed() {
        Some(_) => report.name().to_owned(),
        None => format!("{}:responseTime", report.name()),
    }
}

#[derive(Default, serde::Serialize)]
#[serde(rename_all = "camelCase")]
struct Entry<'a> {
    component_type: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    observed_value: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    observed_unit: Option<&'a str>,
    status: &'static str,
    /// Not in the draft, which allows further keys.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    excluded: bool,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    affected_endpoints: &'a [Cow<'static, str>],
    #[serde(skip_serializing_if = "Option::is_none")]
    time: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    output: Option<String>,
    #[serde(skip_serializing_if = "Relations::is_empty")]
    links: Relations<'a>,
    /// Not in the draft, which allows further keys.
    #[serde(skip_serializing_if = "Option::is_none")]
    incident: Option<Incident>,
    #[serde(skip_serializing_if = "Option::is_none")]
    class: Option<FailureClass>,
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
            Verdict::Skipped => report.blocked_by().map(str::to_owned),
            Verdict::Warn | Verdict::Fail => check.reason(),
        };
        Entry {
            component_type: report.component(),
            observed_value: measured
                .map_or_else(|| took.map(Value::from), |seen| Some(seen.value.clone())),
            observed_unit: measured.map(|seen| &*seen.unit).or(took.map(|_| "ms")),
            status: WORDS.status(verdict.status()),
            excluded: check.excluded,
            affected_endpoints: match verdict {
                Verdict::Pass => &[],
                _ => &report.plan().affects,
            },
            time: report.checked_at().map(timestamp),
            output,
            links: Relations(&report.plan().links),
            incident: report.incident(),
            class: report.failure_class(),
        }
    }

    fn uptime(uptime: Duration) -> Self {
        Entry {
            component_type: "system",
            observed_value: Some(uptime.as_secs().into()),
            observed_unit: Some("s"),
            status: WORDS.status(Status::Pass),
            time: Some(timestamp(SystemTime::now())),
            ..Entry::default()
        }
    }
}
