//! An HTTP server on a socket.

use std::future;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

pub(crate) struct Socket {
    pub(crate) port: u16,
    connections: Arc<AtomicUsize>,
    requests: Arc<AtomicUsize>,
}

impl Socket {
    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }

    pub(crate) fn requests(&self) -> usize {
        self.requests.load(Ordering::Relaxed)
    }
}

/// Starts a server with this answer to every request. An empty answer is never sent.
pub(crate) async fn answering(answer: impl Into<Arc<str>>) -> Socket {
    let answer = answer.into();
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let socket = Socket {
        port: listener.local_addr().expect("an address").port(),
        connections: Arc::default(),
        requests: Arc::default(),
    };
    let connections = Arc::clone(&socket.connections);
    let requests = Arc::clone(&socket.requests);
    tokio::spawn(async move {
        while let Ok((mut connection, _)) = listener.accept().await {
            connections.fetch_add(1, Ordering::Relaxed);
            let (answer, requests) = (Arc::clone(&answer), Arc::clone(&requests));
            tokio::spawn(async move {
                let mut request = [0; 4096];
                while connection
                    .read(&mut request)
                    .await
                    .is_ok_and(|read| read > 0)
                {
                    requests.fetch_add(1, Ordering::Relaxed);
                    if answer.is_empty() {
                        future::pending::<()>().await;
                    }
                    let _ = connection.write_all(answer.as_bytes()).await;
                }
            });
        }
    });
    socket
}
