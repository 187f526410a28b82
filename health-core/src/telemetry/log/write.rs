//! Writes each [`Line`] as an event of tracing.

use std::time::Duration;

use crate::check::class::FailureClass;
use crate::check::outcome::Status;
use crate::check::probe::{Probe, Probes};
use crate::telemetry::event::Transition;
use crate::telemetry::log::line::{AnswerTransition, Line};
use crate::text::list::listed;
use crate::text::mask::masked;
use crate::time::stamp::milliseconds;
use crate::verdict::Verdict;
use crate::verdict::incident::Incident;
use crate::verdict::late::Explanation;
use crate::verdict::snapshot::CheckReport;

/// Writes a message.
pub(super) fn write(line: &Line) {
    match line {
        Line::Transition { turned, .. } => transition(turned),
        Line::Lasts { report, lasting } => lasts(report, *lasting),
        Line::Explained { explained, why } => self::explained(explained, why),
        Line::Answer(answer) => answer_turned(answer),
        Line::StartupPassed(after) => {
            log!(info, after_ms = milliseconds(*after), "startup has passed");
        }
        Line::StartupWaits { since, checks } => log!(
            warn,
            after_s = since.as_secs(),
            waits_for = checks,
            "startup has not passed, so readiness fails"
        ),
        Line::Quarantined { check, held } => log!(
            warn,
            check = &**check,
            held_ms = milliseconds(*held),
            "the check blocks its thread; it runs on its own thread until it no longer does. Use an async client, or make it a plain `fn`"
        ),
        Line::Released { check, runs } => log!(
            info,
            check = &**check,
            runs,
            "the check no longer blocks its thread; it runs on the runtime again"
        ),
        Line::Paused(lasted) => log!(
            warn,
            lasted_s = lasted.as_secs_f64(),
            "the process was paused; the pause does not count for timeouts and staleness"
        ),
        Line::GateAbandoned(gate) => log!(
            error,
            gate = &**gate,
            "the gate was dropped before it was opened, so startup cannot pass"
        ),
        Line::Draining {
            delay,
            readiness_fails,
        } => draining(*delay, *readiness_fails),
        Line::Excluded { page, checks } => log!(
            info,
            page,
            checks,
            "checks were excluded from an answer; logged at most once per minute"
        ),
        Line::GuardWithoutPeer => log!(
            warn,
            "the guard recognizes no address, because the server does not pass on the address of the connection; logged once. \
             With axum, serve with `into_make_service_with_connect_info::<SocketAddr>()`"
        ),
        Line::UntrustedProxy(peer) => log!(
            warn,
            %peer,
            "the guard does not recognize forwarded requests of this peer; logged once. \
             If it is your proxy, name it: `Guard::trusted_proxies`"
        ),
        Line::GuardPanicked(text) => log!(
            error,
            reason = %masked(text),
            "a rule of the guard panicked, so the request is not recognized; logged once"
        ),
    }
}

/// The fields that depend on the kind of event.
#[derive(Default)]
struct KindFields {
    from: Option<&'static str>,
    held_s: Option<u64>,
    lasting_s: Option<u64>,
    ended_after_ms: Option<f64>,
    hint: Option<&'static str>,
}

/// Writes an event about a check at the level of its verdict.
fn about_check(message: &str, report: &CheckReport, incident: Option<Incident>, kind: &KindFields) {
    // tracing requires a constant level.
    macro_rules! event {
        ($level:ident) => {
            log!(
                $level,
                check = report.name(),
                probes = words(report.plan().probes),
                critical = report.is_critical(),
                from = kind.from,
                held_s = kind.held_s,
                lasting_s = kind.lasting_s,
                ended_after_ms = kind.ended_after_ms,
                hint = kind.hint,
                to = report.verdict().as_str(),
                reason = reason(report),
                class = report.failure_class().map(FailureClass::as_str),
                cause = not_empty(&report.cause().join(": ")),
                incident = incident.as_ref().map(Incident::as_str),
                took_ms = milliseconds(report.response_time().unwrap_or_default()),
                consecutive = report.consecutive(),
                "{message}"
            )
        };
    }
    match report.verdict() {
        Verdict::Pass => event!(info),
        Verdict::Warn | Verdict::Unknown | Verdict::Skipped => event!(warn),
        Verdict::Fail => event!(error),
    }
}

fn transition(turned: &Transition) {
    let kind = KindFields {
        from: Some(turned.from.as_str()),
        held_s: Some(turned.held.as_secs()),
        ..KindFields::default()
    };
    let message = "health check status changed";
    about_check(message, &turned.report, turned.incident, &kind);
}

fn lasts(report: &CheckReport, lasting: Duration) {
    let kind = KindFields {
        lasting_s: Some(lasting.as_secs()),
        ..KindFields::default()
    };
    let message = "health check still not passing";
    about_check(message, report, report.incident(), &kind);
}

fn explained(explained: &Transition, why: &Explanation) {
    let kind = KindFields {
        ended_after_ms: Some(milliseconds(why.took)),
        hint: Some(why.hint()),
        ..KindFields::default()
    };
    let message = "health check run ended after its timeout";
    about_check(message, &explained.report, explained.incident, &kind);
}

/// Returns the public reason.
fn reason(report: &CheckReport) -> Option<&str> {
    match report.verdict() {
        Verdict::Unknown => Some("stale"),
        Verdict::Skipped => report.blocked_by(),
        Verdict::Pass | Verdict::Warn | Verdict::Fail => report.last_message(),
    }
}

/// A field without a value is left out.
fn not_empty(text: &str) -> Option<&str> {
    Some(text).filter(|text| !text.is_empty())
}

fn words(probes: Probes) -> String {
    let words: Vec<&str> = probes.iter().map(Probe::as_str).collect();
    words.join(" ")
}

/// A failure because of a drain is expected and logged at a lower level.
fn answer_turned(turned: &AnswerTransition) {
    macro_rules! event {
        ($level:ident) => {
            log!(
                $level,
                probe = turned.probe.as_str(),
                from = turned.from.word(),
                to = turned.to.word(),
                checks = not_empty(&turned.checks()),
                draining = turned.draining,
                "{} status changed",
                turned.probe
            )
        };
    }
    match turned.to {
        Status::Fail if !turned.draining => event!(error),
        Status::Warn => event!(warn),
        Status::Pass | Status::Fail => event!(info),
    }
}

fn draining(delay: Duration, readiness_fails: bool) {
    let delay_s = delay.as_secs_f64();
    if readiness_fails {
        log!(info, delay_s, "draining: readiness fails from now on");
    } else {
        log!(info, delay_s, "draining: readiness is not changed");
    }
}

impl AnswerTransition {
    /// Returns the first checks that caused the change, and the number of
    /// others.
    fn checks(&self) -> String {
        const MAX_NAMES: usize = 10;
        listed(&self.checks, MAX_NAMES, " ")
    }
}
