//! The address of a client behind proxies.
//!
//! The crates for `Forwarded` are lenient where an address must be rejected: an
//! attacker controls the beginning of these header fields.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use http::HeaderName;

use crate::http::request::RequestHead;

static X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
static FORWARDED: HeaderName = HeaderName::from_static("forwarded");

/// Header fields that proxies add and clients do not send.
static ADDED_BY_PROXIES: [HeaderName; 11] = [
    HeaderName::from_static("x-forwarded-for"),
    HeaderName::from_static("forwarded"),
    HeaderName::from_static("x-real-ip"),
    HeaderName::from_static("via"),
    HeaderName::from_static("x-forwarded-host"),
    HeaderName::from_static("x-forwarded-proto"),
    HeaderName::from_static("x-forwarded-client-cert"),
    HeaderName::from_static("x-envoy-external-address"),
    HeaderName::from_static("x-client-ip"),
    HeaderName::from_static("true-client-ip"),
    HeaderName::from_static("cf-connecting-ip"),
];

/// Returns whether the header fields show that a proxy has forwarded the
/// request.
pub(crate) fn is_forwarded(head: &RequestHead<'_>) -> bool {
    ADDED_BY_PROXIES.iter().any(|name| head.has(name))
}

/// Returns the address of the client that the proxies name.
///
/// Each proxy appends the address of its own peer. Read from the right, the
/// first address that is not a trusted proxy is the client; everything to the
/// left of it may be forged. `X-Forwarded-For` and `Forwarded` must agree if
/// both are present, since a proxy that writes only one of them forwards the
/// other one unchanged.
pub(crate) fn client(
    head: &RequestHead<'_>,
    is_trusted: impl Fn(IpAddr) -> bool,
) -> Option<IpAddr> {
    let nearest = |header, hops: Hops| {
        let mut client = None;
        for line in head.lines(header) {
            hops(line, &mut |hop| {
                if !hop.is_some_and(&is_trusted) {
                    client = hop;
                }
            });
        }
        client
    };
    let listed = || nearest(&X_FORWARDED_FOR, addresses);
    let forwarded = || nearest(&FORWARDED, elements);
    match (head.has(&X_FORWARDED_FOR), head.has(&FORWARDED)) {
        (true, true) => listed().filter(|client| forwarded() == Some(*client)),
        (true, false) => listed(),
        (false, true) => forwarded(),
        (false, false) => None,
    }
}

/// Visits the hops of one line of a header field.
type Hops = fn(&[u8], &mut dyn FnMut(Option<IpAddr>));

/// Visits the hops of one line of `X-Forwarded-For`; `None` is a hop without an
/// address.
fn addresses(line: &[u8], visit: &mut dyn FnMut(Option<IpAddr>)) {
    for hop in line.split(|byte| *byte == b',') {
        visit(std::str::from_utf8(hop).ok().and_then(address));
    }
}

/// Visits the hops of one line of `Forwarded` (RFC 7239); `None` is a hop
/// without an address. A line that breaks the grammar ends with `None`, so that
/// it never yields the address of a client.
fn elements(line: &[u8], visit: &mut dyn FnMut(Option<IpAddr>)) {
    let mut rest = std::str::from_utf8(line).ok();
    loop {
        let Some((node, more)) = rest.and_then(element) else {
            return visit(None);
        };
        visit(node.and_then(address));
        if more.is_none() {
            return;
        }
        rest = more;
    }
}

/// Splits `for=192.0.2.1;proto=https, …` into the value of `for` and what
/// follows the comma. Returns `None` if the grammar is broken.
fn element(mut text: &str) -> Option<(Option<&str>, Option<&str>)> {
    let mut node = None;
    loop {
        let (name, mut rest) = token(text.trim_start_matches(BLANK));
        if !name.is_empty() {
            let (value, after) = value(rest.strip_prefix('=')?)?;
            let is_second = name.eq_ignore_ascii_case("for") && node.replace(value).is_some();
            if is_second {
                return None;
            }
            rest = after;
        }
        rest = rest.trim_start_matches(BLANK);
        if rest.is_empty() {
            return Some((node, None));
        }
        if let Some(more) = rest.strip_prefix(',') {
            return Some((node, Some(more)));
        }
        text = rest.strip_prefix(';')?;
    }
}

/// Splits a value (a token or a quoted string) from the rest.
fn value(text: &str) -> Option<(&str, &str)> {
    let Some(quoted) = text.strip_prefix('"') else {
        return Some(token(text)).filter(|(value, _)| !value.is_empty());
    };
    let mut is_escaped = false;
    let end = quoted.find(|c| {
        let closes = c == '"' && !is_escaped;
        is_escaped = c == '\\' && !is_escaped;
        closes
    })?;
    Some((&quoted[..end], &quoted[end + 1..]))
}

fn token(text: &str) -> (&str, &str) {
    let belongs = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    text.split_at(text.find(|c| !belongs(c)).unwrap_or(text.len()))
}

const BLANK: [char; 2] = [' ', '\t'];

/// Parses an address with or without a port; IPv6 with or without brackets.
/// Names and the obfuscated identifiers of RFC 7239 return `None`.
fn address(text: &str) -> Option<IpAddr> {
    let text = text.trim_matches(BLANK);
    let bracketed = || text.strip_prefix('[')?.strip_suffix(']');
    let address = if let Ok(address) = text.parse::<IpAddr>() {
        address
    } else if let Ok(address) = text.parse::<SocketAddr>() {
        address.ip()
    } else {
        bracketed()?.parse::<Ipv6Addr>().ok()?.into()
    };
    Some(address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The trusted proxies are 10.0.0.0/8.
    fn client_of(headers: &[(&str, &str)]) -> Option<String> {
        let mut map = http::HeaderMap::new();
        for (name, value) in headers {
            let name = HeaderName::from_bytes(name.as_bytes()).expect("a name");
            map.append(name, value.parse().expect("a value"));
        }
        let head = RequestHead::new("GET", "/health").with_headers(&map);
        let is_trusted =
            |address| matches!(address, IpAddr::V4(address) if address.octets()[0] == 10);
        client(&head, is_trusted).map(|address| address.to_string())
    }

    #[test]
    fn the_last_untrusted_address_is_the_client() {
        for (lines, expected) in [
            (&["203.0.113.9"][..], Some("203.0.113.9")),
            (&["203.0.113.9, 10.0.0.2"], Some("203.0.113.9")),
            (
                &["198.51.100.1, 203.0.113.9, 10.0.0.2"],
                Some("203.0.113.9"),
            ),
            (
                &["198.51.100.1", "203.0.113.9", "10.0.0.2"],
                Some("203.0.113.9"),
            ),
            (&["203.0.113.9", "10.0.0.3, 10.0.0.2"], Some("203.0.113.9")),
            (&["10.0.0.2"], None),
            (&[""], None),
            (&["203.0.113.9,,"], None),
            (&["203.0.113.9", ""], None),
            (&["203.0.113.9, unknown, 10.0.0.2"], None),
            (&["unknown, \t203.0.113.9 "], Some("203.0.113.9")),
        ] {
            let headers: Vec<_> = lines
                .iter()
                .map(|line| ("x-forwarded-for", *line))
                .collect();
            assert_eq!(client_of(&headers).as_deref(), expected, "{lines:?}");
        }
    }

    #[test]
    fn an_address_may_have_a_port_and_brackets() {
        for (text, expected) in [
            ("203.0.113.9", Some("203.0.113.9")),
            ("203.0.113.9:51008", Some("203.0.113.9")),
            ("2001:db8::1", Some("2001:db8::1")),
            ("[2001:db8::1]", Some("2001:db8::1")),
            ("[2001:db8::1]:443", Some("2001:db8::1")),
            ("::ffff:203.0.113.9", Some("203.0.113.9")),
            ("[::ffff:203.0.113.9]:443", Some("203.0.113.9")),
            ("", None),
            ("unknown", None),
            ("_hidden", None),
            ("203.0.113.9:", None),
            ("203.0.113.9:65536", None),
            ("203.0.113.9:_port", None),
            ("203.0.113.09", None),
            ("203.0.113", None),
            ("[203.0.113.9]", None),
            ("[2001:db8::1", None),
            ("2001:db8::1]", None),
            ("[2001:db8::1]443", None),
            ("fe80::1%eth0", None),
            ("client.example", None),
        ] {
            let address = address(text).map(|address| address.to_string());
            assert_eq!(address.as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn forwarded_is_parsed_as_rfc_7239_requires() {
        for (line, expected) in [
            ("for=203.0.113.9", Some("203.0.113.9")),
            (
                "For=203.0.113.9;proto=https;by=10.0.0.2",
                Some("203.0.113.9"),
            ),
            (
                "proto=https; for=203.0.113.9 ; host=\"a,b;c\\\"d\"",
                Some("203.0.113.9"),
            ),
            (r#"for="203.0.113.9:51008""#, Some("203.0.113.9")),
            (r#"for="[2001:db8::1]:443""#, Some("2001:db8::1")),
            (r#"for="[2001:db8::1]", for=10.0.0.2"#, Some("2001:db8::1")),
            (
                "for=198.51.100.1, for=203.0.113.9,for=10.0.0.2",
                Some("203.0.113.9"),
            ),
            ("for=203.0.113.9;", Some("203.0.113.9")),
            ("for=unknown, for=203.0.113.9", Some("203.0.113.9")),
            ("for=203.0.113.9, for=unknown", None),
            ("for=203.0.113.9, for=_hidden, for=10.0.0.2", None),
            ("for=203.0.113.9, proto=https", None),
            ("for=203.0.113.9,", None),
            ("for=10.0.0.2", None),
            ("", None),
            ("203.0.113.9", None),
            ("for", None),
            ("for=", None),
            ("for =203.0.113.9", None),
            ("for=203.0.113.9;for=203.0.113.9", None),
            ("for=203.0.113.9:51008", None),
            ("for=[2001:db8::1]", None),
            (r#"for="203.0.113.9"#, None),
            (r#"for="203.0.113.9"x"#, None),
            (r#"for="203.0.113\.9""#, None),
        ] {
            assert_eq!(
                client_of(&[("forwarded", line)]).as_deref(),
                expected,
                "{line}"
            );
        }
    }

    /// A client ends its part inside a quoted string, to hide what the proxy
    /// appends.
    #[test]
    fn an_open_quote_does_not_hide_what_a_proxy_appends() {
        for appended in [
            "for=203.0.113.9",
            r#"for="[2001:db8::9]""#,
            r#"for=203.0.113.9;host=";for=198.51.100.1,for=198.51.100.1;x=""#,
            r#"host="a";for="203.0.113.9:1""#,
        ] {
            for forged in [
                r#"for=198.51.100.1;host=""#,
                r#"for=198.51.100.1, for=""#,
                r#"for=198.51.100.1;host="\"#,
            ] {
                let line = format!("{forged}, {appended}");
                assert_ne!(
                    client_of(&[("forwarded", &line)]).as_deref(),
                    Some("198.51.100.1"),
                    "{line}"
                );
                let lines = [("forwarded", forged), ("forwarded", appended)];
                assert_ne!(client_of(&lines).as_deref(), Some("198.51.100.1"), "{line}");
            }
        }
    }

    #[test]
    fn contradicting_forwarding_header_fields_give_no_address() {
        let list = ("x-forwarded-for", "203.0.113.9");
        let both = |forwarded| client_of(&[list, ("forwarded", forwarded)]);
        assert_eq!(both("for=203.0.113.9").as_deref(), Some("203.0.113.9"));
        for other in ["for=198.51.100.1", "for=unknown", "for=10.0.0.2", "", "\""] {
            assert_eq!(both(other), None, "{other}");
        }
        assert_eq!(client_of(&[("x-real-ip", "203.0.113.9")]), None);
        assert_eq!(client_of(&[]), None);
    }
}
