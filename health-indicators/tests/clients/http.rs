//! The check over HTTP, against a server on a socket.

use std::time::Duration;

use health_core::Status;
use health_core::check::{FailureClass, Indicator};
use health_indicators::http::get;
use reqwest::Client;
use tokio::net::TcpListener;

use crate::socket::{Socket, answering};

fn url_of(server: &Socket) -> String {
    format!("http://127.0.0.1:{}/up?token=hunter2hunter2", server.port)
}

fn client() -> Client {
    Client::builder()
        .timeout(Duration::from_millis(500))
        .build()
        .expect("a client")
}

#[tokio::test]
async fn the_status_code_decides() {
    const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nup";
    let client = client();
    let server = answering(OK).await;
    let url = url_of(&server);
    for _ in 0..10 {
        let outcome = Indicator::check(&get(&*url), &client).await;
        assert_eq!(outcome.status(), Status::Pass, "{outcome:?}");
    }
    assert_eq!(server.connections(), 1, "the connection is kept");
    assert_eq!(
        get(&*url).expect(200).check(&client).await.status(),
        Status::Pass
    );
    assert_eq!(
        get(&*url).expect(204).check(&client).await.status(),
        Status::Fail
    );

    for (answer, class) in [
        (
            "HTTP/1.1 503 x\r\ncontent-length: 0\r\n\r\n",
            FailureClass::Refused,
        ),
        (
            "HTTP/1.1 404 x\r\ncontent-length: 0\r\n\r\n",
            FailureClass::Refused,
        ),
        (
            "HTTP/1.1 403 x\r\ncontent-length: 0\r\n\r\n",
            FailureClass::Unauthorized,
        ),
        (
            "HTTP/1.1 429 x\r\ncontent-length: 0\r\n\r\n",
            FailureClass::Saturated,
        ),
        ("no HTTP at all\r\n\r\n", FailureClass::Unreachable),
        ("", FailureClass::TimedOut),
    ] {
        let url = url_of(&answering(answer).await);
        let outcome = get(&*url).check(&client).await;
        assert_eq!(outcome.status(), Status::Fail);
        assert_eq!(
            outcome.failure_class(),
            Some(class),
            "{answer}: {outcome:?}"
        );
        assert!(!format!("{outcome:?}").contains("hunter2"), "{outcome:?}");
    }
}

#[tokio::test]
async fn a_redirect_is_misconfigured() {
    let target = url_of(&answering("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await);
    let answer = format!("HTTP/1.1 302 x\r\nlocation: {target}\r\ncontent-length: 0\r\n\r\n");
    let url = url_of(&answering(answer).await);
    let outcome = get(&*url).check(&client()).await;
    assert_eq!(outcome.status(), Status::Fail);
    assert_eq!(outcome.failure_class(), Some(FailureClass::Misconfigured));
}

#[tokio::test]
async fn an_unreachable_or_invalid_url_fails() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let closed = format!("http://{}/", listener.local_addr().expect("an address"));
    drop(listener);
    let outcome = get(closed).check(&client()).await;
    assert_eq!(outcome.failure_class(), Some(FailureClass::Unreachable));
    let outcome = get("no URL").check(&client()).await;
    assert_eq!(outcome.failure_class(), Some(FailureClass::Misconfigured));
    let header = get("http://127.0.0.1/").header("no header", "x");
    let outcome = header.check(&client()).await;
    assert_eq!(outcome.failure_class(), Some(FailureClass::Misconfigured));
}
