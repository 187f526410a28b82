//! A library that no code names is not linked, and its checks are missing.

use std::time::Duration;

use health_core::config::LifecycleOptions;
use health_core::config::Settings;
use health_core::{CheckOptions, Health, HealthBuilder, testing};
use test_support::Log;

#[tokio::test]
async fn a_library_that_is_not_linked_is_detected() {
    assert_eq!(
        testing::declared(),
        [""; 0],
        "this binary names no library with checks"
    );
    let error = Health::builder()
        .require(["stripe"])
        .start()
        .expect_err("it vanished");
    assert_eq!(
        error.to_string(),
        "health cannot start, 1 problem:\n  \
         - required check `stripe` does not exist\n    \
           help: if it is in a library, name the library in the binary: `use the_library as _;`"
    );
}

/// Returns the log of `start`.
fn logged(builder: HealthBuilder) -> String {
    let (log, _guard) = Log::capture();
    let health = builder.start().expect("it starts");
    drop(health);
    log.text()
}

/// Returns the log line about the checks.
fn first_line(builder: HealthBuilder) -> String {
    let log = logged(builder);
    log.split_inclusive('\n').take(1).collect()
}

#[tokio::test]
async fn the_start_log_shows_the_effective_options() {
    let second_line = |builder| logged(builder).lines().nth(1).map(str::to_owned);
    assert_eq!(
        second_line(Health::builder()).as_deref(),
        Some(
            " INFO health: health settings in effect drain_delay_s=7.0 drain_readiness=true \
             details=\"checks\" probe_details=\"status\" guard=\"none\" \
             paths=\"/health /livez /readyz /startupz\""
        )
    );
    let vars = [
        ("ORDERS_HEALTH_DRAIN_DELAY", "9s"),
        ("ORDERS_HEALTH_BASE_PATH", "/internal"),
        ("ORDERS_HEALTH_GUARD_TOKEN", "correct horse battery staple"),
        ("ORDERS_HEALTH_CHECK_QUEUE_TIMEOUT", "3s"),
    ];
    let builder = Health::builder()
        .check("queue", CheckOptions::new(), || async {})
        .settings(Settings::from_vars_with_prefix("ORDERS_HEALTH_", vars));
    assert_eq!(
        second_line(builder).as_deref(),
        Some(
            " INFO health: health settings in effect drain_delay_s=9.0 drain_readiness=true \
             details=\"checks\" probe_details=\"status\" guard=\"token\" \
             paths=\"/internal/health /internal/livez /internal/readyz /internal/startupz\" \
             prefixes=\"ORDERS_HEALTH_\" \
             settings=\"base_path drain_delay guard_token queue.timeout\""
        )
    );
}

#[tokio::test]
async fn the_start_log_names_every_check() {
    let options = CheckOptions::new;
    let builder = Health::builder()
        .check("queue", options(), || async {})
        .check("alive", options().liveness().critical(), || async {})
        .check("cache", options(), || async {});
    assert_eq!(
        first_line(builder),
        " INFO health: health checks started count=3 liveness=\"alive\" \
         readiness=\"cache queue\" startup=\"\"\n"
    );
}

#[tokio::test]
async fn the_start_log_says_that_there_are_no_checks() {
    assert_eq!(
        first_line(Health::builder()),
        " WARN health: no health check is registered; if they live in a library, \
         name it in the binary: `use my_checks as _;`\n"
    );
}

#[tokio::test]
async fn the_start_log_warns_about_a_drain_that_is_too_long() {
    let builder = |delay, grace| {
        Health::builder()
            .check("queue", CheckOptions::new(), || async {})
            .lifecycle(
                LifecycleOptions::new()
                    .drain_delay(Duration::from_secs(delay))
                    .termination_grace(Duration::from_secs(grace)),
            )
    };
    let log = logged(builder(30, 30));
    let warning = " WARN health: the drain delay is not shorter than the termination grace period, so \
                   the platform kills the process during the drain; shorten `drain_delay` or set \
                   `termination_grace` delay_s=30.0 grace_s=30.0\n";
    assert!(log.ends_with(warning), "{log}");
    assert!(!logged(builder(29, 30)).contains("WARN"));
}
