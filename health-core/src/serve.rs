//! The answers on a port and a thread of their own.
//!
//! An application whose workers are all blocked accepts nothing, and its probes
//! time out with everything else. Here they are answered all the same: thread,
//! runtime, timers and sockets are shared with nobody.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::io::{self, ErrorKind};
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use http::Request;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::oneshot;
use tokio::task::AbortHandle;
use tokio::time::sleep;

use crate::endpoint::Endpoint;
use crate::head::RequestHead;

/// Of the head of a request, and of what is buffered of an answer.
const LARGEST_HEAD: usize = 16 * 1024;
/// How long nothing is accepted once the process has no more file descriptors.
const PAUSE: Duration = Duration::from_millis(100);

/// What a flood of connections can cost.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Open at once. A quarter of the file descriptors that a process usually has.
    connections: usize,
    /// For a head to arrive whole, counted from the connection or the last
    /// answer. Longer than the usual intervals of probers, so that one who keeps
    /// its connection does not find it closed.
    idle: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            connections: 256,
            idle: Duration::from_secs(75),
        }
    }
}

/// A port that serves the answers until this is dropped: see [`Health::serve`].
///
/// [`Health::serve`]: crate::Health::serve
#[derive(Debug)]
#[must_use = "the port is closed when this is dropped"]
pub struct Served {
    address: SocketAddr,
    /// The thread ends with it.
    _open: oneshot::Sender<Infallible>,
}

impl Served {
    /// Where it listens, with the port that the system chose for port 0.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn start(
        endpoint: Endpoint,
        address: impl ToSocketAddrs,
        limits: Limits,
    ) -> io::Result<Self> {
        let listener = listen(address)?;
        let address = listener.local_addr()?;
        let (open, closed) = oneshot::channel();
        let (tell, told) = mpsc::channel();
        // The runtime is made where it ends: dropped in another, it would panic.
        let serve = move || match enter(listener) {
            Ok((runtime, listener)) => {
                let _ = tell.send(Ok(()));
                runtime.block_on(async {
                    tokio::spawn(accept(listener, endpoint, limits));
                    let _ = closed.await;
                });
            }
            Err(error) => {
                let _ = tell.send(Err(error));
            }
        };
        thread::Builder::new().name("health".into()).spawn(serve)?;
        told.recv().map_err(io::Error::other)??;
        Ok(Served {
            address,
            _open: open,
        })
    }
}

fn listen(address: impl ToSocketAddrs) -> io::Result<std::net::TcpListener> {
    let refused = |what: String, error: io::Error| {
        io::Error::new(error.kind(), format!("health cannot listen{what}: {error}"))
    };
    let addresses: Vec<SocketAddr> = match address.to_socket_addrs() {
        Ok(addresses) => addresses.collect(),
        Err(error) => return Err(refused(String::new(), error)),
    };
    let bound = std::net::TcpListener::bind(&addresses[..]);
    bound.map_err(|error| {
        let shown: Vec<String> = addresses.iter().map(ToString::to_string).collect();
        refused(format!(" on {}", shown.join(", ")), error)
    })
}

fn enter(listener: std::net::TcpListener) -> io::Result<(Runtime, TcpListener)> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    listener.set_nonblocking(true)?;
    let entered = runtime.enter();
    let listener = TcpListener::from_std(listener)?;
    drop(entered);
    Ok((runtime, listener))
}

/// At the limit the oldest connection makes room, so that whoever holds many
/// keeps no prober out: a probe is over in a moment.
async fn accept(listener: TcpListener, endpoint: Endpoint, limits: Limits) {
    let mut connections: VecDeque<AbortHandle> = VecDeque::new();
    loop {
        let (stream, peer) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) if is_of_one_connection(&error) => continue,
            Err(_) => {
                sleep(PAUSE).await;
                continue;
            }
        };
        connections.retain(|connection| !connection.is_finished());
        if connections.len() == limits.connections {
            if let Some(oldest) = connections.pop_front() {
                oldest.abort();
            }
        }
        let connection = tokio::spawn(answer(stream, peer, endpoint.clone(), limits.idle));
        connections.push_back(connection.abort_handle());
    }
}

fn is_of_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::ConnectionAborted | ErrorKind::ConnectionRefused | ErrorKind::ConnectionReset
    )
}

/// Answers whatever comes on one connection.
async fn answer(stream: TcpStream, peer: SocketAddr, endpoint: Endpoint, idle: Duration) {
    // Or a second answer on the connection waits for the client's acknowledgement.
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request: Request<Incoming>| {
        let head = RequestHead::from(&request).with_peer(Some(peer.ip()));
        let answer = endpoint.answer(head);
        async { Ok::<_, Infallible>(answer.await.map(Full::new)) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(idle)
        .max_buf_size(LARGEST_HEAD)
        .serve_connection(TokioIo::new(stream), service);
    // What a client does wrong ends its own connection.
    let _ = connection.await;
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpStream;
    use std::time::Instant;

    use super::*;
    use crate::health::Health;

    const BOUND: Duration = Duration::from_secs(20);
    const REQUEST: &[u8] = b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n";

    fn served(limits: Limits) -> (Runtime, Served) {
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.expect("a runtime");
        let entered = runtime.enter();
        let health = Health::builder().start().expect("it starts");
        let served = Served::start(health.endpoint(), "127.0.0.1:0", limits);
        drop(entered);
        (runtime, served.expect("a free port"))
    }

    fn connect(served: &Served) -> TcpStream {
        let stream = TcpStream::connect(served.address()).expect("it listens");
        stream.set_read_timeout(Some(BOUND)).expect("a limit");
        stream
    }

    fn is_answered(stream: &mut TcpStream) -> bool {
        let (mut answer, mut part) = (Vec::new(), [0; 512]);
        let mut is_open = stream.write_all(REQUEST).is_ok();
        while is_open && !answer.ends_with(b"}") {
            let length = stream.read(&mut part).unwrap_or(0);
            answer.extend_from_slice(&part[..length]);
            is_open = length > 0;
        }
        answer.starts_with(b"HTTP/1.1 200 OK") && is_open
    }

    /// Reads until the other end closes or resets the connection.
    fn ends(mut stream: TcpStream) {
        let start = Instant::now();
        let _ = stream.read_to_end(&mut Vec::new());
        assert!(start.elapsed() < BOUND, "it is still open");
    }

    #[test]
    fn a_head_that_never_ends_is_not_waited_for() {
        let (_runtime, served) = served(Limits {
            idle: Duration::from_millis(50),
            ..Limits::default()
        });
        let silent = connect(&served);
        let mut slow = connect(&served);
        slow.write_all(b"GET /livez HTTP/1.1\r\nHost:")
            .expect("sent");
        let mut idle = connect(&served);
        assert!(is_answered(&mut idle));
        for stream in [silent, slow, idle] {
            ends(stream);
        }
    }

    #[test]
    fn at_the_limit_the_oldest_connection_makes_room() {
        let (_runtime, served) = served(Limits {
            connections: 3,
            ..Limits::default()
        });
        let oldest = connect(&served);
        let mut second = connect(&served);
        let mut third = connect(&served);
        assert!(is_answered(&mut second) && is_answered(&mut third));
        let mut newest = connect(&served);
        assert!(is_answered(&mut newest));
        ends(oldest);
        assert!([second, third, newest].iter_mut().all(is_answered));
    }

    #[test]
    fn a_flood_keeps_nobody_out() {
        let (_runtime, served) = served(Limits {
            connections: 8,
            ..Limits::default()
        });
        let mut flood = Vec::new();
        for _ in 0..200 {
            let mut stream = connect(&served);
            stream.write_all(b"GET /li").expect("sent");
            flood.push(stream);
        }
        assert!(is_answered(&mut connect(&served)));
    }
}
