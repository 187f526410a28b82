//! One `GET` of HTTP/1.1.

use std::io::{Read, Write};

use crate::connection::Connection;
use crate::{ProbeError, Reason};

/// Of an answer as much as an error can show.
const LONGEST_ANSWER: usize = 4 * 1024;

pub(crate) fn ask(mut connection: Connection, host: &str, path: &str) -> Result<(), ProbeError> {
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: health-probe/{}\r\nAccept: */*\r\n\
         Connection: close\r\n\r\n",
        env!("CARGO_PKG_VERSION")
    );
    connection.write_all(request.as_bytes())?;
    let mut answer = Vec::new();
    let line = loop {
        if let Some(end) = answer.windows(2).position(|two| two == b"\r\n") {
            break String::from_utf8_lossy(&answer[..end]).into_owned();
        }
        if !read_more(&mut connection, &mut answer)? {
            return Err(cut_off(&answer));
        }
    };
    let code = status_code(&line).ok_or_else(|| ProbeError::garbled(line.clone()))?;
    if (200..=299).contains(&code) {
        return Ok(());
    }
    // The body is for people; the verdict stands without it.
    while let Ok(true) = read_more(&mut connection, &mut answer) {}
    let reason = match code {
        404 | 405 => Reason::Unknown,
        _ => Reason::Unhealthy,
    };
    Err(ProbeError::new(reason, format!("{code} {}", body(&answer))))
}

/// Returns whether there was more, and room for it.
fn read_more(connection: &mut Connection, answer: &mut Vec<u8>) -> Result<bool, ProbeError> {
    let mut part = [0; 1024];
    let room = LONGEST_ANSWER.saturating_sub(answer.len()).min(part.len());
    let length = connection.read(&mut part[..room])?;
    answer.extend_from_slice(&part[..length]);
    Ok(length > 0)
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

/// The code of a status line.
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
