//! Checks the health of a running service from inside its container: the command of
//! Docker's `HEALTHCHECK`, Podman, Compose, ECS and of exec probes.
//!
//! Only the standard library is used, so a service pays no dependency for
//! [`main_if_asked`], and the binary `health-probe` is small.
//!
//! ```
//! // First in `main`: `orders probe` probes the running service and exits.
//! health_probe::main_if_asked();
//! // The service starts here.
//! ```
//!
//! # Targets
//!
//! | URL | asks |
//! |---|---|
//! | `http://127.0.0.1:3000/readyz` | `GET`; healthy is 200 to 299 |
//! | `grpc://127.0.0.1:50051` | `grpc.health.v1.Health/Check` of the service `""`; healthy is `SERVING` |
//! | `grpc://127.0.0.1:50051/orders.v1.Orders` | the same of that service |
//! | `http+unix://%2Frun%2Forders.sock/readyz`, `grpc+unix://…` | the same over a Unix socket, whose path is percent-encoded |
//!
//! Redirects are not followed, since a redirect says nothing about the service.
//! There is no TLS: the probe talks to its own container.
//!
//! # Why a service is unhealthy
//!
//! `orders probe --why` prints each check with its private cause, without a log. It
//! requests `/health` beside the page of the probe, with the token
//! in `HEALTH_GUARD_TOKEN`, over loopback or a Unix socket only. See [`why`].
//!
//! # Exit codes
//!
//! 0 for healthy and degraded, 1 for everything else. With `--why` 0 if the service
//! answers. 2 is reserved by Docker and never used.

mod connection;
mod grpc;
mod hpack;
mod http;
mod target;
mod why;

use std::ffi::OsString;
use std::io::{self, Write as _};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};
use std::{env, error, fmt, process, thread};

use target::{Protocol, Target};

/// The default timeout of a probe: far below the 30 s after which Docker kills the
/// command, and far above the second within which the service answers.
pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(5);

/// The first argument that starts a probe.
const COMMAND: &str = "probe";
/// The option that prints the causes.
const WHY: &str = "--why";
const TOKEN_VARIABLE: &str = "HEALTH_GUARD_TOKEN";
const URL_VARIABLE: &str = "HEALTH_PROBE_URL";
const TIMEOUT_VARIABLE: &str = "HEALTH_PROBE_TIMEOUT";

/// Probes the service at `url` and waits for its answer at most for `timeout`.
///
/// # Errors
///
/// If the answer is not healthy, or there is none; see [`Reason`].
///
/// ```no_run
/// use health_probe::{DEFAULT_TIMEOUT, Reason};
///
/// match health_probe::probe("http://127.0.0.1:3000/readyz", DEFAULT_TIMEOUT) {
///     Ok(()) => println!("healthy"),
///     Err(error) if error.reason() == Reason::Unhealthy => println!("{error}"),
///     Err(error) => println!("no answer: {error}"),
/// }
/// ```
pub fn probe(url: &str, timeout: Duration) -> Result<(), ProbeError> {
    let target = Target::parse(url)?;
    within(timeout, move |until| ask(&target, until))
}

/// Runs `request` on a thread of its own, since resolving a name can take longer than
/// any timeout.
fn within<T: Send + 'static>(
    timeout: Duration,
    request: impl FnOnce(Instant) -> Result<T, ProbeError> + Send + 'static,
) -> Result<T, ProbeError> {
    let until = Instant::now().checked_add(timeout);
    let until = until.ok_or_else(|| ProbeError::new(Reason::Usage, "the timeout is too long"))?;
    let (answered, answer) = mpsc::channel();
    let asking = move || drop(answered.send(request(until)));
    thread::Builder::new()
        .name("health-probe".into())
        .spawn(asking)
        .map_err(|error| ProbeError::new(Reason::Refused, format!("no thread: {error}")))?;
    match answer.recv_timeout(timeout) {
        Ok(answer) => answer,
        Err(RecvTimeoutError::Timeout) => Err(ProbeError::timeout()),
        Err(RecvTimeoutError::Disconnected) => Err(ProbeError::new(
            Reason::Garbled,
            "the answer is not understood",
        )),
    }
}

/// Returns why the service at `url` is not healthy, one line per check, with the
/// private texts that its guard shows.
///
/// `url` is the page of a probe, such as `http://127.0.0.1:3000/readyz`, whose last
/// segment is replaced by `health`. The guard of the service recognizes `token`
/// (`HEALTH_GUARD_TOKEN` on the command line) or, with
/// `Guard::addresses(["127.0.0.1", "::1"])`, the address. If it does neither, the
/// texts are `withheld`.
///
/// # Errors
///
/// With [`Reason::Usage`] if the host is neither `localhost` nor a loopback address
/// nor a Unix socket, because neither the token nor the texts may leave the machine.
/// Otherwise as [`probe`], except that an unhealthy service is no error.
///
/// ```no_run
/// use health_probe::DEFAULT_TIMEOUT;
///
/// let token = std::env::var("HEALTH_GUARD_TOKEN").ok();
/// println!("{}", health_probe::why("http://127.0.0.1:3000/readyz", token.as_deref(), DEFAULT_TIMEOUT)?);
/// # Ok::<_, health_probe::ProbeError>(())
/// ```
pub fn why(url: &str, token: Option<&str>, timeout: Duration) -> Result<String, ProbeError> {
    let target = Target::parse(url)?;
    if !target.is_local() {
        let text = "causes are private: use localhost, a loopback address or a Unix socket";
        return Err(ProbeError::new(Reason::Usage, text));
    }
    let Protocol::Http { path } = target.protocol() else {
        let text = "the causes are served over HTTP: use http:// or http+unix://";
        return Err(ProbeError::new(Reason::Usage, text));
    };
    let path = why::page_of(path);
    let token = token.map(why::token).transpose()?;
    within(timeout, move |until| {
        let connection = target.connect(until)?;
        http::text(connection, target.host(), &path, token.as_deref())
    })
}

fn ask(target: &Target, until: Instant) -> Result<(), ProbeError> {
    let connection = target.connect(until)?;
    match target.protocol() {
        Protocol::Http { path } => http::ask(connection, target.host(), path),
        Protocol::Grpc { service } => grpc::ask(connection, target.host(), service),
    }
}

/// Probes and ends the process, if the first argument is `probe`; returns at once
/// otherwise. Call it first in `main`, before a runtime or a log is set up.
///
/// The target is the second argument, else `HEALTH_PROBE_URL`, else
/// `http://127.0.0.1:$PORT/readyz`. `HEALTH_PROBE_TIMEOUT` sets the timeout in
/// seconds.
///
/// With `--why` before the target (`orders probe --why`), it prints [why] the service
/// is not healthy, with the token in `HEALTH_GUARD_TOKEN`.
pub fn main_if_asked() {
    main_if_asked_for(|| {
        let port = env::var("PORT").ok()?;
        Some(format!("http://127.0.0.1:{port}/readyz"))
    });
}

/// Like [`main_if_asked`], for a service that knows its address: the target is the
/// second argument, else `HEALTH_PROBE_URL`, else `url`.
///
/// ```
/// // Where the service reads its settings from, here without a port.
/// let port = std::env::var("ORDERS_PORT").unwrap_or("3000".into());
/// health_probe::main_if_asked_at(&format!("http://127.0.0.1:{port}/readyz"));
/// ```
pub fn main_if_asked_at(url: &str) {
    main_if_asked_for(|| Some(url.to_owned()));
}

fn main_if_asked_for(usual: impl FnOnce() -> Option<String>) {
    let mut arguments = env::args_os().skip(1);
    if arguments.next().is_some_and(|first| first == COMMAND) {
        process::exit(run(arguments, usual));
    }
}

/// Probes as the arguments say, writes the reason of a failure to stderr and returns
/// the exit code: the body of the binary `health-probe`.
#[doc(hidden)]
pub fn run(
    arguments: impl Iterator<Item = OsString>,
    usual: impl FnOnce() -> Option<String>,
) -> i32 {
    let mut arguments = arguments.map(|text| text.to_string_lossy().into_owned());
    let first = arguments.next();
    let wants_why = first.as_deref() == Some(WHY);
    let given = if wants_why { arguments.next() } else { first };
    let url = given.or_else(|| env::var(URL_VARIABLE).ok()).or_else(usual);
    let result = match url {
        Some(url) => timeout().and_then(|timeout| {
            if wants_why {
                print_why(&url, timeout)
            } else {
                probe(&url, timeout)
            }
        }),
        None => Err(ProbeError::new(
            Reason::Usage,
            format!("no URL; write one, or set {URL_VARIABLE} or PORT"),
        )),
    };
    match result {
        Ok(()) => 0,
        Err(error) => {
            // Without `eprintln!`, which panics if stderr is closed.
            let _ = writeln!(io::stderr(), "{error}");
            1
        }
    }
}

fn print_why(url: &str, timeout: Duration) -> Result<(), ProbeError> {
    let token = env::var(TOKEN_VARIABLE).ok();
    let text = why(url, token.as_deref(), timeout)?;
    // Without `println!`, which panics if stdout is closed.
    let _ = writeln!(io::stdout(), "{text}");
    if why::is_public(&text) {
        let _ = writeln!(io::stderr(), "{}", why::HINT);
    }
    Ok(())
}

fn timeout() -> Result<Duration, ProbeError> {
    let Ok(text) = env::var(TIMEOUT_VARIABLE) else {
        return Ok(DEFAULT_TIMEOUT);
    };
    let seconds: Option<f64> = text.parse().ok();
    let timeout = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    let timeout = timeout.filter(|timeout| !timeout.is_zero());
    timeout.ok_or_else(|| {
        let text = format!("{TIMEOUT_VARIABLE} must be seconds, such as 2.5, not {text:?}");
        ProbeError::new(Reason::Usage, text)
    })
}

/// The reason why a probe failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reason {
    /// The service answered that it is not healthy.
    Unhealthy,
    /// The service answered that it does not know the path or the gRPC service.
    Unknown,
    /// No server listens, or the connection was closed without an answer.
    Refused,
    /// The host has no address.
    Unresolved,
    /// There was no answer within the timeout.
    Timeout,
    /// The answer is neither HTTP nor gRPC.
    Garbled,
    /// The URL or a variable is invalid.
    Usage,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Reason::Unhealthy => "unhealthy",
            Reason::Unknown => "unknown",
            Reason::Refused => "refused",
            Reason::Unresolved => "unresolved",
            Reason::Timeout => "timeout",
            Reason::Garbled => "garbled",
            Reason::Usage => "usage",
        })
    }
}

/// The error of a probe: a [`Reason`] and a detail on one line of at most 512 bytes.
///
/// Its [`Debug`](fmt::Debug) is the same text as its `Display`, because `main`
/// prints it.
#[derive(Clone, PartialEq, Eq)]
pub struct ProbeError {
    reason: Reason,
    detail: String,
}

/// Docker keeps the first 4,096 bytes of the output.
const LONGEST_DETAIL: usize = 480;

impl ProbeError {
    fn new(reason: Reason, detail: impl Into<String>) -> Self {
        let mut detail: String = detail.into();
        if detail.len() > LONGEST_DETAIL {
            let end = (0..=LONGEST_DETAIL)
                .rev()
                .find(|&at| detail.is_char_boundary(at));
            detail.truncate(end.unwrap_or(0));
        }
        let is_plain = |c: char| !c.is_control();
        let detail = detail
            .chars()
            .map(|c| if is_plain(c) { c } else { ' ' })
            .collect();
        ProbeError { reason, detail }
    }

    fn timeout() -> Self {
        ProbeError::new(Reason::Timeout, "no answer within the timeout")
    }

    fn garbled(detail: impl Into<String>) -> Self {
        ProbeError::new(Reason::Garbled, detail)
    }

    /// The error of a connection to the service.
    #[expect(clippy::needless_pass_by_value, reason = "it is passed to `map_err`")]
    fn lost(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => ProbeError::timeout(),
            _ => ProbeError::new(Reason::Refused, error.to_string()),
        }
    }

    /// Returns the reason in one word.
    pub fn reason(&self) -> Reason {
        self.reason
    }
}

impl fmt::Display for ProbeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.reason, self.detail)
    }
}

impl fmt::Debug for ProbeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl error::Error for ProbeError {}
