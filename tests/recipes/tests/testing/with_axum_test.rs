use axum::Router;
use axum_test::TestServer;
use health_axum::testing::Fake;
use health_axum::{CheckOptions, Health};

#[tokio::test]
async fn the_service_is_not_ready_while_the_database_is_down() {
    let health = Health::builder()
        .check("database", CheckOptions::new().critical(), || async {})
        .for_tests()
        .start()
        .unwrap();
    let app = Router::new().merge(health_axum::routes(&health)); // the application's router
    let server = TestServer::new(app);
    server.get("/readyz").await.assert_status_ok();

    Fake::of(&health, "database").fail("down");
    server
        .get("/readyz")
        .await
        .assert_status_service_unavailable();
}
