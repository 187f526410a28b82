//! `Answer` parses what the endpoint serves without loss.

use std::future::pending;
use std::time::{Duration, SystemTime};

use health_core::check::FailureClass;
use health_core::config::{HttpOptions, ServiceInfo};
use health_core::http::{Details, Guard, RequestHead, Vocabulary};
use health_core::report::{Answer, CheckAnswer, CheckReport, Snapshot};
use health_core::reported::Gate;
use health_core::{CheckOptions, Health, Outcome, Probe, Status};
use proptest::prelude::*;
use tokio::time::sleep;

const PAGES: [(&str, Option<Probe>); 5] = [
    ("/livez", Some(Probe::Liveness)),
    ("/readyz", Some(Probe::Readiness)),
    ("/startupz", Some(Probe::Startup)),
    ("/health", None),
    ("/health/groups/all", None),
];

#[derive(Clone, Copy, Debug, PartialEq)]
enum Does {
    Pass,
    Warn,
    Fail,
    Err,
    Panic,
    Hang,
    FailAfterPasses,
}

#[derive(Clone, Debug)]
struct Declared {
    does: Does,
    critical: bool,
    after: bool,
    text: String,
}

prop_compose! {
    fn declared()(
        does in prop_oneof![
            Just(Does::Pass), Just(Does::Warn), Just(Does::Fail), Just(Does::Err),
            Just(Does::Panic), Just(Does::Hang), Just(Does::FailAfterPasses),
        ],
        critical in any::<bool>(),
        after in any::<bool>(),
        text in ".{0,300}",
    ) -> Declared {
        Declared { does, critical, after, text }
    }
}

fn vocabulary() -> impl Strategy<Value = Vocabulary> {
    prop_oneof![
        Just(Vocabulary::Healthy),
        Just(Vocabulary::Pass),
        Just(Vocabulary::Up),
        Just(Vocabulary::Ok),
    ]
}

fn details() -> impl Strategy<Value = Details> {
    prop_oneof![
        Just(Details::Status),
        Just(Details::Checks),
        Just(Details::Full)
    ]
}

fn outcome(Declared { does, text, .. }: &Declared, run: u32) -> Outcome {
    match does {
        Does::Warn => Outcome::warn(text.clone()).observe(7, text.clone()),
        Does::Fail => Outcome::fail(text.clone()).class(FailureClass::Saturated),
        Does::Err => Outcome::fail("no").because(&**text),
        Does::Panic => panic!("{text}"),
        Does::FailAfterPasses if run > 1 => Outcome::fail(text.clone()),
        _ => Outcome::pass().detail(text),
    }
}

async fn started(checks: &[Declared], http: HttpOptions, has_gate: bool) -> Health {
    let gate = Gate::new("warm-up");
    let mut builder = Health::builder()
        .service_info(ServiceInfo::new().version("1.4.2"))
        .http(http.group("all"));
    if has_gate {
        builder = builder.reported(&gate, CheckOptions::new().startup().critical());
    }
    for (nth, declared) in checks.iter().enumerate() {
        let mut options = CheckOptions::new()
            .readiness()
            .failure_threshold(2)
            .tags(["all"]);
        if declared.critical {
            options = options.liveness().startup().critical();
        }
        if declared.after && nth > 0 {
            options = options.after(["check-0"]);
        }
        let declared = declared.clone();
        let runs = std::sync::atomic::AtomicU32::new(0);
        builder = builder.check(format!("check-{nth}"), options, move || {
            let run = runs.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            let declared = declared.clone();
            async move {
                if declared.does == Does::Hang {
                    pending::<()>().await;
                }
                outcome(&declared, run)
            }
        });
    }
    let health = builder.start().expect("it starts");
    sleep(Duration::from_secs(25)).await;
    health
}

fn get(health: &Health, path: &str) -> (u16, Vec<u8>) {
    let answer = health
        .internal_endpoint()
        .respond_cached(RequestHead::new("GET", path));
    (answer.status().as_u16(), answer.body().to_vec())
}

fn millis(at: SystemTime) -> u128 {
    let since = at.duration_since(SystemTime::UNIX_EPOCH);
    since.expect("after 1970").as_millis()
}

fn assert_read(answer: &CheckAnswer, report: &CheckReport, details: Details) {
    let name = report.name();
    assert_eq!(answer.status, report.verdict(), "{name}");
    if details == Details::Status {
        return;
    }
    assert_eq!(answer.critical, report.is_critical(), "{name}");
    assert_eq!(answer.message.as_deref(), report.message(), "{name}");
    assert_eq!(answer.class, report.failure_class(), "{name}");
    let incident = report.incident().map(|incident| incident.to_string());
    assert_eq!(answer.incident, incident, "{name}");
    assert_eq!(answer.blocked_by.as_deref(), report.blocked_by(), "{name}");
    let took = report.response_time();
    assert_eq!(answer.response_time.is_some(), took.is_some(), "{name}");
    let [read, took] = [answer.response_time, took].map(Option::unwrap_or_default);
    assert!(read.abs_diff(took) <= Duration::from_micros(1), "{name}");
    let checked_at = report.checked_at().map(millis);
    assert_eq!(answer.checked_at.map(millis), checked_at, "{name}");
    let last = report.last_status();
    let is_told = last.is_some_and(|last| report.verdict() != last.into());
    assert_eq!(answer.last_status.is_some(), is_told, "{name}");
    if details == Details::Full {
        assert_eq!(answer.cause.is_some(), !report.cause().is_empty(), "{name}");
        assert_eq!(answer.consecutive, Some(report.consecutive()), "{name}");
        let (read, kept) = (answer.history.expect("full"), report.history());
        assert_eq!((read.runs, read.kept), (kept.runs(), kept.past().len()));
        for (count, status) in [
            (read.passed, Status::Pass),
            (read.warned, Status::Warn),
            (read.failed, Status::Fail),
        ] {
            assert_eq!(count, kept.count(status), "{name}");
        }
    } else {
        assert_eq!((&answer.cause, answer.history), (&None, None), "{name}");
    }
}

/// The number of entries of a page, including those that did not fit.
fn listed(seen: &Snapshot, page: &str, probe: Option<Probe>, awaits: bool) -> usize {
    let counts = |check: &&CheckReport| match probe {
        Some(probe) => check.counts_for(probe),
        None if page == "/health" => true,
        None => check.tags().any(|tag| tag == "all"),
    };
    let checks = seen.checks().iter().filter(counts).count();
    let is_group = page == "/health/groups/all";
    let startup = awaits && !is_group && probe != Some(Probe::Liveness);
    let shutdown = seen.is_draining() && (page == "/health" || probe == Some(Probe::Readiness));
    checks + usize::from(startup) + usize::from(shutdown)
}

fn assert_page_is_read(health: &Health, page: &str, probe: Option<Probe>, details: Details) {
    let (code, body) = get(health, page);
    let answer: Answer = serde_json::from_slice(&body).expect("it can be read");
    assert_eq!(answer.status == Status::Fail, code == 503, "{page}");
    let seen = health.snapshot();
    if let Some(probe) = probe {
        assert_eq!(answer.status, seen.status(probe), "{page}");
    }
    if details == Details::Status {
        assert!(answer.checks.is_empty() && answer.timestamp.is_none());
        return;
    }
    assert!(answer.timestamp.is_some() && answer.uptime >= Some(Duration::from_secs(25)));
    assert_eq!(answer.version.as_deref(), Some("1.4.2"));
    let more = answer.more.as_ref().map_or(0, |more| more.count);
    let awaits = health.status(Probe::Startup) == Status::Fail;
    let expected = listed(&seen, page, probe, awaits);
    assert_eq!(answer.checks.len() + more, expected, "{page}");
    for check in seen.checks() {
        let Some(read) = answer.checks.get(check.name()) else {
            assert!(more > 0 || probe.is_some() || page != "/health", "{page}");
            continue;
        };
        assert_read(read, check, details);
    }
}

fn assert_checks_are_read(health: &Health, details: Details) {
    for check in health.snapshot().checks() {
        let (_, body) = get(health, &format!("/health/{}", check.name()));
        let answer: CheckAnswer = serde_json::from_slice(&body).expect("it can be read");
        assert_read(&answer, check, details);
        let shown = (details != Details::Status).then(|| check.tags());
        let tags: Vec<&str> = shown.into_iter().flatten().collect();
        assert_eq!(answer.tags, tags);
    }
}

/// Without the fields that belong to the answer, and without durations that are
/// computed from the clock.
fn undated(mut answer: Answer) -> Answer {
    (answer.timestamp, answer.uptime, answer.version) = (None, None, None);
    if let Some(startup) = answer.checks.get_mut("startup") {
        startup.checked_at = None;
    }
    for check in answer.checks.values_mut() {
        check.overdue_since = None;
    }
    answer
}

fn keys(check: &serde_json::Value) -> Vec<&String> {
    check.as_object().expect("a map").keys().collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn every_answer_is_parsed_back_without_loss(
        checks in proptest::collection::vec(declared(), 1..40),
        words in vocabulary(),
        details in details(),
        has_gate in any::<bool>(),
        drains in any::<bool>(),
    ) {
        super::bounds::on_paused_clock(async {
            let probe_details = details.min(Details::Checks);
            let mut http = HttpOptions::new()
                .vocabulary(words)
                .details(probe_details)
                .probe_details(probe_details);
            if details == Details::Full {
                http = http.guard(Guard::new().when(|_| true));
            }
            let health = started(&checks, http, has_gate).await;
            if drains {
                drop(health.drain());
            }
            for (page, probe) in PAGES {
                let details = if probe.is_some() { probe_details } else { details };
                assert_page_is_read(&health, page, probe, details);
            }
            assert_checks_are_read(&health, details);
        });
    }

    /// One vocabulary for both the endpoint and the reports.
    #[test]
    fn a_serialized_report_equals_the_answer_of_the_endpoint(
        checks in proptest::collection::vec(declared(), 1..12),
        has_gate in any::<bool>(),
        drains in any::<bool>(),
    ) {
        super::bounds::on_paused_clock(async {
            let health = started(&checks, HttpOptions::new(), has_gate).await;
            if drains {
                drop(health.drain());
            }
            let snapshot = serde_json::to_vec(&health.snapshot()).expect("JSON");
            let read: Answer = serde_json::from_slice(&snapshot).expect("it can be read");
            let page: Answer = serde_json::from_slice(&get(&health, "/health").1).expect("JSON");
            prop_assert_eq!(undated(read), undated(page));

            let causes = serde_json::to_value(health.causes()).expect("JSON");
            let all = serde_json::to_value(health.snapshot()).expect("JSON");
            for (name, cause) in causes.as_object().expect("a map") {
                prop_assert_eq!(&cause["message"], &all["checks"][name]["message"]);
                let known = health.causes();
                let report = known.iter().find(|report| report.name() == name);
                let has_cause = report.is_some_and(|report| !report.cause().is_empty());
                prop_assert_eq!(!cause["cause"].is_null(), has_cause);
                prop_assert!(all["checks"][name]["cause"].is_null(), "a private text");
            }
            for check in health.snapshot().checks() {
                let page = get(&health, &format!("/health/{}", check.name())).1;
                let page: serde_json::Value = serde_json::from_slice(&page).expect("JSON");
                let serialized = serde_json::to_value(check).expect("JSON");
                prop_assert_eq!(keys(&serialized), keys(&page));
            }
            Ok(())
        })?;
    }
}
