//! A connection that ends with the deadline.

use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
#[cfg(unix)]
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

#[derive(Debug)]
pub(crate) struct Connection {
    stream: Stream,
    until: Instant,
}

#[derive(Debug)]
enum Stream {
    Tcp(TcpStream),
    #[cfg(unix)]
    Unix(UnixStream),
}

/// Returns the remaining time.
///
/// # Errors
///
/// Fails if there is none.
pub(crate) fn remaining(until: Instant) -> io::Result<Duration> {
    let remaining = until.saturating_duration_since(Instant::now());
    if remaining.is_zero() {
        return Err(ErrorKind::TimedOut.into());
    }
    Ok(remaining)
}

impl Connection {
    pub(crate) fn tcp(stream: TcpStream, until: Instant) -> Self {
        let stream = Stream::Tcp(stream);
        Connection { stream, until }
    }

    #[cfg(unix)]
    pub(crate) fn unix(stream: UnixStream, until: Instant) -> Self {
        let stream = Stream::Unix(stream);
        Connection { stream, until }
    }

    /// Limits the next call to the remaining time.
    fn bound(&self) -> io::Result<()> {
        let remaining = Some(remaining(self.until)?);
        match &self.stream {
            Stream::Tcp(stream) => {
                stream.set_read_timeout(remaining)?;
                stream.set_write_timeout(remaining)
            }
            #[cfg(unix)]
            Stream::Unix(stream) => {
                stream.set_read_timeout(remaining)?;
                stream.set_write_timeout(remaining)
            }
        }
    }
}

impl Read for Connection {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.bound()?;
        match &mut self.stream {
            Stream::Tcp(stream) => stream.read(buffer),
            #[cfg(unix)]
            Stream::Unix(stream) => stream.read(buffer),
        }
    }
}

impl Write for Connection {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        self.bound()?;
        match &mut self.stream {
            Stream::Tcp(stream) => stream.write(buffer),
            #[cfg(unix)]
            Stream::Unix(stream) => stream.write(buffer),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.stream {
            Stream::Tcp(stream) => stream.flush(),
            #[cfg(unix)]
            Stream::Unix(stream) => stream.flush(),
        }
    }
}
