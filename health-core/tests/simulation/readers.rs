//! The readers, and the answer that each must get.

use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use health_core::http::RequestHead;
use health_core::report::Verdict;
use health_core::{Health, Probe, Status};
use http::{Response, StatusCode};
use serde_json::Value;

use crate::coverage::reached;
use crate::oracle::{Oracle, is_good};
use crate::service::{NAMES, Service};
use crate::world::{State, World};

/// An answer of the endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Request {
    pub(crate) page: Target,
    pub(crate) format: Format,
}

/// The requested page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    Probe(Probe),
    Health,
    Group(&'static str),
    Check(usize),
    StatusPage,
    Metrics,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Json,
    HealthJson,
    Text,
}

/// Compares the answers of all cheap readers with the oracle.
pub(crate) fn look(world: &World) {
    let mut state = world.observe();
    let Some(health) = state.health.clone().filter(|_| !state.is_uncertain()) else {
        return;
    };
    let mut wrong = state.oracle.broken.take();
    for probe in Probe::ALL {
        let (expected, status) = (state.oracle.probe(probe), health.status(probe));
        if status != expected {
            wrong = Some(format!("{probe} is {status}, and must be {expected}"));
        }
    }
    for (index, name) in NAMES.iter().enumerate().take(world.service().checks.len()) {
        let report = health.check(name).expect("it is declared");
        wrong = wrong.or_else(|| wrong_report(&state.oracle, index, &report));
    }
    reached("status read");
    if let Some(wrong) = wrong {
        state.fail(|| wrong);
    }
}

fn wrong_report(
    oracle: &Oracle,
    index: usize,
    report: &health_core::report::CheckReport,
) -> Option<String> {
    let (expected, stale) = oracle.verdict(index);
    let verdict = report.verdict();
    let known = &oracle.checks[index];
    let name = NAMES[index];
    if verdict != expected {
        return Some(format!("{name} is {verdict}, and must be {expected}"));
    }
    if stale != (report.message() == Some("stale")) {
        return Some(format!(
            "{name} is stale: {stale}, and says {:?}",
            report.message()
        ));
    }
    let blocked_by = known
        .blocked_by
        .as_deref()
        .filter(|_| verdict == Verdict::Skipped);
    if report.blocked_by() != blocked_by {
        return Some(format!(
            "{name} is skipped for {:?}, not {blocked_by:?}",
            report.blocked_by()
        ));
    }
    let is_overdue = known.flight.is_some_and(|flight| flight.overdue);
    if !oracle.is_over(index) && report.overdue_since().is_some() != is_overdue {
        return Some(format!("rule 1: {name} is overdue: {is_overdue}"));
    }
    // Rule 12.
    if report.incident().is_some() && (is_good(verdict) || !known.has_cause) {
        return Some(format!("rule 12: {name} has an incident without a cause"));
    }
    if report.incident().is_none() && known.has_incident && !oracle.is_over(index) {
        return Some(format!("rule 12: {name} has no incident"));
    }
    None
}

/// A snapshot, which must be consistent.
pub(crate) fn snapshot(world: &World) {
    let mut state = world.observe();
    let Some(health) = state.health.clone().filter(|_| !state.is_uncertain()) else {
        return;
    };
    reached("snapshot read");
    let snapshot = health.snapshot();
    for probe in Probe::ALL {
        let (expected, status) = (state.oracle.probe(probe), snapshot.status(probe));
        if status != expected {
            state.fail(|| format!("snapshot: {probe} is {status}, and must be {expected}"));
        }
    }
    for (index, report) in snapshot.checks().iter().enumerate() {
        if let Some(wrong) = wrong_report(&state.oracle, index, report) {
            state.fail(|| format!("snapshot: {wrong}"));
        }
    }
}

/// Reads a page without running a check.
pub(crate) fn respond(world: &World, request: Request) {
    let state = world.observe();
    let Some(health) = state.health.clone() else {
        return;
    };
    drop(state);
    let response = with_head(request, |head| {
        health.internal_endpoint().respond_cached(head)
    });
    verify(world, request, &response);
}

/// Reads a page as a prober does: checks on demand run first.
pub(crate) fn answer(world: &World, request: Request) {
    let mut state = world.observe();
    let Some(health) = state.health.clone() else {
        return;
    };
    let asked = asked(&state.oracle, world.service(), request.page);
    let (clock, jumped) = (world.clock(), state.jumped);
    let State { oracle, claims, .. } = &mut *state;
    let id = claims.answer_asks(oracle, asked, clock);
    drop(state);
    let mut answer = with_head(request, |head| health.internal_endpoint().respond(head));
    drop(health);
    let answered = move |world: &World, response| {
        verify(world, request, &response);
        let mut state = world.observe();
        let jumped = state.jumped - jumped;
        let State { oracle, claims, .. } = &mut *state;
        if let Some(broken) = claims.answered(id, oracle, world.clock(), jumped) {
            state.fail(|| broken);
        }
    };
    // An answer without a wait is of this moment.
    let at_once = Pin::new(&mut answer).poll(&mut Context::from_waker(Waker::noop()));
    if let Poll::Ready(response) = at_once {
        answered(world, response);
        return;
    }
    let world = world.clone();
    tokio::spawn(async move {
        let response = answer.await;
        answered(&world, response);
    });
}

/// Refreshes a check.
pub(crate) fn refresh(world: &World, index: usize) {
    let world = world.clone();
    reached("refresh");
    tokio::spawn(async move {
        let Some((health, id, jumped)) = ask_by_refresh(&world, index) else {
            return;
        };
        let report = health.refresh(NAMES[index]).await;
        drop(health);
        let mut state = world.observe();
        let jumped = state.jumped - jumped;
        let State { oracle, claims, .. } = &mut *state;
        let broken = claims.answered(id, oracle, world.clock(), jumped);
        let report = report.expect("it is declared");
        let wrong = broken.or_else(|| wrong_report(&state.oracle, index, &report));
        if let Some(wrong) = wrong.filter(|_| !state.is_uncertain()) {
            state.fail(|| format!("refresh: {wrong}"));
        }
    });
}

fn ask_by_refresh(world: &World, index: usize) -> Option<(Health, u64, u64)> {
    let mut state = world.observe();
    let (health, jumped) = (state.health.clone()?, state.jumped);
    let State { oracle, claims, .. } = &mut *state;
    let id = claims.refresh_asks(oracle, index, world.clock());
    Some((health, id, jumped))
}

/// Rule 4: the checks on demand that an answer runs.
fn asked(oracle: &Oracle, service: &Service, target: Target) -> Vec<usize> {
    let all = service.checks.iter().enumerate();
    let concerned = all.filter(|(index, check)| match target {
        Target::Probe(Probe::Readiness) if !oracle.has_started => {
            check.counts_for(Probe::Readiness) || check.counts_for(Probe::Startup)
        }
        Target::Probe(probe) => check.counts_for(probe),
        Target::Health | Target::StatusPage => true,
        Target::Group(tag) => check.tags.contains(&tag),
        Target::Check(only) => *index == only,
        Target::Metrics => false,
    });
    concerned
        .filter(|(_, check)| check.is_on_demand())
        .map(|(index, _)| index)
        .collect()
}

fn with_head<T>(request: Request, use_it: impl FnOnce(RequestHead<'_>) -> T) -> T {
    let path = match request.page {
        Target::Probe(Probe::Liveness) => "/livez".to_owned(),
        Target::Probe(Probe::Startup) => "/startupz".to_owned(),
        Target::Probe(_) => "/readyz".to_owned(),
        Target::Health => "/health".to_owned(),
        Target::Group(tag) => format!("/health/groups/{tag}"),
        Target::Check(index) => format!("/health/{}", NAMES[index]),
        Target::StatusPage => "/status".to_owned(),
        Target::Metrics => "/metrics".to_owned(),
    };
    let path = match request.format {
        Format::Text => format!("{path}?format=text&verbose"),
        Format::Json | Format::HealthJson => path,
    };
    let accept = match request.format {
        Format::HealthJson => "application/health+json",
        Format::Json | Format::Text => "*/*",
    };
    let request = http::Request::get(path).header(http::header::ACCEPT, accept);
    let request = request.body(()).expect("the request is valid");
    use_it(RequestHead::from(&request))
}

/// Compares an answer with the oracle at the time at which it arrived.
fn verify(world: &World, request: Request, response: &Response<bytes::Bytes>) {
    let mut state = world.observe();
    if state.is_uncertain() || state.health.is_none() {
        return;
    }
    note(request);
    if let Some(wrong) = wrong_answer(&state.oracle, world.service(), request, response) {
        let body = String::from_utf8_lossy(response.body()).into_owned();
        state.fail(|| format!("{request:?}: {wrong}: {} {body}", response.status()));
    }
}

fn note(request: Request) {
    reached(match request.page {
        Target::Probe(_) => "probe page",
        Target::Health => "health page",
        Target::Group(_) => "group page",
        Target::Check(_) => "check page",
        Target::StatusPage => "status page",
        Target::Metrics => "metrics page",
    });
    match request.format {
        Format::Json => {}
        Format::HealthJson => reached("health+json"),
        Format::Text => reached("text"),
    }
}

fn wrong_answer(
    oracle: &Oracle,
    service: &Service,
    request: Request,
    response: &Response<bytes::Bytes>,
) -> Option<String> {
    let text = String::from_utf8_lossy(response.body());
    let status = match request.page {
        Target::Metrics => return wrong_metrics(oracle, &text),
        Target::Probe(probe) => oracle.probe(probe),
        Target::Health | Target::StatusPage => oracle.overall(),
        Target::Group(tag) => oracle.group(tag),
        Target::Check(index) => oracle.alone(index),
    };
    let code = if status == Status::Fail { 503 } else { 200 };
    if response.status() != StatusCode::from_u16(code).expect("a code") {
        return Some(format!("the code must be {code}"));
    }
    if request.page == Target::StatusPage {
        return None;
    }
    let is_listed = |&index: &usize| match request.page {
        Target::Probe(probe) => service.lists_checks && service.checks[index].counts_for(probe),
        Target::Group(tag) => service.checks[index].tags.contains(&tag),
        Target::Health => true,
        _ => false,
    };
    let listed: Vec<usize> = (0..service.checks.len()).filter(is_listed).collect();
    match request.format {
        Format::Json => wrong_json(oracle, &listed, request.page, status, &text),
        Format::HealthJson => {
            let word = ["pass", "warn", "fail"][status as usize];
            let is_right = text.starts_with(&format!(r#"{{"status":"{word}""#));
            (!is_right).then(|| format!("the status must be {word}"))
        }
        Format::Text => listed.iter().find_map(|&index| {
            let sign = if is_good(oracle.verdict(index).0) {
                '+'
            } else {
                '-'
            };
            let start = format!("[{sign}]{} ", NAMES[index]);
            let is_right = text.lines().any(|line| line.starts_with(&start));
            (!is_right).then(|| format!("no line begins with {start}"))
        }),
    }
}

fn wrong_json(
    oracle: &Oracle,
    shown: &[usize],
    target: Target,
    status: Status,
    text: &str,
) -> Option<String> {
    let Ok(json) = serde_json::from_str::<Value>(text) else {
        return Some("no JSON".to_owned());
    };
    let word = match target {
        Target::Check(index) => oracle.verdict(index).0.as_str(),
        _ => ["healthy", "degraded", "unhealthy"][status as usize],
    };
    if json["status"] != word {
        return Some(format!("the status must be {word}"));
    }
    shown.iter().find_map(|&index| {
        let word = oracle.verdict(index).0.as_str();
        let is_right = json["checks"][NAMES[index]]["status"] == word;
        (!is_right).then(|| format!("{} must be {word}", NAMES[index]))
    })
}

fn wrong_metrics(oracle: &Oracle, text: &str) -> Option<String> {
    let has = |line: String| (!text.lines().any(|other| other == line)).then_some(line);
    let probes = Probe::ALL.iter().find_map(|&probe| {
        let passes = u8::from(oracle.probe(probe) != Status::Fail);
        has(format!("health_status{{kind=\"{probe}\"}} {passes}"))
    });
    let missing = probes.or_else(|| {
        (0..oracle.checks.len()).find_map(|index| {
            let (name, word) = (NAMES[index], oracle.verdict(index).0.as_str());
            let label = "health_check_state";
            has(format!("{label}{{check=\"{name}\",{label}=\"{word}\"}} 1"))
        })
    });
    missing.map(|line| format!("there must be {line}"))
}
