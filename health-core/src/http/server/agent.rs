//! Answers agent checks of HAProxy: one line per connection.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::http::endpoint::Endpoint;
use crate::http::endpoint::traffic::Traffic;

/// The time within which a client must read the line and close the connection.
const CLIENT_TIMEOUT: Duration = Duration::from_secs(5);

/// The line for a state. Each line reverts the effects of the others.
fn line(traffic: &Traffic, degraded_weight: u8) -> String {
    match traffic {
        Traffic::Healthy => "up ready 100%\n".to_owned(),
        Traffic::Degraded => format!("up ready {degraded_weight}%\n"),
        // HAProxy would read `down#` as one unknown word.
        Traffic::Unhealthy(reason) => format!("down #{reason}\n"),
        Traffic::Draining => "drain\n".to_owned(),
    }
}

/// Answers one client.
pub(super) async fn serve(mut stream: TcpStream, endpoint: Endpoint, degraded_weight: u8) {
    let traffic = endpoint.traffic().await;
    let line = line(&traffic, degraded_weight);
    let exchange = async {
        stream.write_all(line.as_bytes()).await?;
        stream.shutdown().await?;
        // HAProxy sends the text of `agent-send`. Closing a connection with unread
        // bytes resets it, and the line would be lost.
        let mut rest = [0; 64];
        while stream.read(&mut rest).await? > 0 {}
        Ok::<_, std::io::Error>(())
    };
    // An error of the client ends the connection.
    let _ = timeout(CLIENT_TIMEOUT, exchange).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_state_has_its_agent_line() {
        assert_eq!(line(&Traffic::Healthy, 50), "up ready 100%\n");
        assert_eq!(line(&Traffic::Degraded, 50), "up ready 50%\n");
        let down = Traffic::Unhealthy("not ready: database".into());
        assert_eq!(line(&down, 50), "down #not ready: database\n");
        assert_eq!(line(&Traffic::Draining, 50), "drain\n");
    }
}
