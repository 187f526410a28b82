//! Webhooks over real sockets, with every kind of receiver.
#![cfg(feature = "webhook")]

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use health_core::notify::Webhook;
use health_core::testing::Fake;
use health_core::{CheckOptions, Health, HealthBuilder, Outcome};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;
use test_support::receiver::{Answer, Request, next, receiver, serve, url};
use test_support::{BOUND, eventually, free_address};
use tokio::sync::Notify;

const SHORT: Duration = Duration::from_millis(5);

fn event(request: &Request) -> &str {
    request.body["event"]
        .as_str()
        .expect("each body names its event")
}

/// Returns the states of the body.
fn turns(request: &Request) -> Vec<&Value> {
    match event(request) {
        "health.check.turned" => vec![&request.body],
        "health.checks.turned" => request.body["turns"]
            .as_array()
            .expect("a body of several states has a list of them")
            .iter()
            .collect(),
        "health.stopped" => Vec::new(),
        other => panic!("unknown event {other}"),
    }
}

/// A webhook with minimal delays.
fn webhook(url: &str) -> Webhook {
    Webhook::new(url)
        .min_interval(Duration::ZERO)
        .backoff(SHORT)
        .max_backoff(4 * SHORT)
}

/// Checks whose outcomes the test sets.
fn forced(names: &[String], webhook: Webhook) -> HealthBuilder {
    let idle = CheckOptions::new().critical().initial_delay(BOUND * 60);
    let builder = names.iter().fold(Health::builder(), |builder, name| {
        builder.check(name.as_str(), idle.clone(), || async {})
    });
    builder.notify(webhook)
}

fn one(webhook: Webhook) -> HealthBuilder {
    forced(&["database".to_owned()], webhook)
}

fn many(count: usize) -> Vec<String> {
    (0..count).map(|nth| format!("check-{nth:03}")).collect()
}

fn turn(health: &Health, check: &str, is_good: bool) {
    let outcome = if is_good {
        Outcome::pass()
    } else {
        let error = std::io::Error::other("postgres://app:hunter2@db: refused");
        Outcome::fail("down").because(error)
    };
    Fake::of(health, check).set(outcome);
}

fn fail(health: &Health) {
    turn(health, "database", false);
}

fn pass(health: &Health) {
    turn(health, "database", true);
}

/// The requests until health has stopped.
async fn rest(health: Health, told: &Receiver<Request>) -> Vec<Request> {
    health.stop().await;
    told.try_iter().collect()
}

/// The state of each check according to the receiver.
#[derive(Debug, Default)]
struct Believed(BTreeMap<String, String>);

impl Believed {
    fn learn(&mut self, request: &Request) {
        for turn in turns(request) {
            let word = |key: &str| turn[key].as_str().expect("a word").to_owned();
            self.0.insert(word("check"), word("to"));
        }
    }

    /// Receives requests until all checks have this state. Returns the number of
    /// requests.
    fn until(&mut self, told: &Receiver<Request>, expected: impl Fn(&str) -> String) -> usize {
        let mut requests = 0;
        while self.0.is_empty() || self.0.iter().any(|(check, to)| *to != expected(check)) {
            self.learn(&next(told));
            requests += 1;
        }
        requests
    }
}

#[tokio::test]
async fn a_state_is_posted_with_all_documented_fields() {
    let (url, told) = receiver(&[Answer::Code(204)]);
    let webhook = webhook(&url)
        .bearer("let me in")
        .header("x-team", "orders")
        .label("service", "orders");
    let health = one(webhook).start().expect("it starts");
    fail(&health);
    let Request {
        line,
        headers,
        body,
        ..
    } = next(&told);
    assert_eq!(line, "POST /turns HTTP/1.1");
    assert_eq!(headers["content-type"], "application/json");
    assert_eq!(headers["authorization"], "Bearer let me in");
    assert_eq!(headers["x-team"], "orders");
    assert!(headers["user-agent"].starts_with("health/"), "{headers:?}");
    assert!(!headers.contains_key("x-hub-signature-256"), "{headers:?}");
    let incident = health
        .check("database")
        .expect("the check is registered")
        .incident();
    for (key, value) in [
        ("event", "health.check.turned"),
        ("check", "database"),
        ("from", "unknown"),
        ("to", "error"),
        ("message", "down"),
        ("incident", incident.expect("one").as_str()),
    ] {
        assert_eq!(body[key], value, "{key}: {body}");
    }
    assert_eq!(body["schema_version"], 1);
    assert_eq!(body["labels"]["service"], "orders");
    assert_eq!(body["critical"], true);
    assert_eq!(body["probes"], json!(["readiness"]));
    assert_eq!(body.get("cause"), None, "{body}");

    pass(&health);
    let recovered = next(&told).body;
    assert_eq!(
        (&recovered["from"], &recovered["to"]),
        (&json!("error"), &json!("ok"))
    );
    assert_eq!(recovered["incident"], body["incident"]);
    assert_ne!(recovered["id"], body["id"]);

    let rest = rest(health, &told).await;
    assert_eq!(rest.len(), 1);
    assert_eq!(event(&rest[0]), "health.stopped");
    assert_eq!(rest[0].body["labels"]["service"], "orders");
}

#[tokio::test]
async fn passing_first_results_of_many_checks_are_one_request() {
    let (url, told) = receiver(&[Answer::Code(200)]);
    let names = many(400);
    let health = forced(&names, webhook(&url).max_batch(1_000))
        .start()
        .expect("it starts");
    for name in &names {
        turn(&health, name, true);
    }
    let mut believed = Believed::default();
    let mut requests = 0;
    while believed.0.len() < names.len() {
        believed.learn(&next(&told));
        requests += 1;
    }
    assert!(believed.0.values().all(|to| to == "ok"), "{believed:?}");
    // One request, unless the machine was too slow for the loop above.
    assert!(requests <= 3, "{requests} requests");
}

#[tokio::test]
async fn a_restart_that_cures_an_incident_ends_it_for_the_receiver() {
    let (url, told) = receiver(&[Answer::Code(200)]);
    let mut believed = Believed::default();
    let health = one(webhook(&url)).start().expect("it starts");
    fail(&health);
    believed.until(&told, |_| "error".to_owned());
    let last = rest(health, &told).await;
    assert_eq!(
        event(last.last().expect("the request is valid")),
        "health.stopped"
    );

    let health = one(webhook(&url)).start().expect("it starts");
    pass(&health);
    believed.until(&told, |_| "ok".to_owned());
    drop(health);
}

#[tokio::test]
async fn a_receiver_that_was_unreachable_gets_the_newest_state_of_every_check() {
    let address = free_address();
    let names = many(400);
    let health = forced(&names, webhook(&url(address)))
        .start()
        .expect("it starts");
    // The checks change at different times, and some only once.
    for round in 0..10 {
        for (nth, name) in names.iter().enumerate() {
            if round <= nth % 10 {
                turn(&health, name, round % 2 == 1);
            }
        }
    }
    let listener = TcpListener::bind(address).expect("the same socket");
    let told = serve(listener, &[Answer::Code(200)]);
    let mut believed = Believed::default();
    let mut requests = 0;
    while believed.0.len() < names.len() {
        believed.learn(&next(&told));
        requests += 1;
    }
    for name in &names {
        let verdict = health
            .check(name)
            .expect("the check is registered")
            .verdict();
        assert_eq!(believed.0[name], verdict.as_str(), "{name}");
    }
    assert!(requests <= 8, "{requests} requests");
}

#[tokio::test]
async fn four_hundred_simultaneous_changes_are_few_requests_to_a_slow_receiver() {
    let (url, told) = receiver(&[Answer::Slow(Duration::from_millis(50))]);
    let names = many(400);
    let health = forced(&names, webhook(&url)).start().expect("it starts");
    let mut believed = Believed::default();
    for is_good in [false, true] {
        for name in &names {
            turn(&health, name, is_good);
        }
        let word = if is_good { "ok" } else { "error" };
        let mut requests = 0;
        while believed.0.values().filter(|to| *to == word).count() < names.len() {
            believed.learn(&next(&told));
            requests += 1;
        }
        // The first few states, and four full bodies.
        assert!(requests <= 20, "{requests} requests");
    }
}

#[tokio::test]
async fn a_faulty_receiver_ends_up_with_the_current_state() {
    let faults = [
        Answer::Code(500),
        Answer::Code(429),
        Answer::Garbage,
        Answer::Nothing,
        Answer::Half(Duration::from_millis(30)),
        Answer::Silence(Duration::from_millis(30)),
        Answer::Slow(Duration::from_millis(5)),
    ];
    for seed in 0..3 {
        let mut random = fastrand::Rng::with_seed(seed);
        let mut answers: Vec<_> = (0..40)
            .map(|_| *random.choice(&faults).expect("a fault"))
            .collect();
        answers.push(Answer::Code(200));
        let (url, told) = receiver(&answers);
        let names = many(50);
        let webhook = webhook(&url)
            .timeout(Duration::from_millis(20))
            .max_batch(7);
        let health = forced(&names, webhook).start().expect("it starts");
        for _ in 0..2_000 {
            let name = random.choice(&names).expect("a name");
            turn(&health, name, random.bool());
        }
        for name in &names {
            turn(&health, name, random.bool());
        }
        let truth = |name: &str| {
            let verdict = health
                .check(name)
                .expect("the check is registered")
                .verdict();
            verdict.as_str().to_owned()
        };
        let mut believed = Believed::default();
        while believed.0.len() < names.len() {
            believed.learn(&next(&told));
        }
        believed.until(&told, truth);
        // Accepted states are not sent again.
        for request in rest(health, &told).await {
            assert!(turns(&request).len() <= 7, "seed {seed}");
        }
    }
}

#[tokio::test]
async fn a_flapping_check_is_one_request_per_minimum_interval() {
    const MIN: Duration = Duration::from_millis(300);
    let (url, told) = receiver(&[Answer::Code(200)]);
    let health = one(webhook(&url).min_interval(MIN))
        .start()
        .expect("it starts");
    let start = Instant::now();
    for _ in 0..200 {
        fail(&health);
        pass(&health);
    }
    fail(&health);
    let mut times = Vec::new();
    let mut missed = 0;
    let mut known = json!("unknown");
    loop {
        let request = next(&told);
        missed += request.body["missed"].as_u64().expect("a number");
        assert_eq!(request.body["from"], known, "{}", request.body);
        known = request.body["to"].clone();
        times.push(request.at);
        if known == "error" && missed + times.len() as u64 == 401 {
            break;
        }
    }
    let most = 2 + start.elapsed().as_millis() / MIN.as_millis();
    assert!(times.len() as u128 <= most, "{} requests", times.len());
    for pair in times.windows(2) {
        // The receiver's clock starts before the sender's.
        assert!(pair[1] - pair[0] >= MIN / 2, "{:?}", pair[1] - pair[0]);
    }
}

#[tokio::test]
async fn a_body_can_be_verified_by_its_signature() {
    let secret = "correct horse battery staple";
    let (url, told) = receiver(&[Answer::Code(200)]);
    let health = one(webhook(&url).sign_with(secret))
        .start()
        .expect("it starts");
    fail(&health);
    health.stop().await;
    let requests: Vec<_> = told.try_iter().collect();
    assert_eq!(requests.len(), 2, "a state and the stop");
    for request in &requests {
        let signature = &request.headers["x-hub-signature-256"];
        let signature = signature.strip_prefix("sha256=").expect("the scheme");
        let code: Vec<u8> = (0..signature.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(&signature[at..at + 2], 16).expect("digits"))
            .collect();
        let verifies = |secret: &str, body: &[u8]| {
            let mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("any length");
            mac.chain_update(body).verify_slice(&code).is_ok()
        };
        assert!(verifies(secret, &request.raw));
        assert!(!verifies("another", &request.raw));
        assert!(!verifies(secret, &[&request.raw[..], b" "].concat()));
    }
}

#[tokio::test]
async fn causes_are_sent_on_request_masked_and_bounded() {
    let (url, told) = receiver(&[Answer::Code(200)]);
    let health = one(webhook(&url).with_causes()).start().expect("it starts");
    fail(&health);
    assert_eq!(next(&told).body["cause"], "postgres://***@db: refused");
    let error = std::io::Error::other("x".repeat(7_000_000));
    Fake::of(&health, "database").set(Outcome::warn("y".repeat(7_000_000)).because(error));
    let request = next(&told);
    assert!(request.raw.len() < 4_096, "{} bytes", request.raw.len());
}

#[tokio::test]
async fn a_filter_chooses_which_states_are_sent() {
    let (url, told) = receiver(&[Answer::Code(200)]);
    let webhook = webhook(&url).when(|turned| {
        assert_ne!(
            turned.report.verdict().as_str(),
            "degraded",
            "in the predicate"
        );
        turned.report.verdict().as_str() == "ok"
    });
    let health = one(webhook).start().expect("it starts");
    fail(&health);
    pass(&health);
    let body = next(&told).body;
    assert_eq!(
        (&body["from"], &body["to"]),
        (&json!("error"), &json!("ok"))
    );
    // A predicate that panics does not drop a state.
    Fake::of(&health, "database").warn("slow");
    assert_eq!(next(&told).body["to"], "degraded");
}

#[tokio::test]
async fn a_body_is_retried_with_the_same_id() {
    let answers = [
        Answer::Code(500),
        Answer::Code(429),
        Answer::Garbage,
        Answer::Code(408),
        Answer::Nothing,
        Answer::Code(503),
        Answer::Code(200),
    ];
    let (url, told) = receiver(&answers);
    let health = one(webhook(&url)).start().expect("it starts");
    fail(&health);
    let first = next(&told).body;
    for nth in 1..answers.len() {
        assert_eq!(next(&told).body, first, "attempt {nth}");
    }
    let rest = rest(health, &told).await;
    assert_eq!(rest.len(), 1, "it has been taken: {rest:?}");
}

#[tokio::test]
async fn an_outdated_state_is_not_retried() {
    let (url, told) = receiver(&[Answer::Code(500), Answer::Code(200)]);
    let pause = Duration::from_secs(3);
    let slow = webhook(&url).backoff(pause).max_backoff(pause);
    let health = one(slow).start().expect("it starts");
    fail(&health);
    let first = next(&told).body;
    // During the pause.
    pass(&health);
    let second = next(&told).body;
    assert_ne!(second["id"], first["id"]);
    for (key, value) in [("from", "unknown"), ("to", "ok")] {
        assert_eq!(second[key], value, "{second}");
    }
    assert_eq!(second["missed"], 1);
}

#[tokio::test]
async fn retry_after_is_respected() {
    let (url, told) = receiver(&[Answer::Later(1), Answer::Code(200)]);
    let health = one(webhook(&url)).start().expect("it starts");
    fail(&health);
    let first = next(&told);
    let second = next(&told);
    assert!(second.at - first.at >= Duration::from_secs(1));
    drop(health);
}

#[tokio::test]
async fn a_final_refusal_does_not_stop_other_states() {
    for code in [301, 308, 400, 401, 404, 410, 422] {
        let answers = [Answer::Code(code), Answer::Code(200)];
        let (url, told) = receiver(&answers);
        let names = many(2);
        let health = forced(&names, webhook(&url)).start().expect("it starts");
        turn(&health, &names[0], false);
        assert_eq!(next(&told).body["check"], "check-000");
        turn(&health, &names[1], false);
        assert_eq!(next(&told).body["check"], "check-001", "{code}");
        // The receiver works again, so it gets the state that it has refused.
        assert_eq!(next(&told).body["check"], "check-000", "{code}");
        assert_eq!(rest(health, &told).await.len(), 1, "{code}: the stop");
    }
}

#[tokio::test]
async fn a_receiver_that_refuses_everything_gets_each_state_once() {
    let (url, told) = receiver(&[Answer::Code(404)]);
    let health = one(webhook(&url)).start().expect("it starts");
    fail(&health);
    assert_eq!(next(&told).body["to"], "error");
    pass(&health);
    assert_eq!(next(&told).body["to"], "ok");
    let rest = rest(health, &told).await;
    assert_eq!(rest.len(), 1, "the stop: {rest:?}");
}

#[tokio::test]
async fn a_body_that_is_too_large_for_the_receiver_is_split() {
    let (url, told) = receiver(&[Answer::Code(413), Answer::Code(413), Answer::Code(200)]);
    let names = many(40);
    let health = forced(&names, webhook(&url)).start().expect("it starts");
    // Passing first results are batched, so this is one body of 40.
    for name in &names {
        turn(&health, name, true);
    }
    let sizes: Vec<_> = (0..3).map(|_| turns(&next(&told)).len()).collect();
    assert!(
        sizes[1] <= sizes[0].div_ceil(2) && sizes[2] <= sizes[1].div_ceil(2),
        "{sizes:?}"
    );
    let rest = rest(health, &told).await;
    let delivered: usize = rest.iter().map(|request| turns(request).len()).sum();
    assert_eq!(delivered + sizes[2], names.len());
}

#[tokio::test]
async fn a_hanging_receiver_delays_no_check() {
    for hanging in [
        Answer::Silence(Duration::from_millis(500)),
        Answer::Half(Duration::from_millis(500)),
    ] {
        let (url, told) = receiver(&[hanging, Answer::Code(200)]);
        let slow = webhook(&url)
            .timeout(Duration::from_millis(250))
            .when(|turned| turned.report.name() == "database");
        let often = CheckOptions::new().interval(SHORT).timeout(SHORT);
        let health = one(slow)
            .check("often", often, || async {})
            .start()
            .expect("it starts");
        fail(&health);
        let first = next(&told).body;
        // The receiver does not answer from now on.
        let runs = |health: &Health| {
            health
                .check("often")
                .expect("the check is registered")
                .consecutive()
        };
        let before = runs(&health);
        eventually("ten runs", async || runs(&health) >= before + 10).await;
        assert_eq!(next(&told).body, first);
    }
}

#[tokio::test]
async fn a_stop_sends_pending_states_without_waiting_for_a_hanging_receiver() {
    let (url, told) = receiver(&[Answer::Code(200)]);
    let health = one(webhook(&url).min_interval(Duration::from_secs(3_600)))
        .start()
        .expect("it starts");
    fail(&health);
    next(&told);
    // The minimum interval has not passed.
    pass(&health);
    let events: Vec<_> = rest(health, &told).await;
    let events: Vec<_> = events.iter().map(event).collect();
    assert_eq!(events, ["health.check.turned", "health.stopped"]);

    let (url, told) = receiver(&[Answer::Silence(BOUND)]);
    let health = one(webhook(&url)).start().expect("it starts");
    fail(&health);
    next(&told);
    let start = Instant::now();
    health.stop().await;
    let took = start.elapsed();
    assert!(
        (Duration::from_secs(2)..BOUND / 2).contains(&took),
        "{took:?}"
    );
}

#[tokio::test]
async fn an_unsendable_configuration_is_refused_at_the_start_without_secrets() {
    let refused = |webhook: Webhook| {
        let error = one(webhook).start().expect_err("it is refused").to_string();
        assert!(!error.contains("hunter2"), "{error}");
        error
    };
    let no_scheme = "begins neither with `http://` nor with `https://`";
    for (url, what) in [
        ("", no_scheme),
        ("/hunter2", no_scheme),
        ("alerts.example/hunter2", no_scheme),
        ("ftp://hunter2@host/", no_scheme),
        ("https://", "is no URL"),
        ("https://hunter2 host/", "is no URL"),
    ] {
        let error = refused(Webhook::new(url));
        assert!(error.contains(what), "{url}: {error}");
    }
    let all = Webhook::new("https://host/hunter2")
        .bearer("hunter2\n")
        .header("a b", "hunter2")
        .sign_with("hunter2\n")
        .timeout(Duration::ZERO)
        .min_interval(Duration::from_secs(90_000))
        .backoff(Duration::ZERO)
        .max_backoff(Duration::from_secs(90_000))
        .max_batch(0);
    let error = refused(all);
    assert!(error.contains("8 problems"), "{error}");
    let error = refused(Webhook::new("https://host/").sign_with_env("NO_SUCH_SECRET"));
    assert!(error.contains("`NO_SUCH_SECRET`"), "{error}");
}

/// A check whose first run ends, on request, long after its timeout.
fn late(webhook: Webhook) -> (Health, Arc<Notify>) {
    let given_up = Arc::new(Notify::new());
    let told = Arc::clone(&given_up);
    let check = move || {
        let told = Arc::clone(&told);
        async move {
            told.notified().await;
            Err::<(), _>("pool timed out")
        }
    };
    let often = CheckOptions::new().timeout(Duration::from_millis(20));
    let builder = Health::builder().check("database", often, check);
    (
        builder.notify(webhook).start().expect("it starts"),
        given_up,
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_late_cause_is_sent() {
    let (url, told) = receiver(&[Answer::Code(204)]);
    let (health, given_up) = late(webhook(&url).with_causes());
    let first = next(&told).body;
    assert_eq!(first["message"], "timed out");
    assert_eq!(first["cause"], json!(null));
    given_up.notify_one();
    let second = next(&told).body;
    for (key, value) in [("from", "error"), ("to", "error"), ("message", "timed out")] {
        assert_eq!(second[key], value, "{second}");
    }
    let cause = second["cause"].as_str().expect("a cause");
    assert!(cause.starts_with("failed after "), "{cause}");
    assert!(cause.ends_with(" s: pool timed out"), "{cause}");
    assert_eq!(second["incident"], first["incident"]);
    assert_eq!(second["missed"], 0);
    health.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_receiver_without_causes_gets_no_late_cause() {
    let (url, told) = receiver(&[Answer::Code(204)]);
    let (health, given_up) = late(webhook(&url));
    next(&told);
    given_up.notify_one();
    let has_cause = || {
        let database = health.check("database");
        database.is_some_and(|check| !check.cause().is_empty())
    };
    eventually("the cause is known", async || has_cause()).await;
    let rest = rest(health, &told).await;
    let turned = rest.iter().flat_map(turns).count();
    assert_eq!(turned, 0, "{rest:?}");
}
