use std::{fs, io};

use health_core::Outcome;
use health_core::check::BlockingIndicator;
use rustix::process::{Resource, getrlimit};

use super::system::System;
use super::{Share, class, graded};
use crate::failure::because;

/// A check of the open file descriptors of this process against their limit. For
/// Linux.
///
/// Degrades where less than 20 % are left. Sockets count, too.
#[derive(Clone, Debug)]
#[must_use = "a check does nothing until its `check` runs"]
pub struct FileDescriptors {
    warn_below: u8,
}

impl Default for FileDescriptors {
    fn default() -> Self {
        FileDescriptors::new()
    }
}

impl FileDescriptors {
    /// Creates a check of the open file descriptors.
    pub const fn new() -> Self {
        FileDescriptors { warn_below: 20 }
    }

    /// Sets the percentage that must be left, below which the check degrades; by
    /// default 20.
    pub const fn warn_below(mut self, percent: u8) -> Self {
        self.warn_below = percent;
        self
    }

    /// Runs the check once and blocks its thread, for use in a plain `fn`.
    pub fn check(&self) -> Outcome {
        let open = match fs::read_dir("/proc/self/fd") {
            // One of them is the directory itself.
            Ok(open) => u64::try_from(open.count())
                .unwrap_or(u64::MAX)
                .saturating_sub(1),
            Err(error) => return because(class(error.kind()), error),
        };
        let limit = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
        let text = "few file descriptors are left";
        limited(open, limit, self.warn_below, text).observe(open, "open")
    }
}

impl<T> BlockingIndicator<T> for FileDescriptors {
    fn check(&self, _: &T) -> Outcome {
        FileDescriptors::check(self)
    }
}

/// A check of the threads of this process against their limit. For Linux.
///
/// Degrades where less than 20 % of what the tightest cgroup (`pids.max`), or
/// else the kernel, allows are left. Other processes of the cgroup count, too.
#[derive(Clone, Debug)]
#[must_use = "a check does nothing until its `check` runs"]
pub struct Threads {
    warn_below: u8,
    system: System,
}

impl Default for Threads {
    fn default() -> Self {
        Threads::new()
    }
}

impl Threads {
    /// Creates a check of the threads.
    pub const fn new() -> Self {
        Threads {
            warn_below: 20,
            system: System::this(),
        }
    }

    /// Sets the percentage that must be left, below which the check degrades; by
    /// default 20.
    pub const fn warn_below(mut self, percent: u8) -> Self {
        self.warn_below = percent;
        self
    }

    /// Runs the check once and blocks its thread, for use in a plain `fn`.
    pub fn check(&self) -> Outcome {
        let own = match self.own() {
            Ok(own) => own,
            Err(error) => return because(class(error.kind()), error),
        };
        let groups = self.system.cgroups();
        let limits = groups.iter().filter_map(|group| {
            let limit = group.number("pids.max")?;
            Some((group.number("pids.current")?, limit))
        });
        let tightest = limits.min_by_key(|(used, limit)| left(*used, *limit).percent());
        let (used, limit) = tightest.unwrap_or_else(|| (own, self.of_kernel()));
        limited(used, limit, self.warn_below, "few threads are left").observe(own, "threads")
    }

    fn own(&self) -> io::Result<u64> {
        let status = self.system.read("proc/self/status")?;
        super::system::value(&status, "Threads:")
            .ok_or_else(|| io::Error::other("no Threads in /proc/self/status"))
    }

    fn of_kernel(&self) -> u64 {
        let limit = self.system.read("proc/sys/kernel/threads-max").ok();
        limit
            .and_then(|limit| limit.trim().parse().ok())
            .unwrap_or(u64::MAX)
    }
}

impl<T> BlockingIndicator<T> for Threads {
    fn check(&self, _: &T) -> Outcome {
        Threads::check(self)
    }
}

fn left(used: u64, limit: u64) -> Share {
    Share::new(limit.saturating_sub(used), limit)
}

fn limited(used: u64, limit: u64, warn_below: u8, text: &'static str) -> Outcome {
    graded(left(used, limit).percent(), warn_below, 0, text)
        .detail(serde_json::json!({ "used": used, "limit": limit }))
}

#[cfg(test)]
mod tests {
    use super::super::system::tree;
    use super::*;
    use health_core::Status;
    use health_core::check::FailureClass;

    #[test]
    fn the_files_and_threads_of_this_process_are_measured() {
        let few = || FileDescriptors::new().warn_below(101).check();
        assert_eq!(few().status(), Status::Warn);
        assert_eq!(few().failure_class(), Some(FailureClass::Saturated));
        let files = FileDescriptors::new().warn_below(0).check();
        assert_eq!(files.status(), Status::Pass, "{files:?}");
        let threads = Threads::new().warn_below(0).check();
        assert_eq!(threads.status(), Status::Pass, "{threads:?}");
    }

    #[test]
    fn the_tightest_limit_of_threads_counts() {
        let with = |used: &str| {
            let root = tree(&[
                ("proc/self/cgroup", "0::/pods/orders\n"),
                ("proc/self/status", "Name:\torders\nThreads:\t7\n"),
                ("proc/sys/kernel/threads-max", "7\n"),
                ("sys/fs/cgroup/pods/orders/pids.max", "max\n"),
                ("sys/fs/cgroup/pods/pids.max", "100\n"),
                ("sys/fs/cgroup/pods/pids.current", used),
            ]);
            let system = System::at(root.path());
            Threads {
                system,
                ..Threads::new()
            }
            .check()
            .status()
        };
        assert_eq!(with("80\n"), Status::Pass);
        assert_eq!(with("81\n"), Status::Warn);
    }

    #[test]
    fn the_kernel_limit_of_threads_counts_outside_a_cgroup() {
        let root = tree(&[
            ("proc/self/status", "Threads:\t7\n"),
            ("proc/sys/kernel/threads-max", "8\n"),
        ]);
        let system = System::at(root.path());
        let outcome = Threads {
            system,
            ..Threads::new()
        }
        .check();
        assert_eq!(outcome.status(), Status::Warn, "{outcome:?}");
    }
}
