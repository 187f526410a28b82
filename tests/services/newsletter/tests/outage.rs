//! The checks as they run in production, with a mail service that fails.

use health_actix::Probe;
use health_actix::Status;
use newsletter::email::EmailClient;
use newsletter::health::{Dependencies, checks};
use newsletter::{startup, worker};
use wiremock::{Mock, MockServer, ResponseTemplate};

#[actix_web::test]
async fn an_outage_of_the_mail_server_degrades_the_service() {
    let mail = MockServer::start().await;
    Mock::given(wiremock::matchers::any())
        .respond_with(ResponseTemplate::new(503))
        .mount(&mail)
        .await;
    let pool = startup::open_database("sqlite::memory:")
        .await
        .expect("a database");
    let email = EmailClient::new(mail.uri()).expect("a client");
    let (builder, rounds) = checks(Dependencies {
        pool: pool.clone(),
        email: email.clone(),
    });
    let health = builder.start().expect("it starts");
    let worker = actix_web::rt::spawn(worker::run(pool, email, rounds.clone()));

    health
        .ready(std::time::Duration::from_secs(30))
        .await
        .expect("it is ready");
    health.refresh("mail").await;
    assert_eq!(health.status(Probe::Readiness), Status::Warn);
    assert_eq!(health.status(Probe::Liveness), Status::Pass);
    let cause = health.check("mail").expect("it is registered");
    assert!(cause.cause().concat().contains("503"), "{cause:?}");

    rounds.finish();
    worker.abort();
    health.stop().await;
}
