//! Two libraries with checks of the same name, which only the whole program can
//! detect.

use fixture_billing::Stripe;
use fixture_ledger as _;
use health_core::Health;
use health_core::error::Problem;

#[tokio::test]
async fn a_duplicate_name_is_refused_with_both_locations() {
    let error = Health::builder()
        .provide(Stripe { answers: true })
        .start()
        .expect_err("two checks are named `db`");
    let [
        Problem::DuplicateName {
            name, locations, ..
        },
    ] = error.problems()
    else {
        panic!("{error}");
    };
    assert_eq!(name, "db");
    let mut packages: Vec<_> = locations
        .iter()
        .filter_map(health_core::error::SourceLocation::package)
        .collect();
    packages.sort_unstable();
    assert_eq!(packages, ["fixture-billing", "fixture-ledger"]);
    let text = error.to_string();
    for part in [
        "two checks are named `db`: ",
        "fixture-billing 1.4.0 at ",
        "fixture-ledger 0.3.1 at ",
        "lib.rs:",
    ] {
        assert!(text.contains(part), "{text}");
    }
}
