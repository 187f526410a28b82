use std::io;

use health_core::Outcome;
use health_core::check::{BlockingIndicator, FailureClass};

use super::system::{Cgroup, System, value};
use super::{Share, graded};
use crate::failure::because;

/// A check of the memory that is left: of the cgroup with the tightest limit, else
/// of the host. For Linux.
///
/// What the kernel can drop at once, the inactive part of the page cache, counts
/// as left. Degrades below 10 %, and where tasks waited for memory in 20 % of the
/// last minute (the pressure that the kernel measures).
#[derive(Clone, Debug)]
#[must_use = "a check does nothing until its `check` runs"]
pub struct Memory {
    warn_below: u8,
    fail_below: u8,
    max_pressure: u8,
    system: System,
}

impl Default for Memory {
    fn default() -> Self {
        Memory::new()
    }
}

impl Memory {
    /// Creates a check of the memory of this process.
    pub const fn new() -> Self {
        Memory {
            warn_below: 10,
            fail_below: 0,
            max_pressure: 20,
            system: System::this(),
        }
    }

    /// Sets the percentage of free memory below which the check degrades; by default
    /// 10.
    pub const fn warn_below(mut self, percent: u8) -> Self {
        self.warn_below = percent;
        self
    }

    /// Sets the percentage of free memory below which the check fails; by default 0,
    /// so that it never fails.
    pub const fn fail_below(mut self, percent: u8) -> Self {
        self.fail_below = percent;
        self
    }

    /// Sets the share of the last minute, in percent, from which on the check
    /// degrades because some task waited for memory; by default 20. With 101 it
    /// never does.
    pub const fn max_pressure(mut self, percent: u8) -> Self {
        self.max_pressure = percent;
        self
    }

    /// Runs the check once and blocks its thread, for use in a plain `fn`.
    pub fn check(&self) -> Outcome {
        let groups = self.system.cgroups();
        let tightest = groups.iter().filter_map(limited).min_by_key(Share::percent);
        let share = match tightest.map_or_else(|| self.host(), Ok) {
            Ok(share) => share,
            Err(error) => return because(FailureClass::Misconfigured, error),
        };
        let pressure = self.system.pressure("memory");
        let (warn, fail) = (self.warn_below, self.fail_below);
        let is_high = pressure.is_some_and(|pressure| pressure >= f64::from(self.max_pressure));
        let outcome = if is_high && share.percent() >= warn.max(fail) {
            Outcome::warn("tasks wait for memory").class(FailureClass::Saturated)
        } else {
            graded(share.percent(), warn, fail, "little memory is left")
        };
        outcome
            .observe(share.free, "bytes free")
            .detail(serde_json::json!({ "limit_bytes": share.all, "pressure_percent": pressure }))
    }

    fn host(&self) -> io::Result<Share> {
        let info = self.system.read("proc/meminfo")?;
        match (value(&info, "MemAvailable:"), value(&info, "MemTotal:")) {
            (Some(free), Some(all)) => Ok(Share::new(free * 1024, all * 1024)),
            _ => Err(io::Error::other("no MemAvailable in /proc/meminfo")),
        }
    }
}

impl<T> BlockingIndicator<T> for Memory {
    fn check(&self, _: &T) -> Outcome {
        Memory::check(self)
    }
}

/// What a cgroup has left, if it has a limit.
fn limited(group: &Cgroup) -> Option<Share> {
    let limit = group.number("memory.max")?;
    let inactive = group.value("memory.stat", "inactive_file").unwrap_or(0);
    let used = group.number("memory.current")?.saturating_sub(inactive);
    Some(Share::new(limit.saturating_sub(used), limit))
}

#[cfg(test)]
mod tests {
    use super::super::system::tree;
    use super::*;
    use health_core::Status;

    fn memory(root: &tempfile::TempDir) -> Outcome {
        let memory = Memory {
            system: System::at(root.path()),
            ..Memory::new()
        };
        memory.fail_below(5).check()
    }

    #[test]
    fn the_tightest_cgroup_counts_without_its_page_cache() {
        let group = "sys/fs/cgroup/pods/orders";
        for (current, status) in [
            (500, Status::Pass),
            (1_150, Status::Warn),
            (1_199, Status::Fail),
        ] {
            let root = tree(&[
                ("proc/self/cgroup", "0::/pods/orders\n"),
                ("proc/meminfo", "MemTotal: 1 kB\nMemAvailable: 0 kB\n"),
                (&format!("{group}/memory.max"), "1000\n"),
                (&format!("{group}/memory.current"), &format!("{current}\n")),
                (
                    &format!("{group}/memory.stat"),
                    "anon 1\ninactive_file 200\n",
                ),
                ("sys/fs/cgroup/pods/memory.max", "max\n"),
            ]);
            let outcome = memory(&root);
            assert_eq!(outcome.status(), status, "{outcome:?}");
        }
    }

    #[test]
    fn a_limit_of_an_ancestor_counts() {
        let root = tree(&[
            ("proc/self/cgroup", "0::/pods/orders\n"),
            ("sys/fs/cgroup/pods/orders/memory.max", "max\n"),
            ("sys/fs/cgroup/pods/memory.max", "1000\n"),
            ("sys/fs/cgroup/pods/memory.current", "999\n"),
        ]);
        assert_eq!(memory(&root).status(), Status::Fail);
    }

    #[test]
    fn the_host_counts_where_no_cgroup_has_a_limit() {
        let root = tree(&[
            ("proc/self/cgroup", "0::/\n"),
            (
                "proc/meminfo",
                "MemTotal:  1000 kB\nMemFree: 1 kB\nMemAvailable:  70 kB\n",
            ),
        ]);
        assert_eq!(memory(&root).status(), Status::Warn);
        let nothing = tree(&[]);
        let outcome = memory(&nothing);
        assert_eq!(outcome.failure_class(), Some(FailureClass::Misconfigured));
    }

    #[test]
    fn pressure_of_the_cgroup_degrades() {
        for (waited, status) in [("19.99", Status::Pass), ("20.00", Status::Warn)] {
            let pressure = format!(
                "some avg10=0.00 avg60={waited} avg300=0.00 total=1\nfull avg10=9.00 avg60=90.00 avg300=9.00 total=1\n"
            );
            let root = tree(&[
                ("proc/self/cgroup", "0::/orders\n"),
                ("proc/meminfo", "MemTotal: 1000 kB\nMemAvailable: 900 kB\n"),
                ("sys/fs/cgroup/orders/memory.pressure", &pressure),
                (
                    "proc/pressure/memory",
                    "some avg10=0.00 avg60=99.00 avg300=0.00 total=1\n",
                ),
            ]);
            let outcome = memory(&root);
            assert_eq!(outcome.status(), status, "{outcome:?}");
        }
    }

    #[test]
    fn real_memory_is_measured() {
        let memory = Memory::new().warn_below(0).max_pressure(101).check();
        assert_eq!(memory.status(), Status::Pass, "{memory:?}");
    }
}
