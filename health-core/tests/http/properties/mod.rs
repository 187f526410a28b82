//! Properties that hold for any input: proptest checks them in the usual tests,
//! libFuzzer in `fuzz/`. Each property takes one text, whose lines are the parts
//! of a request.

use std::net::IpAddr;
use std::sync::LazyLock;

use health_core::config::HttpOptions;
use health_core::config::Settings;
use health_core::http::{Guard, RequestHead};
use health_core::testing::Fake;
use health_core::{CheckOptions, Health, HealthBuilder, Outcome, StartError};
use tokio::runtime::{Builder, Runtime};

const TOKEN: &str = "correct horse battery staple";
const PRIVATE: &str = "postgres://orders:hunter2@db/orders";
const CANARY: &str = "<canary>";
/// Three checks fit in full.
const LARGEST_BODY: usize = 4 * 1024;

/// Checks need a runtime; none of them runs here.
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    let runtime = Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime can be built")
});

fn checked(builder: HealthBuilder) -> Health {
    try_checked(builder).expect("it starts")
}

fn try_checked(builder: HealthBuilder) -> Result<Health, StartError> {
    let _entered = RUNTIME.enter();
    let builder = ["cache", "database", "queue"]
        .into_iter()
        .fold(builder, |builder, name| {
            builder.check(name, CheckOptions::new().critical(), || async {})
        });
    let health = builder.start()?;
    Fake::of(&health, "cache").warn("\"cold\"\n<b>");
    Fake::of(&health, "queue").set(Outcome::pass().observe(7.0, "jobs"));
    let refused = Outcome::fail("refused").because(std::io::Error::other(PRIVATE));
    Fake::of(&health, "database").set(refused);
    Ok(health)
}

fn in_lines<const N: usize>(text: &str) -> [&str; N] {
    let mut lines = text.split('\n');
    [(); N].map(|()| lines.next().unwrap_or_default())
}

/// Method, path, query, `Accept`, `Authorization`, `X-Forwarded-For`.
pub(crate) fn any_request_gets_a_complete_answer(text: &str) {
    static HEALTH: LazyLock<Health> =
        LazyLock::new(|| checked(Health::builder().http(HttpOptions::new().common_paths())));

    let [method, path, query, accept, authorization, forwarded] = in_lines(text);
    let marked = |part: &str| format!("{part}{CANARY}");
    let [query, accept, authorization, forwarded] =
        [query, accept, authorization, forwarded].map(marked);
    for path in [path.to_owned(), format!("{path}/{CANARY}")] {
        let headers = [
            ("accept", &accept),
            ("authorization", &authorization),
            ("x-forwarded-for", &forwarded),
        ];
        let head = RequestHead::new(method, &path)
            .with_query(Some(&query))
            .with_headers(&headers);
        let answer = HEALTH.internal_endpoint().respond_cached(head);
        let status = answer.status().as_u16();
        let body = std::str::from_utf8(answer.body()).expect("the bytes are UTF-8");
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

/// `Authorization`, the address of the connection, then lines of header fields:
/// `name: value`, or a value of `X-Forwarded-For` alone.
pub(crate) fn a_guard_recognizes_only_its_clients(text: &str) {
    static HEALTH: LazyLock<Health> = LazyLock::new(|| {
        checked(
            Health::builder().http(
                HttpOptions::new().guard(
                    Guard::new()
                        .bearer(TOKEN)
                        .addresses(["192.0.2.0/24"])
                        .trusted_proxies(["10.0.0.0/8"]),
                ),
            ),
        )
    });

    let [authorization, peer, one, two, three] = in_lines(text);
    let peer: Option<IpAddr> = peer.parse().ok();
    let lines: Vec<(&str, &str)> = [one, two, three]
        .into_iter()
        .filter(|line| !line.is_empty())
        .map(|line| line.split_once(": ").unwrap_or(("x-forwarded-for", line)))
        .collect();
    let is_recognized = authorization_is_right(authorization) || is_near(peer, &lines);
    let field = |nth: usize| lines.get(nth).copied().unwrap_or(("x-none", ""));
    let headers = [
        ("authorization", authorization),
        field(0),
        field(1),
        field(2),
    ];
    let head = RequestHead::new("GET", "/health")
        .with_headers(&headers)
        .with_peer(peer);
    let answer = HEALTH.internal_endpoint().respond_cached(head);
    let body = std::str::from_utf8(answer.body()).expect("the bytes are UTF-8");
    assert_eq!(body.contains("postgres://"), is_recognized, "{text:?}");
    assert!(!body.contains("hunter2"), "{body}");
    assert_eq!(answer.status(), 503, "a guard rejects no request");

    let probe = |head: RequestHead<'_>| {
        let path = RequestHead::new("GET", "/readyz");
        let head = path.with_headers(&headers).with_peer(head.peer());
        HEALTH.internal_endpoint().respond_cached(head).into_body()
    };
    assert_eq!(probe(head), &br#"{"status":"unhealthy"}"#[..]);
}

fn authorization_is_right(authorization: &str) -> bool {
    let scheme = authorization.get(..6).unwrap_or_default();
    let rest = authorization.get(6..).unwrap_or_default();
    scheme.eq_ignore_ascii_case("bearer") && rest.starts_with(' ') && rest.trim_ascii() == TOKEN
}

/// Whether the client is 192.0.2.x. A peer in 10.0.0.0/8 is a proxy.
///
/// Computed in another way than in the library: the lines are joined, `Forwarded` is
/// split into characters, and both are read from the right.
fn is_near(peer: Option<IpAddr>, lines: &[(&str, &str)]) -> bool {
    let Some(peer) = peer.map(octets) else {
        return false;
    };
    let named = |wanted: &str| -> Vec<&str> {
        let is_wanted = |line: &&(&str, &str)| line.0.eq_ignore_ascii_case(wanted);
        lines.iter().filter(is_wanted).map(|line| line.1).collect()
    };
    let (list, forwarded) = (named("x-forwarded-for"), named("forwarded"));
    if peer[0] != 10 {
        let others = ["x-real-ip", "via"];
        let is_direct = list.is_empty()
            && forwarded.is_empty()
            && others.iter().all(|name| named(name).is_empty());
        return is_direct && peer.starts_with(&[192, 0, 2]);
    }
    let joined = list.join(",");
    let by_list: Vec<Option<[u8; 4]>> = joined.split(',').map(hop).collect();
    let by_forwarded: Vec<Option<[u8; 4]>> =
        forwarded.iter().flat_map(|line| nodes(line)).collect();
    let client = |hops: &[Option<[u8; 4]>]| {
        let nearest = hops.iter().rev().find(|hop| !matches!(hop, Some([10, ..])));
        nearest.copied().flatten()
    };
    let is_inside = |client: Option<[u8; 4]>| matches!(client, Some([192, 0, 2, _]));
    match (list.is_empty(), forwarded.is_empty()) {
        (true, true) => false,
        (false, true) => is_inside(client(&by_list)),
        (true, false) => is_inside(client(&by_forwarded)),
        (false, false) => {
            let (one, other) = (client(&by_list), client(&by_forwarded));
            is_inside(one) && one == other
        }
    }
}

fn octets(address: IpAddr) -> [u8; 4] {
    match address.to_canonical() {
        IpAddr::V4(address) => address.octets(),
        IpAddr::V6(_) => [0; 4],
    }
}

fn hop(text: &str) -> Option<[u8; 4]> {
    let text = text.trim_matches([' ', '\t']);
    if let Some((address, port)) = text.rsplit_once(':') {
        let has_port = port.parse::<u16>().is_ok() && !port.starts_with('+');
        let inside = address
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'));
        match inside {
            Some(inside) if has_port && inside.contains(':') => return hop_v6(inside),
            None if has_port && !address.contains(':') => {
                return address.parse().ok().map(octets);
            }
            _ => {}
        }
    }
    match text
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
    {
        Some(inside) if inside.contains(':') => inside.parse().ok().map(octets),
        Some(_) => None,
        None => text.parse().ok().map(octets),
    }
}

/// With a port, std parses the number of a zone.
fn hop_v6(text: &str) -> Option<[u8; 4]> {
    let (address, zone) = text.split_once('%').unwrap_or((text, "0"));
    zone.parse::<u32>()
        .ok()
        .filter(|_| !zone.starts_with('+'))?;
    address.parse().ok().map(octets)
}

/// The hops of a line of `Forwarded`; the last is `None` if it is malformed.
fn nodes(line: &str) -> Vec<Option<[u8; 4]>> {
    let mut hops = Vec::new();
    let mut pairs: Vec<String> = vec![String::new()];
    let (mut is_quoted, mut is_escaped) = (false, false);
    let mut elements = Vec::new();
    for c in line.chars() {
        let is_open = is_quoted;
        if c == '"' && !is_escaped {
            is_quoted = !is_quoted;
        }
        is_escaped = is_open && c == '\\' && !is_escaped;
        match c {
            ',' if !is_quoted => elements.push(std::mem::replace(&mut pairs, vec![String::new()])),
            ';' if !is_quoted => pairs.push(String::new()),
            c => pairs.last_mut().expect("one").push(c),
        }
    }
    elements.push(pairs);
    for pairs in elements {
        let nodes = node(&pairs).filter(|nodes| nodes.len() <= 1);
        hops.push(nodes.as_ref().and_then(|nodes| hop(nodes.first()?)));
        if nodes.is_none() {
            break;
        }
    }
    hops
}

/// The values of `for`, or `None` if a pair is malformed.
fn node(pairs: &[String]) -> Option<Vec<String>> {
    let is_token = |text: &str| {
        let belongs = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
        !text.is_empty() && text.chars().all(belongs)
    };
    let mut found = Vec::new();
    for pair in pairs {
        let pair = pair.trim_matches([' ', '\t']);
        if pair.is_empty() {
            continue;
        }
        let (name, value) = pair.split_once('=')?;
        let quoted = value
            .strip_prefix('"')
            .and_then(|rest| rest.strip_suffix('"'));
        let is_whole = |text: &str| {
            let plain = text.replace("\\\\", "").replace("\\\"", "");
            !plain.contains('"') && !plain.ends_with('\\')
        };
        let value = match quoted {
            Some(text) if is_whole(text) => text,
            _ if is_token(value) => value,
            _ => return None,
        };
        if !is_token(name) {
            return None;
        }
        if name.eq_ignore_ascii_case("for") {
            found.push(value.to_owned());
        }
    }
    Some(found)
}

/// The text around a secret in the message of an error.
pub(crate) fn a_secret_is_masked_in_any_surroundings(text: &str) {
    const SECRET: &str = "hunter2";
    // The text around the secret must not contain it.
    if text.contains(SECRET) {
        return;
    }
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

/// An address range, and an address.
pub(crate) fn an_address_range_contains_exactly_the_addresses_with_its_prefix(text: &str) {
    let [range, peer] = in_lines(text);
    let guard = Guard::new().addresses([range]);
    let Ok(health) = try_checked(Health::builder().http(HttpOptions::new().guard(guard))) else {
        return;
    };
    let (address, length) = range.split_once('/').unwrap_or((range, ""));
    let address: IpAddr = address.parse().expect("it was taken for a range");
    let peer: Option<IpAddr> = peer.parse().ok();
    let head = RequestHead::new("GET", "/health").with_peer(peer);
    let answer = health.internal_endpoint().respond_cached(head);
    let body = std::str::from_utf8(answer.body()).expect("the bytes are UTF-8");
    let is_open = body.contains("postgres://");
    let is_inside = peer.is_some_and(|peer| begins_alike(address, peer.to_canonical(), length));
    assert_eq!(is_open, is_inside, "{range:?} {peer:?}");
}

/// Compares bit by bit, up to the length of the prefix.
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

/// The name of a variable after its prefix, and its value.
pub(crate) fn a_variable_is_applied_refused_or_ignored(text: &str) {
    let [name, value] = in_lines(text);
    // A path in such a variable could be any device of this machine.
    if name.to_ascii_uppercase().contains("FILE") {
        return;
    }
    let with = |value: &str| Settings::from_vars([(format!("HEALTH_{name}"), value)]);
    // Another value of the same length: the output must not depend on the secret.
    let other = "#".repeat(value.len());
    assert_eq!(format!("{:?}", with(value)), format!("{:?}", with(&other)));
    let start = |value: &str| {
        let entered = RUNTIME.enter();
        let builder = Health::builder()
            .check("database", CheckOptions::new(), || async {})
            .check("orders-db", CheckOptions::new(), || async {});
        let started = builder.settings(with(value)).start();
        drop(entered);
        let refused = match started {
            // Ends its tasks and threads.
            Ok(health) => {
                RUNTIME.block_on(health.stop());
                return None;
            }
            Err(refused) => refused,
        };
        assert_eq!(refused.problems().len(), 1, "{refused}");
        Some(refused.to_string())
    };
    let refused = start(value);
    if name.eq_ignore_ascii_case("guard_token") {
        assert_eq!(refused, start(&other));
    }
}
