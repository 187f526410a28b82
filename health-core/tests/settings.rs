//! What an operator changes without a new build.

use std::time::Duration;

use health_core::{CheckOptions, Health, HealthBuilder, Settings, Verdict};
use tokio::time::sleep;

fn builder() -> HealthBuilder {
    let options = || CheckOptions::new().critical();
    Health::builder()
        .check(
            "database",
            options().timeout(Duration::from_secs(2)),
            std::future::pending::<()>,
        )
        .check("orders-db", options(), || async { false })
        .check("report", options().after(&["orders-db"]), || async {})
}

fn settings(json: &str) -> Settings {
    serde_json::from_str(json).expect("JSON")
}

#[tokio::test(start_paused = true)]
async fn a_file_changes_numbers_and_leaves_checks_out() {
    let health = builder()
        .settings(settings(
            r#"{"database": {"timeout": "7s"}, "orders-db": {"failure_threshold": 3, "enabled": false}}"#,
        ))
        .expect(["orders-db"])
        .start()
        .expect("it starts");
    sleep(Duration::from_secs(6)).await;
    assert_eq!(
        health.check("database").expect("it").verdict(),
        Verdict::Unknown
    );
    sleep(Duration::from_secs(2)).await;
    assert_eq!(
        health.check("database").expect("it").verdict(),
        Verdict::Fail
    );
    assert!(health.check("orders-db").is_none());
    let report = health.check("report").expect("it").verdict();
    assert_eq!(report, Verdict::Pass, "what is left out holds nobody up");
}

#[tokio::test(start_paused = true)]
async fn the_environment_wins_where_it_is_given_last() {
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
        health.check("database").expect("it").verdict(),
        Verdict::Fail
    );
    let orders = health.check("orders-db").expect("it");
    assert_eq!(orders.verdict(), Verdict::Unknown, "one failure of two");
}

#[tokio::test]
async fn every_bad_setting_is_named() {
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
        "the settings name `databse`, and no check has this name\n    help: did you mean `database`?",
        "the settings give `database` the timeout `soon`\n    help: write a duration with its unit, such as `500ms`, `2s` or `1m`",
        "the settings of `database` have an unknown option `intervall`\n    help: did you mean `interval`?",
        "the settings give `database` the failure_threshold `0.5`\n    help: write a whole number of at least 1",
        "the settings give `database` the enabled `yes`\n    help: write `true` or `false`",
        "with its settings, the timeout 2s is longer than the interval 1s",
    ] {
        assert!(text.contains(expected), "{expected}\n--- is not in\n{text}");
    }
    assert_eq!(error.problems().len(), 6, "{text}");
}

#[tokio::test]
async fn a_variable_without_an_option_is_refused() {
    let vars = [
        ("HEALTH_CHECK_DATABASE", "off"),
        ("HEALTH_CHECK_DATABASE_TIMEUOT", "1s"),
    ];
    let error = builder()
        .settings(Settings::from_vars(vars))
        .start()
        .expect_err("refused");
    assert_eq!(error.problems().len(), 2, "{error}");
}

#[tokio::test(start_paused = true)]
async fn settings_exchange_cache_and_interval() {
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
    let results = |name| health.check(name).expect("it").verdict();
    assert_eq!(results("dear"), Verdict::Unknown, "nothing asked for it");
    assert_eq!(results("idle"), Verdict::Pass, "it runs in the background");
}
