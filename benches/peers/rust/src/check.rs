//! The checks of every peer.

use std::future::pending;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// How often the first check has started.
pub static RUNS: AtomicU64 = AtomicU64::new(0);

/// The behaviour of the first check; the others pass at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Ready,
    Slow,
    Hung,
    Blocking,
    Panicking,
}

impl Kind {
    pub fn named(name: &str) -> Option<Kind> {
        Some(match name {
            "ready" => Kind::Ready,
            "slow" => Kind::Slow,
            "hung" => Kind::Hung,
            "blocking" => Kind::Blocking,
            "panicking" => Kind::Panicking,
            _ => return None,
        })
    }
}

/// Runs the check with this number.
pub async fn run(kind: Kind, number: usize) -> Result<(), std::io::Error> {
    if number > 0 {
        return Ok(());
    }
    RUNS.fetch_add(1, Ordering::Relaxed);
    match kind {
        Kind::Ready => Ok(()),
        Kind::Slow => {
            tokio::time::sleep(Duration::from_secs(1)).await;
            Ok(())
        }
        Kind::Hung => pending().await,
        Kind::Blocking => {
            std::thread::sleep(Duration::from_secs(5));
            Ok(())
        }
        Kind::Panicking => panic!("the check panics"),
    }
}

pub fn name(number: usize) -> String {
    format!("check-{number:05}")
}
