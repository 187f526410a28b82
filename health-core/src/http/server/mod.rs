//! A server with its own port and thread.
//!
//! An application whose workers are all blocked accepts no connections, so its
//! probes time out. This server still answers, because it shares no thread,
//! runtime, timer or socket with the application.

pub(crate) mod agent;
pub(crate) mod connections;
pub(crate) mod listen;

use std::convert::Infallible;
use std::io::{self, ErrorKind};
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::Duration;

use http::{Request, Response};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::service::{Service, service_fn};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::time::sleep;

use crate::http::endpoint::Endpoint;
use crate::http::request::RequestHead;
use crate::http::server::connections::{Activity, Connections};
use crate::http::server::listen::{Listeners, bind};
use crate::own_runtime::OwnRuntime;
use crate::spawn;

/// The maximum size of a request head, and of the buffer of a response.
const MAX_HEAD_SIZE: u16 = 16 * 1024;
/// The pause between two attempts to accept a connection after the process ran
/// out of file descriptors.
const PAUSE: Duration = Duration::from_millis(100);
/// The maximum time that a drop waits for the thread to close the port. A guard
/// condition that blocks can hold the thread for longer.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

/// Limits against floods of connections.
#[derive(Clone, Copy)]
pub(crate) struct Limits {
    /// The maximum number of open connections: a quarter of the usual limit of
    /// file descriptors.
    connections: usize,
    /// The maximum time that a connection is idle: from its beginning or its
    /// last answer until the next head is complete. Longer than the usual
    /// intervals of probers, so that their connections are kept.
    idle: Duration,
}

/// The protocol of a port.
#[derive(Clone)]
pub(crate) enum Protocol {
    Http(Endpoint),
    /// One line per connection.
    Agent {
        endpoint: Endpoint,
        degraded_weight: u8,
    },
}

impl Protocol {
    /// Serves one connection until it is idle for too long.
    async fn serve(
        self,
        stream: TcpStream,
        peer: SocketAddr,
        activity: Arc<Activity>,
        idle: Duration,
    ) {
        match self {
            Protocol::Http(endpoint) => serve_http(stream, peer, endpoint, activity, idle).await,
            Protocol::Agent {
                endpoint,
                degraded_weight,
            } => {
                let served = agent::serve(stream, endpoint, degraded_weight);
                activity.until_idle(idle, served).await;
            }
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            connections: 256,
            idle: Duration::from_secs(75),
        }
    }
}

/// A server for the endpoint that runs until it is dropped: see
/// [`Health::serve`].
///
/// The drop blocks the thread until the port is free, at most 1 s.
///
/// [`Health::serve`]: crate::Health::serve
#[derive(Debug)]
#[must_use = "the port is closed when this is dropped"]
pub struct HealthServer {
    addresses: Vec<SocketAddr>,
    /// Dropped to end the thread.
    open: Option<oneshot::Sender<Infallible>>,
    /// Disconnected once the port is closed.
    closed: Mutex<mpsc::Receiver<Infallible>>,
}

impl HealthServer {
    /// Returns the first of [`addresses`](Self::addresses).
    pub fn address(&self) -> SocketAddr {
        self.addresses[0]
    }

    /// Returns the addresses on which it listens, with the port that the system
    /// chose for port 0: one address, or those of both families for a name such
    /// as `localhost`.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    pub(crate) fn start(
        protocol: Protocol,
        address: impl ToSocketAddrs,
        limits: Limits,
    ) -> io::Result<Self> {
        let listeners = bind(address)?;
        let addresses = listeners
            .iter()
            .map(std::net::TcpListener::local_addr)
            .collect::<io::Result<_>>()?;
        let (open, still_open) = oneshot::channel();
        let (closing, closed) = mpsc::channel();
        let runtime = OwnRuntime::new()?;
        let listeners = runtime.within(|| Listeners::new(listeners))?;
        let serve = move || {
            runtime.block_on(async {
                tokio::spawn(accept(listeners, protocol, limits));
                let _ = still_open.await;
            });
            drop(runtime);
            drop(closing);
        };
        spawn::thread("health", serve)?;
        Ok(HealthServer {
            addresses,
            open: Some(open),
            closed: Mutex::new(closed),
        })
    }
}

impl Drop for HealthServer {
    fn drop(&mut self) {
        drop(self.open.take());
        let closed = self.closed.get_mut();
        let closed = closed.unwrap_or_else(PoisonError::into_inner);
        let _ = closed.recv_timeout(CLOSE_TIMEOUT);
    }
}

async fn accept(mut listeners: Listeners, protocol: Protocol, limits: Limits) {
    let mut connections = Connections::new(limits.connections);
    loop {
        let (stream, peer) = match listeners.accept().await {
            Ok(accepted) => accepted,
            Err(error) if is_of_one_connection(&error) => continue,
            Err(_) => {
                sleep(PAUSE).await;
                continue;
            }
        };
        connections.make_room().await;
        let protocol = protocol.clone();
        connections.open(|activity| protocol.serve(stream, peer, activity, limits.idle));
    }
}

fn is_of_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::ConnectionAborted | ErrorKind::ConnectionRefused | ErrorKind::ConnectionReset
    )
}

/// Answers every request of one connection, until it is idle for too long.
async fn serve_http(
    stream: TcpStream,
    peer: SocketAddr,
    endpoint: Endpoint,
    activity: Arc<Activity>,
    idle: Duration,
) {
    // With Nagle's algorithm, a second response on the connection would wait for
    // an acknowledgement of the client.
    let _ = stream.set_nodelay(true);
    let answering = Arc::clone(&activity);
    let service = service_fn(move |request: Request<Incoming>| {
        let answering = answering.begin();
        let head = RequestHead::from(&request).with_peer(Some(peer.ip()));
        let answer = endpoint.respond(head);
        async move {
            let answer = answer.await.map(Full::new);
            drop(answering);
            Ok::<Response<Full<Bytes>>, Infallible>(answer)
        }
    });
    activity
        .until_idle(idle, serve_connection(stream, service))
        .await;
}

/// Serves HTTP/1 on a connection. An error of the client ends the connection.
#[cfg(not(feature = "serve-http2"))]
async fn serve_connection<S>(stream: TcpStream, service: S)
where
    S: Service<Request<Incoming>, Response = Response<Full<Bytes>>, Error = Infallible>,
{
    let connection = hyper::server::conn::http1::Builder::new()
        // Clients such as `nc -N` close the sending half after the request.
        .half_close(true)
        .max_buf_size(MAX_HEAD_SIZE.into())
        .serve_connection(TokioIo::new(stream), service);
    let _ = connection.await;
}

/// Serves HTTP/1 on a connection, or HTTP/2 if it begins with the preface of
/// HTTP/2. An error of the client ends the connection.
#[cfg(feature = "serve-http2")]
async fn serve_connection<S>(stream: TcpStream, service: S)
where
    S: Service<Request<Incoming>, Response = Response<Full<Bytes>>, Error = Infallible>,
    S::Future: Send + 'static,
{
    use hyper_util::rt::TokioExecutor;
    use hyper_util::server::conn::auto;

    let mut server = auto::Builder::new(TokioExecutor::new());
    server
        .http1()
        .half_close(true)
        .max_buf_size(MAX_HEAD_SIZE.into());
    server
        .http2()
        .max_concurrent_streams(MAX_STREAMS)
        .max_header_list_size(MAX_HEAD_SIZE.into());
    let _ = server.serve_connection(TokioIo::new(stream), service).await;
}

/// The maximum number of concurrent requests on one connection. RFC 9113
/// advises against a lower limit, since clients send that many requests before
/// they know the limit.
#[cfg(feature = "serve-http2")]
const MAX_STREAMS: u32 = 100;

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpStream;
    use std::time::Instant;

    use tokio::runtime::{Builder, Runtime};

    use super::*;
    use crate::check::options::CheckOptions;
    use crate::health::Health;

    const BOUND: Duration = Duration::from_secs(20);
    const REQUEST: &[u8] = b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n";

    fn served(limits: Limits) -> (Runtime, HealthServer) {
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.expect("a runtime");
        let entered = runtime.enter();
        let health = Health::builder().start().expect("it starts");
        let served = HealthServer::start(
            Protocol::Http(health.internal_endpoint()),
            "127.0.0.1:0",
            limits,
        );
        drop(entered);
        (runtime, served.expect("a free port"))
    }

    fn connect(served: &HealthServer) -> TcpStream {
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
    fn an_unfinished_request_head_times_out() {
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
    fn the_longest_idle_connection_is_closed_at_the_limit() {
        let (_runtime, served) = served(Limits {
            connections: 3,
            ..Limits::default()
        });
        let mut oldest = connect(&served);
        assert!(is_answered(&mut oldest));
        let silent = connect(&served);
        let mut third = connect(&served);
        assert!(is_answered(&mut third) && is_answered(&mut oldest));
        let mut newest = connect(&served);
        assert!(is_answered(&mut newest));
        ends(silent);
        assert!([oldest, third, newest].iter_mut().all(is_answered));
    }

    /// The check ends only after the flood.
    #[test]
    fn a_flood_of_connections_drops_no_probe_in_progress() {
        let runtime = Builder::new_multi_thread().enable_all().build();
        let runtime = runtime.expect("a runtime");
        let (started, starts) = mpsc::channel();
        let (release, released) = mpsc::channel::<()>();
        let released = std::sync::Mutex::new(released);
        let dear = CheckOptions::new().critical().cache(Duration::ZERO);
        let builder = Health::builder().check_blocking("dear", dear, move || {
            let _ = started.send(());
            let _ = released.lock().map(|released| released.recv());
        });
        let entered = runtime.enter();
        let health = builder.start().expect("it starts");
        drop(entered);
        let limits = Limits {
            connections: 8,
            ..Limits::default()
        };
        let protocol = Protocol::Http(health.internal_endpoint());
        let served = HealthServer::start(protocol, "127.0.0.1:0", limits);
        let served = served.expect("a free port");
        let mut probe = connect(&served);
        let request = b"GET /readyz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
        probe.write_all(request).expect("sent");
        starts.recv_timeout(BOUND).expect("the check runs");
        let mut flood: Vec<TcpStream> = (0..200).map(|_| connect(&served)).collect();
        assert!(
            flood.last_mut().is_some_and(is_answered),
            "all are accepted"
        );
        drop(release);
        let mut answer = String::new();
        probe.read_to_string(&mut answer).expect("it is kept");
        assert!(answer.starts_with("HTTP/1.1 "), "{answer}");
    }

    #[test]
    fn a_flood_of_connections_locks_no_prober_out() {
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
