//! Listening sockets on every address of a host name.

use std::future::poll_fn;
use std::io::{self, ErrorKind};
use std::net::{SocketAddr, TcpListener as StdListener, ToSocketAddrs};
use std::task::Poll;

use tokio::net::{TcpListener, TcpStream};

/// The maximum number of ports to try: the port that the system chooses for one
/// address family can be in use in the other one.
const MAX_PORTS: usize = 16;

/// Listens on every address that `address` resolves to, all on one port.
///
/// An address that the machine does not have, such as `::1` without IPv6, is
/// skipped if another one works. An address that is in use or forbidden is an
/// error, since a prober may use it.
pub(super) fn bind(address: impl ToSocketAddrs) -> io::Result<Vec<StdListener>> {
    let resolved = address
        .to_socket_addrs()
        .map_err(|error| io::Error::new(error.kind(), format!("health cannot listen: {error}")))?;
    let mut addresses: Vec<SocketAddr> = Vec::new();
    for address in resolved {
        if !addresses.contains(&address) {
            addresses.push(address);
        }
    }
    let mut bound = bind_all(&addresses);
    for _ in 1..MAX_PORTS {
        let is_taken = bound
            .as_ref()
            .is_err_and(|error| error.kind() == ErrorKind::AddrInUse);
        if !is_taken || addresses.iter().any(|address| address.port() != 0) {
            break;
        }
        bound = bind_all(&addresses);
    }
    bound
}

fn bind_all(addresses: &[SocketAddr]) -> io::Result<Vec<StdListener>> {
    let mut listeners: Vec<StdListener> = Vec::new();
    let mut missing = io::Error::new(
        ErrorKind::InvalidInput,
        "health cannot listen: no address was given",
    );
    for &address in addresses {
        let mut address = address;
        if let (0, Some(first)) = (address.port(), listeners.first()) {
            address.set_port(first.local_addr()?.port());
        }
        match StdListener::bind(address) {
            Ok(listener) => listeners.push(listener),
            Err(error) => {
                let is_essential = is_taken_or_forbidden(&error);
                let text = format!("health cannot listen on {address}: {error}");
                let refused = io::Error::new(error.kind(), text);
                if is_essential {
                    return Err(refused);
                }
                missing = refused;
            }
        }
    }
    if listeners.is_empty() {
        return Err(missing);
    }
    Ok(listeners)
}

fn is_taken_or_forbidden(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::AddrInUse | ErrorKind::PermissionDenied
    )
}

/// The listening sockets of a runtime.
pub(super) struct Listeners {
    listeners: Vec<TcpListener>,
    /// The socket that is polled first. It rotates, so that a flood on one does
    /// not starve the others.
    first: usize,
}

impl Listeners {
    /// Must be called inside a runtime.
    pub(super) fn new(listeners: Vec<StdListener>) -> io::Result<Self> {
        let listeners = listeners.into_iter().map(|listener| {
            listener.set_nonblocking(true)?;
            TcpListener::from_std(listener)
        });
        Ok(Listeners {
            listeners: listeners.collect::<io::Result<_>>()?,
            first: 0,
        })
    }

    /// Accepts the next connection on any of them.
    pub(super) async fn accept(&mut self) -> io::Result<(TcpStream, SocketAddr)> {
        self.first = (self.first + 1) % self.listeners.len();
        let (later, sooner) = self.listeners.split_at(self.first);
        poll_fn(|cx| {
            let mut in_turn = sooner.iter().chain(later);
            let accepted = in_turn.find_map(|listener| match listener.poll_accept(cx) {
                Poll::Ready(accepted) => Some(accepted),
                Poll::Pending => None,
            });
            accepted.map_or(Poll::Pending, Poll::Ready)
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn port(listener: &StdListener) -> u16 {
        listener.local_addr().expect("it is bound").port()
    }

    #[test]
    fn all_addresses_of_a_host_get_the_same_port() {
        let both: [SocketAddr; 3] = [
            ([127, 0, 0, 1], 0).into(),
            ([127, 0, 0, 2], 0).into(),
            ([127, 0, 0, 1], 0).into(),
        ];
        let listeners = bind(&both[..]).expect("two free addresses");
        assert_eq!(listeners.len(), 2, "the third is the first again");
        assert_eq!(port(&listeners[0]), port(&listeners[1]));
    }

    #[test]
    fn an_address_in_use_is_an_error_and_a_missing_one_is_not() {
        let taken = StdListener::bind("127.0.0.2:0").expect("a free port");
        let port = port(&taken);
        let both: [SocketAddr; 2] = [([127, 0, 0, 1], port).into(), ([127, 0, 0, 2], port).into()];
        let error = bind(&both[..]).expect_err("one of them is taken");
        let expected = format!("health cannot listen on 127.0.0.2:{port}: ");
        assert!(error.to_string().starts_with(&expected), "{error}");

        // A documentation address, which no machine has.
        let missing: SocketAddr = ([192, 0, 2, 1], 0).into();
        let present: SocketAddr = ([127, 0, 0, 1], 0).into();
        let listeners = bind(&[missing, present][..]).expect("one is there");
        assert_eq!(listeners.len(), 1);
        let error = bind(missing).expect_err("none is there");
        let expected = "health cannot listen on 192.0.2.1:0: ";
        assert!(error.to_string().starts_with(expected), "{error}");
    }

    #[test]
    fn a_host_without_addresses_is_an_error() {
        let none: [SocketAddr; 0] = [];
        let error = bind(&none[..]).expect_err("there is none");
        assert_eq!(
            error.to_string(),
            "health cannot listen: no address was given"
        );
    }
}
