//! The problems that `start` reports, all at once and each with its help.

use std::time::Duration;

use health_core::config::LifecycleOptions;
use health_core::error::Problem;
use health_core::{CheckOptions, Health, HealthBuilder, Probe};

fn refused(builder: HealthBuilder) -> String {
    builder.start().expect_err("it is refused").to_string()
}

#[test]
fn a_start_outside_a_runtime_is_refused() {
    assert_eq!(
        refused(Health::builder()),
        "health cannot start, 1 problem:\n  \
         - `start` was called outside a tokio runtime, where no check can run\n    \
           help: call it inside `#[tokio::main]` or `Runtime::block_on`, or after `let _guard = runtime.enter()`"
    );
}

#[test]
fn a_start_in_a_runtime_without_a_timer_is_refused() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime can be built");
    let _entered = runtime.enter();
    let error = Health::builder().start().expect_err("it is refused");
    assert_eq!(error.problems(), [Problem::NoTimer]);
}

#[tokio::test]
async fn options_that_are_given_twice_are_refused() {
    use health_core::config::{HttpOptions, RuntimeOptions, ServiceInfo};
    let builder = Health::builder()
        .http(HttpOptions::new().base_path("/internal"))
        .service_info(ServiceInfo::new())
        .runtime(RuntimeOptions::new())
        .http(HttpOptions::new())
        .lifecycle(LifecycleOptions::new())
        .runtime(RuntimeOptions::new());
    let error = builder.start().expect_err("it is refused");
    assert_eq!(
        error.to_string(),
        "health cannot start, 2 problems:
  - `http` is called twice on the builder
    help: gather the options in one value: `.http(..)`
  - `runtime` is called twice on the builder
    help: gather the options in one value: `.runtime(..)`"
    );
}

#[tokio::test]
async fn every_problem_is_in_one_error() {
    let options = CheckOptions::new;
    let builder = Health::builder()
        .check("a-b", options(), || async {})
        .check("a_b", options(), || async {})
        .check("My DB", options(), || async {})
        .check("never", options().timeout(Duration::ZERO), || async {})
        .check_blocking("alive", options().liveness(), || ())
        .require(["nevr", "ledger"])
        .lifecycle(LifecycleOptions::new().drain_delay(Duration::MAX));
    let error = builder.start().expect_err("it is refused");
    let expected = "health cannot start, 7 problems:
  - the drain delay 18446744073709551615.999999999s is too long
    help: the longest drain delay is 1 h, and Kubernetes waits 30 s by default
  - `My DB` cannot be the name of a check: a name cannot contain `M`
    help: use `a` to `z`, digits, `-`, `_` and `.`: `\"my-db\"`
  - two checks are named `a-b`: FILE:58, FILE:59
    help: give one of them another name: `.check(\"other-a-b\", ..)`
  - required check `nevr` does not exist
    help: did you mean `never`?
  - required check `ledger` does not exist
    help: if it is in a library, name the library in the binary: `use the_library as _;`
  - check `alive` (FILE:62): a liveness check that is not critical has no effect
    help: add `.critical()`, or leave `.liveness()` out
  - check `never` (FILE:61): a timeout of zero fails every run
    help: leave `timeout` out for the default of 5 seconds";
    assert_eq!(error.to_string().replace(file!(), "FILE"), expected);
    assert_eq!(error.problems().len(), 7);
    assert_eq!(
        format!("{error:?}"),
        error.to_string(),
        "as `main` prints it"
    );
}

#[tokio::test]
async fn a_required_probe_without_checks_is_refused() {
    let builder = || Health::builder().check("db", CheckOptions::new(), || async {});
    let fed = builder().require([Probe::Readiness]).start();
    assert!(fed.is_ok(), "{fed:?}");
    assert_eq!(
        refused(builder().require([Probe::Startup])),
        "health cannot start, 1 problem:\n  \
         - no check counts for startup, but one is required\n    \
           help: write `startup, critical` on a check"
    );
}

#[tokio::test]
async fn a_health_without_checks_is_healthy() {
    let health = Health::builder().start().expect("no checks are no problem");
    for probe in Probe::ALL {
        assert_eq!(health.status(probe), health_core::Status::Pass, "{probe}");
    }
}
