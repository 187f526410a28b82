//! A lean HTTP/1.1 client: a request made beforehand, an answer read just far
//! enough to find its end, so that the client leaves the machine to the server.

use std::io::{Error, ErrorKind, Result};
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

/// How requests reach the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Connections {
    /// So many, each kept for all requests.
    Kept(usize),
    /// A new one for each request, one after the other, as kubelet does.
    New,
}

/// A client of one server.
#[derive(Debug)]
pub struct Client {
    address: SocketAddr,
    /// The connections that are kept.
    kept: Vec<Connection>,
}

impl Client {
    /// Opens the connections that are to be kept.
    ///
    /// # Errors
    ///
    /// If the server does not accept.
    pub async fn connect(address: SocketAddr, connections: Connections) -> Result<Self> {
        let count = match connections {
            Connections::Kept(count) => count,
            Connections::New => 0,
        };
        let mut kept = Vec::with_capacity(count);
        for _ in 0..count {
            kept.push(Connection::open(address).await?);
        }
        Ok(Client { address, kept })
    }

    /// Asks so many times for the page at `path`, spread over the connections.
    ///
    /// # Errors
    ///
    /// If a connection breaks or an answer is not a 200.
    pub async fn ask(&mut self, path: &str, requests: usize) -> Result<()> {
        if self.kept.is_empty() {
            return self.ask_anew(path, requests).await;
        }
        let request: Arc<str> = request(path, "keep-alive").into();
        let share = requests / self.kept.len();
        let mut asking = JoinSet::new();
        for mut connection in self.kept.drain(..) {
            let request = Arc::clone(&request);
            asking.spawn(async move {
                for _ in 0..share {
                    connection.exchange(request.as_bytes()).await?;
                }
                Ok::<_, Error>(connection)
            });
        }
        while let Some(connection) = asking.join_next().await {
            self.kept.push(connection??);
        }
        Ok(())
    }

    async fn ask_anew(&self, path: &str, requests: usize) -> Result<()> {
        let request = request(path, "close");
        for _ in 0..requests {
            let mut connection = Connection::open(self.address).await?;
            connection.exchange(request.as_bytes()).await?;
        }
        Ok(())
    }

    /// The head and the length of the body of the answer at `path`.
    ///
    /// # Errors
    ///
    /// If the connection breaks or the answer is not a 200.
    pub async fn look(&self, path: &str) -> Result<(String, usize)> {
        let mut connection = Connection::open(self.address).await?;
        let request = request(path, "close");
        let answer = connection.exchange(request.as_bytes()).await?;
        let head = String::from_utf8_lossy(&connection.buffer[..answer.head]);
        Ok((head.into_owned(), answer.body))
    }
}

fn request(path: &str, connection: &str) -> String {
    format!(
        "GET {path} HTTP/1.1\r\nhost: 127.0.0.1\r\nuser-agent: kube-probe/1.34\r\naccept: */*\r\nconnection: {connection}\r\n\r\n"
    )
}

#[derive(Debug)]
struct Connection {
    stream: TcpStream,
    buffer: Box<[u8]>,
}

/// Lengths in bytes.
struct Answer {
    head: usize,
    body: usize,
}

impl Connection {
    const BUFFER: usize = 128 * 1024;

    async fn open(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Connection {
            stream,
            buffer: vec![0; Self::BUFFER].into(),
        })
    }

    async fn exchange(&mut self, request: &[u8]) -> Result<Answer> {
        self.stream.write_all(request).await?;
        let mut filled = 0;
        let answer = loop {
            filled += self.read(filled).await?;
            if let Some(answer) = Answer::parse(&self.buffer[..filled])? {
                break answer;
            }
        };
        while filled < answer.head + answer.body {
            // What follows the head is thrown away, so it may overwrite itself.
            filled += self.read(answer.head).await?;
        }
        Ok(answer)
    }

    async fn read(&mut self, at: usize) -> Result<usize> {
        match self.stream.read(&mut self.buffer[at..]).await? {
            0 => Err(ErrorKind::UnexpectedEof.into()),
            read => Ok(read),
        }
    }
}

impl Answer {
    /// `None` while the head is not complete.
    fn parse(bytes: &[u8]) -> Result<Option<Self>> {
        let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else {
            return Ok(None);
        };
        let head = &bytes[..end];
        if !head.starts_with(b"HTTP/1.1 200") {
            let head = String::from_utf8_lossy(head);
            return Err(Error::other(format!("not a 200: {head}")));
        }
        let body = content_length(head).ok_or(ErrorKind::InvalidData)?;
        Ok(Some(Answer {
            head: end + 4,
            body,
        }))
    }
}

fn content_length(head: &[u8]) -> Option<usize> {
    const NAME: &[u8] = b"\ncontent-length: ";
    let at = head.windows(NAME.len()).position(|window| window == NAME)?;
    let value = &head[at + NAME.len()..];
    let end = value.iter().position(|byte| !byte.is_ascii_digit());
    let digits = &value[..end.unwrap_or(value.len())];
    std::str::from_utf8(digits).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_found_once_its_head_is_complete() {
        let head = b"HTTP/1.1 200 OK\r\ncontent-length: 20\r\ndate: now\r\n\r\n";
        assert!(Answer::parse(&head[..head.len() - 1]).unwrap().is_none());
        let answer = Answer::parse(head).unwrap().expect("a complete head");
        assert_eq!((answer.head, answer.body), (head.len(), 20));
        assert!(Answer::parse(b"HTTP/1.1 503 No\r\ncontent-length: 0\r\n\r\n").is_err());
    }
}
