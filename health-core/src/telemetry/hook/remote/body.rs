//! The JSON that a webhook sends: see `schemas/webhook.schema.json`.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::SystemTime;

use serde::Serialize;

use crate::check::class::FailureClass;
use crate::check::probe::Probe;
use crate::telemetry::hook::remote::QueuedTransition;
use crate::text::bounded::{MAX_CAUSE_LEN, MAX_MESSAGE_LEN, cut};
use crate::text::mask::masked;
use crate::time::stamp::{milliseconds, timestamp};
use crate::verdict::incident::Incident;

/// Increased when a key is removed or changes its meaning, not when one is
/// added.
const SCHEMA_VERSION: u32 = 1;

/// One request body: the state of one check, the states of several, or the stop
/// of the service.
#[derive(Serialize)]
pub(super) struct Body<'a> {
    schema_version: u32,
    event: &'static str,
    /// Stays the same when the body is sent again.
    id: String,
    /// The time of the change; for several states, the time of the newest one.
    at: String,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    labels: &'a BTreeMap<String, String>,
    #[serde(flatten)]
    content: Content<'a>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Content<'a> {
    One(Box<State<'a>>),
    Several { turns: Vec<State<'a>> },
    Stopped {},
}

impl<'a> Body<'a> {
    /// Creates a body from the newest states of one or more different checks.
    pub(super) fn of(
        turns: &[&'a QueuedTransition],
        labels: &'a BTreeMap<String, String>,
        with_causes: bool,
    ) -> Self {
        let newest = turns.iter().map(|turn| turn.turned.at).max();
        let at = newest.unwrap_or_else(SystemTime::now);
        let (event, content) = if let [turn] = turns {
            let state = State::new(turn, with_causes);
            ("health.check.turned", Content::One(state.into()))
        } else {
            let states = turns.iter().map(|turn| State {
                at: Some(timestamp(turn.turned.at)),
                ..State::new(turn, with_causes)
            });
            let turns = states.collect();
            ("health.checks.turned", Content::Several { turns })
        };
        Body::new(event, at, labels, content)
    }

    /// Creates the body for a stop of the service, after which no earlier state
    /// is valid.
    pub(super) fn of_a_stop(labels: &'a BTreeMap<String, String>) -> Self {
        let now = SystemTime::now();
        Body::new("health.stopped", now, labels, Content::Stopped {})
    }

    fn new(
        event: &'static str,
        at: SystemTime,
        labels: &'a BTreeMap<String, String>,
        content: Content<'a>,
    ) -> Self {
        Body {
            schema_version: SCHEMA_VERSION,
            event,
            id: format!("{:032x}", fastrand::u128(..)),
            at: timestamp(at),
            labels,
            content,
        }
    }

    pub(super) fn json(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("plain structs can be written as JSON")
    }
}

/// The state of one check and its previous state.
#[derive(Serialize)]
struct State<'a> {
    /// Absent if it equals the time of the body.
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<String>,
    check: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    tags: &'a [Cow<'static, str>],
    probes: Vec<&'static str>,
    critical: bool,
    from: &'static str,
    to: &'static str,
    held_s: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    incident: Option<Incident>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    class: Option<FailureClass>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cause: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    blocked_by: Option<&'a str>,
    consecutive: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_time_ms: Option<f64>,
    missed: u64,
}

impl<'a> State<'a> {
    fn new(turn: &'a QueuedTransition, with_cause: bool) -> Self {
        let turned = &turn.turned;
        let report = &turned.report;
        let probes = Probe::ALL.into_iter();
        let message = report.message();
        State {
            at: None,
            check: report.name(),
            description: report.description(),
            tags: &report.plan().tags,
            probes: probes
                .filter(|&probe| report.counts_for(probe))
                .map(Probe::as_str)
                .collect(),
            critical: report.is_critical(),
            from: turned.from.as_str(),
            to: report.verdict().as_str(),
            held_s: milliseconds(turned.held) / 1e3,
            incident: turned.incident,
            message: message.map(|message| cut(message, MAX_MESSAGE_LEN)),
            class: report.failure_class(),
            cause: Some(report.cause())
                .filter(|cause| with_cause && !cause.is_empty())
                .map(|cause| cut(&masked(&cause.join(": ")), MAX_CAUSE_LEN).to_owned()),
            blocked_by: report.blocked_by(),
            consecutive: report.consecutive(),
            response_time_ms: report.response_time().map(milliseconds),
            missed: turn.missed,
        }
    }
}
