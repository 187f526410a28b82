//! One `GET` of HTTP/1.1.

use std::fmt::Write as _;
use std::io::{Read, Write};

use crate::connection::Connection;
use crate::{ProbeError, Reason, why};

/// The number of bytes of the answer that an error can show.
const LONGEST_ANSWER: usize = 4 * 1024;

/// The maximum length of the text that [`text`] returns.
const LONGEST_TEXT: usize = 64 * 1024;

pub(crate) fn ask(connection: Connection, host: &str, path: &str) -> Result<(), ProbeError> {
    let (code, mut answer) = Answer::request(connection, &head(host, path), LONGEST_ANSWER)?;
    if (200..=299).contains(&code) {
        return Ok(());
    }
    let text = format!("{code} {}", answer.body());
    Err(ProbeError::new(reason(code), text))
}

/// Returns the text of a page, whether the service is healthy or not.
pub(crate) fn text(
    connection: Connection,
    host: &str,
    path: &str,
    token: Option<&str>,
) -> Result<String, ProbeError> {
    let mut head = head(host, path);
    if let Some(token) = token {
        let _ = write!(head, "Authorization: Bearer {token}\r\n");
    }
    let (code, mut answer) = Answer::request(connection, &head, LONGEST_TEXT)?;
    match code {
        200..=299 | 503 => Ok(why::printable(&answer.body())),
        code => Err(ProbeError::new(reason(code), format!("{code} at {path}"))),
    }
}

/// Returns the head of the request without the empty line at its end.
fn head(host: &str, path: &str) -> String {
    format!(
        "GET {path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: health-probe/{}\r\nAccept: */*\r\n\
         Connection: close\r\n",
        env!("CARGO_PKG_VERSION")
    )
}

fn reason(code: u16) -> Reason {
    match code {
        404 | 405 => Reason::Unknown,
        _ => Reason::Unhealthy,
    }
}

/// An answer that is being read.
struct Answer {
    connection: Connection,
    bytes: Vec<u8>,
    limit: usize,
}

impl Answer {
    /// Sends the request, and returns the status code and the answer.
    fn request(
        mut connection: Connection,
        head: &str,
        limit: usize,
    ) -> Result<(u16, Self), ProbeError> {
        connection
            .write_all(format!("{head}\r\n").as_bytes())
            .map_err(ProbeError::lost)?;
        let mut answer = Answer {
            connection,
            bytes: Vec::new(),
            limit,
        };
        let line = loop {
            let end = answer.bytes.windows(2).position(|two| two == b"\r\n");
            if let Some(end) = end {
                break String::from_utf8_lossy(&answer.bytes[..end]).into_owned();
            }
            if !answer.read_more()? {
                return Err(cut_off(&answer.bytes));
            }
        };
        let code = status_code(&line).ok_or(ProbeError::garbled(line))?;
        Ok((code, answer))
    }

    /// Reads more. Returns whether there was more, and space for it.
    fn read_more(&mut self) -> Result<bool, ProbeError> {
        let mut part = [0; 1024];
        let room = self.limit.saturating_sub(self.bytes.len()).min(part.len());
        let read = self.connection.read(&mut part[..room]);
        let length = read.map_err(ProbeError::lost)?;
        self.bytes.extend_from_slice(&part[..length]);
        Ok(length > 0)
    }

    /// Returns the readable part of the body. It is for people; the status code
    /// counts without it.
    fn body(&mut self) -> String {
        while let Ok(true) = self.read_more() {}
        body(&self.bytes)
    }
}

fn cut_off(answer: &[u8]) -> ProbeError {
    if answer.is_empty() {
        ProbeError::new(
            Reason::Refused,
            "the connection was closed without an answer",
        )
    } else {
        ProbeError::garbled("the answer is not HTTP/1.1")
    }
}

/// Returns the code of a status line.
fn status_code(line: &str) -> Option<u16> {
    let rest = line.strip_prefix("HTTP/1.")?;
    let mut words = rest.split(' ').skip(1);
    let code = words.next()?;
    let is_code = code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_digit());
    code.parse().ok().filter(|_| is_code)
}

fn body(answer: &[u8]) -> String {
    let head = answer.windows(4).position(|four| four == b"\r\n\r\n");
    let body = head.map_or(&[][..], |head| &answer[head + 4..]);
    String::from_utf8_lossy(body).into_owned()
}
