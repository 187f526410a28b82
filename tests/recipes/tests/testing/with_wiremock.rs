use std::time::Duration;

use health_axum::report::Verdict;
use health_axum::{CheckOptions, Health};
use wiremock::matchers::path;
use wiremock::{Mock, MockServer, ResponseTemplate};

#[tokio::test]
async fn the_check_notices_that_the_payment_service_is_down() {
    let payments = MockServer::start().await;
    let up = Mock::given(path("/up")).respond_with(ResponseTemplate::new(204));
    let up = up.mount_as_scoped(&payments).await;

    let url = format!("{}/up", payments.uri());
    let health = Health::builder()
        .check("payments", CheckOptions::new().critical(), move || {
            let answer = reqwest::get(url.clone());
            async { answer.await?.error_for_status().map(drop) }
        })
        .start()
        .unwrap();
    health.ready(Duration::from_secs(30)).await.unwrap();

    drop(up);
    let payments = health.refresh("payments").await.unwrap();
    assert_eq!(payments.verdict(), Verdict::Fail);
}
