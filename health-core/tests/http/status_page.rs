//! The status page as HTML. `tests/tests/programs/status_page.rs` opens it in a
//! browser.

use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use health_core::config::HttpOptions;
use health_core::config::RuntimeOptions;
use health_core::config::ServiceInfo;
use health_core::http::{Details, Guard, Page, RequestHead};
use health_core::reported::{Gate, Switch};
use health_core::{CheckOptions, Health, HealthBuilder, Outcome, Status, testing};
use http::Response;
use serde_json::Value;
use sha2::{Digest, Sha256};
use tokio::time::sleep;

use crate::started;

const TOKEN: &str = "Bearer correct horse battery staple";

fn builder() -> HealthBuilder {
    serving(HttpOptions::new())
}

fn serving(http: HttpOptions) -> HealthBuilder {
    let critical = CheckOptions::new().critical();
    Health::builder()
        .service_info(ServiceInfo::new().version("1.4.2 <beta>"))
        .http(
            http.path("/status", Page::StatusPage)
                .guard(Guard::new().bearer("correct horse battery staple")),
        )
        .check("database", critical, || async {
            Err::<(), _>("cannot reach postgres://app:hunter2@10.0.0.7/<x>")
        })
        .check("queue", CheckOptions::new().description("a&b"), || async {
            Outcome::warn("<b>full</b>").observe("\"9\"", "<i>%</i>")
        })
}

fn ask(health: &Health, method: &str, path: &str, token: Option<&str>) -> Response<String> {
    let (path, query) = path
        .split_once('?')
        .map_or((path, None), |(path, query)| (path, Some(query)));
    let headers = [
        ("accept", "application/json"),
        ("authorization", token.unwrap_or_default()),
    ];
    let head = RequestHead::new(method, path)
        .with_query(query)
        .with_headers(&headers);
    let response = health.internal_endpoint().respond_cached(head);
    response.map(|body| String::from_utf8(body.to_vec()).expect("the bytes are UTF-8"))
}

fn page(health: &Health, path: &str) -> String {
    ask(health, "GET", path, None).into_body()
}

#[tokio::test(start_paused = true)]
async fn the_status_page_has_strict_security_headers() {
    let health = started(builder()).await;
    let answer = ask(&health, "GET", "/status", None);
    assert_eq!(answer.status(), 503, "as /health");
    for (name, value) in [
        ("content-type", "text/html; charset=utf-8"),
        ("cache-control", "no-store"),
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("x-frame-options", "DENY"),
    ] {
        assert_eq!(answer.headers()[name], value, "{name}");
    }
    let policy = answer.headers()["content-security-policy"].to_str();
    assert!(policy.is_ok_and(|policy| policy.starts_with("default-src 'none';")));
    let head = ask(&health, "HEAD", "/status/", None);
    assert_eq!((head.status(), &**head.body()), (answer.status(), ""));
    assert_eq!(head.headers()["content-type"], "text/html; charset=utf-8");
    assert_eq!(ask(&health, "OPTIONS", "/status", None).status(), 503);
    assert_eq!(ask(&health, "POST", "/status", None).status(), 405);
    assert_eq!(ask(&health, "GET", "/status/nobody", None).status(), 404);
}

#[tokio::test(start_paused = true)]
async fn every_text_on_the_status_page_is_escaped() {
    let health = started(builder()).await;
    let known = ask(&health, "GET", "/status", Some(TOKEN)).into_body();
    for shown in [
        "1.4.2 &lt;beta&gt;",
        "&lt;b&gt;full&lt;/b&gt;",
        "&quot;9&quot; &lt;i&gt;%&lt;/i&gt;",
        "a&amp;b",
        "postgres://***@10.0.0.7/&lt;x&gt;",
    ] {
        assert!(known.contains(shown), "{shown}: {known}");
    }
    for raw in ["<beta>", "<b>", "<i>", "<x>", "hunter2"] {
        assert!(!known.contains(raw), "{raw}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_status_page_shows_the_same_details_as_health() {
    let health = started(builder()).await;
    let public = page(&health, "/status");
    assert!(public.contains("reason withheld") && !public.contains("10.0.0.7"));
    let single = page(&health, "/status/queue");
    assert!(single.contains("id=\"check-queue\"") && !single.contains("database"));

    let terse = started(serving(HttpOptions::new().details(Details::Status))).await;
    for path in ["/status", "/status/queue"] {
        let page = page(&terse, path);
        for private in ["database", "full", "1.4.2", "Readiness"] {
            assert!(!page.contains(private), "{path}: {private}");
        }
    }
    assert!(page(&terse, "/status").contains("<title>Unhealthy</title>"));
}

#[tokio::test(start_paused = true)]
async fn the_reader_chooses_the_refresh() {
    let health = started(builder()).await;
    for (query, seconds) in [
        ("", Some(10)),
        ("?refresh=60", Some(60)),
        ("?refresh=0", Some(5)),
        ("?refresh=4", Some(5)),
        ("?refresh=65535", Some(3_600)),
        ("?refresh=99999999999999999999", Some(3_600)),
        ("?refresh=-60", Some(10)),
        ("?refresh=", Some(10)),
        ("?refresh=null", Some(10)),
        ("?refresh=soon", Some(10)),
        ("?refresh=off", None),
    ] {
        let page = page(&health, &format!("/status{query}"));
        match seconds {
            Some(seconds) => {
                let refresh = format!("<html lang=\"en\" data-refresh=\"{seconds}\">");
                assert!(page.contains(&refresh), "{query}");
            }
            None => assert!(page.contains("<html lang=\"en\">"), "{query}"),
        }
        assert!(!page.contains("http-equiv"), "{query}");
    }
}

/// The policy permits only the script of the page.
#[tokio::test(start_paused = true)]
async fn the_content_security_policy_permits_only_its_own_script() {
    let health = started(builder()).await;
    let answer = ask(&health, "GET", "/status", None);
    let html = answer.body();
    let (_, rest) = html.split_once("<script>").expect("a script");
    let (script, rest) = rest.split_once("</script>").expect("its end");
    assert!(!rest.contains("<script"));
    let hash = BASE64_STANDARD.encode(Sha256::digest(script));
    let policy = answer.headers()["content-security-policy"]
        .to_str()
        .expect("text");
    let sources = policy
        .split("; ")
        .find_map(|part| part.strip_prefix("script-src "));
    assert_eq!(sources, Some(&*format!("'sha256-{hash}'")), "{policy}");
    for part in [
        "default-src 'none'",
        "connect-src 'self'",
        "form-action 'self'",
    ] {
        assert!(policy.contains(part), "{part}: {policy}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_status_page_announces_a_drain() {
    let health = started(builder()).await;
    assert!(!page(&health, "/status").contains("Draining"));
    let drained = health.drain();
    assert!(page(&health, "/status").contains("Draining"));
    drop(drained);
}

/// Failing checks are never among those of which only the name is shown.
#[tokio::test(start_paused = true)]
async fn the_status_page_of_ten_thousand_checks_shows_every_failing_one() {
    let mut builder = Health::builder().http(HttpOptions::new().path("/status", Page::StatusPage));
    for nth in 0..10_000 {
        builder = builder.check(
            format!("check-{nth:05}"),
            CheckOptions::new(),
            move || async move { nth % 1_000 != 0 },
        );
    }
    let health = started(builder).await;
    let all = page(&health, "/status");
    assert!(all.len() < 200_000, "{} bytes", all.len());
    assert_eq!(all.matches("<li class=\"card fail\"").count(), 10);
    let short = all.matches("<li class=\"card pass\"").count();
    assert!(short > 80, "{short}");
    assert!(
        all.contains(&format!("and {} more", 8_990 - short)),
        "{all}"
    );
    assert!(all.contains("10 failing, 9990 passing"));
    let one = page(&health, "/status?q=check-09999");
    assert!(one.contains("id=\"check-check-09999\"") && one.contains("1 of 10000 checks"));
}

/// In every state, and with all declarations that a check can have.
#[tokio::test(start_paused = true)]
async fn the_page_of_129_checks_is_below_100_kilobytes() {
    const TAGS: [&str; 2] = ["storage", "eu-west-1"];
    const LINKS: [(&str, &str); 1] = [("runbook", "https://wiki.example.com/runbooks/orders")];
    for fails in [0, 1, 64, 129] {
        let info = ServiceInfo::new()
            .name("orders")
            .version("1.4.2")
            .id("orders-7d9f");
        let http = HttpOptions::new().path("/status", Page::StatusPage);
        let mut builder = Health::builder().service_info(info).http(http);
        for nth in 0..129 {
            let options = CheckOptions::new()
                .interval(Duration::from_secs(60 * 60))
                .critical()
                .tags(TAGS)
                .links(LINKS)
                .affects(["/api/v1/orders/{id}"])
                .description("The primary of the orders database answers a query.");
            builder = builder.check(format!("check-{nth:03}"), options, move || async move {
                if nth < fails {
                    Outcome::fail("connection refused").observe(97, "percent full")
                } else {
                    Outcome::pass().observe(59_318_136_832_u64, "bytes free")
                }
            });
        }
        let health = started(builder).await;
        sleep(Duration::from_secs(7 * 60 * 60)).await;
        let page = page(&health, "/status");
        assert!(
            page.len() < 100_000,
            "{fails} failing: {} bytes",
            page.len()
        );
        for nth in 0..129 {
            let link = format!("href=\"./status/check-{nth:03}\"");
            assert!(page.contains(&link), "{fails} failing: {nth}");
        }
        let cards = page.matches("<li class=\"card ").count();
        println!("{fails} failing: {} bytes, {cards} cards", page.len());
    }
}

#[tokio::test(start_paused = true)]
async fn a_recognized_client_gets_the_history_in_json() {
    let health = started(builder().runtime(RuntimeOptions::new().history(3))).await;
    sleep(Duration::from_secs(60)).await;
    let json = |token| -> Value {
        let answer = ask(&health, "GET", "/health", token);
        serde_json::from_str(answer.body()).expect("the text is valid JSON")
    };
    let history = &json(Some(TOKEN))["checks"]["database"]["history"];
    assert_eq!(
        (
            &history["kept"],
            &history["failed"],
            &history["success_rate"]
        ),
        (&3.into(), &3.into(), &0.0.into())
    );
    assert!(
        history["runs"].as_u64().is_some_and(|runs| runs >= 6),
        "{history}"
    );
    assert!(history["p95_ms"].is_number() && history["last_failure_at"].is_string());
    assert!(json(None)["checks"]["database"].get("history").is_none());

    let without = started(builder().runtime(RuntimeOptions::new().history(0))).await;
    let report = without.check("database").expect("there is such a check");
    assert!(report.history().past().is_empty());
    assert!(report.history().last_failure_at().is_some());
    assert!(page(&without, "/status/database").contains("Last failure"));
}

#[tokio::test]
async fn a_history_that_is_too_long_is_refused() {
    let error = Health::builder()
        .runtime(RuntimeOptions::new().history(1_001))
        .start();
    let error = error
        .expect_err("it would be kept of each check")
        .to_string();
    assert!(
        error.contains("a history of 1001 results is too long"),
        "{error}"
    );
}

#[tokio::test(start_paused = true)]
async fn excluded_checks_are_marked() {
    let health = started(builder()).await;
    let page = |token| ask(&health, "GET", "/status?exclude=database", token).into_body();
    let mark = "<li class=\"critical\">excluded from this answer</li>";
    assert_eq!(page(Some(TOKEN)).matches(mark).count(), 1);
    assert!(!page(None).contains(mark), "a stranger excludes nothing");
}

/// The heading names the service; the host name is private.
#[tokio::test(start_paused = true)]
async fn the_heading_of_the_status_page_names_the_service() {
    let info = ServiceInfo::new()
        .name("orders <eu>")
        .version("1.4.2")
        .id("orders-7d9f")
        .description("Takes the orders of the <shop>")
        .note("The ledger is read-only on Sundays")
        .link("about", "https://example.com/orders");
    let health = started(builder_of(info.host("node-3"))).await;
    let [public, known] =
        [None, Some(TOKEN)].map(|token| ask(&health, "GET", "/status", token).into_body());
    for page in [&public, &known] {
        for shown in [
            "orders &lt;eu&gt;",
            "1.4.2",
            "orders-7d9f",
            "Up for",
            "Takes the orders of the &lt;shop&gt;",
            "The ledger is read-only on Sundays",
            "<a href=\"https://example.com/orders\">about</a>",
        ] {
            assert!(page.contains(shown), "{shown}");
        }
    }
    assert!(known.contains("node-3") && !public.contains("node-3"));
    assert!(!public.contains("<dt>Host</dt>"));
    let title = known.split_once("<title>").expect("a title").1;
    assert!(
        title.starts_with("Unhealthy: 1 failing, 1 degraded · orders &lt;eu&gt;</title>"),
        "{title}"
    );

    let nameless = started(builder_of(ServiceInfo::new())).await;
    let [public, known] =
        [None, Some(TOKEN)].map(|token| ask(&nameless, "GET", "/status", token).into_body());
    assert!(!public.contains("class=\"service\"") && known.contains("class=\"service\""));
}

fn builder_of(info: ServiceInfo) -> HealthBuilder {
    let guard = Guard::new().bearer("correct horse battery staple");
    Health::builder()
        .service_info(info)
        .http(
            HttpOptions::new()
                .path("/status", Page::StatusPage)
                .guard(guard),
        )
        .check("database", CheckOptions::new().critical(), || async {
            false
        })
        .check("queue", CheckOptions::new(), || async {
            Outcome::warn("full")
        })
}

/// A card shows all declarations of a check, and since when it fails.
#[tokio::test(start_paused = true)]
async fn the_card_of_a_check_shows_all_its_declarations() {
    let options = CheckOptions::new()
        .critical()
        .tags(["storage"])
        .affects(["/orders/{id}"])
        .links([
            ("runbook", "https://example.com/runbook"),
            ("pager", "tel:+49-1"),
        ]);
    let health = Health::builder()
        .http(HttpOptions::new().path("/status", Page::StatusPage))
        .check("disk", options, || async {
            Outcome::fail("full").observe(1_200, "ms")
        });
    let health = started(health).await;
    let incident = health
        .check("disk")
        .and_then(|disk| disk.incident())
        .expect("it fails");
    for path in ["/status", "/status/disk"] {
        let page = page(&health, path);
        for shown in [
            "<dt>Failing since</dt>",
            &format!("<dt>Incident</dt><dd>{incident}</dd>"),
            "Affects <code>/orders/{id}</code>",
            "<a href=\"https://example.com/runbook\">runbook</a>",
            "<li>pager: tel:+49-1</li>",
            "1.2\u{a0}s</bdi>",
            "0.00\u{a0}% up",
            &format!("incident {incident}"),
        ] {
            assert!(page.contains(shown), "{path}: {shown}: {page}");
        }
    }
    assert!(page(&health, "/status").contains("<a href=\"./status/disk\">disk</a>"));
    assert!(page(&health, "/status/disk").contains("<a href=\"../status\">← All checks</a>"));
    assert!(page(&health, "/status/").contains("<a href=\"./disk\">disk</a>"));
    assert!(page(&health, "/status").contains("href=\"./status?tag=storage\""));
}

/// Each state has its own word: a hanging run is not a failing one.
#[tokio::test(start_paused = true)]
async fn each_state_has_its_own_count() {
    let day = Duration::from_secs(86_400);
    let once = || CheckOptions::new().interval(day);
    let health = Health::builder()
        .http(HttpOptions::new().path("/status", Page::StatusPage))
        .check("a", CheckOptions::new(), || async { false })
        .check("b", CheckOptions::new(), std::future::pending::<()>)
        .check("c", CheckOptions::new().after(["a"]), || async {})
        .check("d", once().initial_delay(day), || async {})
        .check("e", CheckOptions::new(), || async { Outcome::warn("slow") })
        .check("f", CheckOptions::new(), || async {});
    let health = started(health).await;
    sleep(Duration::from_secs(30)).await;
    let all = page(&health, "/status");
    let counts = "1 failing, 1 hung, 1 without a result, 1 skipped, 1 degraded, 1 passing";
    assert!(all.contains(counts), "{all}");
    for (state, name) in [
        ("failing", "a"),
        ("hung", "b"),
        ("skipped", "c"),
        ("unknown", "d"),
        ("degraded", "e"),
        ("passing", "f"),
    ] {
        let only = page(&health, &format!("/status?state={state}"));
        assert_eq!(only.matches("<li class=\"card ").count(), 1, "{state}");
        assert!(only.contains(&format!("id=\"check-{name}\"")), "{state}");
        assert!(only.contains(counts), "the heading counts all checks");
    }
    let problems = page(&health, "/status?state=problems");
    assert_eq!(problems.matches("<li class=\"card ").count(), 5);
}

#[tokio::test(start_paused = true)]
async fn filters_select_checks_and_unknown_values_are_reported() {
    let tagged = |tags: &[&'static str]| CheckOptions::new().tags(tags.to_vec()).critical();
    let health = Health::builder()
        .http(HttpOptions::new().path("/status", Page::StatusPage))
        .check("disk", tagged(&["storage"]), || async { false })
        .check("s3", tagged(&["storage", "cloud"]), || async {})
        .check(
            "mail",
            tagged(&["cloud"]).description("Sends an E-mail"),
            || async {},
        );
    let health = started(health).await;
    let shown = |query: &str| {
        let page = page(&health, &format!("/status?{query}"));
        let has = |name: &&str| page.contains(&format!("id=\"check-{name}\""));
        ["disk", "mail", "s3"]
            .into_iter()
            .filter(has)
            .collect::<Vec<_>>()
    };
    for (query, names) in [
        ("tag=storage", &["disk", "s3"][..]),
        ("tag=storage&state=passing", &["s3"]),
        ("q=e-MAIL", &["mail"]),
        ("q=CLOUD", &["mail", "s3"]),
        ("q=nothing", &[]),
        ("state=&tag=&q=", &["disk", "mail", "s3"]),
        ("state=fine&tag=eu&q=+disk+", &["disk"]),
    ] {
        assert_eq!(shown(query), names, "{query}");
    }
    let unknown = page(&health, "/status?state=%3Cfine%3E&tag=eu%20");
    assert!(unknown.contains("There is no state “&lt;fine&gt;”. The filter is ignored."));
    assert!(unknown.contains("No check has the tag “eu”. The filter is ignored."));
    let cloud = page(&health, "/status?tag=cloud");
    assert!(
        cloud.contains("<title>Healthy: 2 passing · cloud</title>"),
        "{cloud}"
    );
    let code = |query| ask(&health, "GET", &format!("/status?{query}"), None).status();
    assert_eq!(
        (code("tag=cloud"), code("")),
        (503.try_into().unwrap(), 503.try_into().unwrap())
    );
}

#[tokio::test(start_paused = true)]
async fn a_badge_shows_one_state() {
    let health = Health::builder()
        .service_info(ServiceInfo::new().name("a<b"))
        .http(HttpOptions::new().path("/status", Page::StatusPage))
        .check(
            "disk",
            CheckOptions::new().tags(["storage"]).critical(),
            || async { false },
        )
        .check("mail", CheckOptions::new().tags(["cloud"]), || async {});
    let health = started(health).await;
    for (path, label) in [
        ("/status?badge", "a&lt;b: failing"),
        ("/status?badge=nonsense", "a&lt;b: failing"),
        ("/status?badge=readiness", "readiness: failing"),
        ("/status?badge=liveness", "liveness: passing"),
        ("/status?badge&tag=storage", "storage: failing"),
        ("/status?badge&tag=cloud", "cloud: passing"),
        ("/status?badge&tag=%3Cx", "&lt;x: unknown"),
        ("/status/mail?badge", "mail: passing"),
        ("/status/disk?badge", "disk: failing"),
    ] {
        let answer = ask(&health, "GET", path, None);
        assert_eq!(answer.status(), 200, "{path}");
        assert_eq!(answer.headers()["content-type"], "image/svg+xml");
        assert_eq!(answer.headers()["cache-control"], "no-store");
        let title = format!("<title>{label}</title>");
        assert!(answer.body().contains(&title), "{path}: {}", answer.body());
    }
    let http = HttpOptions::new().details(Details::Status);
    let terse = started(serving(http)).await;
    let badge = page(&terse, "/status?badge&tag=storage");
    assert!(badge.contains("<title>health: failing</title>"), "{badge}");
}

#[tokio::test(start_paused = true)]
async fn a_switch_that_is_off_is_a_notice() {
    let switch = Switch::new("maintenance");
    let health = Health::builder()
        .http(HttpOptions::new().path("/status", Page::StatusPage))
        .reported(&switch, CheckOptions::new());
    let health = started(health).await;
    assert!(!page(&health, "/status").contains("Maintenance."));
    switch.off_for("the index <is> rebuilt", Duration::from_secs(600));
    for path in ["/status", "/status/maintenance"] {
        let page = page(&health, path);
        assert!(
            page.contains("<strong>Maintenance.</strong> <bdi>the index &lt;is&gt; rebuilt</bdi>")
        );
        assert!(page.contains("on again <time"), "{page}");
        // A few milliseconds of the wall clock may have passed.
        assert!(
            page.contains(">in 10\u{a0}min</time>") || page.contains(">in 9\u{a0}min 59"),
            "{page}"
        );
    }
    switch.off("for good");
    assert!(!page(&health, "/status").contains("on again"));
    switch.on();
    assert!(!page(&health, "/status").contains("Maintenance."));
}

/// The axis covers the hours since the start, not the last results.
#[tokio::test(start_paused = true)]
async fn the_time_axis_shows_hours() {
    let health = Health::builder()
        .http(HttpOptions::new().path("/status", Page::StatusPage))
        .check("disk", CheckOptions::new(), || async {});
    let health = started(health).await;
    let hour = Duration::from_secs(60 * 60);
    assert!(page(&health, "/status").contains("100\u{a0}% up in the last hour"));
    sleep(3 * hour).await;
    testing::Fake::of(&health, "disk").fail("full");
    sleep(hour).await;
    testing::Fake::of(&health, "disk").pass();
    sleep(Duration::from_secs(4 * 60 * 60 - 1)).await;
    let all = page(&health, "/status");
    assert!(
        all.contains("aria-label=\"87.50\u{a0}% up in the last 24 hours\""),
        "{all}"
    );
    assert!(all.contains("down for 1\u{a0}h"), "{all}");
    for shown in [
        "passing → failing",
        "failing → passing",
        "after 3\u{a0}h",
        "after 1\u{a0}h",
    ] {
        assert!(all.contains(shown), "{shown}: {all}");
    }
    assert_eq!(health.status(health_core::Probe::Readiness), Status::Pass);
}

/// A drain is neither a failure of a check nor "Unhealthy".
#[tokio::test(start_paused = true)]
async fn a_start_is_shown_as_starting() {
    let warm_up = Gate::new("warm-up");
    let health = Health::builder()
        .http(HttpOptions::new().path("/status", Page::StatusPage))
        .reported(&warm_up, CheckOptions::new().startup().critical())
        .check("disk", CheckOptions::new(), || async {
            Outcome::warn("nearly full")
        });
    let health = started(health).await;
    let starting = ask(&health, "GET", "/status", None);
    assert_eq!(starting.status(), 503, "the code is that of /health");
    let html = starting.body();
    assert!(html.contains("<title>Starting: "), "{html}");
    assert!(html.contains("Readiness fails until startup has passed."));
    assert!(html.contains("1 without a result"), "{html}");
    assert!(!html.contains("1 failing"), "{html}");
    sleep(Duration::from_secs(90)).await;
    assert!(!page(&health, "/status/warm-up").contains("down for"));
    warm_up.open();
    sleep(Duration::from_secs(90)).await;
    let gate = page(&health, "/status/warm-up");
    assert!(
        gate.contains("100\u{a0}% up") && !gate.contains("down for"),
        "{gate}"
    );
    let html = page(&health, "/status");
    assert!(
        html.contains("<title>Degraded: 1 degraded, 1 passing"),
        "{html}"
    );
    assert!(!html.contains("Starting"), "{html}");
    assert!(html.contains("<dt>Degraded since</dt>"), "{html}");
}

#[tokio::test(start_paused = true)]
async fn a_drain_is_shown_as_draining() {
    let health = Health::builder()
        .http(HttpOptions::new().path("/status", Page::StatusPage))
        .check("disk", CheckOptions::new().critical(), || async {});
    let health = started(health).await;
    let drained = health.drain();
    let page = ask(&health, "GET", "/status", None);
    assert_eq!(page.status(), 503, "the code is that of /health");
    assert!(
        page.body().contains("<title>Draining: 1 passing</title>"),
        "{}",
        page.body()
    );
    drop(drained);
}
