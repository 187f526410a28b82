//! An HTTP receiver on a real socket, with a scripted answer for each request.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::BOUND;

/// A received request.
#[derive(Debug)]
pub struct Request {
    /// The request line.
    pub line: String,
    /// The header fields, by their names in lower case.
    pub headers: BTreeMap<String, String>,
    /// The bytes of the body.
    pub raw: Vec<u8>,
    /// The body, or null if it is not JSON.
    pub body: Value,
    /// When the request had been read completely.
    pub at: Instant,
}

impl Request {
    fn read(stream: &TcpStream) -> Option<Self> {
        let mut stream = BufReader::new(stream);
        let mut lines = Vec::new();
        loop {
            let mut line = String::new();
            if stream.read_line(&mut line).ok()? == 0 {
                return None;
            }
            let line = line.trim_end().to_owned();
            if line.is_empty() {
                break;
            }
            lines.push(line);
        }
        let header = |line: &String| {
            let (name, value) = line.split_once(": ")?;
            Some((name.to_lowercase(), value.to_owned()))
        };
        let headers: BTreeMap<_, _> = lines.iter().skip(1).filter_map(header).collect();
        let length = headers.get("content-length").map_or("0", String::as_str);
        let length = length.parse().ok()?;
        let mut raw = vec![0; length];
        stream.read_exact(&mut raw).ok()?;
        Some(Request {
            line: lines[0].clone(),
            headers,
            body: serde_json::from_slice(&raw).unwrap_or_default(),
            raw,
            at: Instant::now(),
        })
    }
}

/// How a receiver answers a request.
#[derive(Clone, Copy, Debug)]
pub enum Answer {
    /// This status code.
    Code(u16),
    /// 503 with `Retry-After` in seconds.
    Later(u32),
    /// 200 after this time.
    Slow(Duration),
    /// No bytes for this long, and then the end of the connection.
    Silence(Duration),
    /// Bytes that are not HTTP.
    Garbage,
    /// The beginning of an answer, then no more bytes for this long.
    Half(Duration),
    /// The end of the connection.
    Nothing,
}

impl Answer {
    fn write(self, stream: &mut TcpStream) {
        let head = |code: u16, more: &str| {
            format!(
                "HTTP/1.1 {code} Whatever\r\nlocation: /elsewhere\r\n{more}\
                 content-length: 0\r\nconnection: close\r\n\r\n"
            )
        };
        let answer = match self {
            Answer::Code(code) => head(code, ""),
            Answer::Later(seconds) => head(503, &format!("retry-after: {seconds}\r\n")),
            Answer::Slow(time) => {
                thread::sleep(time);
                head(200, "")
            }
            Answer::Silence(time) => {
                thread::sleep(time);
                return;
            }
            Answer::Garbage => "\u{0}\u{1}SSH-2.0 \r\n\r\n<html>".to_owned(),
            Answer::Half(time) => {
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-le");
                thread::sleep(time);
                return;
            }
            Answer::Nothing => return,
        };
        // The client may have given up.
        let _ = stream.write_all(answer.as_bytes());
    }
}

/// Starts a receiver with these answers. The last one is repeated.
pub fn receiver(answers: &[Answer]) -> (String, Receiver<Request>) {
    let listener =
        TcpListener::bind("127.0.0.1:0").expect("the loopback interface has a free port");
    let address = listener
        .local_addr()
        .expect("a bound socket has an address");
    (url(address), serve(listener, answers))
}

/// The URL of a receiver at this address.
pub fn url(address: SocketAddr) -> String {
    format!("http://{address}/turns")
}

/// Starts a receiver on this socket, as [`receiver`] does.
pub fn serve(listener: TcpListener, answers: &[Answer]) -> Receiver<Request> {
    let (tell, told) = mpsc::channel();
    let answers = answers.to_vec();
    thread::spawn(move || {
        let (last, first) = answers
            .split_last()
            .expect("the test gives at least one answer");
        let mut answers = first.iter().chain(std::iter::repeat(last));
        for stream in listener.incoming() {
            let mut stream = stream.expect("the listener accepts connections");
            let Some(request) = Request::read(&stream) else {
                continue;
            };
            if tell.send(request).is_err() {
                return;
            }
            answers
                .next()
                .expect("the last answer is repeated")
                .write(&mut stream);
        }
    });
    told
}

/// Waits for the next request.
pub fn next(told: &Receiver<Request>) -> Request {
    told.recv_timeout(BOUND)
        .expect("the receiver gets a request within the bound")
}
