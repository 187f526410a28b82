//! Turns over a real socket, to receivers of all kinds.
#![cfg(feature = "webhook")]

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use health_core::{CheckOptions, Health, HealthBuilder, Outcome, Webhook, testing};
use serde_json::Value;

/// Far more than anything here takes, for a busy machine.
const BOUND: Duration = Duration::from_secs(20);
const SHORT: Duration = Duration::from_millis(5);

/// What a receiver got.
#[derive(Debug)]
struct Request {
    line: String,
    headers: BTreeMap<String, String>,
    body: Value,
}

impl Request {
    fn read(stream: &TcpStream) -> Option<Self> {
        let mut stream = BufReader::new(stream);
        let mut lines = Vec::new();
        loop {
            let mut line = String::new();
            if stream.read_line(&mut line).ok()? == 0 {
                return None;
            }
            let line = line.trim_end().to_owned();
            if line.is_empty() {
                break;
            }
            lines.push(line);
        }
        let header = |line: &String| {
            let (name, value) = line.split_once(": ")?;
            Some((name.to_lowercase(), value.to_owned()))
        };
        let headers: BTreeMap<_, _> = lines.iter().skip(1).filter_map(header).collect();
        let length = headers.get("content-length")?.parse().ok()?;
        let mut body = vec![0; length];
        stream.read_exact(&mut body).ok()?;
        Some(Request {
            line: lines[0].clone(),
            headers,
            body: serde_json::from_slice(&body).expect("JSON"),
        })
    }
}

/// How the receiver answers a request.
#[derive(Clone, Copy)]
enum Answer {
    Code(u16),
    /// It says nothing for so long, and then goes.
    Silence(Duration),
}

/// Answers the requests one after the other, the last answer for all others.
fn receiver(answers: &[Answer]) -> (String, Receiver<Request>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a socket");
    let url = format!(
        "http://{}/turns",
        listener.local_addr().expect("an address")
    );
    (url, serve(listener, answers))
}

fn serve(listener: TcpListener, answers: &[Answer]) -> Receiver<Request> {
    let (tell, told) = mpsc::channel();
    let answers = answers.to_vec();
    thread::spawn(move || {
        let (last, first) = answers.split_last().expect("an answer");
        let mut answers = first.iter().chain(std::iter::repeat(last));
        for stream in listener.incoming() {
            let mut stream = stream.expect("a connection");
            let Some(request) = Request::read(&stream) else {
                continue;
            };
            if tell.send(request).is_err() {
                return;
            }
            match answers.next().expect("an answer") {
                Answer::Silence(length) => thread::sleep(*length),
                Answer::Code(code) => {
                    let answer = format!(
                        "HTTP/1.1 {code} Whatever\r\nlocation: /elsewhere\r\n\
                         content-length: 0\r\nconnection: close\r\n\r\n"
                    );
                    // Whoever has given up is gone.
                    let _ = stream.write_all(answer.as_bytes());
                }
            }
        }
    });
    told
}

fn webhook(url: &str) -> Webhook {
    Webhook::new(url).backoff(SHORT)
}

/// A check that only says what it is forced to.
fn forced(webhook: Webhook) -> HealthBuilder {
    let idle = CheckOptions::new().critical().initial_delay(BOUND * 60);
    Health::builder()
        .check("database", idle, || async {})
        .webhook(webhook)
}

fn fail(health: &Health) {
    let error = std::io::Error::other("postgres://app:hunter2@db: refused");
    testing::force(health, "database", Outcome::fail("down").because(error));
}

fn pass(health: &Health) {
    testing::force(health, "database", Outcome::pass());
}

fn next(told: &Receiver<Request>) -> Request {
    told.recv_timeout(BOUND).expect("a request")
}

/// What comes until health has stopped.
async fn rest(health: Health, told: &Receiver<Request>) -> Vec<Request> {
    health.stop().await;
    told.try_iter().collect()
}

#[tokio::test]
async fn a_turn_is_posted_with_what_the_receiver_needs() {
    let (url, told) = receiver(&[Answer::Code(204)]);
    let webhook = webhook(&url)
        .bearer("let me in")
        .header("x-team", "orders")
        .label("service", "orders");
    let health = forced(webhook).start().expect("it starts");
    pass(&health);
    fail(&health);
    let Request {
        line,
        headers,
        body,
    } = next(&told);
    assert_eq!(line, "POST /turns HTTP/1.1");
    assert_eq!(headers["content-type"], "application/json");
    assert_eq!(headers["authorization"], "Bearer let me in");
    assert_eq!(headers["x-team"], "orders");
    assert!(headers["user-agent"].starts_with("health/"), "{headers:?}");
    let incident = health.check("database").expect("it").incident();
    for (key, value) in [
        ("event", "health.check.turned"),
        ("check", "database"),
        ("from", "ok"),
        ("to", "error"),
        ("message", "down"),
        ("incident", incident.expect("one").as_str()),
    ] {
        assert_eq!(body[key], value, "{key}: {body}");
    }
    assert_eq!(body["labels"]["service"], "orders");
    assert_eq!(body["critical"], true);
    assert_eq!(body["probes"], serde_json::json!(["readiness"]));
    assert_eq!(body.get("cause"), None, "{body}");

    pass(&health);
    let recovered = next(&told).body;
    assert_eq!(
        (&recovered["from"], &recovered["to"]),
        (&"error".into(), &"ok".into())
    );
    assert_eq!(
        recovered["incident"], body["incident"],
        "its end has its name"
    );
    assert_ne!(recovered["id"], body["id"]);
    assert_eq!(
        rest(health, &told).await.len(),
        0,
        "the first pass was no news"
    );
}

#[tokio::test]
async fn causes_are_sent_on_request_and_masked() {
    let (url, told) = receiver(&[Answer::Code(200)]);
    let webhook = webhook(&url).with_causes();
    let health = forced(webhook).start().expect("it starts");
    fail(&health);
    assert_eq!(next(&told).body["cause"], "postgres://***@db: refused");
}

#[tokio::test]
async fn who_wants_other_turns_gets_them() {
    let (url, told) = receiver(&[Answer::Code(200)]);
    let webhook = webhook(&url).when(|turned| turned.incident.is_none());
    let health = forced(webhook).start().expect("it starts");
    pass(&health);
    assert_eq!(next(&told).body["from"], "unknown");
    fail(&health);
    assert_eq!(rest(health, &told).await.len(), 0);
}

#[tokio::test]
async fn what_may_pass_is_sent_again_with_the_same_id() {
    let codes = &[
        Answer::Code(500),
        Answer::Code(429),
        Answer::Code(408),
        Answer::Code(503),
        Answer::Code(200),
    ];
    let (url, told) = receiver(codes);
    let health = forced(webhook(&url)).start().expect("it starts");
    fail(&health);
    let first = next(&told).body;
    for _ in 1..codes.len() {
        assert_eq!(next(&told).body, first);
    }
    assert_eq!(rest(health, &told).await.len(), 0, "it has been taken");
}

#[tokio::test]
async fn what_is_refused_is_not_sent_again() {
    for code in [301, 308, 400, 401, 404, 410, 422] {
        let (url, told) = receiver(&[Answer::Code(code)]);
        let health = forced(webhook(&url)).start().expect("it starts");
        fail(&health);
        assert_eq!(next(&told).body["to"], "error");
        pass(&health);
        assert_eq!(next(&told).body["to"], "ok", "{code}: the next turn is");
        assert_eq!(rest(health, &told).await.len(), 0, "{code}");
    }
}

#[tokio::test]
async fn it_gives_up_after_its_attempts_and_goes_on_with_the_next_turn() {
    let (url, told) = receiver(&[Answer::Code(500)]);
    let health = forced(webhook(&url).attempts(3))
        .start()
        .expect("it starts");
    fail(&health);
    pass(&health);
    let sent: Vec<_> = (0..6).map(|_| next(&told).body).collect();
    let turns: Vec<_> = sent.iter().map(|body| body["to"].clone()).collect();
    assert_eq!(turns, ["error", "error", "error", "ok", "ok", "ok"]);
    assert_eq!(
        (&sent[0]["missed"], &sent[5]["missed"]),
        (&0.into(), &1.into())
    );
    assert_eq!(rest(health, &told).await.len(), 0);
}

#[tokio::test]
async fn a_refused_connection_is_tried_again() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a socket");
    let address = listener.local_addr().expect("an address");
    drop(listener);
    let patient = webhook(&format!("http://{address}/"))
        .attempts(20)
        .backoff(Duration::from_millis(20));
    let health = forced(patient).start().expect("it starts");
    fail(&health);
    thread::sleep(Duration::from_millis(50));
    let listener = TcpListener::bind(address).expect("the same socket");
    let told = serve(listener, &[Answer::Code(200)]);
    assert_eq!(next(&told).body["to"], "error");
}

#[tokio::test]
async fn a_receiver_that_hangs_costs_a_timeout_and_no_check_waits_for_it() {
    let (url, told) = receiver(&[
        Answer::Silence(Duration::from_millis(500)),
        Answer::Code(200),
    ]);
    let slow = webhook(&url).timeout(Duration::from_millis(250));
    let often = CheckOptions::new().interval(SHORT).timeout(SHORT);
    let health = forced(slow)
        .check("often", often, || async {})
        .start()
        .expect("it starts");
    fail(&health);
    let first = next(&told).body;
    // The receiver is silent now.
    let runs = |health: &Health| health.check("often").expect("it").consecutive();
    let before = runs(&health);
    let start = Instant::now();
    while runs(&health) < before + 10 {
        assert!(start.elapsed() < BOUND, "the check is delayed");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let again = loop {
        let body = next(&told).body;
        if body["check"] == "database" {
            break body;
        }
    };
    assert_eq!(again, first);
}

#[tokio::test]
async fn the_queue_is_bounded_and_the_body_says_what_was_dropped() {
    let (url, told) = receiver(&[
        Answer::Silence(Duration::from_millis(300)),
        Answer::Code(200),
    ]);
    let health = forced(webhook(&url).attempts(1))
        .start()
        .expect("it starts");
    fail(&health);
    next(&told);
    // The receiver is silent, and these wait.
    for _ in 0..200 {
        pass(&health);
        fail(&health);
    }
    let next_one = next(&told).body;
    let given_up = 1;
    assert_eq!(next_one["missed"], given_up + 400 - 256, "{next_one}");
    assert_eq!(next(&told).body["missed"], 0);
}

#[tokio::test]
async fn a_stop_waits_for_what_is_queued_but_not_for_a_receiver_that_hangs() {
    let (url, told) = receiver(&[Answer::Code(200)]);
    let health = forced(webhook(&url)).start().expect("it starts");
    for _ in 0..10 {
        fail(&health);
        pass(&health);
    }
    assert_eq!(rest(health, &told).await.len(), 20);

    let (url, told) = receiver(&[Answer::Silence(BOUND)]);
    let health = forced(webhook(&url)).start().expect("it starts");
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
async fn what_cannot_be_sent_is_refused_at_the_start_without_a_secret() {
    let refused = |webhook: Webhook| {
        let error = forced(webhook)
            .start()
            .expect_err("it is refused")
            .to_string();
        assert!(!error.contains("hunter2"), "{error}");
        error
    };
    for (url, what) in [
        ("hunter2 is no address", "is no URL"),
        (
            "/hunter2",
            "begins neither with `http://` nor with `https://`",
        ),
        (
            "ftp://hunter2@host/",
            "begins neither with `http://` nor with `https://`",
        ),
        ("", "is no URL"),
    ] {
        let error = refused(Webhook::new(url));
        assert!(error.contains(what), "{url}: {error}");
    }
    let all = Webhook::new("https://host/hunter2")
        .bearer("hunter2\n")
        .header("a b", "hunter2")
        .timeout(Duration::ZERO)
        .attempts(0);
    let error = refused(all);
    assert!(error.contains("4 problems"), "{error}");
}
