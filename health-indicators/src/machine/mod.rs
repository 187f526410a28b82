//! The machine: disk, memory, CPU, and what one process may use. For Unix;
//! memory, CPU, file descriptors and threads for Linux.
//!
//! ```no_run,standalone_crate
//! use std::path::PathBuf;
//! use health_core::HealthState;
//! use health_indicators::machine::Disk;
//!
//! #[derive(Clone, HealthState)]
//! struct AppState {
//!     /// There is room for uploads.
//!     #[health(check = Disk::at("/var/lib/orders").warn_below("20%").fail_below("1GiB"), interval = "1m")]
//!     uploads: PathBuf,
//! }
//! ```
//!
//! Most of these checks belong to no field. Call `check` in a plain function, so
//! that the run has a thread of its own:
//!
//! ```no_run,standalone_crate
//! use health_core::{Outcome, health_check};
//! use health_indicators::machine::{Cpu, FileDescriptors};
//!
//! #[health_check(interval = "30s")]
//! fn cpu() -> Outcome {
//!     // Compares with its last run, so it outlives them.
//!     static CPU: Cpu = Cpu::new();
//!     CPU.check()
//! }
//!
//! #[health_check(interval = "30s")]
//! fn file_descriptors() -> Outcome {
//!     FileDescriptors::new().check()
//! }
//! ```

mod clock;
mod cpu;
mod directory;
mod disk;
mod memory;
mod process;
mod system;
mod threshold;

use std::io;

use health_core::Outcome;
use health_core::check::FailureClass;

pub use clock::Clock;
pub use cpu::Cpu;
pub use directory::Directory;
pub use disk::Disk;
pub use memory::Memory;
pub use process::{FileDescriptors, Threads};
pub use threshold::Threshold;

/// What is free of something.
#[derive(Clone, Copy, Debug)]
struct Share {
    free: u64,
    all: u64,
}

impl Share {
    fn new(free: u64, all: u64) -> Self {
        Share { free, all }
    }

    #[expect(clippy::cast_precision_loss, reason = "a percentage needs less")]
    fn exact_percent(self) -> f64 {
        if self.all == 0 {
            return 100.0;
        }
        self.free as f64 * 100.0 / self.all as f64
    }

    /// In whole percent, rounded down; all of nothing is free, as of the inodes
    /// of a file system that counts none.
    fn percent(&self) -> u8 {
        if self.all == 0 {
            return 100;
        }
        let percent = u128::from(self.free) * 100 / u128::from(self.all);
        u8::try_from(percent.min(100)).unwrap_or(100)
    }
}

fn graded(percent: u8, warn_below: u8, fail_below: u8, text: &'static str) -> Outcome {
    if percent < fail_below {
        Outcome::fail(text).class(FailureClass::Saturated)
    } else if percent < warn_below {
        Outcome::warn(text).class(FailureClass::Saturated)
    } else {
        Outcome::pass()
    }
}

fn class(kind: io::ErrorKind) -> FailureClass {
    match kind {
        io::ErrorKind::PermissionDenied => FailureClass::Unauthorized,
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => FailureClass::Misconfigured,
        _ => FailureClass::Unreachable,
    }
}
