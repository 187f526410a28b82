//! One call of `grpc.health.v1.Health/Check` over HTTP/2 without TLS, by prior
//! knowledge (RFC 9113).
//!
//! The whole exchange is small, so flow control needs no credit, and larger data is
//! rejected.

use std::io::{ErrorKind, Read, Write};

use crate::connection::Connection;
use crate::hpack::{self, Field};
use crate::{ProbeError, Reason};

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const STREAM: u32 = 1;
/// The largest frame that a peer may send by default.
const LARGEST_FRAME: usize = 16 * 1024;
/// The maximum size of an answer, which has less than a hundred bytes.
const MOST_FRAMES: usize = 64;

const DATA: u8 = 0x0;
const HEADERS: u8 = 0x1;
const RST_STREAM: u8 = 0x3;
const SETTINGS: u8 = 0x4;
const PING: u8 = 0x6;
const GOAWAY: u8 = 0x7;
const CONTINUATION: u8 = 0x9;

/// The flag of `SETTINGS` and `PING`.
const ACK: u8 = 0x1;
const END_STREAM: u8 = 0x1;
const END_HEADERS: u8 = 0x4;
const PADDED: u8 = 0x8;
const PRIORITY: u8 = 0x20;

const HEADER_TABLE_SIZE: u16 = 0x1;
const ENABLE_PUSH: u16 = 0x2;

/// The value of `SERVING` in the answer.
const SERVING: u64 = 1;

/// The status codes of gRPC, by their number.
const CODES: [&str; 17] = [
    "OK",
    "CANCELLED",
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
    "UNAUTHENTICATED",
];

pub(crate) fn ask(mut connection: Connection, host: &str, service: &str) -> Result<(), ProbeError> {
    let request = request(host, service)
        .ok_or_else(|| ProbeError::new(Reason::Usage, "the name of the service is too long"))?;
    connection.write_all(&request).map_err(ProbeError::lost)?;
    let answer = Answer::read(&mut connection)?;
    answer.verdict(service)
}

/// The bytes that the client sends first: preface, SETTINGS and the call.
fn request(host: &str, service: &str) -> Option<Vec<u8>> {
    let mut settings = Vec::new();
    for setting in [HEADER_TABLE_SIZE, ENABLE_PUSH] {
        settings.extend_from_slice(&setting.to_be_bytes());
        settings.extend_from_slice(&0_u32.to_be_bytes());
    }
    let mut fields = Vec::new();
    for (name, value) in [
        (":method", "POST"),
        (":scheme", "http"),
        (":path", "/grpc.health.v1.Health/Check"),
        (":authority", host),
        ("te", "trailers"),
        ("content-type", "application/grpc"),
        (
            "user-agent",
            concat!("health-probe/", env!("CARGO_PKG_VERSION")),
        ),
    ] {
        hpack::encode(&mut fields, name, value);
    }
    let mut request = PREFACE.to_vec();
    push_frame(&mut request, SETTINGS, 0, 0, &settings)?;
    push_frame(&mut request, HEADERS, END_HEADERS, STREAM, &fields)?;
    push_frame(&mut request, DATA, END_STREAM, STREAM, &message(service)?)?;
    Some(request)
}

fn push_frame(out: &mut Vec<u8>, kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Option<()> {
    let length = u32::try_from(payload.len()).ok()?;
    if payload.len() > LARGEST_FRAME {
        return None;
    }
    out.extend_from_slice(&length.to_be_bytes()[1..]);
    out.extend_from_slice(&[kind, flags]);
    out.extend_from_slice(&stream.to_be_bytes());
    out.extend_from_slice(payload);
    Some(())
}

/// `HealthCheckRequest { service }` with the prefix of gRPC.
fn message(service: &str) -> Option<Vec<u8>> {
    let mut message = Vec::new();
    if !service.is_empty() {
        message.push(0x0a); // field 1, a string
        hpack::push_groups(&mut message, service.len());
        message.extend_from_slice(service.as_bytes());
    }
    let mut prefixed = vec![0]; // not compressed
    prefixed.extend_from_slice(&u32::try_from(message.len()).ok()?.to_be_bytes());
    prefixed.append(&mut message);
    Some(prefixed)
}

struct Frame {
    kind: u8,
    flags: u8,
    stream: u32,
    payload: Vec<u8>,
}

impl Frame {
    fn read(connection: &mut Connection) -> Result<Self, ProbeError> {
        let mut head = [0; 9];
        connection
            .read_exact(&mut head)
            .map_err(|error| match error.kind() {
                ErrorKind::UnexpectedEof => ProbeError::new(
                    Reason::Refused,
                    "the connection was closed without an answer",
                ),
                _ => ProbeError::lost(error),
            })?;
        let [a, b, c, kind, flags, stream @ ..] = head;
        let length = u32::from_be_bytes([0, a, b, c]) as usize;
        if length > LARGEST_FRAME {
            return Err(ProbeError::garbled("the answer is not HTTP/2"));
        }
        let mut payload = vec![0; length];
        connection
            .read_exact(&mut payload)
            .map_err(ProbeError::lost)?;
        Ok(Frame {
            kind,
            flags,
            stream: u32::from_be_bytes(stream) & 0x7fff_ffff,
            payload,
        })
    }

    fn has(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }

    /// Returns the payload of `DATA` or `HEADERS` without padding and priority.
    fn content(&self) -> Option<&[u8]> {
        let mut content = &self.payload[..];
        if self.has(PADDED) {
            let (padding, rest) = content.split_first()?;
            let length = rest.len().checked_sub(usize::from(*padding))?;
            content = &rest[..length];
        }
        if self.kind == HEADERS && self.has(PRIORITY) {
            content = content.get(5..)?;
        }
        Some(content)
    }
}

#[derive(Default)]
struct Answer {
    fields: Vec<Field>,
    message: Vec<u8>,
}

impl Answer {
    fn read(connection: &mut Connection) -> Result<Self, ProbeError> {
        let malformed = || ProbeError::garbled("the answer is malformed HTTP/2");
        let mut answer = Answer::default();
        let mut block = Vec::new();
        let mut ends = false;
        for number in 0..MOST_FRAMES {
            let frame = Frame::read(connection)?;
            // A server begins with its SETTINGS.
            if number == 0 && (frame.kind, frame.stream) != (SETTINGS, 0) {
                return Err(ProbeError::garbled("the answer is not HTTP/2"));
            }
            match (frame.kind, frame.stream) {
                (SETTINGS | PING, 0) if !frame.has(ACK) => {
                    acknowledge(connection, &frame)?;
                }
                (GOAWAY, 0) => {
                    return Err(ProbeError::new(Reason::Refused, "the server is going away"));
                }
                (RST_STREAM, STREAM) => {
                    return Err(ProbeError::new(Reason::Refused, "the call was reset"));
                }
                (HEADERS | CONTINUATION, STREAM) => {
                    block.extend_from_slice(frame.content().ok_or_else(malformed)?);
                    ends |= frame.kind == HEADERS && frame.has(END_STREAM);
                    if block.len() > LARGEST_FRAME {
                        return Err(malformed());
                    }
                    if frame.has(END_HEADERS) {
                        let fields = hpack::decode(&block).ok_or_else(malformed)?;
                        answer.fields.extend(fields);
                        block.clear();
                    }
                }
                (DATA, STREAM) => {
                    answer
                        .message
                        .extend_from_slice(frame.content().ok_or_else(malformed)?);
                    ends |= frame.has(END_STREAM);
                    if answer.message.len() > LARGEST_FRAME {
                        return Err(malformed());
                    }
                }
                _ => {}
            }
            if ends && block.is_empty() {
                return Ok(answer);
            }
        }
        Err(ProbeError::garbled("the answer is too long"))
    }

    fn field(&self, wanted: &str) -> Option<&str> {
        let field = self.fields.iter().rev().find(|(name, _)| name == wanted)?;
        Some(&field.1)
    }

    fn verdict(&self, service: &str) -> Result<(), ProbeError> {
        let Some(code) = self.field("grpc-status") else {
            let status = self.field(":status").unwrap_or("none");
            let text = format!("not a gRPC answer, HTTP status {status}");
            return Err(ProbeError::garbled(text));
        };
        let code: Option<usize> = code.parse().ok();
        let word = code.and_then(|code| CODES.get(code)).unwrap_or(&"UNKNOWN");
        match *word {
            "OK" => {}
            "NOT_FOUND" | "UNIMPLEMENTED" => {
                let text = format!("{word} {service:?}");
                return Err(ProbeError::new(Reason::Unknown, text));
            }
            word => {
                let text = format!("{word} {}", self.field("grpc-message").unwrap_or_default());
                return Err(ProbeError::new(Reason::Unhealthy, text));
            }
        }
        let status = serving_status(&self.message);
        match status.ok_or_else(|| ProbeError::garbled("the message is malformed"))? {
            SERVING => Ok(()),
            2 => Err(ProbeError::new(Reason::Unhealthy, "NOT_SERVING")),
            other => Err(ProbeError::new(
                Reason::Unhealthy,
                format!("status {other}"),
            )),
        }
    }
}

fn acknowledge(connection: &mut Connection, frame: &Frame) -> Result<(), ProbeError> {
    let payload = if frame.kind == PING {
        &frame.payload[..]
    } else {
        &[]
    };
    let mut out = Vec::new();
    push_frame(&mut out, frame.kind, ACK, 0, payload);
    match connection.write_all(&out) {
        // The answer may have arrived before the error.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        result => result.map_err(ProbeError::lost),
    }
}

/// Returns field 1 of `HealthCheckResponse`, 0 if it is absent, or `None` if this is
/// not a message with one small field.
fn serving_status(message: &[u8]) -> Option<u64> {
    let (&[compressed, length @ ..], message) = message.split_first_chunk::<5>()?;
    let length = usize::try_from(u32::from_be_bytes(length)).ok()?;
    if compressed != 0 || length != message.len() {
        return None;
    }
    match *message {
        [] => Some(0),
        [0x08, status @ 0..=0x7f] => Some(status.into()),
        _ => None,
    }
}
