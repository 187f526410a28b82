//! Health over gRPC, on a port of its own.

use std::net::SocketAddr;

use anyhow::Context as _;
use health_tonic::Health;
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::transport::Server;

pub(crate) async fn listen(address: Option<SocketAddr>) -> anyhow::Result<Option<TcpListener>> {
    let Some(address) = address else {
        return Ok(None);
    };
    let listener = TcpListener::bind(address).await;
    let listener = listener.with_context(|| format!("cannot listen on {address}"))?;
    tracing::info!(address = %listener.local_addr()?, "serving grpc.health.v1");
    Ok(Some(listener))
}

/// Serves until the drain is over.
pub(crate) async fn serve(listener: Option<TcpListener>, health: &Health) -> anyhow::Result<()> {
    let Some(listener) = listener else {
        return Ok(());
    };
    // Clients of the API check it by its service name.
    let services = health_tonic::services(health).service("orders.v1.Orders", "storage");
    Server::builder()
        .add_service(services.build()?)
        .serve_with_incoming_shutdown(TcpListenerStream::new(listener), health.ended())
        .await
        .context("gRPC")
}
