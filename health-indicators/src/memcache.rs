//! Memcached, behind a pool of memcache 0.21.
//!
//! A `memcache::Client` does not give out its pool. Make the pool, make the
//! client over it, and check the pool:
//!
//! ```no_run,standalone_crate
//! use std::time::Duration;
//! use health_core::HealthState;
//! use memcache::{Client, ConnectionManager, Pool, Url};
//!
//! #[derive(Clone, HealthState)]
//! struct AppState {
//!     cache: Client,
//!     /// Memcached answers.
//!     #[health(check = health_indicators::memcache::version, timeout = "2s", tags("cache"))]
//!     pool: Pool,
//! }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let url = Url::parse("memcache://cache.internal:11211?protocol=ascii&timeout=1")?;
//! let pool = Pool::builder()
//!     .connection_timeout(Duration::from_secs(2))
//!     .build_unchecked(ConnectionManager::new(url));
//! let state = AppState { cache: Client::with_pool(pool.clone())?, pool };
//! # let _ = (state.cache, state.pool);
//! # Ok(())
//! # }
//! ```
//!
//! The client blocks its thread, so the check is a plain function. A run takes one
//! connection, which the pool tests with the command `version`, and sends nothing
//! else. It opens a connection only if the pool has none that works.
//!
//! | the run | verdict | class |
//! |---|---|---|
//! | finds every connection in use for 1 s | degraded | `saturated` |
//! | gets no connection within 1 s | failing | `unreachable` |
//! | opens a connection, and the credentials are wrong or missing | failing | `unauthorized` |
//! | opens a connection, and the server has as many as it accepts | failing | `saturated` |
//! | gets another error as the answer | failing | `refused` |
//! | finds that the pool does not test its connections | failing | `misconfigured` |
//! | gets no answer before the `timeout` of the URL or the timeout of the check | failing | `timed_out` |
//!
//! `build_unchecked` starts without a server; `build` waits for one, and so does
//! `memcache::connect`.
//!
//! A pool that cannot connect waits between its attempts, up to half of its
//! `connection_timeout`, which is 30 s by default. It tells the reason once: runs in
//! between are `unreachable`, whatever the reason, and a server that is back is seen
//! at the next attempt. A short `connection_timeout` avoids both.
//!
//! A server that is frozen keeps the thread of a run until it answers or the
//! connection breaks, as it keeps the threads of requests. No other run starts
//! meanwhile.
//!
//! Memcached has no read-only role. Whether a value fits into its memory is not
//! checked.

use std::io::ErrorKind;
use std::time::Duration;

use health_core::Outcome;
use health_core::check::FailureClass;
use memcache::{Error, Pool};

use crate::failure::{because, failure, saturated};

/// How long a run waits for a connection.
const PATIENCE: Duration = Duration::from_secs(1);

/// Checks that the server answers `version`.
///
/// The pool must test its connections when it gives them out, which is the
/// default. A connection that fails this test is closed. Without the test, the
/// client would use a connection again whose answer came too late, and a request
/// would read the answer to `version`.
pub fn version(pool: &Pool) -> Outcome {
    if !pool.test_on_check_out() {
        return failure(FailureClass::Misconfigured).because("test_on_check_out is off");
    }
    let outcome = match pool.get_timeout(PATIENCE) {
        Ok(_) => Outcome::pass(),
        Err(error) => missing(pool, error),
    };
    described(pool, outcome)
}

fn missing(pool: &Pool, error: Error) -> Outcome {
    if let Some(class) = class(&error.to_string()) {
        return because(class, error);
    }
    let state = pool.state();
    if state.idle_connections == 0 && state.connections >= pool.max_size() {
        saturated()
    } else {
        because(FailureClass::Unreachable, error)
    }
}

/// The class of the last error. The pool keeps its text alone.
fn class(error: &str) -> Option<FailureClass> {
    const ANSWERS: [(&str, FailureClass); 6] = [
        ("authentication failure", FailureClass::Unauthorized),
        ("unauthenticated", FailureClass::Unauthorized),
        ("Authentication required", FailureClass::Unauthorized),
        ("Too many open connections", FailureClass::Saturated),
        ("CLIENT_ERROR", FailureClass::Refused),
        ("SERVER_ERROR", FailureClass::Refused),
    ];
    let known = ANSWERS.iter().find(|(answer, _)| error.contains(answer));
    let answered = known.map(|(_, class)| *class);
    answered.or_else(|| is_timeout(error).then_some(FailureClass::TimedOut))
}

/// A read that takes longer than the `timeout` of the URL, by the number of the
/// error: `Resource temporarily unavailable (os error 11)`.
fn is_timeout(error: &str) -> bool {
    let number = error.rsplit_once("(os error ").and_then(|(_, rest)| {
        let (number, _) = rest.split_once(')')?;
        number.parse().ok()
    });
    number.is_some_and(|number| {
        let kind = std::io::Error::from_raw_os_error(number).kind();
        matches!(kind, ErrorKind::WouldBlock | ErrorKind::TimedOut)
    })
}

fn described(pool: &Pool, outcome: Outcome) -> Outcome {
    let state = pool.state();
    outcome
        .observe(state.connections, "connections")
        .detail(serde_json::json!({ "idle": state.idle_connections, "max": pool.max_size() }))
}
