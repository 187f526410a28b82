//! What holds whatever somebody sends: proptest tries it in the usual tests,
//! libFuzzer in `fuzz/`. Each property takes one text, whose lines are the parts
//! of what was sent.

use std::net::IpAddr;
use std::sync::LazyLock;

use health_core::{CheckOptions, Guard, Health, HealthBuilder, Outcome, RequestHead, testing};
use tokio::runtime::{Builder, Runtime};

const TOKEN: &str = "correct horse battery staple";
const PRIVATE: &str = "postgres://orders:hunter2@db/orders";
const CANARY: &str = "<canary>";
/// Three checks, every one in full, with room to spare.
const LARGEST_BODY: usize = 4 * 1024;

/// Checks are tied to a runtime; nothing here lets them run.
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    let runtime = Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime")
});

fn checked(builder: HealthBuilder) -> Health {
    let _entered = RUNTIME.enter();
    let builder = ["cache", "database", "queue"]
        .into_iter()
        .fold(builder, |builder, name| {
            builder.check(name, CheckOptions::new().critical(), || async {})
        });
    let health = builder.start().expect("it starts");
    testing::force(&health, "cache", Outcome::warn("\"cold\"\n<b>"));
    testing::force(&health, "queue", Outcome::pass().observe(7.0, "jobs"));
    let refused = Outcome::fail("refused").because(std::io::Error::other(PRIVATE));
    testing::force(&health, "database", refused);
    health
}

fn in_lines<const N: usize>(text: &str) -> [&str; N] {
    let mut lines = text.split('\n');
    [(); N].map(|()| lines.next().unwrap_or_default())
}

/// Method, path, query, `Accept`, `Authorization`, `X-Forwarded-For`.
pub(crate) fn any_request_gets_a_complete_answer(text: &str) {
    static HEALTH: LazyLock<Health> = LazyLock::new(|| checked(Health::builder().common_paths()));

    let [method, path, query, accept, authorization, forwarded] = in_lines(text);
    let marked = |part: &str| format!("{part}{CANARY}");
    let [query, accept, authorization, forwarded] =
        [query, accept, authorization, forwarded].map(marked);
    for path in [path.to_owned(), format!("{path}/{CANARY}")] {
        let head = RequestHead::new(method, &path)
            .query(Some(&query))
            .accept(Some(&accept))
            .authorization(Some(&authorization))
            .forwarded_for(Some(&forwarded));
        let answer = HEALTH.endpoint().respond(head);
        let status = answer.status().as_u16();
        let body = std::str::from_utf8(answer.body()).expect("UTF-8");
        let content_type = answer.headers()["content-type"].to_str().expect("ASCII");
        assert!([200, 404, 405, 503].contains(&status), "{status}");
        assert!(body.len() <= LARGEST_BODY, "{}", body.len());
        assert!(
            !body.contains(CANARY) && !body.contains("hunter2"),
            "{body}"
        );
        assert_eq!(body.is_empty(), method == "HEAD", "{body}");
        if !["GET", "HEAD", "OPTIONS"].contains(&method) {
            assert!([404, 405].contains(&status), "{status}");
        }
        if !body.is_empty() && content_type.ends_with("json") {
            let json = serde_json::from_str::<serde_json::Value>(body);
            json.unwrap_or_else(|error| panic!("{error}: {body}"));
        }
    }
}

/// `Authorization`, `X-Forwarded-For`, the address of the connection.
pub(crate) fn a_guard_opens_to_those_whom_it_knows_alone(text: &str) {
    static HEALTH: LazyLock<Health> = LazyLock::new(|| {
        checked(
            Health::builder().guard(
                Guard::new()
                    .bearer(TOKEN)
                    .addresses(["192.0.2.0/24"])
                    .trusted_proxies(["10.0.0.0/8"]),
            ),
        )
    });

    let [authorization, forwarded, peer] = in_lines(text);
    let peer = peer.parse().ok();
    let forwarded = Some(forwarded).filter(|forwarded| !forwarded.is_empty());
    let head = RequestHead::new("GET", "/health")
        .authorization(Some(authorization))
        .forwarded_for(forwarded)
        .peer(peer);
    let answer = HEALTH.endpoint().respond(head);
    let body = std::str::from_utf8(answer.body()).expect("UTF-8");
    let is_open = body.contains("postgres://");
    assert_eq!(
        is_open,
        has_token(authorization) || is_near(peer, forwarded)
    );
    assert!(!body.contains("hunter2"), "{body}");
    assert_eq!(answer.status(), 503, "a guard never shuts");
}

fn has_token(authorization: &str) -> bool {
    let scheme = authorization.get(..6).unwrap_or_default();
    let rest = authorization.get(6..).unwrap_or_default();
    scheme.eq_ignore_ascii_case("bearer") && rest.starts_with(' ') && rest.trim() == TOKEN
}

/// The connection, then the list from the right: the first that is not 10.x.x.x
/// is 192.0.2.x. Without a list, the connection.
fn is_near(peer: Option<IpAddr>, forwarded: Option<&str>) -> bool {
    let octets = |address: IpAddr| match address.to_canonical() {
        IpAddr::V4(address) => address.octets(),
        IpAddr::V6(_) => [0; 4],
    };
    let Some(peer) = peer.map(octets) else {
        return false;
    };
    let Some(forwarded) = forwarded.filter(|_| peer[0] == 10) else {
        return peer.starts_with(&[192, 0, 2]);
    };
    let mut hops = forwarded
        .rsplit(',')
        .map(|hop| hop.trim().parse().map(octets));
    let client = hops.find(|hop| !matches!(hop, Ok([10, ..])));
    matches!(client, Some(Ok([192, 0, 2, _])))
}

/// What surrounds a secret in the text of an error.
pub(crate) fn a_secret_is_masked_whatever_surrounds_it(text: &str) {
    const SECRET: &str = "hunter2";
    for text in [
        format!("{text} password={SECRET}"),
        format!("{text}\npostgres://app:{SECRET}@db/x {text}"),
        format!("password: Some({SECRET:?}) {text}"),
        format!("x-api-key: {SECRET}\n{text}"),
    ] {
        let outcome = Outcome::fail(text.clone()).because(&*text);
        let message = outcome.message().unwrap_or_default();
        let cause = outcome.cause().concat();
        assert!(message.len() <= 256 && cause.len() <= 1024, "{text}");
        let is_shown = message.contains(SECRET) || cause.contains(SECRET);
        assert!(!is_shown, "{text:?} is shown as {cause:?}");
    }
}

/// A range, and an address.
pub(crate) fn a_range_holds_what_begins_as_it_does(text: &str) {
    let [range, peer] = in_lines(text);
    let _entered = RUNTIME.enter();
    let guard = Guard::new().addresses([range]);
    let Ok(health) = Health::builder().guard(guard).start() else {
        return;
    };
    let (address, length) = range.split_once('/').unwrap_or((range, ""));
    let address: IpAddr = address.parse().expect("it was taken for a range");
    let peer: Option<IpAddr> = peer.parse().ok();
    let head = RequestHead::new("GET", "/livez").peer(peer);
    let answer = health.endpoint().respond(head);
    let is_open = answer.body() != &br#"{"status":"healthy"}"#[..];
    let is_inside = peer.is_some_and(|peer| begins_alike(address, peer.to_canonical(), length));
    assert_eq!(is_open, is_inside, "{range:?} {peer:?}");
}

/// Bit by bit, as many as the text says, or all.
fn begins_alike(one: IpAddr, other: IpAddr, length: &str) -> bool {
    let bits = |address| match address {
        IpAddr::V4(address) => format!("{:032b}", u32::from(address)),
        IpAddr::V6(address) => format!("{:0128b}", u128::from(address)),
    };
    let (one, other) = (bits(one), bits(other));
    let length = match length {
        "" => one.len(),
        length => length.parse().expect("it was taken for a length"),
    };
    one.len() == other.len() && one[..length] == other[..length]
}
