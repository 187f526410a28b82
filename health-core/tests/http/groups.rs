//! Groups by tag, and answers with excluded checks.

use health_core::config::HttpOptions;
use health_core::http::{Details, Guard, Page, RequestHead};
use health_core::testing::Fake;
use health_core::{CheckOptions, Health, HealthBuilder, Probe, Status};
use serde_json::Value;

use crate::started;

const TOKEN: &str = "correct horse battery staple";

fn tagged() -> CheckOptions {
    CheckOptions::new().tags(["storage"])
}

fn builder() -> HealthBuilder {
    serving(HttpOptions::new())
}

fn serving(http: HttpOptions) -> HealthBuilder {
    Health::builder()
        .check("api", CheckOptions::new().critical(), || async {})
        .check("cache", tagged(), || async {})
        .check("database", tagged().critical(), || async {})
        .check("disk", tagged().liveness().critical(), || async {})
        .http(http.group("storage"))
}

/// Sends a request, with the token of the guard if there is one.
fn get(health: &Health, uri: &str) -> (u16, String) {
    let (path, query) = uri.split_once('?').unwrap_or((uri, ""));
    let headers = [("authorization", format!("Bearer {TOKEN}"))];
    let head = RequestHead::new("GET", path)
        .with_query(Some(query))
        .with_headers(&headers);
    let answer = health.internal_endpoint().respond_cached(head);
    let body = String::from_utf8(answer.body().to_vec()).expect("the bytes are UTF-8");
    (answer.status().as_u16(), body)
}

fn json(health: &Health, uri: &str) -> Value {
    serde_json::from_str(&get(health, uri).1).expect("the text is valid JSON")
}

#[tokio::test(start_paused = true)]
async fn a_group_has_the_status_of_its_checks_for_any_probe() {
    let health = started(builder()).await;
    let path = "/health/groups/storage";
    let is = |code, word: &str| {
        let (status, body) = get(&health, path);
        assert_eq!(status, code, "{body}");
        assert!(
            body.starts_with(&format!(r#"{{"status":"{word}","#)),
            "{body}"
        );
    };
    is(200, "healthy");
    let body = json(&health, path);
    let names: Vec<_> = body["checks"].as_object().expect("a map").keys().collect();
    assert_eq!(names, ["cache", "database", "disk"]);

    Fake::of(&health, "api").fail("of no group");
    is(200, "healthy");
    Fake::of(&health, "cache").fail("not critical");
    is(200, "degraded");
    Fake::of(&health, "cache").pass();
    Fake::of(&health, "database").warn("slow");
    is(200, "degraded");
    Fake::of(&health, "disk").fail("critical for liveness");
    is(503, "unhealthy");

    assert_eq!(get(&health, "/health/groups/storage/disk").0, 503);
    assert_eq!(get(&health, "/health/groups/storage/cache/").0, 200);
    for unknown in [
        "/health/groups/storage/api",
        "/health/groups",
        "/health/groups/",
        "/health/groups/stora",
        "/health/groups/storage2",
    ] {
        assert_eq!(get(&health, unknown).0, 404, "{unknown}");
    }
    let text = get(&health, "/health/groups/storage/?format=text").1;
    assert!(text.ends_with("\nstorage check failed\n"), "{text}");
    let health_json = json(&health, "/health/groups/storage?format=health-json");
    assert_eq!(health_json["output"], "disk");
    assert_eq!(health_json["status"], "fail");
}

#[tokio::test(start_paused = true)]
async fn a_group_fails_while_one_of_its_critical_checks_has_no_result() {
    let silent = Health::builder()
        .check("database", tagged().critical(), std::future::pending::<()>)
        .http(HttpOptions::new().group("storage").details(Details::Status))
        .start()
        .expect("it starts");
    let unhealthy = (503, r#"{"status":"unhealthy"}"#.to_owned());
    assert_eq!(get(&silent, "/health/groups/storage"), unhealthy);
}

#[tokio::test(start_paused = true)]
async fn a_group_can_be_mounted_at_any_path() {
    let anywhere = serving(
        HttpOptions::new()
            .path("/internal/storage", Page::group("storage"))
            .details(Details::Status),
    );
    let health = started(anywhere).await;
    Fake::of(&health, "disk").fail("full");
    for path in ["/internal/storage", "/health/groups/storage"] {
        assert_eq!(
            get(&health, path),
            (503, r#"{"status":"unhealthy"}"#.to_owned()),
            "{path}"
        );
    }
    let endpoint = health.internal_endpoint();
    let paths: Vec<&str> = endpoint.paths().collect();
    assert!(paths.contains(&"/internal/storage") && paths.contains(&"/health/groups/storage"));
}

#[tokio::test]
async fn a_group_without_checks_is_refused() {
    let wrong = HttpOptions::new()
        .group("storge")
        .path("/eu", Page::group("europe"));
    let error = serving(wrong).start().expect_err("refused");
    assert_eq!(
        error.to_string(),
        "health cannot start, 2 problems:\n  \
         - no check has the tag of the group `storge`\n    \
           help: did you mean `storage`?\n  \
         - no check has the tag of the group `europe`\n    \
           help: write `tags(\"europe\")` on its checks"
    );
}

/// The page would answer 200 and hide that the check fails.
#[tokio::test]
async fn a_page_and_a_check_at_one_path_are_refused() {
    let named = |name: &str| Health::builder().check(name, tagged(), || async { false });
    let clashes = |builder: HealthBuilder| match builder.start() {
        Ok(_) => String::new(),
        Err(error) => error.to_string(),
    };
    assert_eq!(
        clashes(named("live").http(HttpOptions::new().common_paths())),
        "health cannot start, 1 problem:\n  \
         - `/health/live` is the path of `livez` and of the check `live`\n    \
           help: give the check another name, or the page another path"
    );
    for builder in [
        named("a").http(HttpOptions::new().path("/health/a", Page::StatusPage)),
        named("a").http(HttpOptions::new().path("/readyz/a", Page::Metrics)),
        named("a").http(
            HttpOptions::new()
                .group("storage")
                .path("/health/groups/storage/a", Page::OpenApi),
        ),
        named("a").http(
            HttpOptions::new()
                .path_with_checks("/x", Page::Health)
                .path("/x/a", Probe::Liveness),
        ),
        named("live").http(HttpOptions::new().common_paths().base_path("/internal")),
    ] {
        let text = clashes(builder);
        assert!(text.contains("and of the check `"), "{text}");
    }
    for builder in [
        named("live"),
        named("b").http(
            HttpOptions::new()
                .common_paths()
                .path("/health/a", Page::StatusPage),
        ),
        // A path below an additional path is not the path of a check.
        named("a").http(
            HttpOptions::new()
                .path("/x", Page::Health)
                .path("/x/a", Probe::Liveness),
        ),
        // It does not count for liveness, and a scrape has no checks.
        named("a").http(HttpOptions::new().path("/livez/a", Page::StatusPage)),
        named("a").http(
            HttpOptions::new()
                .path("/metrics", Page::Metrics)
                .path("/metrics/a", Page::OpenApi),
        ),
    ] {
        assert_eq!(clashes(builder), "");
    }
}

fn guarded() -> HealthBuilder {
    let guard = Guard::new().bearer(TOKEN);
    serving(
        HttpOptions::new()
            .probe_details(Details::Checks)
            .guard(guard),
    )
}

#[tokio::test(start_paused = true)]
async fn an_excluded_check_is_shown_and_does_not_count() {
    let health = started(guarded()).await;
    Fake::of(&health, "database").fail("down");
    assert_eq!(get(&health, "/readyz").0, 503);
    for path in ["/readyz", "/health", "/health/groups/storage"] {
        let uri = format!("{path}?exclude=d%61tabase&exclude=cache");
        let body = json(&health, &uri);
        assert_eq!(get(&health, &uri).0, 200, "{path}");
        assert_eq!(body["status"], "healthy", "{path}");
        assert_eq!(body["checks"]["database"]["status"], "error", "{path}");
        assert_eq!(body["checks"]["database"]["excluded"], true, "{path}");
        assert_eq!(body["checks"]["disk"].get("excluded"), None, "{path}");
        assert_eq!(body.get("warnings"), None, "{path}");

        let draft = json(&health, &format!("{uri}&format=health-json"));
        assert_eq!(
            (&draft["status"], draft.get("output")),
            (&"pass".into(), None)
        );
        let entry = &draft["checks"]["database:responseTime"][0];
        assert_eq!(
            (&entry["status"], &entry["excluded"]),
            (&"fail".into(), &true.into())
        );
    }
    let text = get(&health, "/readyz?exclude=database&verbose&format=text");
    let lines = "[+]api ok\n[+]cache ok\n[+]database excluded: ok\nreadyz check passed\n";
    assert_eq!(text, (200, lines.to_owned()));
    let word = get(&health, "/readyz?exclude=database&format=text");
    assert_eq!(word, (200, "ok".to_owned()));

    assert_eq!(get(&health, "/readyz").0, 503, "nobody else sees a change");
    assert_eq!(health.status(Probe::Readiness), Status::Fail);
    assert_eq!(get(&health, "/readyz/database?exclude=database").0, 503);
    let drained = health.drain();
    let draining = get(&health, "/readyz?exclude=database&exclude=shutdown");
    assert_eq!(draining.0, 503, "a drain is no check");
    drop(drained);
}

#[tokio::test(start_paused = true)]
async fn an_unknown_excluded_name_only_adds_a_warning() {
    let health = started(guarded()).await;
    // `disk` counts for liveness only.
    let query = "exclude=ledger&exclude=%22%0a%3cb%3e&exclude=disk&exclude=%ff";
    let warning = "some health checks cannot be excluded: \
                   no matches for \"ledger\",\"\\\"\\n<b>\",\"disk\",\"\u{fffd}\"";
    let text = get(&health, &format!("/readyz?{query}&verbose&format=text"));
    let lines =
        format!("[+]api ok\n[+]cache ok\n[+]database ok\nwarn: {warning}\nreadyz check passed\n");
    assert_eq!(text, (200, lines));
    assert_eq!(
        json(&health, &format!("/readyz?{query}"))["warnings"][0],
        warning
    );
    let draft = json(&health, &format!("/readyz?{query}&format=health-json"));
    assert_eq!(draft["notes"][0], warning);
}

#[tokio::test(start_paused = true)]
async fn only_recognized_clients_exclude_checks_by_default() {
    let health = started(builder()).await;
    Fake::of(&health, "database").fail("down");
    for uri in [
        "/readyz?exclude=database",
        "/health?exclude=database&exclude=x",
    ] {
        let (status, body) = get(&health, uri);
        assert_eq!(status, 503, "{uri}");
        assert!(!body.contains("exclude"), "{body}");
    }
    let open = started(serving(HttpOptions::new().exclude_for_all_clients())).await;
    Fake::of(&open, "database").fail("down");
    let healthy = (200, r#"{"status":"healthy"}"#.to_owned());
    assert_eq!(get(&open, "/readyz?exclude=database"), healthy);
    assert_eq!(
        get(
            &open,
            "/readyz?exclude=database&exclude=ledger&format=text&verbose"
        ),
        (200, "ok".to_owned()),
        "where only the status is told, no name is tried out"
    );
}
