//! The answers for probers stay within their limits, whatever the checks return.

use std::sync::Arc;
use std::time::Duration;

use health_core::config::HttpOptions;
use health_core::config::ServiceInfo;
use health_core::http::{Details, Guard, RequestHead};
use health_core::{CheckOptions, Health, Outcome, Status};
use proptest::prelude::*;
use serde_json::Value;
use tokio::time::sleep;

/// The number of bytes that the kubelet reads.
const LIMIT: usize = 10 * 1024;
const TOKEN: &str = "correct horse battery staple";

pub(crate) fn on_paused_clock<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime can be built")
        .block_on(work)
}

/// The outcome of one check.
#[derive(Clone, Debug)]
struct Saying {
    status: Status,
    critical: bool,
    message: String,
    cause: String,
    detail: String,
    unit: String,
}

impl Saying {
    fn outcome(&self) -> Outcome {
        let outcome = match self.status {
            Status::Warn => Outcome::warn(self.message.clone()),
            Status::Fail => Outcome::fail(self.message.clone()),
            Status::Pass => Outcome::pass(),
        };
        outcome
            .because(&*self.cause.clone())
            .detail(&self.detail)
            .observe(&self.detail, self.unit.clone())
    }
}

fn text(longest: usize) -> impl Strategy<Value = String> {
    let character = prop_oneof![
        4 => any::<char>(),
        2 => Just('\u{1}'),
        2 => Just('"'),
        1 => Just('\n'),
    ];
    let short = proptest::collection::vec(character, 0..40);
    (short, 0..longest).prop_map(|(short, length)| {
        let chars = short.into_iter().cycle();
        chars.take(length).collect()
    })
}

prop_compose! {
    fn saying()(
        status in prop_oneof![Just(Status::Pass), Just(Status::Warn), Just(Status::Fail)],
        critical in any::<bool>(),
        message in text(600),
        cause in text(3_000),
        detail in text(1_500),
        unit in text(100),
    ) -> Saying {
        Saying { status, critical, message, cause, detail, unit }
    }
}

async fn serving(sayings: Vec<Saying>, checks: usize, version: String) -> Health {
    let sayings: Arc<[Saying]> = sayings.into();
    let mut builder = Health::builder()
        .service_info(ServiceInfo::new().version(version))
        .http(
            HttpOptions::new()
                .group("all")
                .details(Details::Checks)
                .probe_details(Details::Checks)
                .guard(Guard::new().bearer(TOKEN)),
        );
    for nth in 0..checks {
        let said = sayings[nth % sayings.len()].clone();
        let name = format!("{nth:05}-{}", "x".repeat(50));
        let mut options = CheckOptions::new().readiness().tags(["all"]);
        if said.critical {
            options = options.liveness().startup().critical();
        }
        builder = builder.check(name, options, move || {
            let outcome = said.outcome();
            async move { outcome }
        });
    }
    let health = builder.start().expect("it starts");
    sleep(Duration::from_secs(1)).await;
    health
}

fn body(health: &Health, path: &str, query: &str, bearer: Option<&str>) -> String {
    let headers = [("authorization", bearer.unwrap_or_default())];
    let head = RequestHead::new("GET", path)
        .with_query(Some(query))
        .with_headers(&headers);
    let answer = health.internal_endpoint().respond_cached(head);
    String::from_utf8(answer.body().to_vec()).expect("the bytes are UTF-8")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn pages_for_probers_are_bounded_and_parse(
        sayings in proptest::collection::vec(saying(), 1..6),
        checks in prop_oneof![1_usize..12, Just(60), Just(400)],
        excluded in proptest::collection::vec("[a-z%0-9\"\\\\]{0,90}", 0..9),
        version in text(400),
    ) {
        on_paused_clock(async {
            let health = serving(sayings, checks, version).await;
            let known = format!("Bearer {TOKEN}");
            let excluded = [""].into_iter().chain(excluded.iter().map(|name| &**name));
            let excluded = excluded.collect::<Vec<_>>().join("&exclude=");
            for path in ["/livez", "/readyz", "/startupz", "/health/groups/all"] {
                for format in ["json", "health-json", "text"] {
                    for bearer in [None, Some(&*known)] {
                        let query = format!("verbose&format={format}{excluded}");
                        let body = body(&health, path, &query, bearer);
                        prop_assert!(body.len() < LIMIT, "{path} {format}: {}", body.len());
                        if format != "text" {
                            prop_assert!(body.starts_with(r#"{"status":""#), "{body}");
                            prop_assert!(serde_json::from_str::<Value>(&body).is_ok(), "{body}");
                        }
                        prop_assert!(format != "text" || body == "ok" || body.ends_with('\n'));
                    }
                }
            }
            Ok(())
        })?;
    }
}

fn nth_of_a_hundred(nth: usize) -> Saying {
    Saying {
        status: if nth == 0 { Status::Fail } else { Status::Pass },
        critical: true,
        message: "m".repeat(100),
        cause: String::new(),
        detail: "d".repeat(50),
        unit: "bytes".into(),
    }
}

/// One check in a hundred fails.
fn mostly_passing() -> Vec<Saying> {
    (0..100).map(nth_of_a_hundred).collect()
}

#[test]
fn failing_checks_come_first_and_omitted_checks_are_counted() {
    on_paused_clock(async {
        let health = serving(mostly_passing(), 1_000, "1".into()).await;
        let json: Value = serde_json::from_str(&body(&health, "/readyz", "", None))
            .expect("the text is valid JSON");
        let checks = json["checks"].as_object().expect("a map");
        let failing = checks.values().filter(|check| check["status"] == "error");
        // Ten, and `startup`, which waits for them.
        assert_eq!(failing.count(), 11);
        let count = usize::try_from(json["more"]["count"].as_u64().expect("a count")).expect("few");
        assert_eq!(count + checks.len(), 1_001);
        let names = json["more"]["names"].as_array().expect("names");
        assert!((10..100).contains(&names.len()), "{}", names.len());

        let text = body(&health, "/readyz", "format=text", None);
        assert_eq!(
            text.lines().filter(|line| line.starts_with("[-]")).count(),
            11
        );
        let draft = body(&health, "/readyz", "format=health-json", None);
        let draft: Value = serde_json::from_str(&draft).expect("the text is valid JSON");
        let note = draft["notes"][0].as_str().expect("a note");
        assert!(note.contains(" more checks: 0"), "{note}");
    });
}

#[test]
fn only_names_are_listed_if_details_do_not_fit() {
    on_paused_clock(async {
        let all_fail = vec![Saying {
            status: Status::Fail,
            ..nth_of_a_hundred(0)
        }];
        let health = serving(all_fail, 1_000, "1".into()).await;
        let text = body(&health, "/readyz", "format=text", None);
        let in_detail = text.lines().filter(|line| line.contains("mm")).count();
        let named = text
            .lines()
            .filter(|line| line.ends_with("x failed"))
            .count();
        assert!(in_detail > 20 && named > 10, "{in_detail}, {named}");
        let more = format!(
            "and {} more\nreadyz check failed\n",
            1_001 - in_detail - named
        );
        assert!(text.ends_with(&more), "{text}");
    });
}

#[test]
fn health_is_complete_for_any_number_of_checks() {
    on_paused_clock(async {
        let health = serving(mostly_passing(), 1_000, "1".into()).await;
        let known = format!("Bearer {TOKEN}");
        for bearer in [None, Some(&*known)] {
            for query in ["", "format=health-json"] {
                let body = body(&health, "/health", query, bearer);
                let json: Value = serde_json::from_str(&body).expect("the text is valid JSON");
                assert!(json["checks"].as_object().expect("a map").len() >= 1_000);
                assert_eq!(json.get("more"), None);
            }
        }
    });
}

#[test]
fn a_long_cause_is_cut_and_a_long_detail_is_withheld() {
    on_paused_clock(async {
        let long = vec![Saying {
            status: Status::Fail,
            critical: true,
            message: "m".repeat(999),
            cause: "c".repeat(9_999),
            detail: "d".repeat(3_209),
            unit: "u".repeat(99),
        }];
        let health = serving(long, 1, "v".repeat(999)).await;
        let known = format!("Bearer {TOKEN}");
        let json = body(&health, "/health", "", Some(&*known));
        let json: Value = serde_json::from_str(&json).expect("the text is valid JSON");
        assert_eq!(json["version"], "v".repeat(128));
        let check = json["checks"]
            .as_object()
            .and_then(|checks| checks.values().next());
        let check = check.expect("the check is registered");
        assert_eq!(check["message"], "m".repeat(256));
        assert_eq!(check["cause"], "c".repeat(1_024));
        assert_eq!(check["detail"]["withheld"], "3211 bytes");
        assert_eq!(check["observed"]["value"]["withheld"], "3211 bytes");
        assert_eq!(check["observed"]["unit"], "u".repeat(64));
    });
}
