//! The tests that the service had before, with one line of health: `for_tests`.

use std::net::TcpListener;

use health_actix::testing::Fake;
use newsletter::email::EmailClient;
use newsletter::health::{Dependencies, checks};
use newsletter::{startup, worker};
use test_support::eventually;
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

struct TestApp {
    address: String,
    mail: MockServer,
    client: reqwest::Client,
    health: health_actix::Health,
}

impl TestApp {
    async fn spawn() -> Self {
        let mail = MockServer::start().await;
        let pool = startup::open_database("sqlite::memory:")
            .await
            .expect("a database");
        let email = EmailClient::new(mail.uri()).expect("a client");
        let (builder, rounds) = checks(Dependencies {
            pool: pool.clone(),
            email: email.clone(),
        });
        let health = builder.for_tests().start().expect("it starts");
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = format!("http://{}", listener.local_addr().expect("an address"));
        let server = startup::serve(listener, pool.clone(), email.clone(), &health);
        actix_web::rt::spawn(server.expect("it serves"));
        actix_web::rt::spawn(worker::run(pool, email, rounds));
        TestApp {
            address,
            mail,
            client: reqwest::Client::new(),
            health,
        }
    }

    async fn get(&self, path: &str) -> u16 {
        let url = format!("{}{path}", self.address);
        let answer = self.client.get(url).send().await.expect("an answer");
        answer.status().as_u16()
    }

    async fn post(&self, path: &str, form: &'static str, cookie: &str) -> reqwest::Response {
        self.client
            .post(format!("{}{path}", self.address))
            .header("content-type", "application/x-www-form-urlencoded")
            .header("cookie", cookie)
            .body(form)
            .send()
            .await
            .expect("an answer")
    }
}

#[actix_web::test]
async fn the_service_is_healthy_at_the_first_request() {
    let app = TestApp::spawn().await;
    assert_eq!(app.get("/health_check").await, 200);
    assert_eq!(app.get("/readyz").await, 200);
    assert_eq!(app.get("/health/database").await, 404, "names stay inside");
}

#[actix_web::test]
async fn an_issue_reaches_each_subscriber_and_health_checks_send_no_mail() {
    let app = TestApp::spawn().await;
    // The first expected request is the mail, and not that of a check.
    Mock::given(method("POST"))
        .and(path("/email"))
        .respond_with(ResponseTemplate::new(200))
        .expect(1)
        .mount(&app.mail)
        .await;

    let denied = app.post("/issues", "text=hello", "").await;
    assert_eq!(denied.status(), 401);
    let subscribed = app
        .post("/subscriptions", "email=ada@example.org", "")
        .await;
    assert_eq!(subscribed.status(), 200);
    let login = app.post("/login", "name=editor", "").await;
    let cookie = login.headers()["set-cookie"]
        .to_str()
        .expect("text")
        .to_owned();
    let cookie = cookie.split(';').next().expect("a pair");
    assert_eq!(
        app.post("/issues", "text=hello", cookie).await.status(),
        202
    );

    eventually("the mail is sent", async || {
        let requests = app.mail.received_requests().await;
        requests.is_some_and(|requests| !requests.is_empty())
    })
    .await;
    let requests = app
        .mail
        .received_requests()
        .await
        .expect("they are recorded");
    assert_eq!(requests.len(), 1, "{requests:?}");
}

#[actix_web::test]
async fn readiness_follows_the_database() {
    let app = TestApp::spawn().await;
    Fake::of(&app.health, "database").fail("down");
    assert_eq!(app.get("/readyz").await, 503);
    assert_eq!(app.get("/livez").await, 200);
}
