//! Reads the default JSON, for clients: the inverse of `render/json.rs`.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use serde::de::{Deserializer, Error, Unexpected};
use serde::{Deserialize, Serialize, Serializer};
use serde_json::Value;

use crate::check::class::FailureClass;
use crate::check::outcome::Status;
use crate::http::render::vocabulary::Vocabulary;
use crate::text::bounded::cut;
use crate::time::stamp::{milliseconds, timestamp};
use crate::verdict::Verdict;
use crate::verdict::history::History;

/// The maximum length of an unknown word in an error, in bytes.
const MAX_WORD: usize = 64;

/// The default JSON of `/health`, of a probe or of a group, as a client reads
/// it: in fleet tools, tests and probes.
///
/// It reads every level of detail. Fields that the answer does not have are
/// `None` or empty, unknown fields are ignored, and the status words can be
/// those of any [`Vocabulary`](crate::http::Vocabulary). The page of a single
/// check, such as `/health/database`, is a [`CheckAnswer`].
///
/// The answers of probes and groups are shorter than 10,240 bytes. `/health`
/// has no limit: bound the body before reading that of an unknown service.
///
/// ```
/// use health_core::report::{Answer, Verdict};
/// use health_core::Status;
///
/// let body = r#"{"status":"degraded","timestamp":"2026-11-21T10:15:30.123Z","uptime_s":86400,
///     "checks":{"cache":{"status":"error","critical":false,"response_time_ms":2000.1,
///                        "message":"timed out","incident":"k3f9qz"}}}"#;
/// let answer: Answer = serde_json::from_str(body)?;
/// assert_eq!(answer.status, Status::Warn);
///
/// let cache = &answer.checks["cache"];
/// assert_eq!(cache.status, Verdict::Fail);
/// assert_eq!(cache.message.as_deref(), Some("timed out"));
///
/// // The default of probes, `Details::Status`.
/// let ready: Answer = serde_json::from_str(r#"{"status":"healthy"}"#)?;
/// assert_eq!((ready.status, ready.checks.len()), (Status::Pass, 0));
/// # Ok::<_, serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[non_exhaustive]
pub struct Answer {
    /// The status of the page.
    #[serde(deserialize_with = "status")]
    pub status: Status,
    /// When the answer was given.
    #[serde(default, deserialize_with = "optional_time")]
    pub timestamp: Option<SystemTime>,
    /// The version of the service.
    pub version: Option<String>,
    /// The time since health started, in whole seconds.
    #[serde(default, rename = "uptime_s", deserialize_with = "seconds")]
    pub uptime: Option<Duration>,
    /// Warnings about the request.
    #[serde(default)]
    pub warnings: Vec<String>,
    /// The checks by name. A startup that has not passed is the check `startup`,
    /// a drain is the check `shutdown`.
    #[serde(default)]
    pub checks: BTreeMap<String, CheckAnswer>,
    /// The checks that did not fit into the answer of a probe or of a group.
    pub more: Option<Omitted>,
}

/// The checks that did not fit into an [`Answer`].
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct Omitted {
    /// How many checks did not fit.
    pub count: usize,
    /// The names of those whose names did fit, failing checks first.
    #[serde(default)]
    pub names: Vec<String>,
}

/// One check of an [`Answer`], or the page of a single check.
///
/// ```
/// use health_core::report::{CheckAnswer, Verdict};
///
/// let body = r#"{"status":"skipped","critical":true,"blocked_by":"database"}"#;
/// let schema: CheckAnswer = serde_json::from_str(body)?;
/// assert_eq!(schema.status, Verdict::Skipped);
/// assert_eq!(schema.blocked_by.as_deref(), Some("database"));
/// # Ok::<_, serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[non_exhaustive]
pub struct CheckAnswer {
    /// The verdict. [`Verdict::Unknown`] if this version does not know the word.
    pub status: Verdict,
    /// Whether the check is excluded from the status of this answer.
    #[serde(default)]
    pub excluded: bool,
    /// The description, on the page of a single check.
    pub description: Option<String>,
    /// The tags, on the page of a single check.
    #[serde(default)]
    pub tags: Vec<String>,
    /// Whether the check is critical for any probe.
    #[serde(default)]
    pub critical: bool,
    /// The duration of the last run, within a microsecond.
    #[serde(default, rename = "response_time_ms", with = "optional_milliseconds")]
    pub response_time: Option<Duration>,
    /// The public reason why the check does not pass; `withheld` for an error.
    pub message: Option<String>,
    /// The class of the failure, if this version knows it.
    #[serde(default, deserialize_with = "class")]
    pub class: Option<FailureClass>,
    /// The private cause, at the full level of detail.
    pub cause: Option<String>,
    /// The ID of the current incident.
    pub incident: Option<String>,
    /// How many consecutive results were like the last one, at the full level of
    /// detail.
    pub consecutive: Option<u32>,
    /// The last results, at the full level of detail.
    pub history: Option<HistorySummary>,
    /// The time of the last result.
    #[serde(default, deserialize_with = "optional_time")]
    pub checked_at: Option<SystemTime>,
    /// The last result, if it differs from the verdict.
    pub last_status: Option<Verdict>,
    /// The failing check that this one waits for.
    pub blocked_by: Option<String>,
    /// Since when a run that has timed out has been in flight.
    #[serde(default, deserialize_with = "optional_time")]
    pub overdue_since: Option<SystemTime>,
    /// The observed value.
    pub observed: Option<ObservedAnswer>,
    /// The details of the check.
    pub detail: Option<Value>,
}

/// A value that a check observed, and its unit.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[non_exhaustive]
pub struct ObservedAnswer {
    /// The value.
    pub value: Value,
    /// The unit.
    pub unit: String,
}

/// The statistics of a [`History`], as answers have them.
///
/// All but the number of runs and the last failure are of the kept results.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct HistorySummary {
    /// The number of results since the start.
    pub runs: u64,
    /// The number of kept results.
    pub kept: usize,
    /// How many of the kept results passed.
    pub passed: usize,
    /// How many of the kept results warned.
    pub warned: usize,
    /// How many of the kept results failed.
    pub failed: usize,
    /// The share of the kept results that did not fail, with three decimals.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub success_rate: Option<f64>,
    /// The median of the durations.
    #[serde(
        rename = "p50_ms",
        skip_serializing_if = "Option::is_none",
        with = "optional_milliseconds"
    )]
    pub p50: Option<Duration>,
    /// The 95th percentile of the durations.
    #[serde(
        rename = "p95_ms",
        skip_serializing_if = "Option::is_none",
        with = "optional_milliseconds"
    )]
    pub p95: Option<Duration>,
    /// The time of the last failure, even if it is no longer kept.
    #[serde(
        skip_serializing_if = "Option::is_none",
        serialize_with = "time",
        deserialize_with = "optional_time"
    )]
    pub last_failure_at: Option<SystemTime>,
}

impl From<&History> for HistorySummary {
    fn from(history: &History) -> Self {
        HistorySummary {
            runs: history.runs(),
            kept: history.past().len(),
            passed: history.count(Status::Pass),
            warned: history.count(Status::Warn),
            failed: history.count(Status::Fail),
            success_rate: history
                .success_rate()
                .map(|share| (share * 1e3).round() / 1e3),
            p50: history.latency(0.5),
            p95: history.latency(0.95),
            last_failure_at: history.last_failure_at(),
        }
    }
}

impl Serialize for History {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        HistorySummary::from(self).serialize(serializer)
    }
}

/// In the words of any [`Vocabulary`]. A word that no version knew so far is
/// [`Verdict::Unknown`], so that one check does not hide the others.
impl<'de> Deserialize<'de> for Verdict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let word = String::deserialize(deserializer)?;
        let in_words = |words: Vocabulary| {
            let mut all = Verdict::ALL.into_iter();
            all.find(|&verdict| words.verdict(verdict) == word)
        };
        let known = Vocabulary::ALL.into_iter().find_map(in_words);
        Ok(known.unwrap_or(Verdict::Unknown))
    }
}

fn status<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Status, D::Error> {
    let word = String::deserialize(deserializer)?;
    let in_words = |words: Vocabulary| {
        let mut all = Status::ALL.into_iter();
        all.find(|&status| words.status(status) == word)
    };
    let known = Vocabulary::ALL.into_iter().find_map(in_words);
    known.ok_or_else(|| {
        let word = Unexpected::Str(cut(&word, MAX_WORD));
        D::Error::invalid_value(word, &"a status such as `healthy`")
    })
}

fn class<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<FailureClass>, D::Error> {
    let word = Option::<String>::deserialize(deserializer)?;
    let mut all = FailureClass::ALL.into_iter();
    Ok(all.find(|class| word.as_deref() == Some(class.as_str())))
}

fn seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    let seconds = Option::<u64>::deserialize(deserializer)?;
    Ok(seconds.map(Duration::from_secs))
}

#[expect(clippy::ref_option, reason = "serde passes a reference to the field")]
fn time<S: Serializer>(at: &Option<SystemTime>, serializer: S) -> Result<S::Ok, S::Error> {
    at.map(timestamp).serialize(serializer)
}

fn optional_time<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<SystemTime>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    let read = |text: String| {
        humantime::parse_rfc3339(&text).map_err(|_| {
            let text = Unexpected::Str(cut(&text, MAX_WORD));
            D::Error::invalid_value(text, &"a time in UTC by RFC 3339")
        })
    };
    text.map(read).transpose()
}

/// A duration as a number of milliseconds.
mod optional_milliseconds {
    use super::{Deserialize, Deserializer, Duration, Error, Serialize, Serializer, milliseconds};

    #[expect(clippy::ref_option, reason = "serde passes a reference to the field")]
    pub(super) fn serialize<S: Serializer>(
        took: &Option<Duration>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        took.map(milliseconds).serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Duration>, D::Error> {
        let took = Option::<f64>::deserialize(deserializer)?;
        let read = |took: f64| Duration::try_from_secs_f64(took / 1e3).map_err(D::Error::custom);
        took.map(read).transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(json: &str) -> Result<Answer, serde_json::Error> {
        serde_json::from_str(json)
    }

    #[test]
    fn every_vocabulary_is_parsed() {
        for words in Vocabulary::ALL {
            for status in Status::ALL {
                let read = answer(&format!(r#"{{"status":"{}"}}"#, words.status(status)));
                assert_eq!(read.expect("a word").status, status, "{words:?}");
            }
            for verdict in Verdict::ALL {
                let word = serde_json::Value::from(words.verdict(verdict));
                let read: Verdict = serde_json::from_value(word).expect("a word");
                assert_eq!(read, verdict, "{words:?}");
            }
        }
    }

    #[test]
    fn unknown_fields_are_ignored() {
        let later = r#"{"status":"healthy","region":"eu","checks":{"db":{"status":"resting",
            "class":"asleep","mood":["good"],"observed":{"value":1,"unit":"s","scale":2}}}}"#;
        let read = answer(later).expect("an answer");
        let check = &read.checks["db"];
        assert_eq!((check.status, check.class), (Verdict::Unknown, None));
        assert_eq!(check.observed.as_ref().expect("a value").unit, "s");
    }

    #[test]
    fn an_invalid_answer_is_refused_with_a_short_message() {
        let long = format!(r#"{{"status":"{}"}}"#, "x".repeat(10_000));
        let time = format!(r#"{{"status":"ok","timestamp":"{}"}}"#, "9".repeat(10_000));
        for wrong in [
            &*long,
            &time,
            "{}",
            "[]",
            r#"{"status":"unknown"}"#,
            r#"{"status":"ok","uptime_s":-1}"#,
            r#"{"status":"ok","checks":{"db":{}}}"#,
            r#"{"status":"ok","checks":{"db":{"status":"ok","response_time_ms":-1.0}}}"#,
        ] {
            let error = answer(wrong).expect_err(wrong).to_string();
            assert!(error.len() < 200, "{error}");
        }
    }
}
