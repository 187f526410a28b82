//! Any error type can be the error of a check, and its sources stay private.

use health_axum::{CheckOptions, Health, health_check};

use crate::kinds_of_checks::AppState;

fn refused() -> std::io::Error {
    std::io::Error::other("refused by 10.0.0.7")
}

#[health_check]
async fn with_anyhow() -> anyhow::Result<()> {
    use anyhow::Context;
    std::future::ready(Err(refused())).await.context("ping")
}

#[health_check]
async fn with_eyre() -> eyre::Result<bool> {
    use eyre::WrapErr;
    std::future::ready(Err(refused())).await.wrap_err("ping")
}

#[health_check]
fn boxed() -> Result<(), Box<dyn std::error::Error>> {
    Err(Box::new(refused()))
}

#[tokio::test]
async fn the_error_chain_is_kept_and_private() {
    let health = Health::builder()
        .state(AppState::new())
        .check("closure", CheckOptions::new(), || async {
            Err::<(), _>(anyhow::Error::from(refused()).context("ping"))
        })
        .start()
        .expect("it starts");
    for (name, cause) in [
        ("with_anyhow", &["ping", "refused by 10.0.0.7"][..]),
        ("with_eyre", &["ping", "refused by 10.0.0.7"]),
        ("boxed", &["refused by 10.0.0.7"]),
        ("closure", &["ping", "refused by 10.0.0.7"]),
    ] {
        let check = health.refresh(name).await.expect("there is such a check");
        assert_eq!(check.cause(), cause, "{name}");
        assert_eq!(check.message(), Some("withheld"), "{name}");
    }
    let request = http::Request::get("/health")
        .body(())
        .expect("the request is valid");
    let answer = health.internal_endpoint().respond_cached(&request);
    let body = String::from_utf8_lossy(answer.body());
    assert!(
        !body.contains("10.0.0.7") && !body.contains("ping"),
        "{body}"
    );
}
