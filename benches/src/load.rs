//! A minimal HTTP/1.1 client: prepared requests, and answers that are read only to
//! find their end, so that the client uses little CPU.

use std::io::{Error, ErrorKind, Result};
use std::net::SocketAddr;
use std::str::FromStr;
use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

/// How requests are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Connections {
    /// This many connections, each kept for all requests.
    Kept(usize),
    /// A new connection per request, one after the other, as the kubelet does.
    New,
}

/// A client of one server.
#[derive(Debug)]
pub struct Client {
    address: SocketAddr,
    /// The kept connections.
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

    /// Sends this many requests for `path`, spread over the connections.
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
                    connection.exchange(request.as_bytes()).await?.is_200()?;
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
            connection.exchange(request.as_bytes()).await?.is_200()?;
        }
        Ok(())
    }

    /// Sends one request on a new connection. Returns the status and the body.
    ///
    /// # Errors
    ///
    /// If the connection breaks, or the answer is not HTTP.
    pub async fn once(address: SocketAddr, path: &str) -> Result<(u16, String)> {
        let mut client = Client::connect(address, Connections::Kept(1)).await?;
        client.look_once(path).await
    }

    /// Sends the last request on a kept connection. Returns the status and the body.
    ///
    /// # Errors
    ///
    /// If there is no connection or it breaks, or the answer is not HTTP.
    pub async fn look_once(&mut self, path: &str) -> Result<(u16, String)> {
        let mut connection = self.kept.pop().ok_or(ErrorKind::NotConnected)?;
        let answer = connection
            .exchange(request(path, "close").as_bytes())
            .await?;
        let body = &connection.buffer[answer.head..];
        let kept = &body[..answer.body.min(body.len())];
        Ok((answer.status, String::from_utf8_lossy(kept).into_owned()))
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
        answer.is_200()?;
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

/// The bytes that were read. Lengths in bytes.
#[derive(Debug)]
struct Answer {
    status: u16,
    head: usize,
    body: usize,
}

/// What a response head states about its body.
#[derive(Debug, PartialEq)]
struct Head {
    status: u16,
    length: usize,
    /// The length of the body, or `None` if it is chunked.
    body: Option<usize>,
}

/// The end of a chunked body.
const LAST_CHUNK: &[u8] = b"0\r\n\r\n";

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
        let head = loop {
            filled += self.read(filled).await?;
            if let Some(head) = Head::parse(&self.buffer[..filled])? {
                break head;
            }
        };
        let body = match head.body {
            Some(length) => self.rest(&head, filled, length).await?,
            None => self.chunks(&head, filled).await?,
        };
        Ok(Answer {
            status: head.status,
            head: head.length,
            body,
        })
    }

    async fn rest(&mut self, head: &Head, mut filled: usize, body: usize) -> Result<usize> {
        while filled < head.length + body {
            filled += self.read_on(head, filled).await?;
        }
        Ok(body)
    }

    /// The length of all chunks, including their framing.
    async fn chunks(&mut self, head: &Head, mut filled: usize) -> Result<usize> {
        let mut end = Vec::from(&self.buffer[head.length..filled]);
        while !end.ends_with(LAST_CHUNK) {
            let read = self.read_on(head, filled).await?;
            let at = self.place(head, filled);
            end.extend_from_slice(&self.buffer[at..at + read]);
            end.drain(..end.len().saturating_sub(LAST_CHUNK.len()));
            filled += read;
        }
        Ok(filled - head.length)
    }

    /// Data beyond the buffer is discarded: it overwrites itself.
    fn place(&self, head: &Head, filled: usize) -> usize {
        if filled < self.buffer.len() {
            filled
        } else {
            head.length
        }
    }

    async fn read_on(&mut self, head: &Head, filled: usize) -> Result<usize> {
        self.read(self.place(head, filled)).await
    }

    async fn read(&mut self, at: usize) -> Result<usize> {
        match self.stream.read(&mut self.buffer[at..]).await? {
            0 => Err(ErrorKind::UnexpectedEof.into()),
            read => Ok(read),
        }
    }
}

impl Answer {
    fn is_200(&self) -> Result<()> {
        match self.status {
            200 => Ok(()),
            other => Err(Error::other(format!("{other} and not 200"))),
        }
    }
}

impl Head {
    /// Returns `None` while it is incomplete.
    fn parse(bytes: &[u8]) -> Result<Option<Self>> {
        let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else {
            return Ok(None);
        };
        let head = std::str::from_utf8(&bytes[..end]).map_err(|_| ErrorKind::InvalidData)?;
        let mut lines = head.lines();
        let status = lines.next().and_then(|line| line.split(' ').nth(1));
        let field = |wanted: &str| {
            let mut fields = lines.clone().filter_map(|line| line.split_once(": "));
            fields.find_map(|(name, value)| name.eq_ignore_ascii_case(wanted).then_some(value))
        };
        let body = match field("transfer-encoding") {
            Some(_) => None,
            None => Some(number(field("content-length"))?),
        };
        Ok(Some(Head {
            status: number(status)?,
            length: end + 4,
            body,
        }))
    }
}

fn number<T: FromStr>(text: Option<&str>) -> Result<T> {
    let number = text.and_then(|text| text.parse().ok());
    number.ok_or_else(|| ErrorKind::InvalidData.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_response_head_is_parsed_once_it_is_complete() {
        let bytes = b"HTTP/1.1 200 OK\r\ncontent-length: 20\r\ndate: now\r\n\r\n";
        assert_eq!(Head::parse(&bytes[..bytes.len() - 1]).unwrap(), None);
        let head = Head::parse(bytes).unwrap().expect("a complete head");
        assert_eq!((head.length, head.body), (bytes.len(), Some(20)));
    }

    #[test]
    fn a_chunked_body_has_no_content_length() {
        let bytes = b"HTTP/1.1 503 No\r\nTransfer-Encoding: chunked\r\n\r\n";
        let head = Head::parse(bytes).unwrap().expect("a complete head");
        assert_eq!((head.status, head.body), (503, None));
        assert!(Head::parse(b"HTTP/1.1 200 OK\r\n\r\n").is_err());
    }
}
