//! An HTTP receiver that answers in every way, over a real socket.
#![allow(dead_code)] // Each test uses a part of it.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

/// Far more than anything here takes, for a busy machine.
pub(crate) const BOUND: Duration = Duration::from_secs(30);

/// A request that a receiver got.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) line: String,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) raw: Vec<u8>,
    /// Null if it is no JSON.
    pub(crate) body: Value,
    pub(crate) at: Instant,
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
pub(crate) enum Answer {
    Code(u16),
    /// 503 with `Retry-After` in seconds.
    Later(u32),
    /// 200 after this time.
    Slow(Duration),
    /// Nothing for so long, and then the end of the connection.
    Silence(Duration),
    /// Bytes that are no HTTP.
    Garbage,
    /// The beginning of an answer, then nothing for so long.
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
        // The sender may have given up.
        let _ = stream.write_all(answer.as_bytes());
    }
}

/// Starts a receiver that gives these answers, the last one again and again.
pub(crate) fn receiver(answers: &[Answer]) -> (String, Receiver<Request>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a socket");
    let address = listener.local_addr().expect("an address");
    (url(address), serve(listener, answers))
}

pub(crate) fn url(address: SocketAddr) -> String {
    format!("http://{address}/turns")
}

pub(crate) fn serve(listener: TcpListener, answers: &[Answer]) -> Receiver<Request> {
    let (tell, told) = mpsc::channel();
    let answers = answers.to_vec();
    thread::spawn(move || {
        let (last, first) = answers.split_last().expect("an answer");
        let mut answers = first.iter().chain(std::iter::repeat(last));
        for stream in listener.incoming() {
            let mut stream = stream.expect("a connection");
            let Some(request) = Request::read(&stream) else {
                continue;
            };
            if tell.send(request).is_err() {
                return;
            }
            answers.next().expect("an answer").write(&mut stream);
        }
    });
    told
}

/// An address at which nothing listens yet.
pub(crate) fn free_address() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a socket");
    listener.local_addr().expect("an address")
}

pub(crate) fn next(told: &Receiver<Request>) -> Request {
    told.recv_timeout(BOUND).expect("a request")
}
