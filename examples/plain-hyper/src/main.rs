//! Health in a plain hyper server, without a framework.
//!
//! `cargo run --bin plain-hyper`, then request `/readyz` at the printed address.
//! Health also has a port of its own.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::pin;
use std::{env, fs, io};

use health_core::http::{Endpoint, RequestHead};
use health_core::{Health, health_check};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::TcpListener;

/// Uploads are written to the temporary directory first. A blocking check, since a
/// disk can block.
#[health_check(critical)]
fn folder() -> io::Result<()> {
    let file = env::temp_dir().join(format!("plain-hyper-{}", std::process::id()));
    fs::write(&file, b"still there")?;
    fs::remove_file(file)
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let health = Health::builder().require(["folder"]).start()?;
    let port = env::var("PORT").map_or(Ok(3000), |port| port.parse())?;
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    let served = health.serve("127.0.0.1:0")?;
    println!(
        "the service and its health: http://{}",
        listener.local_addr()?
    );
    println!("health on a port of its own: http://{}", served.address());

    let mut drained = pin!(health.drain_on_signal());
    let connections = GracefulShutdown::new();
    loop {
        let (stream, peer) = tokio::select! {
            accepted = listener.accept() => accepted?,
            () = &mut drained => break,
        };
        let endpoint = health.endpoint();
        let service = service_fn(move |request| {
            let endpoint = endpoint.clone();
            async move { Ok::<_, Infallible>(respond(request, peer, endpoint).await) }
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .serve_connection(TokioIo::new(stream), service);
        tokio::spawn(connections.watch(connection));
    }
    drop(listener);
    connections.shutdown().await;
    Ok(())
}

/// Serves the routes of the application first, and health for the rest.
async fn respond(
    request: Request<Incoming>,
    peer: SocketAddr,
    health: Endpoint,
) -> Response<Full<Bytes>> {
    let head = RequestHead::from(&request).with_peer(Some(peer.ip()));
    let response = match request.uri().path() {
        "/" => Response::new(Bytes::from("hello")),
        _ => health.respond(head).await,
    };
    response.map(Full::new)
}
