//! A server on a real socket, and a client that sends the given bytes.

use std::convert::Infallible;
use std::net::SocketAddr;

use actix_web::web::ServiceConfig;
use actix_web::{App, HttpServer};
use axum::Router;
use axum::extract::ConnectInfo;
use health_core::Health;
use health_core::http::{Endpoint, HealthLayer, HealthServer, Peer, RequestHead};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio_stream::wrappers::TcpListenerStream;
use tower::Layer as _;

/// The servers, whose answers must be equal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framework {
    /// On the runtime of the test.
    Axum,
    /// On a thread of its own, as actix-web recommends.
    Actix,
    /// On the runtime of the test, without a framework.
    Hyper,
    /// The own port of health, without the application.
    OwnPort,
    /// The tower service as the fallback of axum 0.7.
    Axum07,
    /// The layer around an axum application.
    Layer,
    /// The layer around a tower service, on hyper.
    Tower,
}

impl Framework {
    /// Each of them.
    pub const ALL: [Framework; 7] = [
        Framework::Axum,
        Framework::Actix,
        Framework::Hyper,
        Framework::OwnPort,
        Framework::Axum07,
        Framework::Layer,
        Framework::Tower,
    ];

    /// Whether the routes of the application are served as well.
    pub fn has_business(self) -> bool {
        self != Framework::OwnPort
    }
}

/// The mount.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mount {
    /// The public mount.
    Public,
    /// The internal mount.
    Internal,
}

impl Mount {
    fn endpoint(self, health: &Health) -> Endpoint {
        match self {
            Mount::Public => health.endpoint(),
            Mount::Internal => health.internal_endpoint(),
        }
    }

    fn layer(self, health: &Health) -> HealthLayer {
        match self {
            Mount::Public => health.layer(),
            Mount::Internal => health.internal_layer(),
        }
    }
}

/// Passes the address of the client to the endpoint as a tower service.
async fn with_peer(
    ConnectInfo(address): ConnectInfo<SocketAddr>,
    mut request: axum::extract::Request,
    next: axum::middleware::Next,
) -> axum::response::Response {
    request.extensions_mut().insert(Peer(address.ip()));
    next.run(request).await
}

/// A server that runs until it is dropped.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    health: Health,
    serving: Serving,
}

#[derive(Debug)]
enum Serving {
    Task(JoinHandle<()>),
    Actix(actix_web::dev::ServerHandle),
    OwnPort { _open: HealthServer },
}

impl Drop for Server {
    fn drop(&mut self) {
        match &self.serving {
            Serving::Task(task) => task.abort(),
            // Not lazily: the request is sent even if the answer is not awaited.
            Serving::Actix(server) => drop(server.stop(false)),
            Serving::OwnPort { .. } => {}
        }
    }
}

impl Server {
    /// Serves all pages of health, and a business route at `/` where there is an
    /// application, on a free port of the loopback address.
    ///
    /// # Panics
    ///
    /// If there is no free port.
    pub async fn start(framework: Framework, health: Health) -> Self {
        Server::mounted(framework, Mount::Internal, health).await
    }

    /// Serves these pages of health as [`start`](Self::start) does.
    ///
    /// # Panics
    ///
    /// If there is no free port, or for a public mount on a port of its own, which
    /// there is not.
    pub async fn mounted(framework: Framework, mount: Mount, health: Health) -> Self {
        match framework {
            Framework::Axum => {
                let routes = match mount {
                    Mount::Public => health_axum::routes(&health),
                    Mount::Internal => health_axum::internal_routes(&health),
                };
                let app = Router::new()
                    .route("/", axum::routing::get(|| async { "business" }))
                    .merge(routes);
                Server::axum(app, health).await
            }
            Framework::Actix => {
                let public = health_actix::configure(&health);
                let internal = health_actix::configure_internal(&health);
                Server::actix(health, move |config| {
                    let business = actix_web::web::get().to(async || "business");
                    config.route("/", business);
                    match mount {
                        Mount::Public => config.configure(public),
                        Mount::Internal => config.configure(internal),
                    };
                })
                .await
            }
            Framework::Hyper => Server::hyper(mount, health).await,
            Framework::OwnPort => {
                assert_eq!(mount, Mount::Internal, "its port is internal");
                let served = health.serve("127.0.0.1:0").expect("a free port");
                Server {
                    address: served.address(),
                    health,
                    serving: Serving::OwnPort { _open: served },
                }
            }
            Framework::Axum07 => Server::axum_07(mount, health).await,
            Framework::Layer => {
                let app = Router::new()
                    .route("/", axum::routing::get(|| async { "business" }))
                    .layer(mount.layer(&health))
                    .layer(axum::middleware::from_fn(with_peer));
                Server::axum(app, health).await
            }
            Framework::Tower => Server::tower(mount, health).await,
        }
    }

    /// Serves any axum application.
    ///
    /// # Panics
    ///
    /// If there is no free port.
    pub async fn axum(app: Router, health: Health) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let app = app.into_make_service_with_connect_info::<SocketAddr>();
        let serving = tokio::spawn(async move {
            axum::serve(listener, app).await.expect("serving");
        });
        Server {
            address,
            health,
            serving: Serving::Task(serving),
        }
    }

    /// Serves with axum 0.7, as in `docs/frameworks.md`.
    async fn axum_07(mount: Mount, health: Health) -> Self {
        use axum_07::Router;
        use axum_07::extract::{ConnectInfo, Request};
        use axum_07::middleware::{Next, from_fn};

        async fn with_peer(
            ConnectInfo(address): ConnectInfo<SocketAddr>,
            mut request: Request,
            next: Next,
        ) -> axum_07::response::Response {
            request.extensions_mut().insert(Peer(address.ip()));
            next.run(request).await
        }

        let app = Router::new()
            .route("/", axum_07::routing::get(|| async { "business" }))
            .fallback_service(mount.endpoint(&health))
            .layer(from_fn(with_peer));
        let app = app.into_make_service_with_connect_info::<SocketAddr>();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let serving = tokio::spawn(async move {
            axum_07::serve(listener, app).await.expect("serving");
        });
        Server {
            address,
            health,
            serving: Serving::Task(serving),
        }
    }

    /// Serves a tower service behind the layer.
    async fn tower(mount: Mount, health: Health) -> Self {
        let business = tower::service_fn(|request: Request<Incoming>| async move {
            let is_found = request.uri().path() == "/";
            let body = if is_found { "business" } else { "" };
            let mut response = Response::new(Full::from(body));
            if !is_found {
                *response.status_mut() = StatusCode::NOT_FOUND;
            }
            Ok::<_, Infallible>(response)
        });
        let app = mount.layer(&health).layer(business);
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let serving = tokio::spawn(async move {
            loop {
                let (stream, peer) = listener.accept().await.expect("a connection");
                let app =
                    tower::util::MapRequest::new(app.clone(), move |mut request: Request<_>| {
                        request.extensions_mut().insert(Peer(peer.ip()));
                        request
                    });
                let service = TowerToHyperService::new(app);
                let connection =
                    http1::Builder::new().serve_connection(TokioIo::new(stream), service);
                tokio::spawn(connection);
            }
        });
        Server {
            address,
            health,
            serving: Serving::Task(serving),
        }
    }

    /// Serves with hyper only, as in `docs/frameworks.md`.
    async fn hyper(mount: Mount, health: Health) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let endpoint = mount.endpoint(&health);
        let serving = tokio::spawn(async move {
            loop {
                let (stream, peer) = listener.accept().await.expect("a connection");
                let endpoint = endpoint.clone();
                let service = service_fn(move |request: Request<Incoming>| {
                    let endpoint = endpoint.clone();
                    async move {
                        let head = RequestHead::from(&request).with_peer(Some(peer.ip()));
                        let response = match request.uri().path() {
                            "/" => Response::new(Bytes::from("business")),
                            _ => endpoint.respond(head).await,
                        };
                        Ok::<_, Infallible>(response.map(Full::new))
                    }
                });
                let connection =
                    http1::Builder::new().serve_connection(TokioIo::new(stream), service);
                tokio::spawn(connection);
            }
        });
        Server {
            address,
            health,
            serving: Serving::Task(serving),
        }
    }

    /// Serves any actix-web application, with two workers.
    ///
    /// # Panics
    ///
    /// If there is no free port.
    pub async fn actix<F>(health: Health, configure: F) -> Self
    where
        F: FnOnce(&mut ServiceConfig) + Clone + Send + 'static,
    {
        let (tell, told) = oneshot::channel();
        std::thread::spawn(move || {
            actix_web::rt::System::new().block_on(async move {
                let app = move || App::new().configure(configure.clone());
                let server = HttpServer::new(app).workers(2).disable_signals();
                let server = server.bind("127.0.0.1:0").expect("a free port");
                let address = server.addrs()[0];
                let server = server.run();
                let _ = tell.send((address, server.handle()));
                server.await.expect("serving");
            });
        });
        let (address, handle) = told.await.expect("the server starts");
        Server {
            address,
            health,
            serving: Serving::Actix(handle),
        }
    }

    /// Returns the address of the server.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns the served health.
    pub fn health(&self) -> &Health {
        &self.health
    }

    /// Sends a `GET` on a new connection.
    pub async fn get(&self, path: &str) -> Answer {
        self.request("GET", path).await
    }

    /// Sends a request without a body on a new connection.
    pub async fn request(&self, method: &str, path: &str) -> Answer {
        let head = format!("{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        self.raw(head.as_bytes()).await
    }

    /// Sends these bytes on a new connection.
    pub async fn raw(&self, request: &[u8]) -> Answer {
        Answer::parse(&self.exchange(request).await)
    }

    /// Reads until the server closes the connection.
    ///
    /// # Panics
    ///
    /// If the server is gone, or the answer is not UTF-8.
    pub async fn exchange(&self, request: &[u8]) -> String {
        let mut stream = TcpStream::connect(self.address)
            .await
            .expect("a connection");
        // A server may refuse before it has read the whole request.
        let _ = stream.write_all(request).await;
        let mut answer = Vec::new();
        // A server may reset the connection of a client that sends garbage.
        let _ = stream.read_to_end(&mut answer).await;
        String::from_utf8(answer).expect("answers are UTF-8")
    }

    /// Opens a connection for several requests.
    ///
    /// # Panics
    ///
    /// If the server is gone.
    pub async fn connect(&self) -> Connection {
        Connection {
            stream: self.send(b"").await,
            read: Vec::new(),
        }
    }

    /// Sends these bytes on a new connection, which is closed when the caller drops
    /// it.
    ///
    /// # Panics
    ///
    /// If the server is gone.
    pub async fn send(&self, request: &[u8]) -> TcpStream {
        let mut stream = TcpStream::connect(self.address)
            .await
            .expect("a connection");
        stream.write_all(request).await.expect("sent");
        stream
    }
}

/// A gRPC server that serves health only, until it is dropped.
#[derive(Debug)]
pub struct Grpc {
    address: SocketAddr,
    serving: JoinHandle<()>,
}

impl Grpc {
    /// Serves on a free port of the loopback address.
    ///
    /// # Panics
    ///
    /// If there is no free port, or two services have one name.
    pub async fn start(services: health_tonic::Services) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let services = services.build().expect("no two of one name");
        let serving = tokio::spawn(async move {
            tonic::transport::Server::builder()
                .add_service(services)
                .serve_with_incoming(TcpListenerStream::new(listener))
                .await
                .expect("serving");
        });
        Grpc { address, serving }
    }

    /// Returns the address of the server.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Grpc {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// A connection for several requests.
#[derive(Debug)]
pub struct Connection {
    stream: TcpStream,
    read: Vec<u8>,
}

impl Connection {
    /// Sends these bytes.
    ///
    /// # Panics
    ///
    /// If the server has closed the connection.
    pub async fn send(&mut self, request: &[u8]) {
        self.stream.write_all(request).await.expect("sent");
    }

    /// Reads the next answer, up to its content length.
    ///
    /// # Panics
    ///
    /// If the server closes the connection before.
    pub async fn answer(&mut self) -> Answer {
        let head = loop {
            let end = self.read.windows(4).position(|four| four == b"\r\n\r\n");
            if let Some(end) = end {
                break self.take(end + 4).await;
            }
            self.read_more().await;
        };
        let mut answer = Answer::parse(&head);
        let length = answer.header("content-length").map(str::parse);
        let length = length.expect("a length").expect("a number");
        answer.body = self.take(length).await;
        answer
    }

    async fn take(&mut self, length: usize) -> String {
        while self.read.len() < length {
            self.read_more().await;
        }
        let rest = self.read.split_off(length);
        let taken = std::mem::replace(&mut self.read, rest);
        String::from_utf8(taken).expect("answers are UTF-8")
    }

    async fn read_more(&mut self) {
        let read = self.stream.read_buf(&mut self.read).await;
        assert!(read.is_ok_and(|length| length > 0), "closed too early");
    }
}

/// An answer; its status is 0 if there was none.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// `HTTP/1.1` or `HTTP/1.0`.
    pub version: String,
    /// The status code.
    pub status: u16,
    /// The headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: String,
}

impl Answer {
    fn parse(text: &str) -> Self {
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            return Answer::default();
        };
        let mut lines = head.lines();
        let mut line = lines.next().unwrap_or_default().split(' ');
        let (version, status) = (line.next(), line.next());
        let headers = lines.filter_map(|line| line.split_once(": "));
        Answer {
            version: version.unwrap_or_default().to_owned(),
            status: status.and_then(|status| status.parse().ok()).unwrap_or(0),
            headers: headers
                .map(|(k, v)| (k.to_ascii_lowercase(), v.to_owned()))
                .collect(),
            body: body.to_owned(),
        }
    }

    /// The first header of this name, in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(key, _)| key == name)?;
        Some(&found.1)
    }

    /// Returns the answer without the date and without header fields of the
    /// connection.
    pub fn comparable(mut self) -> Self {
        self.headers
            .retain(|(name, _)| !["date", "connection"].contains(&&**name));
        self.headers.sort();
        self
    }
}
