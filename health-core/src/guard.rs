//! Who may read everything.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use ipnet::IpNet;
use subtle::ConstantTimeEq;

use crate::head::RequestHead;
use crate::problem::Problem;

/// A token shorter than this can be guessed.
const SHORTEST_TOKEN: usize = 16;

/// Who is shown [`Details::Full`](crate::Details::Full): the texts of errors
/// beside everything else.
///
/// A guard opens and never shuts: whoever it does not know gets the answer that
/// everybody gets, because a prober that is turned away raises an alarm. Of
/// several conditions, one suffices.
///
/// ```
/// use health_core::{Guard, Health};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), health_core::StartError> {
/// # let token = "correct horse battery staple";
/// let health = Health::builder()
///     .guard(Guard::new().bearer(token).addresses(["10.0.0.0/8", "::1"]))
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
    predicates: Vec<Predicate>,
    problems: Vec<Problem>,
}

type Predicate = Arc<dyn Fn(&RequestHead<'_>) -> bool + Send + Sync>;

impl Guard {
    /// Knows nobody.
    pub fn new() -> Self {
        Guard::default()
    }

    /// Whoever sends `Authorization: Bearer <token>`. Compared in constant time.
    ///
    /// `start()` refuses a token of fewer than 16 bytes.
    pub fn bearer(mut self, token: impl Into<String>) -> Self {
        let token = token.into();
        if token.len() < SHORTEST_TOKEN {
            let what = format!("the token of the guard has {} bytes", token.len());
            self.wrong(
                what,
                format!("take a random one of at least {SHORTEST_TOKEN}"),
            );
        }
        self.tokens.push(token);
        self
    }

    /// As [`bearer`](Self::bearer), with the token in a variable of the
    /// environment, which `start()` refuses to be missing.
    pub fn bearer_from_env(mut self, variable: &str) -> Self {
        if let Ok(token) = std::env::var(variable) {
            return self.bearer(token);
        }
        let what = format!("the guard wants its token in `{variable}`, which is not set");
        self.wrong(what, format!("set `{variable}`, or leave the guard out"));
        self
    }

    /// Whoever comes from these addresses or ranges: `10.0.0.0/8`, `127.0.0.1`,
    /// `fd00::/8`.
    ///
    /// It is the address of the connection, unless that is one of the
    /// [trusted proxies](Self::trusted_proxies). With axum serve with
    /// `into_make_service_with_connect_info::<SocketAddr>()`, or there is none.
    pub fn addresses<R: AsRef<str>>(mut self, ranges: impl IntoIterator<Item = R>) -> Self {
        let networks = self.networks(ranges);
        self.networks.extend(networks);
        self
    }

    /// Proxies whose `X-Forwarded-For` is believed, by address or range. It is
    /// read from the right, and the first address that is no trusted proxy
    /// counts.
    pub fn trusted_proxies<R: AsRef<str>>(mut self, ranges: impl IntoIterator<Item = R>) -> Self {
        let proxies = self.networks(ranges);
        self.proxies.extend(proxies);
        self
    }

    /// Whoever the application itself knows.
    pub fn when(
        mut self,
        known: impl Fn(&RequestHead<'_>) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.predicates.push(Arc::new(known));
        self
    }

    fn networks<R: AsRef<str>>(&mut self, ranges: impl IntoIterator<Item = R>) -> Vec<IpNet> {
        let mut networks = Vec::new();
        for range in ranges {
            let text = range.as_ref();
            match network(text) {
                Some(network) => networks.push(network),
                None => self.wrong(
                    format!("`{}` is no range of addresses", text.escape_debug()),
                    "write an address, or one and the length of its prefix: `10.0.0.0/8`".into(),
                ),
            }
        }
        networks
    }

    fn wrong(&mut self, what: String, help: String) {
        self.problems.push(Problem::BadSetting { what, help });
    }

    pub(crate) fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// Whether a token can be one of the conditions.
    pub(crate) fn takes_tokens(&self) -> bool {
        !self.tokens.is_empty()
    }

    /// Whether there is a condition at all.
    pub(crate) fn knows_anybody(&self) -> bool {
        self.takes_tokens() || !self.networks.is_empty() || !self.predicates.is_empty()
    }

    /// The kinds of conditions, for the log: no tokens, no addresses.
    pub(crate) fn kinds(&self) -> Vec<&'static str> {
        let kinds = [
            ("token", self.takes_tokens()),
            ("addresses", !self.networks.is_empty()),
            ("rule", !self.predicates.is_empty()),
        ];
        let present = kinds.into_iter().filter(|(_, is_present)| *is_present);
        present.map(|(kind, _)| kind).collect()
    }

    /// Whether one of the conditions holds.
    pub(crate) fn knows(&self, head: &RequestHead<'_>) -> bool {
        self.knows_token(head)
            || self
                .client(head)
                .is_some_and(|client| contains(&self.networks, client))
            || self.predicates.iter().any(|known| known(head))
    }

    fn knows_token(&self, head: &RequestHead<'_>) -> bool {
        let Some((scheme, given)) = head.authorization.and_then(|value| value.split_once(' '))
        else {
            return false;
        };
        let is_known = |token: &String| bool::from(token.as_bytes().ct_eq(given.trim().as_bytes()));
        scheme.eq_ignore_ascii_case("bearer") && self.tokens.iter().any(is_known)
    }

    /// Who asks, as far as can be trusted. A list of proxies alone says nothing
    /// of the client before them.
    fn client(&self, head: &RequestHead<'_>) -> Option<IpAddr> {
        let peer = head.peer?.to_canonical();
        let Some(forwarded) = head.forwarded_for.filter(|_| contains(&self.proxies, peer)) else {
            return Some(peer);
        };
        for hop in forwarded.rsplit(',') {
            let hop: IpAddr = hop.trim().parse().ok()?;
            let hop = hop.to_canonical();
            if !contains(&self.proxies, hop) {
                return Some(hop);
            }
        }
        None
    }
}

/// The address by the rules of std, which takes no `010.0.0.0`: to some that
/// begins with 8.
fn network(text: &str) -> Option<IpNet> {
    let Some((address, _)) = text.split_once('/') else {
        return text.parse::<IpAddr>().ok().map(IpNet::from);
    };
    address.parse::<IpAddr>().ok()?;
    text.parse().ok()
}

fn contains(networks: &[IpNet], address: IpAddr) -> bool {
    networks.iter().any(|network| network.contains(&address))
}

/// Says how much there is, and no token.
impl fmt::Debug for Guard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guard")
            .field("tokens", &self.tokens.len())
            .field("networks", &self.networks)
            .field("proxies", &self.proxies)
            .field("predicates", &self.predicates.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const TOKEN: &str = "correct horse battery staple";

    fn head() -> RequestHead<'static> {
        RequestHead::new("GET", "/health")
    }

    fn from(peer: &str, forwarded: Option<&'static str>) -> RequestHead<'static> {
        head().peer(peer.parse().ok()).forwarded_for(forwarded)
    }

    #[test]
    fn a_token_is_known_whole_or_not_at_all() {
        let guard = Guard::new().bearer(TOKEN);
        assert!(guard.problems().is_empty());
        for good in [
            "Bearer correct horse battery staple",
            "bearer  correct horse battery staple ",
        ] {
            assert!(guard.knows(&head().authorization(Some(good))), "{good}");
        }
        for bad in [
            "",
            "Bearer",
            "Bearer ",
            "Bearer correct",
            "Basic correct horse battery staple",
            TOKEN,
        ] {
            assert!(!guard.knows(&head().authorization(Some(bad))), "{bad}");
        }
        assert!(!guard.knows(&head()));
        assert!(!format!("{guard:?}").contains("horse"));
    }

    #[test]
    fn an_address_is_that_of_the_connection() {
        let guard = Guard::new().addresses(["10.0.0.0/8", "127.0.0.1", "fd00::/8"]);
        assert!(guard.problems().is_empty());
        for good in ["10.1.2.3", "127.0.0.1", "fd00::7", "::ffff:10.1.2.3"] {
            assert!(guard.knows(&from(good, None)), "{good}");
        }
        for bad in ["11.0.0.1", "127.0.0.2", "::1", "::ffff:11.0.0.1"] {
            assert!(!guard.knows(&from(bad, None)), "{bad}");
        }
        assert!(
            !guard.knows(&from("11.0.0.1", Some("10.0.0.1"))),
            "anybody can send the header"
        );
        assert!(!guard.knows(&head()), "no address is no known address");
    }

    #[test]
    fn a_trusted_proxy_says_who_asks_and_the_client_cannot() {
        let guard = Guard::new()
            .addresses(["10.0.0.0/8"])
            .trusted_proxies(["10.0.0.1", "10.0.0.2"]);
        let knows = |forwarded| guard.knows(&from("10.0.0.1", forwarded));
        assert!(knows(None), "the proxy itself");
        assert!(knows(Some("10.9.9.9")));
        assert!(knows(Some("8.8.8.8, 10.9.9.9, 10.0.0.2")));
        assert!(!knows(Some("8.8.8.8")));
        assert!(
            !knows(Some("10.9.9.9, 8.8.8.8")),
            "what the client wrote itself"
        );
        assert!(!knows(Some("10.0.0.2")), "proxies alone");
        for nonsense in ["", "unknown", "10.9.9.9:80", "10.9.9.9,,"] {
            assert!(!knows(Some(nonsense)), "{nonsense}");
        }
    }

    #[test]
    fn what_cannot_be_used_is_named_without_the_token() {
        let guard = Guard::new()
            .bearer("short-secret")
            .bearer_from_env("HEALTH_TEST_NO_SUCH_VARIABLE")
            .addresses(["10.0.0.0/33", "ten", "010.0.0.0/8", "10.0.0.0/"]);
        let text: Vec<String> = guard.problems().iter().map(ToString::to_string).collect();
        assert_eq!(text.len(), 6, "{text:?}");
        assert!(!text.concat().contains("short-secret"));
    }

    #[test]
    fn the_application_may_know_more() {
        let guard = Guard::new().when(|head| head.method() == "GET");
        assert!(guard.knows(&head()));
        assert!(!guard.knows(&RequestHead::new("HEAD", "/health")));
    }

    proptest! {
        #[test]
        fn no_header_makes_it_panic_or_open(
            authorization in "\\PC{0,40}",
            forwarded in "\\PC{0,40}",
        ) {
            let guard = Guard::new().bearer(TOKEN).addresses(["192.0.2.0/24"]).trusted_proxies(["10.0.0.0/8"]);
            let head = head()
                .authorization(Some(&authorization))
                .peer("10.0.0.1".parse().ok())
                .forwarded_for(Some(&forwarded));
            prop_assert!(!guard.knows(&head) || forwarded.contains("192.0.2."));
        }

        #[test]
        fn no_range_makes_it_panic(range in "[0-9a-f:./]{0,24}") {
            let _ = Guard::new().addresses([range]);
        }
    }
}
