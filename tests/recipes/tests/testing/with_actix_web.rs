use actix_web::App;
use actix_web::test::{TestRequest, call_service, init_service};
use health_actix::testing::Fake;
use health_actix::{CheckOptions, Health};

#[actix_web::test]
async fn the_service_is_not_ready_while_the_database_is_down() {
    let health = Health::builder()
        .check("database", CheckOptions::new().critical(), || async {})
        .for_tests()
        .start()
        .unwrap();
    let app = init_service(App::new().configure(health_actix::configure(&health))).await;
    let readyz = || TestRequest::get().uri("/readyz").to_request();
    assert_eq!(call_service(&app, readyz()).await.status(), 200);

    Fake::of(&health, "database").fail("down");
    assert_eq!(call_service(&app, readyz()).await.status(), 503);
}
