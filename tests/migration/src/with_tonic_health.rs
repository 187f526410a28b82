//! tonic-health 0.14.

use std::time::Duration;

use tokio::net::TcpStream;
use tonic::transport::{Server, server::Router};
use tonic_health::ServingStatus;
use tonic_health::server::health_reporter;

pub fn server() -> Router {
    let (reporter, service) = health_reporter();
    tokio::spawn(async move {
        loop {
            let status = match TcpStream::connect("broker:5672").await {
                Ok(_) => ServingStatus::Serving,
                Err(_) => ServingStatus::NotServing,
            };
            reporter
                .set_service_status("orders.v1.Orders", status)
                .await;
            tokio::time::sleep(Duration::from_secs(10)).await;
        }
    });
    Server::builder().add_service(service)
}
