//! The guard, which decides which clients see private details.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use ipnet::IpNet;
use subtle::ConstantTimeEq;

use crate::http::forwarded;
use crate::http::request::RequestHead;
use crate::registry::error::Problem;
use crate::registry::network::network;
use crate::telemetry::log::line::Line;
use crate::text::panic::caught;

/// A shorter token can be guessed.
const MIN_TOKEN: usize = 16;

/// Decides which clients see [`Details::Full`](crate::http::Details::Full),
/// which includes the texts of errors.
///
/// A client is recognized if one of the conditions holds. A guard never rejects
/// a request: an unrecognized client gets the public response, because
/// rejecting a prober would raise an alarm.
///
/// The guard applies to `/health`, groups, single checks of these, and the
/// status page. The answers of probes are the same for every client; there the
/// guard only decides whether a client may [exclude
/// checks](crate::config::HttpOptions::exclude_for_all_clients).
///
/// ```
/// use health_core::config::HttpOptions;
/// use health_core::http::Guard;
/// use health_core::Health;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), health_core::StartError> {
/// # let token = "correct horse battery staple";
/// let health = Health::builder()
///     .http(HttpOptions::new().guard(Guard::new().bearer(token).addresses(["192.0.2.0/24", "::1"])))
///     .start()?;
/// # let _ = health;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Default)]
pub struct Guard {
    tokens: Vec<String>,
    networks: Vec<IpNet>,
    proxies: Vec<IpNet>,
    rules: Vec<Rule>,
    pub(crate) problems: Vec<Problem>,
    logged: Arc<Logged>,
}

type Rule = Arc<dyn Fn(&RequestHead<'_>) -> bool + Send + Sync>;

/// Conditions that are logged only once, because a client could otherwise fill
/// the log.
#[derive(Default)]
struct Logged {
    missing_peer: AtomicBool,
    untrusted_proxy: AtomicBool,
    panic: AtomicBool,
}

impl Guard {
    /// Creates a guard that recognizes no client.
    pub fn new() -> Self {
        Guard::default()
    }

    /// Recognizes requests with `Authorization: Bearer <token>`. The token is
    /// compared in constant time.
    ///
    /// # Errors
    ///
    /// `start()` fails if the token has fewer than 16 bytes.
    pub fn bearer(mut self, token: impl Into<String>) -> Self {
        let token = token.into();
        if token.len() < MIN_TOKEN {
            self.problems.push(Problem::setting(
                format!("the token of the guard has {} bytes", token.len()),
                format!("take a random one of at least {MIN_TOKEN}"),
            ));
        }
        self.tokens.push(token);
        self
    }

    /// Like [`bearer`](Self::bearer), with the token from an environment
    /// variable.
    ///
    /// # Errors
    ///
    /// `start()` fails if the variable is not set, or if the token is too short.
    pub fn bearer_from_env(mut self, variable: &str) -> Self {
        if let Ok(token) = std::env::var(variable) {
            return self.bearer(token);
        }
        self.problems.push(Problem::setting(
            format!("the guard reads its token from `{variable}`, which is not set"),
            format!("set `{variable}`, or leave the guard out"),
        ));
        self
    }

    /// Recognizes clients with these addresses, or from these ranges:
    /// `192.0.2.0/24`, `127.0.0.1`, `fd00::/8`.
    ///
    /// The address of a client is that of its connection. If the connection
    /// comes from a [trusted proxy](Self::trusted_proxies), it is the address
    /// that the proxy names. A request that was forwarded by any other peer has
    /// no address. Neither has a request whose connection is unknown: with
    /// axum, serve with `into_make_service_with_connect_info::<SocketAddr>()`.
    ///
    /// # Errors
    ///
    /// `start()` fails if one of them is neither an address nor a range, or if
    /// it is an IPv4-mapped IPv6 range (`::ffff:10.0.0.0/104`); use the IPv4
    /// notation.
    pub fn addresses<R: AsRef<str>>(mut self, ranges: impl IntoIterator<Item = R>) -> Self {
        let networks = self.networks(ranges);
        self.networks.extend(networks);
        self
    }

    /// Trusts `X-Forwarded-For` and `Forwarded` in requests from these proxies,
    /// given by address or range.
    ///
    /// The lists are read from the right, and the first address that is not a
    /// trusted proxy is the client. The client has no address if this entry is
    /// not an address, if there is no such entry, or if the two header fields
    /// name different clients. A trusted proxy is never a client itself.
    ///
    /// A trusted proxy must append to the header field or overwrite it. If it
    /// forwards the field unchanged, a client can choose its address.
    ///
    /// # Errors
    ///
    /// `start()` fails if one of them is neither an address nor a range, or if
    /// it is an IPv4-mapped IPv6 range (`::ffff:10.0.0.0/104`); use the IPv4
    /// notation.
    pub fn trusted_proxies<R: AsRef<str>>(mut self, ranges: impl IntoIterator<Item = R>) -> Self {
        let proxies = self.networks(ranges);
        self.proxies.extend(proxies);
        self
    }

    /// Recognizes requests for which `rule` returns `true`.
    ///
    /// `rule` sees the method, path, query, header fields and peer. It runs on
    /// the thread that answers the request and must not block. If it panics,
    /// the request is not recognized, and the first panic is logged.
    ///
    /// ```
    /// use health_core::config::HttpOptions;
    /// use health_core::http::{Guard, RequestHead};
    /// use health_core::Health;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), health_core::StartError> {
    /// // A header field that the proxy removes from requests of clients.
    /// let guard = Guard::new().when(|head| head.header("x-staff") == Some("yes"));
    /// let health = Health::builder().http(HttpOptions::new().guard(guard)).start()?;
    /// let head = RequestHead::new("GET", "/health").with_headers(&[("X-Staff", "yes")]);
    /// let answer = health.endpoint().respond_cached(head);
    /// # assert_eq!(answer.status(), 200);
    /// # Ok(())
    /// # }
    /// ```
    pub fn when(mut self, rule: impl Fn(&RequestHead<'_>) -> bool + Send + Sync + 'static) -> Self {
        self.rules.push(Arc::new(rule));
        self
    }

    fn networks<R: AsRef<str>>(&mut self, ranges: impl IntoIterator<Item = R>) -> Vec<IpNet> {
        let mut networks = Vec::new();
        for range in ranges {
            let text = range.as_ref();
            match network(text) {
                Ok(network) => networks.push(network),
                Err(instead) => self.problems.push(Problem::setting(
                    format!("`{}` is not an address range", text.escape_debug()),
                    format!("write {instead}"),
                )),
            }
        }
        networks
    }

    /// Returns whether a token is one of the conditions.
    pub(crate) fn takes_tokens(&self) -> bool {
        !self.tokens.is_empty()
    }

    /// Returns whether there is a condition.
    #[cfg(feature = "openapi")]
    pub(crate) fn has_conditions(&self) -> bool {
        self.takes_tokens() || !self.networks.is_empty() || !self.rules.is_empty()
    }

    /// Returns the configured conditions for the log, without tokens and
    /// addresses.
    pub(crate) fn kinds(&self) -> Vec<&'static str> {
        let kinds = [
            ("token", self.takes_tokens()),
            ("addresses", !self.networks.is_empty()),
            ("rule", !self.rules.is_empty()),
            ("trusted_proxies", !self.proxies.is_empty()),
        ];
        let present = kinds.into_iter().filter(|(_, is_present)| *is_present);
        present.map(|(kind, _)| kind).collect()
    }

    /// Returns whether one of the conditions holds. Never panics. `log` takes
    /// messages for the operator.
    pub(crate) fn recognizes(&self, head: &RequestHead<'_>, log: &dyn Fn(Line)) -> bool {
        self.recognizes_token(head)
            || self.recognizes_address(head, log)
            || self.recognizes_by_rule(head, log)
    }

    fn recognizes_token(&self, head: &RequestHead<'_>) -> bool {
        if !self.takes_tokens() {
            return false;
        }
        let authorization = head.authorization().unwrap_or_default();
        let Some((scheme, given)) = authorization.split_at_checked(BEARER.len()) else {
            return false;
        };
        let given = given.trim_ascii();
        let is_right = |token: &String| bool::from(token.as_bytes().ct_eq(given));
        scheme.eq_ignore_ascii_case(BEARER) && self.tokens.iter().any(is_right)
    }

    fn recognizes_address(&self, head: &RequestHead<'_>, log: &dyn Fn(Line)) -> bool {
        if self.networks.is_empty() {
            return false;
        }
        let Some(peer) = head.peer() else {
            if is_first(&self.logged.missing_peer) {
                log(Line::GuardWithoutPeer);
            }
            return false;
        };
        let peer = peer.to_canonical();
        if contains(&self.proxies, peer) {
            let client = forwarded::client(head, |address| contains(&self.proxies, address));
            return client.is_some_and(|client| contains(&self.networks, client));
        }
        contains(&self.networks, peer) && !self.is_untrusted_proxy(head, peer, log)
    }

    /// Returns whether the peer is a proxy that is not trusted, so that the
    /// client is unknown.
    fn is_untrusted_proxy(&self, head: &RequestHead<'_>, peer: IpAddr, log: &dyn Fn(Line)) -> bool {
        let is_proxy = forwarded::is_forwarded(head);
        if is_proxy && is_first(&self.logged.untrusted_proxy) {
            log(Line::UntrustedProxy(peer));
        }
        is_proxy
    }

    fn recognizes_by_rule(&self, head: &RequestHead<'_>, log: &dyn Fn(Line)) -> bool {
        self.rules.iter().any(|rule| match caught(|| rule(head)) {
            Ok(is_recognized) => is_recognized,
            Err(text) => {
                if is_first(&self.logged.panic) {
                    log(Line::GuardPanicked(text));
                }
                false
            }
        })
    }
}

const BEARER: &[u8] = b"bearer ";

fn is_first(logged: &AtomicBool) -> bool {
    !logged.swap(true, Ordering::Relaxed)
}

fn contains(networks: &[IpNet], address: IpAddr) -> bool {
    networks.iter().any(|network| network.contains(&address))
}

/// Omits the tokens.
impl fmt::Debug for Guard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guard")
            .field("tokens", &self.tokens.len())
            .field("networks", &self.networks)
            .field("proxies", &self.proxies)
            .field("rules", &self.rules.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::http::request::Headers;

    fn holds_for(guard: &Guard, head: &RequestHead<'_>) -> bool {
        guard.recognizes(head, &drop)
    }

    const TOKEN: &str = "correct horse battery staple";

    fn head<'a>(peer: &str, headers: &'a dyn Headers) -> RequestHead<'a> {
        RequestHead::new("GET", "/health")
            .with_peer(peer.parse().ok())
            .with_headers(headers)
    }

    #[test]
    fn a_token_is_accepted_as_a_whole() {
        let guard = Guard::new().bearer(TOKEN);
        assert!(guard.problems.is_empty());
        let recognizes = |value: &[u8]| {
            let headers = [("Authorization", value)];
            holds_for(&guard, &head("", &headers))
        };
        for right in [
            "Bearer correct horse battery staple",
            "bearer  correct horse battery staple ",
        ] {
            assert!(recognizes(right.as_bytes()), "{right}");
        }
        for wrong in [
            "",
            "Bearer",
            "Bearer ",
            "Bearer correct",
            "Bearer\tcorrect horse battery staple",
            "Basic correct horse battery staple",
            "Bearer correct horse battery staple x",
            TOKEN,
        ] {
            assert!(!recognizes(wrong.as_bytes()), "{wrong}");
        }
        assert!(!recognizes(b"Bearer \xff\xfe"));
        assert!(!holds_for(&guard, &head("", &[("cookie", "x")])));
        assert!(!format!("{guard:?}").contains("horse"));
    }

    #[test]
    fn an_address_is_compared_with_that_of_the_connection() {
        let guard = Guard::new().addresses(["10.0.0.0/8", "127.0.0.1", "fd00::/8"]);
        assert!(guard.problems.is_empty());
        let none: [(&str, &str); 0] = [];
        for inside in ["10.1.2.3", "127.0.0.1", "fd00::7", "::ffff:10.1.2.3"] {
            assert!(holds_for(&guard, &head(inside, &none)), "{inside}");
        }
        for outside in ["11.0.0.1", "127.0.0.2", "::1", "::ffff:11.0.0.1", "unknown"] {
            assert!(!holds_for(&guard, &head(outside, &none)), "{outside}");
        }
    }

    #[test]
    fn a_forwarded_request_of_an_untrusted_peer_has_no_address() {
        let guard = Guard::new().addresses(["10.0.0.0/8"]);
        for field in [
            ("X-Forwarded-For", "203.0.113.9"),
            ("X-Forwarded-For", "10.1.1.1"),
            ("X-Forwarded-For", ""),
            ("Forwarded", "for=10.1.1.1"),
            ("X-Real-IP", "10.1.1.1"),
            ("Via", "1.1 ingress"),
            ("X-Forwarded-Proto", "https"),
            ("X-Envoy-External-Address", "203.0.113.9"),
        ] {
            for peer in ["10.244.0.7", "::ffff:10.244.0.7", "203.0.113.9"] {
                assert!(
                    !holds_for(&guard, &head(peer, &[field])),
                    "{peer} {field:?}"
                );
            }
        }
    }

    #[test]
    fn a_trusted_proxy_names_the_client_and_is_not_one_itself() {
        let guard = Guard::new()
            .addresses(["10.0.0.0/8"])
            .trusted_proxies(["10.0.0.1", "10.0.0.2"]);
        let recognizes = |forwarded| {
            let headers = [("x-forwarded-for", forwarded)];
            holds_for(&guard, &head("10.0.0.1", &headers))
        };
        for inside in ["10.9.9.9", "10.9.9.9:51008", "8.8.8.8, 10.9.9.9, 10.0.0.2"] {
            assert!(recognizes(inside), "{inside}");
        }
        for outside in [
            "8.8.8.8",
            "10.9.9.9, 8.8.8.8",
            "10.0.0.2",
            "",
            "unknown",
            "10.9.9.9,,",
        ] {
            assert!(!recognizes(outside), "{outside}");
        }
        assert!(
            !holds_for(&guard, &head("10.0.0.1", &[("via", "1.1 proxy")])),
            "a proxy that does not name its client"
        );
    }

    #[test]
    fn unusable_conditions_are_reported_without_the_token() {
        let guard = Guard::new()
            .bearer("short-secret")
            .bearer_from_env("HEALTH_TEST_NO_SUCH_VARIABLE")
            .addresses(["10.0.0.0/33", "ten", "010.0.0.0/8", "10.0.0.0/"]);
        let text: Vec<String> = guard.problems.iter().map(ToString::to_string).collect();
        assert_eq!(text.len(), 6, "{text:?}");
        assert!(!text.concat().contains("short-secret"));
    }

    #[test]
    fn a_range_whose_address_has_bits_after_the_prefix_is_refused() {
        let guard = Guard::new().addresses(["10.0.0.5/8", "fd00::1/64", "10.0.0.5/32"]);
        let text: Vec<String> = guard.problems.iter().map(ToString::to_string).collect();
        assert_eq!(text.len(), 2, "{text:?}");
        assert!(text[0].contains("write `10.0.0.0/8`, or `10.0.0.5` for this address alone"));
        assert!(text[1].contains("write `fd00::/64`, or `fd00::1` for this address alone"));
    }

    #[test]
    fn an_ipv4_mapped_range_is_refused_with_the_ipv4_range_to_write() {
        for (range, instead) in [
            ("::ffff:10.0.0.0/104", "`10.0.0.0/8`"),
            ("::ffff:a00:0/104", "`10.0.0.0/8`"),
            ("::ffff:10.0.0.1", "`10.0.0.1`"),
            ("::ffff:10.0.0.1/128", "`10.0.0.1`"),
            ("::ffff:0.0.0.0/96", "`0.0.0.0/0`"),
            ("::ffff:10.0.0.0/8", "`10.0.0.0/32`"),
        ] {
            for guard in [
                Guard::new().addresses([range]),
                Guard::new().trusted_proxies([range]),
            ] {
                let text: Vec<String> = guard.problems.iter().map(ToString::to_string).collect();
                assert!(
                    text.len() == 1 && text[0].contains(range) && text[0].contains(instead),
                    "{range}: {text:?}"
                );
            }
        }
        for range in ["::/0", "fd00::/8", "::1", "::ffff:0:0:0/96", "0.0.0.0/0"] {
            let guard = Guard::new().addresses([range]);
            assert!(guard.problems.is_empty(), "{range}");
        }
    }

    #[test]
    fn a_guard_rule_reads_the_whole_request_head() {
        let guard = Guard::new().when(|head| {
            (head.method(), head.path(), head.query()) == ("GET", "/health", Some("team=a"))
                && head.header("x-team") == Some("a")
                && head.header_lines("x-team").count() == 2
                && head.peer() == "10.1.2.3".parse().ok()
        });
        let headers = [("X-Team", "a"), ("X-Team", "b")];
        let whole = head("10.1.2.3", &headers).with_query(Some("team=a"));
        assert!(holds_for(&guard, &whole));
        for other in [
            whole.with_query(None),
            whole.with_peer(None),
            whole.with_headers(&[("x-team", "b"), ("x-team", "a")]),
        ] {
            assert!(!holds_for(&guard, &other), "{other:?}");
        }
    }

    #[test]
    fn the_rules_after_a_panicking_one_are_evaluated() {
        let guard = Guard::new()
            .when(|_| panic!("broken rule"))
            .when(|head| head.path() == "/health");
        assert!(holds_for(&guard, &RequestHead::new("GET", "/health")));
        assert!(!holds_for(&guard, &RequestHead::new("GET", "/status")));
    }

    proptest! {
        #[test]
        fn no_header_field_panics_or_opens_the_guard(
            authorization in "\\PC{0,40}",
            forwarded in "\\PC{0,40}",
        ) {
            let guard = Guard::new().bearer(TOKEN).addresses(["192.0.2.0/24"]).trusted_proxies(["10.0.0.0/8"]);
            let headers = [("authorization", &authorization), ("x-forwarded-for", &forwarded)];
            let is_recognized = holds_for(&guard, &head("10.0.0.1", &headers));
            prop_assert!(!is_recognized || forwarded.contains("192.0.2."));
        }

        #[test]
        fn no_range_panics(range in "[0-9a-f:./]{0,24}") {
            let _ = Guard::new().addresses([range]);
        }
    }
}
