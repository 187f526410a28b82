//! The target of a probe: its address and protocol.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream, ToSocketAddrs};
use std::time::Instant;

use crate::connection::{Connection, remaining};
use crate::{ProbeError, Reason};

const DEFAULT_PORT: u16 = 80;

/// A parsed URL.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Target {
    protocol: Protocol,
    /// As it is sent in the request.
    host: String,
    address: Address,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    Http { path: String },
    Grpc { service: String },
}

#[derive(Debug, PartialEq, Eq)]
enum Address {
    Tcp { host: String, port: u16 },
    Unix { path: String },
}

impl Target {
    pub(crate) fn parse(url: &str) -> Result<Self, ProbeError> {
        let is_plain = url.bytes().all(|byte| byte.is_ascii_graphic());
        let Some((scheme, rest)) = url.split_once("://").filter(|_| is_plain) else {
            return Err(usage(url));
        };
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(end);
        let path = path.split('#').next().unwrap_or_default();
        let scheme = scheme.to_ascii_lowercase();
        let (protocol, is_unix) = match &*scheme {
            "http" => (Target::http(path), false),
            "http+unix" => (Target::http(path), true),
            "grpc" => (Target::grpc(path).ok_or_else(|| usage(url))?, false),
            "grpc+unix" => (Target::grpc(path).ok_or_else(|| usage(url))?, true),
            _ => return Err(usage(url)),
        };
        if is_unix {
            let path = decode(authority).filter(|path| !path.is_empty());
            return Ok(Target {
                protocol,
                host: "localhost".into(),
                address: Address::Unix {
                    path: path.ok_or_else(|| usage(url))?,
                },
            });
        }
        let (host, port) = split(authority).ok_or_else(|| usage(url))?;
        let port = match (port, &protocol) {
            (Some(port), _) => port,
            (None, Protocol::Http { .. }) => DEFAULT_PORT,
            // gRPC has no default port.
            (None, Protocol::Grpc { .. }) => return Err(usage(url)),
        };
        Ok(Target {
            protocol,
            host: authority.to_owned(),
            address: Address::Tcp {
                host: host.to_owned(),
                port,
            },
        })
    }

    fn http(path: &str) -> Protocol {
        let slash = if path.starts_with('/') { "" } else { "/" };
        Protocol::Http {
            path: format!("{slash}{path}"),
        }
    }

    fn grpc(path: &str) -> Option<Protocol> {
        let service = decode(path.strip_prefix('/').unwrap_or(path))?;
        Some(Protocol::Grpc { service })
    }

    pub(crate) fn protocol(&self) -> &Protocol {
        &self.protocol
    }

    /// Returns whether the service is on this machine.
    pub(crate) fn is_local(&self) -> bool {
        match &self.address {
            Address::Unix { .. } => true,
            Address::Tcp { host, .. } if host.eq_ignore_ascii_case("localhost") => true,
            Address::Tcp { host, .. } => {
                let address = host.parse::<IpAddr>();
                address.is_ok_and(|address| address.is_loopback())
            }
        }
    }

    pub(crate) fn host(&self) -> &str {
        &self.host
    }

    pub(crate) fn connect(&self, until: Instant) -> Result<Connection, ProbeError> {
        match &self.address {
            Address::Tcp { host, port } => connect_tcp(host, *port, until),
            Address::Unix { path } => connect_unix(path, until),
        }
    }
}

fn usage(url: &str) -> ProbeError {
    let shown: String = url.chars().take(100).collect();
    ProbeError::new(
        Reason::Usage,
        format!(
            "not a URL of the form http://HOST:PORT/PATH, grpc://HOST:PORT/SERVICE, \
             http+unix://SOCKET/PATH or grpc+unix://SOCKET/SERVICE: {shown}"
        ),
    )
}

/// The host without brackets, and the port.
fn split(authority: &str) -> Option<(&str, Option<u16>)> {
    let (host, rest) = match authority.strip_prefix('[') {
        Some(rest) => rest.split_once(']')?,
        None => authority.split_at(authority.find(':').unwrap_or(authority.len())),
    };
    let port = match rest {
        "" => None,
        rest => Some(
            rest.strip_prefix(':')?
                .parse()
                .ok()
                .filter(|&port| port > 0)?,
        ),
    };
    let is_host = !host.is_empty() && !host.contains(['@', '[', ']', '%', '\\']);
    is_host.then_some((host, port))
}

/// Decodes percent-encoding. Returns `None` if it is invalid or not UTF-8.
fn decode(text: &str) -> Option<String> {
    let mut bytes = text.bytes();
    let mut decoded = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        if byte == b'%' {
            let digits = [bytes.next()?, bytes.next()?];
            let digit = |byte: u8| char::from(byte).to_digit(16);
            let value = digit(digits[0])? * 16 + digit(digits[1])?;
            decoded.push(u8::try_from(value).ok().filter(|&byte| byte != 0)?);
        } else {
            decoded.push(byte);
        }
    }
    String::from_utf8(decoded).ok()
}

fn connect_tcp(host: &str, port: u16, until: Instant) -> Result<Connection, ProbeError> {
    let mut last = ProbeError::new(Reason::Unresolved, format!("{host} has no address"));
    for address in resolve(host, port)? {
        let remaining = remaining(until).map_err(ProbeError::lost)?;
        match TcpStream::connect_timeout(&address, remaining) {
            Ok(stream) => return Ok(Connection::tcp(stream, until)),
            Err(error) => {
                last = ProbeError::lost(error);
                last.detail = format!("{address}: {}", last.detail);
            }
        }
    }
    Err(last)
}

/// Uses the resolver of the system only for names: a static binary `FROM scratch` has
/// neither its libraries nor `/etc/hosts`.
fn resolve(host: &str, port: u16) -> Result<Vec<SocketAddr>, ProbeError> {
    if host.eq_ignore_ascii_case("localhost") {
        let both = [
            IpAddr::V4(Ipv4Addr::LOCALHOST),
            IpAddr::V6(Ipv6Addr::LOCALHOST),
        ];
        return Ok(both.map(|address| SocketAddr::new(address, port)).into());
    }
    if let Ok(address) = host.parse::<IpAddr>() {
        return Ok(vec![SocketAddr::new(address, port)]);
    }
    let found = (host, port).to_socket_addrs();
    let unresolved =
        |error: io::Error| ProbeError::new(Reason::Unresolved, format!("{host}: {error}"));
    Ok(found.map_err(unresolved)?.collect())
}

#[cfg(unix)]
fn connect_unix(path: &str, until: Instant) -> Result<Connection, ProbeError> {
    let stream = std::os::unix::net::UnixStream::connect(path);
    let refused = |error: io::Error| ProbeError::new(Reason::Refused, format!("{path}: {error}"));
    Ok(Connection::unix(stream.map_err(refused)?, until))
}

#[cfg(not(unix))]
fn connect_unix(_: &str, _: Instant) -> Result<Connection, ProbeError> {
    let text = "there are no Unix sockets on this system";
    Err(ProbeError::new(Reason::Usage, text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tcp(host: &str, port: u16) -> Address {
        Address::Tcp {
            host: host.into(),
            port,
        }
    }

    fn http(path: &str) -> Protocol {
        Protocol::Http { path: path.into() }
    }

    fn grpc(service: &str) -> Protocol {
        Protocol::Grpc {
            service: service.into(),
        }
    }

    #[test]
    fn urls_are_parsed() {
        let unix = |path: &str| Address::Unix { path: path.into() };
        for (url, protocol, host, address) in [
            (
                "http://127.0.0.1:3000/readyz",
                http("/readyz"),
                "127.0.0.1:3000",
                tcp("127.0.0.1", 3000),
            ),
            (
                "HTTP://localhost",
                http("/"),
                "localhost",
                tcp("localhost", 80),
            ),
            ("http://db?verbose", http("/?verbose"), "db", tcp("db", 80)),
            (
                "http://[::1]:9/a%20b#c",
                http("/a%20b"),
                "[::1]:9",
                tcp("::1", 9),
            ),
            (
                "grpc://[::1]:50051",
                grpc(""),
                "[::1]:50051",
                tcp("::1", 50051),
            ),
            (
                "grpc://a:1/orders.v1.Orders",
                grpc("orders.v1.Orders"),
                "a:1",
                tcp("a", 1),
            ),
            ("grpc://a:1/%C3%A4", grpc("ä"), "a:1", tcp("a", 1)),
            (
                "http+unix://%2Frun%2Fa.sock/readyz",
                http("/readyz"),
                "localhost",
                unix("/run/a.sock"),
            ),
            (
                "grpc+unix://%2Frun%2Fa.sock",
                grpc(""),
                "localhost",
                unix("/run/a.sock"),
            ),
        ] {
            let expected = Target {
                protocol,
                host: host.into(),
                address,
            };
            assert_eq!(Target::parse(url), Ok(expected), "{url}");
        }
    }

    #[test]
    fn only_loopback_addresses_are_local() {
        for (host, is_local) in [
            ("127.0.0.1:3000", true),
            ("127.8.0.1", true),
            ("[::1]:9", true),
            ("LocalHost:9", true),
            ("localhost.example:9", false),
            ("10.0.0.7:9", false),
            ("0.0.0.0:9", false),
            ("[::]:9", false),
        ] {
            let target = Target::parse(&format!("http://{host}/readyz"));
            assert_eq!(target.map(|it| it.is_local()), Ok(is_local), "{host}");
        }
        let socket = Target::parse("http+unix://%2Frun%2Fa.sock/readyz");
        assert_eq!(socket.map(|it| it.is_local()), Ok(true));
    }

    #[test]
    fn invalid_urls_are_refused() {
        for url in [
            "",
            "127.0.0.1:3000/readyz",
            "https://127.0.0.1/readyz",
            "http://",
            "http:///readyz",
            "http://:80/",
            "http://a:/",
            "http://a:0/",
            "http://a:65536/",
            "http://a:80:80/",
            "http://me:secret@a/",
            "http://[::1/",
            "http://a/b c",
            "http://a/\r\nX: y",
            "http://a/ä",
            "grpc://a",
            "grpc://a:1/%",
            "grpc://a:1/%ff",
            "http+unix:///readyz",
            "http+unix://%00/readyz",
            "http+unix://%zz/readyz",
        ] {
            let error = Target::parse(url).expect_err(url);
            assert_eq!(error.reason(), Reason::Usage, "{url}");
        }
    }
}
