//! A server on a real socket, and a client that sends exactly these bytes.

use std::net::SocketAddr;

use axum::Router;
use health_axum::Health;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// Serves until it is dropped.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    health: Health,
    serving: JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Server {
    /// Serves `app` on a free port of the loopback address.
    ///
    /// # Panics
    ///
    /// If there is no free port.
    pub async fn start(app: Router, health: Health) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let serving = tokio::spawn(async move {
            axum::serve(listener, app).await.expect("serving");
        });
        Server {
            address,
            health,
            serving,
        }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The health that it serves.
    pub fn health(&self) -> &Health {
        &self.health
    }

    /// A `GET` on a connection of its own.
    pub async fn get(&self, path: &str) -> Answer {
        self.request("GET", path).await
    }

    /// A request without a body on a connection of its own.
    pub async fn request(&self, method: &str, path: &str) -> Answer {
        let head = format!("{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        self.raw(head.as_bytes()).await
    }

    /// These bytes on a connection of their own.
    pub async fn raw(&self, request: &[u8]) -> Answer {
        Answer::parse(&self.exchange(request).await)
    }

    /// Everything that comes back until the server closes.
    ///
    /// # Panics
    ///
    /// If the server is gone, or answers what is no text.
    pub async fn exchange(&self, request: &[u8]) -> String {
        let mut stream = TcpStream::connect(self.address)
            .await
            .expect("a connection");
        stream.write_all(request).await.expect("sent");
        let mut answer = Vec::new();
        // A server may reset the connection of somebody who sends rubbish.
        let _ = stream.read_to_end(&mut answer).await;
        String::from_utf8(answer).expect("answers are UTF-8")
    }

    /// Sends these bytes and closes the connection at once.
    ///
    /// # Panics
    ///
    /// If the server is gone.
    pub async fn send_and_hang_up(&self, request: &[u8]) {
        let mut stream = TcpStream::connect(self.address)
            .await
            .expect("a connection");
        stream.write_all(request).await.expect("sent");
    }
}

/// What came back; status 0 if nothing did.
#[derive(Debug, Default)]
pub struct Answer {
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
        let status = lines.next().and_then(|line| line.split(' ').nth(1));
        let headers = lines.filter_map(|line| line.split_once(": "));
        Answer {
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
}
