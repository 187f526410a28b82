//! The checks of TCP, DNS and TLS, against local servers.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

use health_core::check::{BlockingIndicator, FailureClass, Indicator};
use health_core::report::Verdict;
use health_core::{Outcome, Status};
use health_indicators::{dns, tcp, tls};
use rcgen::{CertificateParams, CertifiedKey, KeyPair};
use tokio::net::{TcpListener, UdpSocket};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

use crate::support;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

fn class(outcome: &Outcome) -> (Status, Option<FailureClass>) {
    (outcome.status(), outcome.failure_class())
}

fn failing(class: FailureClass) -> (Status, Option<FailureClass>) {
    (Status::Fail, Some(class))
}

async fn listener() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    (listener, address)
}

#[tokio::test]
async fn a_port_is_open_or_closed() {
    let (listener, address) = listener().await;
    let check = tcp::connect(&*address);
    assert_eq!(check.check().await.status(), Status::Pass);
    // As on a field of any type.
    assert_eq!(Indicator::check(&check, &7_u8).await.status(), Status::Pass);
    drop(listener);
    assert_eq!(
        class(&check.check().await),
        failing(FailureClass::Unreachable)
    );
    let outcome = tcp::connect("no port").check().await;
    assert_eq!(class(&outcome), failing(FailureClass::Misconfigured));
    let outcome = tcp::connect("missing.invalid:1").check().await;
    assert_eq!(class(&outcome), failing(FailureClass::Unreachable));
}

/// A certificate that is valid from now minus `age` until now plus `left`.
fn certificate(age: Duration, left: Duration) -> CertifiedKey<KeyPair> {
    let names = vec!["pay.example".to_owned()];
    let mut params = CertificateParams::new(names).expect("a name");
    let now = SystemTime::now();
    params.not_before = (now - age).into();
    params.not_after = (now + left).into();
    let signing_key = KeyPair::generate().expect("a key");
    let cert = params.self_signed(&signing_key).expect("a certificate");
    CertifiedKey { cert, signing_key }
}

fn expired() -> CertifiedKey<KeyPair> {
    let mut params = CertificateParams::new(Vec::new()).expect("no names");
    let now = SystemTime::now();
    params.not_before = (now - 10 * DAY).into();
    params.not_after = (now - DAY / 2).into();
    let signing_key = KeyPair::generate().expect("a key");
    let cert = params.self_signed(&signing_key).expect("a certificate");
    CertifiedKey { cert, signing_key }
}

fn from_tomorrow() -> CertifiedKey<KeyPair> {
    let mut params = CertificateParams::new(Vec::new()).expect("no names");
    let now = SystemTime::now();
    params.not_before = (now + DAY).into();
    params.not_after = (now + 90 * DAY + DAY / 2).into();
    let signing_key = KeyPair::generate().expect("a key");
    let cert = params.self_signed(&signing_key).expect("a certificate");
    CertifiedKey { cert, signing_key }
}

/// A server with this certificate, and the number of its connections.
async fn tls_server(certified: &CertifiedKey<KeyPair>) -> (String, Arc<AtomicUsize>) {
    let key = PrivatePkcs8KeyDer::from(certified.signing_key.serialize_der());
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(
            vec![certified.cert.der().clone()],
            PrivateKeyDer::Pkcs8(key),
        )
        .expect("a key that fits");
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let (listener, address) = listener().await;
    let accepted = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&accepted);
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            counted.fetch_add(1, Ordering::Relaxed);
            let acceptor = acceptor.clone();
            tokio::spawn(async move { drop(acceptor.accept(socket).await) });
        }
    });
    (address, accepted)
}

#[tokio::test]
async fn a_certificate_is_checked_by_its_remaining_days() {
    // Half a day more, since a run takes some time.
    let left = |days: u32| certificate(DAY, days * DAY + DAY / 2);
    let invalid = failing(FailureClass::Misconfigured);
    for (certified, wanted, days) in [
        (left(14), (Status::Pass, None), 14),
        (left(13), (Status::Warn, None), 13),
        (left(0), (Status::Warn, None), 0),
        (expired(), invalid, -1),
        (from_tomorrow(), invalid, 90),
    ] {
        let (address, accepted) = tls_server(&certified).await;
        let outcome = tls::served(&*address).check().await;
        assert_eq!(class(&outcome), wanted, "{days}: {outcome:?}");
        assert_eq!(accepted.load(Ordering::Relaxed), 1);
        assert_observed(&outcome, days);
        // A wrong host name of the certificate is not a failure.
        let named = tls::served(&*address).server_name("other.example");
        assert_eq!(class(&Indicator::check(&named, &()).await), wanted);

        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), certified.cert.pem()).expect("it is written");
        let outcome = BlockingIndicator::check(&tls::file(file.path()), &());
        assert_eq!(class(&outcome), wanted, "{outcome:?}");
        assert_observed(&outcome, days);
    }
    let (address, _) = tls_server(&left(20)).await;
    let outcome = tls::served(&*address).warn_below_days(21).check().await;
    assert_eq!(class(&outcome), (Status::Warn, None));
    let outcome = tls::served(&*address).fail_below_days(21).check().await;
    assert_eq!(class(&outcome), invalid);
}

fn assert_observed(outcome: &Outcome, days: i64) {
    let text = format!("{outcome:?}");
    assert!(
        text.contains(&format!("{days}")) && text.contains("days"),
        "{text}"
    );
}

#[tokio::test]
async fn the_certificate_that_expires_first_counts() {
    let chain = [certificate(DAY, 90 * DAY), certificate(DAY, 5 * DAY)];
    let file = tempfile::NamedTempFile::new().expect("a file");
    let pem: String = chain.iter().map(|certified| certified.cert.pem()).collect();
    std::fs::write(file.path(), pem).expect("it is written");
    assert_eq!(tls::file(file.path()).check().status(), Status::Warn);
}

#[tokio::test]
async fn a_server_without_tls_has_its_own_class() {
    let (listener, address) = listener().await;
    drop(listener);
    let outcome = tls::served(&*address).check().await;
    assert_eq!(class(&outcome), failing(FailureClass::Unreachable));

    let (plain, address) = self::listener().await;
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = plain.accept().await {
            use tokio::io::AsyncWriteExt as _;
            let _ = socket.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
        }
    });
    let outcome = tls::served(&*address).check().await;
    assert_eq!(class(&outcome), failing(FailureClass::Refused));

    let invalid = failing(FailureClass::Misconfigured);
    assert_eq!(class(&tls::served("no port").check().await), invalid);
    assert_eq!(class(&tls::file("/missing/tls.crt").check()), invalid);
    let empty = tempfile::NamedTempFile::new().expect("a file");
    assert_eq!(class(&tls::file(empty.path()).check()), invalid);
}

/// A name server that knows `db.example`, fails for `broken.example`, and knows no
/// other name. Counts the queries.
async fn name_server() -> (SocketAddr, Arc<AtomicUsize>) {
    let socket = UdpSocket::bind("127.0.0.1:0").await.expect("a port");
    let address = socket.local_addr().expect("an address");
    let queries = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&queries);
    tokio::spawn(async move {
        let mut query = [0; 512];
        while let Ok((length, from)) = socket.recv_from(&mut query).await {
            counted.fetch_add(1, Ordering::Relaxed);
            let answer = answer(&query[..length]);
            let _ = socket.send_to(&answer, from).await;
        }
    });
    (address, queries)
}

/// RFC 1035, 4.1: the header, the question as it came, and one address.
fn answer(query: &[u8]) -> Vec<u8> {
    let name_ends = 12
        + query[12..]
            .iter()
            .position(|&byte| byte == 0)
            .expect("a name");
    let question = &query[12..name_ends + 5];
    let asks_for_a = question[question.len() - 3] == 1;
    let (code, answers) = match question {
        [2, b'd', b'b', ..] => (0, u8::from(asks_for_a)),
        [6, b'b', b'r', b'o', b'k', b'e', b'n', ..] => (2, 0),
        _ => (3, 0),
    };
    let mut answer = vec![query[0], query[1], 0x85, 0x80 | code];
    answer.extend([0, 1, 0, answers, 0, 0, 0, 0]);
    answer.extend(question);
    if answers == 1 {
        answer.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0x0e, 0x10, 0, 4, 10, 0, 0, 1]);
    }
    answer
}

#[tokio::test]
async fn each_run_resolves_the_name_again() {
    let (server, queries) = name_server().await;
    let known = dns::resolve("db.example.").at(server);
    for run in 1..=3 {
        let before = queries.load(Ordering::Relaxed);
        let outcome = Indicator::check(&known, &()).await;
        assert_eq!(class(&outcome), (Status::Pass, None), "{outcome:?}");
        assert!(queries.load(Ordering::Relaxed) > before, "run {run} asks");
    }
    for (name, wanted) in [
        ("missing.example.", FailureClass::Refused),
        ("broken.example.", FailureClass::Refused),
        ("no..name", FailureClass::Misconfigured),
    ] {
        let outcome = dns::resolve(name).at(server).check().await;
        assert_eq!(class(&outcome), failing(wanted), "{name}: {outcome:?}");
    }
}

/// No answer comes over UDP, so only the timeout of the check ends the run.
#[tokio::test]
async fn an_unreachable_name_server_fails() {
    let socket = UdpSocket::bind("127.0.0.1:0").await.expect("a port");
    let away = socket.local_addr().expect("an address");
    drop(socket);
    let name = Arc::new(dns::resolve("db.example.").at(away));
    let health = support::health(Duration::from_millis(500), move || {
        let name = Arc::clone(&name);
        async move { name.check().await }
    });
    let timed_out = (Verdict::Fail, Some(FailureClass::TimedOut));
    assert_eq!(support::seen(&health).await, timed_out);
}
