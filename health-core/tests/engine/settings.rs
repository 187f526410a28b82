//! Settings that an operator changes without a new build.

use std::time::Duration;

use health_core::config::HttpOptions;
use health_core::config::LifecycleOptions;
use health_core::config::Settings;
use health_core::http::{Guard, RequestHead};
use health_core::report::Verdict;
use health_core::{CheckOptions, Health, HealthBuilder};
use proptest::prelude::*;
use tokio::time::{Instant, sleep};

fn builder() -> HealthBuilder {
    let options = || CheckOptions::new().critical();
    Health::builder()
        .check(
            "database",
            options().timeout(Duration::from_secs(2)),
            std::future::pending::<()>,
        )
        .check("orders-db", options(), || async { false })
        .check("report", options().after(["orders-db"]), || async {})
}

fn settings(json: &str) -> Settings {
    serde_json::from_str(json).expect("the text is valid JSON")
}

#[tokio::test(start_paused = true)]
async fn a_file_changes_options_and_disables_checks() {
    let health = builder()
        .settings(settings(
            r#"{"database": {"timeout": "7s"}, "orders-db": {"failure_threshold": 3, "enabled": false}}"#,
        ))
        .require(["orders-db"])
        .start()
        .expect("it starts");
    sleep(Duration::from_secs(6)).await;
    assert_eq!(
        health
            .check("database")
            .expect("the check is registered")
            .verdict(),
        Verdict::Unknown
    );
    sleep(Duration::from_secs(2)).await;
    assert_eq!(
        health
            .check("database")
            .expect("the check is registered")
            .verdict(),
        Verdict::Fail
    );
    assert!(health.check("orders-db").is_none());
    let report = health
        .check("report")
        .expect("the check is registered")
        .verdict();
    assert_eq!(report, Verdict::Pass, "what is left out holds nobody up");
}

#[tokio::test(start_paused = true)]
async fn the_source_that_is_given_last_wins() {
    let vars = [
        ("HEALTH_CHECK_DATABASE_TIMEOUT", "1s"),
        ("HEALTH_CHECK_ORDERS_DB_FAILURE_THRESHOLD", "2"),
        ("HEALTH_CHECKED", "not ours"),
        ("PATH", "/bin"),
    ];
    let health = builder()
        .settings(settings(r#"{"database": {"timeout": "7s"}}"#))
        .settings(Settings::from_vars(vars))
        .start()
        .expect("it starts");
    sleep(Duration::from_millis(1_100)).await;
    assert_eq!(
        health
            .check("database")
            .expect("the check is registered")
            .verdict(),
        Verdict::Fail
    );
    let orders = health.check("orders-db").expect("the check is registered");
    assert_eq!(orders.verdict(), Verdict::Unknown, "one failure of two");
}

#[tokio::test]
async fn every_invalid_setting_is_reported() {
    let file = r#"{
        "databse": {"timeout": "2s"},
        "database": {"timeout": "soon", "intervall": "1s", "failure_threshold": 0.5, "enabled": "yes"},
        "orders-db": {"interval": "1s", "timeout": "2s"}
    }"#;
    let error = builder()
        .settings(settings(file))
        .start()
        .expect_err("it is refused");
    let text = error.to_string();
    for expected in [
        "settings refer to unknown check `databse`\n    help: did you mean `database`?",
        "the settings have an invalid `timeout` for `database`: `soon`\n    help: write a duration with its unit, such as `500ms`, `2s` or `1m`",
        "the settings of `database` have an unknown option `intervall`\n    help: did you mean `interval`?",
        "the settings have an invalid `failure_threshold` for `database`: `0.5`\n    help: write a whole number of at least 1",
        "the settings have an invalid `enabled` for `database`: `yes`\n    help: write `true` or `false`",
        "with its settings, the timeout 2s is longer than the interval 1s",
    ] {
        assert!(text.contains(expected), "{expected}\n--- is not in\n{text}");
    }
    assert_eq!(error.problems().len(), 6, "{text}");
}

fn problems(builder: HealthBuilder) -> String {
    builder.start().expect_err("it is refused").to_string()
}

/// Kubernetes sets such variables for a Service named `health-check` or `health`;
/// scripts and images set others.
const FOREIGN: [(&str, &str); 14] = [
    ("HEALTH_CHECK_SERVICE_HOST", "10.0.0.1"),
    ("HEALTH_CHECK_SERVICE_PORT", "80"),
    ("HEALTH_CHECK_SERVICE_PORT_TIMEOUT", "80"),
    ("HEALTH_CHECK_PORT", "tcp://10.0.0.1:80"),
    ("HEALTH_CHECK_PORT_80_TCP", "tcp://10.0.0.1:80"),
    ("HEALTH_CHECK_PORT_80_TCP_ADDR", "10.0.0.1"),
    ("HEALTH_CHECK_PATH", "/healthz"),
    ("HEALTH_CHECK_TIMEOUT", "5"),
    ("HEALTH_CHECK_INTERVAL", "10s"),
    ("HEALTH_CHECK_HTTP_TIMEOUT", "5"),
    ("HEALTH_CHECK_DATABASE_URL", "postgres://db/orders"),
    ("HEALTH_PORT", "tcp://10.0.0.2:80"),
    ("HEALTH_SERVICE_HOST", "10.0.0.2"),
    ("HEALTH_TOKEN", "correct horse battery staple"),
];

#[tokio::test]
async fn foreign_variables_do_not_prevent_the_start() {
    let started = builder().settings(Settings::from_vars(FOREIGN)).start();
    let health = started.expect("none of them is a setting");
    assert!(health.check("database").is_some());
}

#[tokio::test]
async fn a_misspelt_variable_is_refused() {
    for (name, value, expected) in [
        (
            "HEALTH_CHECK_DATABSE_TIMEOUT",
            "5",
            "settings refer to unknown check `databse` (variable `HEALTH_CHECK_DATABSE_TIMEOUT`)\n    help: did you mean `database`?",
        ),
        (
            "HEALTH_CHECK_LEDGER_TIMEOUT",
            "5s",
            "settings refer to unknown check `ledger` (variable `HEALTH_CHECK_LEDGER_TIMEOUT`)",
        ),
        (
            "HEALTH_CHECK_ORDERS_DB_FAILURE_TRESHOLD",
            "3",
            "the settings of `orders-db` (variable `HEALTH_CHECK_ORDERS_DB_FAILURE_TRESHOLD`) have an unknown option `failure_treshold`\n    help: did you mean `failure_threshold`?",
        ),
        (
            "HEALTH_CHECK_DATABASE",
            "off",
            "the settings of `database` (variable `HEALTH_CHECK_DATABASE`) name no option\n    help: the options are enabled, timeout",
        ),
        (
            "HEALTH_CHECK_DATABASE_TIMEOUT",
            "5",
            "the settings have an invalid `timeout` for `database`: `5` (variable `HEALTH_CHECK_DATABASE_TIMEOUT`)\n    help: write a duration with its unit",
        ),
        (
            "HEALTH_DRAIN_DELY",
            "8s",
            "the settings (variable `HEALTH_DRAIN_DELY`) have an unknown setting `drain_dely`\n    help: did you mean `drain_delay`?",
        ),
        (
            "HEALTH_DRAIN_DELAY",
            "8",
            "the settings have an invalid `drain_delay`: `8` (variable `HEALTH_DRAIN_DELAY`)\n    help: write a duration with its unit",
        ),
    ] {
        let text = problems(builder().settings(Settings::from_vars([(name, value)])));
        assert!(
            text.starts_with("health cannot start, 1 problem:"),
            "{text}"
        );
        assert!(text.contains(expected), "{expected}\n--- is not in\n{text}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_later_source_wins_in_any_spelling() {
    let slow = settings(r#"{"orders_db": {"timeout": "9s", "enabled": false}}"#);
    let quick = settings(r#"{"orders-db": {"timeout": "1s", "enabled": true}}"#);
    let starts = |sources: [&Settings; 2]| {
        let [first, second] = sources.map(Clone::clone);
        builder().settings(first).settings(second).start()
    };
    let health = starts([&slow, &quick]).expect("it starts");
    assert!(health.check("orders-db").is_some());
    let health = starts([&quick, &slow]).expect("it starts");
    assert!(health.check("orders-db").is_none());

    let in_one_file = r#"{"orders_db": {"enabled": false}, "orders-db": {"enabled": true}}"#;
    let health = builder().settings(settings(in_one_file)).start();
    assert!(health.expect("it starts").check("orders-db").is_some());
}

/// Of two mutually exclusive options, the one from the last source counts.
#[tokio::test]
async fn a_later_source_replaces_a_mutually_exclusive_option() {
    let cached = || settings(r#"{"database": {"cache": "30s"}, "guard_token_file": "/no/file"}"#);
    let vars = [
        ("HEALTH_CHECK_DATABASE_INTERVAL", "20s"),
        ("HEALTH_GUARD_TOKEN", "correct horse battery staple"),
    ];
    let replaced = builder()
        .settings(cached())
        .settings(Settings::from_vars(vars));
    assert!(replaced.start().is_ok());
    let both = settings(r#"{"database": {"cache": "30s", "interval": "20s"}}"#);
    let text = problems(builder().settings(cached()).settings(both));
    assert!(
        text.contains("`cache` and `interval` cannot be combined"),
        "{text}"
    );
}

#[tokio::test(start_paused = true)]
async fn the_prefix_of_the_variables_can_be_chosen() {
    let vars = [
        ("ORDERS_HEALTH_CHECK_ORDERS_DB_ENABLED", "false"),
        ("ORDERS_HEALTH_DRAIN_DELAY", "12s"),
        ("HEALTH_CHECK_DATABASE_ENABLED", "false"),
        ("HEALTH_DRAIN_DELAY", "3s"),
    ];
    for prefix in ["ORDERS_HEALTH_", "ORDERS_HEALTH"] {
        let settings = Settings::from_vars_with_prefix(prefix, vars);
        let health = builder().settings(settings).start().expect("it starts");
        assert!(health.check("orders-db").is_none());
        assert!(health.check("database").is_some());
        let start = Instant::now();
        health.drain().await;
        assert_eq!(start.elapsed(), Duration::from_secs(12));
    }
}

#[tokio::test(start_paused = true)]
async fn settings_configure_the_service() {
    let token = "correct horse battery staple";
    let file = settings(
        r#"{
            "drain_delay": "20s",
            "base_path": "/internal",
            "details": "status",
            "guard_token": "correct horse battery staple",
            "status_path": "/status",
            "database": {"timeout": "1s"}
        }"#,
    );
    let vars = [("HEALTH_DRAIN_DELAY", "9s"), ("HEALTH_DETAILS", "checks")];
    let health = builder()
        .lifecycle(LifecycleOptions::new().drain_delay(Duration::from_secs(1)))
        .settings(file)
        .settings(Settings::from_vars(vars))
        .start()
        .expect("it starts");
    let ask = |head: RequestHead<'_>| health.internal_endpoint().respond_cached(head);
    assert_eq!(ask(RequestHead::new("GET", "/readyz")).status(), 404);
    assert_eq!(ask(RequestHead::new("GET", "/status")).status(), 503);
    let answer = ask(RequestHead::new("GET", "/internal/health"));
    assert!(
        answer
            .body()
            .starts_with(br#"{"status":"unhealthy","timestamp""#)
    );
    let bearer = format!("Bearer {token}");
    let request = http::Request::get("/internal/health")
        .header("authorization", bearer)
        .body(())
        .expect("the request is valid");
    let known = ask(RequestHead::from(&request));
    assert_ne!(known.body(), answer.body(), "the token opens the guard");
    let start = Instant::now();
    health.drain().await;
    assert_eq!(start.elapsed(), Duration::from_secs(9));
}

/// The clients that see private details: the addresses of the builder and of the
/// settings.
#[tokio::test]
async fn settings_add_addresses_and_trusted_proxies() {
    for settings in [
        Settings::from_vars([
            ("HEALTH_GUARD_ADDRESSES", "192.0.2.0/24, 2001:db8::/32"),
            ("HEALTH_TRUSTED_PROXIES", "10.0.0.2"),
        ]),
        settings(
            r#"{"guard_addresses": ["192.0.2.0/24", "2001:db8::/32"], "trusted_proxies": "10.0.0.2"}"#,
        ),
    ] {
        let guard = Guard::new().addresses(["198.51.100.7"]);
        let health = builder()
            .http(HttpOptions::new().guard(guard))
            .settings(settings)
            .start()
            .expect("it starts");
        let public = health
            .internal_endpoint()
            .respond_cached(RequestHead::new("GET", "/health"));
        let is_known = |peer: &str, forwarded: &str| {
            let headers = [("x-forwarded-for", forwarded)];
            let head = RequestHead::new("GET", "/health").with_peer(peer.parse().ok());
            let head = match forwarded {
                "" => head,
                _ => head.with_headers(&headers),
            };
            health.internal_endpoint().respond_cached(head).body().len() > public.body().len()
        };
        for (peer, forwarded, expected) in [
            ("192.0.2.9", "", true),
            ("2001:db8::9", "", true),
            ("198.51.100.7", "", true),
            ("203.0.113.9", "", false),
            ("10.0.0.2", "192.0.2.9", true),
            ("10.0.0.2", "203.0.113.9", false),
            ("10.0.0.3", "192.0.2.9", false),
        ] {
            assert_eq!(is_known(peer, forwarded), expected, "{peer} {forwarded}");
        }
    }
}

#[tokio::test]
async fn every_invalid_address_range_is_reported() {
    let vars = [
        ("HEALTH_GUARD_ADDRESSES", "10.0.0.0/33,10.0.0.0/8,ten"),
        ("HEALTH_TRUSTED_PROXIES", "::ffff:10.0.0.0/104"),
    ];
    let text = problems(builder().settings(Settings::from_vars(vars)));
    for expected in [
        "2 problems:",
        "the settings have an invalid `guard_addresses`: `10.0.0.0/33, ten` (variable `HEALTH_GUARD_ADDRESSES`)\n    help: write an address, or one and the length of its prefix: `10.0.0.0/8`",
        "the settings have an invalid `trusted_proxies`: `::ffff:10.0.0.0/104` (variable `HEALTH_TRUSTED_PROXIES`)\n    help: write `10.0.0.0/8`, since IPv4 in IPv6 counts as IPv4",
    ] {
        assert!(text.contains(expected), "{expected}\n--- is not in\n{text}");
    }
    for file in [
        r#"{"guard_addresses": 10}"#,
        r#"{"guard_addresses": ["::1", 10]}"#,
        r#"{"trusted_proxies": ""}"#,
    ] {
        let text = problems(builder().settings(settings(file)));
        assert!(text.contains("help: write a"), "{text}");
    }
}

#[tokio::test]
async fn every_invalid_service_setting_is_reported() {
    let file = r#"{
        "drain_dely": "8s",
        "drain_readiness": "no",
        "details": "full",
        "base_path": "internal",
        "guard_token": 1234567890123456,
        "guard_token_file": "/no/such/file",
        "startup_patience": "0s",
        "database": null
    }"#;
    let text = problems(builder().settings(settings(file)));
    for expected in [
        "have an unknown setting `drain_dely`\n    help: did you mean `drain_delay`?",
        "the settings have an invalid `drain_readiness`: `no`\n    help: write `true` or `false`",
        "the settings have an invalid `details`: `full`\n    help: write `status` or `checks`",
        "`internal` cannot be the base of the paths",
        "the settings have an invalid `guard_token`: a value of the wrong type",
        "the settings have an invalid `guard_token_file`: `/no/such/file`\n    help: write the path of a readable file (No such file",
        "the settings have both `guard_token` and `guard_token_file`",
        "a startup patience of 0s is out of range",
        "have an unknown setting `database`\n    help: a check is a table of its options",
    ] {
        assert!(text.contains(expected), "{expected}\n--- is not in\n{text}");
    }
    assert!(
        text.starts_with("health cannot start, 9 problems:"),
        "{text}"
    );
    assert!(!text.contains("1234"), "{text}");
}

#[test]
fn no_secret_is_printed() {
    let secret = "correct horse battery staple";
    let vars = [
        ("HEALTH_GUARD_TOKEN", secret),
        ("HEALTH_GUARD_TOKN", secret),
    ];
    let settings = Settings::from_vars(vars);
    let builder = Health::builder().settings(settings.clone());
    for text in [
        format!("{settings:?}"),
        format!("{builder:?}"),
        problems(builder),
    ] {
        assert!(!text.contains("horse"), "{text}");
    }
}

#[tokio::test]
async fn a_group_emptied_by_a_setting_is_refused_with_that_setting() {
    let group = || {
        let storage = || CheckOptions::new().tags(["storage"]);
        Health::builder()
            .check("disk", storage(), || async {})
            .check("spool", storage(), || async {})
            .http(HttpOptions::new().group("storage"))
    };
    let one = settings(r#"{"disk": {"enabled": false}}"#);
    let other = Settings::from_vars([("HEALTH_CHECK_SPOOL_ENABLED", "false")]);
    assert!(group().settings(one.clone()).start().is_ok());
    let text = problems(group().settings(one).settings(other));
    let expected = "the settings disable every check of the group `storage`: \
                    `enabled = false` of `disk`, `HEALTH_CHECK_SPOOL_ENABLED=false`";
    assert!(text.contains(expected), "{text}");
}

proptest! {
    /// The variables that the kubelet sets for a Service with any name and any port
    /// names.
    #[test]
    fn service_variables_of_kubernetes_do_not_prevent_the_start(
        service in "health(_check(_(db|orders_db|database|[A-Z]{1,8}))?)?",
        port in "[a-z]{1,9}(_[a-z]{1,9})?|timeout|failure_threshold|drain_delay",
    ) {
        let name = service.to_uppercase();
        let port = port.to_uppercase();
        let vars = [
            (format!("{name}_SERVICE_HOST"), "10.0.0.1"),
            (format!("{name}_SERVICE_PORT"), "80"),
            (format!("{name}_SERVICE_PORT_{port}"), "80"),
            (format!("{name}_PORT"), "tcp://10.0.0.1:80"),
            (format!("{name}_PORT_80_TCP"), "tcp://10.0.0.1:80"),
            (format!("{name}_PORT_80_TCP_PROTO"), "tcp"),
            (format!("{name}_PORT_80_TCP_PORT"), "80"),
            (format!("{name}_PORT_80_TCP_ADDR"), "10.0.0.1"),
        ];
        let runtime = runtime();
        let _entered = runtime.enter();
        let started = builder().settings(Settings::from_vars(vars)).start();
        prop_assert!(started.is_ok(), "{}", started.expect_err("a problem"));
    }
}

fn runtime() -> tokio::runtime::Runtime {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.expect("a runtime can be built")
}

#[tokio::test(start_paused = true)]
async fn settings_replace_a_cache_by_an_interval_and_back() {
    let second = Duration::from_secs(1);
    let health = Health::builder()
        .check("dear", CheckOptions::new().interval(second), || async {})
        .check("idle", CheckOptions::new().cache(second), || async {})
        .settings(settings(
            r#"{"dear": {"cache": "1h"}, "idle": {"interval": "2s"}}"#,
        ))
        .start()
        .expect("it starts");
    sleep(5 * second).await;
    let results = |name| {
        health
            .check(name)
            .expect("the check is registered")
            .verdict()
    };
    assert_eq!(results("dear"), Verdict::Unknown, "nothing asked for it");
    assert_eq!(results("idle"), Verdict::Pass, "it runs in the background");
}
