//! Checks of three crates in one program, served by both adapters.

use fixture_billing::Stripe;
use fixture_renamed::Limit;
use health_core::{Health, HealthState, health_check, testing};
use tests::wire::{Framework, Server};

/// The state of the package `tests`; `fixture-renamed` has another.
#[derive(HealthState)]
struct AppState {
    own: u64,
}

#[health_check]
fn own(own: u64) -> bool {
    own == 7
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_registry_holds_the_checks_of_all_crates() {
    let names = [
        "db",
        "own",
        "stripe",
        "through-a-path",
        "through-actix",
        "through-axum",
    ];
    assert_eq!(testing::declared(), names);
    let health = Health::builder()
        .state(AppState { own: 7 })
        .provide(Stripe { answers: true })
        .provide(Limit(1))
        .require(names)
        .start()
        .expect("everything is provided");
    for name in names {
        health.refresh(name).await.expect("the check is registered");
    }
    let axum = Server::start(Framework::Axum, health.clone()).await;
    let actix = Server::start(Framework::Actix, health).await;
    for name in names {
        let path = format!("/health/{name}");
        let answer = axum.get(&path).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_eq!(answer.comparable(), actix.get(&path).await.comparable());
    }
    let drained = axum.health().drain();
    for server in [&axum, &actix] {
        assert_eq!(server.get("/readyz").await.status, 503, "they are one");
    }
    drop(drained);
}

#[tokio::test]
async fn a_value_required_by_a_library_must_be_provided_by_the_program() {
    let builder = Health::builder().state(AppState { own: 7 });
    let error = builder.start().expect_err("no `Stripe`, no `Limit`");
    assert_eq!(error.problems().len(), 4, "{error}");
    let text = error.to_string();
    for part in [
        "check `stripe` (fixture-billing 1.4.0 at ",
        "needs `client: &fixture_billing::Stripe`, which `several_crates::AppState` does not provide",
        "check `through-axum` (fixture-renamed 0.2.0 at ",
        "needs `limit: &fixture_renamed::Limit`, which ",
    ] {
        assert!(text.contains(part), "{part} is not in {text}");
    }
}
