//! The resources that a process has used, as counted by the kernel.
//!
//! Read from outside, so that it works for any process in any language.

use std::fs;
use std::io;
use std::time::Duration;

/// The CPU time, user and system, of a process, all of its threads and its children
/// since a given time.
///
/// Taken from `schedstat`, which counts nanoseconds; `stat` counts hundredths of a
/// second, too coarse for a ratio of 1.05. The sum excludes threads that have ended,
/// so measure only processes that keep their threads.
#[derive(Debug)]
pub struct CpuMeter {
    process: u32,
    before: Duration,
}

impl CpuMeter {
    /// Starts the measurement.
    ///
    /// # Errors
    ///
    /// Where the kernel offers no such account: it takes Linux with scheduler
    /// statistics.
    pub fn start(process: u32) -> io::Result<Self> {
        let before = cpu_time(process)?;
        Ok(CpuMeter { process, before })
    }

    /// Returns the usage since the start.
    ///
    /// # Errors
    ///
    /// If the process has ended.
    pub fn spent(&self) -> io::Result<Duration> {
        Ok(cpu_time(self.process)?.saturating_sub(self.before))
    }
}

fn cpu_time(process: u32) -> io::Result<Duration> {
    let unsupported = |error: io::Error| {
        let what = format!("no CPU accounting by `schedstat` on this system: {error}");
        io::Error::new(io::ErrorKind::Unsupported, what)
    };
    let mut nanoseconds = 0;
    for process in family(process).map_err(unsupported)? {
        for task in fs::read_dir(format!("/proc/{process}/task")).map_err(unsupported)? {
            let path = task?.path().join("schedstat");
            let account = fs::read_to_string(path).map_err(unsupported)?;
            nanoseconds += first_number(&account)?;
        }
    }
    Ok(Duration::from_nanos(nanoseconds))
}

/// A process and its children: many servers are a master and its workers.
fn family(process: u32) -> io::Result<Vec<u32>> {
    let mut family = vec![process];
    let mut next = 0;
    while let Some(parent) = family.get(next) {
        next += 1;
        let path = format!("/proc/{parent}/task/{parent}/children");
        let children = fs::read_to_string(path)?;
        family.extend(
            children
                .split_whitespace()
                .filter_map(|id| id.parse::<u32>().ok()),
        );
    }
    Ok(family)
}

/// Returns the maximum resident memory of a process and its children, in bytes.
///
/// # Errors
///
/// Where the kernel offers no such account, or the process has ended.
pub fn peak_memory(process: u32) -> io::Result<u64> {
    let peaks = family(process)?
        .into_iter()
        .map(|id| kibibytes(id, "VmHWM:"));
    let sum: io::Result<u64> = peaks.sum();
    Ok(sum? * 1024)
}

/// Returns the resident memory of this process, in bytes.
///
/// # Errors
///
/// Where the kernel offers no such account: it takes Linux.
pub fn resident_memory() -> io::Result<u64> {
    Ok(kibibytes(std::process::id(), "VmRSS:")? * 1024)
}

fn kibibytes(process: u32, field: &str) -> io::Result<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix(field));
    first_number(line.unwrap_or_default())
}

fn first_number(text: &str) -> io::Result<u64> {
    let number = text.split_whitespace().next().map(str::parse);
    number
        .and_then(Result::ok)
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "the account has no number"))
}
