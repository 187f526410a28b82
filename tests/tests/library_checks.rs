//! Checks of a library whose parameters are provided at the start of the program.

use std::time::Duration;

use fixture_billing::Stripe;
use health_core::error::Problem;
use health_core::report::Verdict;
use health_core::{Health, Status, testing};

#[test]
fn the_declared_checks_can_be_compared_with_a_list() {
    assert_eq!(testing::declared(), ["db", "stripe"]);
}

#[tokio::test(start_paused = true)]
async fn a_late_parameter_comes_from_the_builder() {
    let health = Health::builder()
        .provide(Stripe { answers: false })
        .require(["db", "stripe"])
        .start()
        .expect("everything is provided");
    tokio::time::sleep(Duration::from_secs(1)).await;
    let stripe = health.check("stripe").expect("the check is registered");
    assert_eq!(stripe.verdict(), Verdict::Fail);
    assert_eq!(stripe.cause(), ["stripe is silent"]);
    assert_eq!(health.snapshot().overall(), Status::Fail);
}

#[tokio::test]
async fn a_missing_late_parameter_is_reported_with_its_location() {
    let error = Health::builder()
        .start()
        .expect_err("nothing provides `Stripe`");
    let [
        Problem::MissingParameter {
            check,
            location,
            parameter,
            type_name,
            state,
            ..
        },
    ] = error.problems()
    else {
        panic!("{error}");
    };
    assert_eq!((check.as_str(), *parameter), ("stripe", "client"));
    assert_eq!(*type_name, "fixture_billing::Stripe");
    assert_eq!(*state, None);
    assert_eq!(location.package(), Some("fixture-billing"));
    assert!(
        location.file().ends_with("lib.rs") && location.line() > 1,
        "{location}"
    );
}
