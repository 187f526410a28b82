//! The machine: disk and memory. For Unix; memory for Linux.
//!
//! ```
//! use std::path::PathBuf;
//! use health_core::HealthState;
//! use health_indicators::machine::Disk;
//!
//! #[derive(Clone, HealthState)]
//! struct AppState {
//!     /// There is room for uploads.
//!     #[health(check = Disk::at("/var/lib/orders").warn_below(20).fail_below(5), interval = "1m")]
//!     uploads: PathBuf,
//! }
//! ```

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use health_core::Outcome;
use health_core::check::{BlockingIndicator, FailureClass};

use crate::failure::because;

/// The free space of the file system that holds a directory: bytes and inodes,
/// as far as they are for users without privileges.
///
/// Degrades below 20 % and fails below 5 %, by the scarcer of the two. The
/// directory is looked at in each run, so it may be mounted later.
#[derive(Clone, Debug)]
pub struct Disk {
    directory: PathBuf,
    warn_below: u8,
    fail_below: u8,
}

impl Disk {
    /// The file system of this directory.
    pub fn at(directory: impl Into<PathBuf>) -> Self {
        Disk {
            directory: directory.into(),
            warn_below: 20,
            fail_below: 5,
        }
    }

    /// Degrades below this many percent.
    pub fn warn_below(mut self, percent: u8) -> Self {
        self.warn_below = percent;
        self
    }

    /// Fails below this many percent; never with 0.
    pub fn fail_below(mut self, percent: u8) -> Self {
        self.fail_below = percent;
        self
    }

    /// One run, which blocks: for the body of a plain `fn`.
    pub fn check(&self) -> Outcome {
        let free = match rustix::fs::statvfs(&self.directory).map_err(io::Error::from) {
            Ok(free) => free,
            Err(error) => return because(class(error.kind()), error),
        };
        let bytes = Share::new(free.f_bavail, free.f_blocks);
        let inodes = Share::new(free.f_favail, free.f_files);
        let scarce = bytes.percent().min(inodes.percent());
        let text = if inodes.percent() < bytes.percent() {
            "few inodes are free"
        } else {
            "little space is free"
        };
        graded(scarce, self.warn_below, self.fail_below, text)
            .observe(free.f_bavail.saturating_mul(free.f_frsize), "bytes free")
            .detail(serde_json::json!({
                "percent_free": bytes.percent(),
                "percent_inodes_free": inodes.percent(),
            }))
    }
}

impl<T> BlockingIndicator<T> for Disk {
    fn check(&self, _: &T) -> Outcome {
        Disk::check(self)
    }
}

/// The size of a directory against a quota.
///
/// Degrades at 80 % and fails at 100 %. Symbolic links are not followed. A run
/// reads every directory below it, so give it a long interval.
#[derive(Clone, Debug)]
pub struct Directory {
    path: PathBuf,
    quota: u64,
    warn_at: u8,
    fail_at: u8,
}

impl Directory {
    /// A directory that may have this many bytes.
    pub fn at(path: impl Into<PathBuf>, quota: u64) -> Self {
        Directory {
            path: path.into(),
            quota,
            warn_at: 80,
            fail_at: 100,
        }
    }

    /// Degrades at this many percent of the quota.
    pub fn warn_at(mut self, percent: u8) -> Self {
        self.warn_at = percent;
        self
    }

    /// Fails at this many percent of the quota.
    pub fn fail_at(mut self, percent: u8) -> Self {
        self.fail_at = percent;
        self
    }

    /// One run, which blocks: for the body of a plain `fn`.
    pub fn check(&self) -> Outcome {
        let size = match size(&self.path) {
            Ok(size) => size,
            Err(error) => return because(class(error.kind()), error),
        };
        let used = u128::from(size) * 100;
        let reaches = |percent: u8| used >= u128::from(self.quota) * u128::from(percent);
        let outcome = if reaches(self.fail_at) {
            Outcome::fail("the quota is used up").class(FailureClass::Saturated)
        } else if reaches(self.warn_at) {
            Outcome::warn("the quota is nearly used up").class(FailureClass::Saturated)
        } else {
            Outcome::pass()
        };
        let quota = serde_json::json!({ "quota_bytes": self.quota });
        outcome.observe(size, "bytes").detail(quota)
    }
}

impl<T> BlockingIndicator<T> for Directory {
    fn check(&self, _: &T) -> Outcome {
        Directory::check(self)
    }
}

/// Of files that go away meanwhile, nothing is counted.
fn size(directory: &Path) -> io::Result<u64> {
    let mut sum = 0_u64;
    let mut left = vec![directory.to_owned()];
    let mut is_first = true;
    while let Some(next) = left.pop() {
        let entries = match fs::read_dir(&next) {
            Err(error) if error.kind() == io::ErrorKind::NotFound && !is_first => continue,
            entries => entries?,
        };
        is_first = false;
        for entry in entries {
            let entry = entry?;
            match entry.metadata() {
                Ok(metadata) if metadata.is_dir() => left.push(entry.path()),
                Ok(metadata) => sum = sum.saturating_add(metadata.len()),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
    }
    Ok(sum)
}

/// The memory that is left: of the cgroup with the tightest limit, else of the
/// host. For Linux.
///
/// What the kernel can drop at once, the inactive part of the page cache, counts
/// as left. Degrades below 10 %.
#[derive(Clone, Debug)]
pub struct Memory {
    warn_below: u8,
    fail_below: u8,
    root: PathBuf,
}

impl Default for Memory {
    fn default() -> Self {
        Memory::new()
    }
}

impl Memory {
    /// The memory of this process.
    pub fn new() -> Self {
        Memory {
            warn_below: 10,
            fail_below: 0,
            root: PathBuf::from("/"),
        }
    }

    /// Degrades below this many percent.
    pub fn warn_below(mut self, percent: u8) -> Self {
        self.warn_below = percent;
        self
    }

    /// Fails below this many percent; never with 0, the default.
    pub fn fail_below(mut self, percent: u8) -> Self {
        self.fail_below = percent;
        self
    }

    /// One run, which blocks: for the body of a plain `fn`.
    pub fn check(&self) -> Outcome {
        let tightest = self.cgroups().into_iter().min_by_key(Share::percent);
        match tightest.map_or_else(|| self.host(), Ok) {
            Err(error) => because(FailureClass::Misconfigured, error),
            Ok(share) => {
                let (warn, fail) = (self.warn_below, self.fail_below);
                graded(share.percent(), warn, fail, "little memory is left")
                    .observe(share.free, "bytes free")
                    .detail(serde_json::json!({ "limit_bytes": share.all }))
            }
        }
    }

    /// The cgroup of this process and its ancestors, as far as they have limits.
    fn cgroups(&self) -> Vec<Share> {
        let own = fs::read_to_string(self.root.join("proc/self/cgroup")).unwrap_or_default();
        let own = own.lines().find_map(|line| line.strip_prefix("0::/"));
        let top = self.root.join("sys/fs/cgroup");
        let own = own.map(|path| top.join(path));
        let mut groups = Vec::new();
        let ancestors = own.iter().flat_map(|own| own.ancestors());
        for group in ancestors.take_while(|group| group.starts_with(&top)) {
            groups.extend(limited(group));
        }
        groups
    }

    fn host(&self) -> io::Result<Share> {
        let info = fs::read_to_string(self.root.join("proc/meminfo"))?;
        let kib = |key: &str| {
            let value = info.lines().find_map(|line| line.strip_prefix(key))?;
            value
                .trim()
                .trim_end_matches("kB")
                .trim()
                .parse::<u64>()
                .ok()
        };
        match (kib("MemAvailable:"), kib("MemTotal:")) {
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

/// What a cgroup of version 2 has left, if it has a limit.
fn limited(group: &Path) -> Option<Share> {
    let read = |file: &str| fs::read_to_string(group.join(file)).ok();
    let number = |file: &str| read(file)?.trim().parse::<u64>().ok();
    let limit = number("memory.max")?;
    let statistics = read("memory.stat").unwrap_or_default();
    let inactive = statistics
        .lines()
        .find_map(|line| line.strip_prefix("inactive_file "));
    let inactive = inactive
        .and_then(|bytes| bytes.trim().parse().ok())
        .unwrap_or(0);
    let used = number("memory.current")?.saturating_sub(inactive);
    Some(Share::new(limit.saturating_sub(used), limit))
}

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

#[cfg(test)]
mod tests {
    use super::*;
    use health_core::Status;

    fn tree(files: &[(&str, &str)]) -> tempfile::TempDir {
        let root = tempfile::tempdir().expect("a directory");
        for (path, text) in files {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().expect("a parent")).expect("a directory");
            fs::write(path, text).expect("a file");
        }
        root
    }

    fn memory(root: &tempfile::TempDir) -> Outcome {
        let memory = Memory {
            root: root.path().to_owned(),
            ..Memory::new()
        };
        memory.fail_below(5).check()
    }

    #[test]
    fn the_tightest_cgroup_counts_and_cache_is_left() {
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
    fn this_machine_has_memory_and_disk() {
        let memory = Memory::new().warn_below(0).check();
        assert_eq!(memory.status(), Status::Pass, "{memory:?}");
        let root = tempfile::tempdir().expect("a directory");
        let disk = |warn, fail| {
            Disk::at(root.path())
                .warn_below(warn)
                .fail_below(fail)
                .check()
        };
        assert_eq!(disk(0, 0).status(), Status::Pass);
        assert_eq!(disk(101, 0).status(), Status::Warn);
        assert_eq!(disk(101, 101).status(), Status::Fail);
        let missing = Disk::at(root.path().join("missing")).check();
        assert_eq!(missing.failure_class(), Some(FailureClass::Misconfigured));
    }

    #[test]
    fn a_directory_is_measured_with_all_below_it() {
        let root = tree(&[("a", "12345"), ("b/c/d", "12345")]);
        let status = |quota| Directory::at(root.path(), quota).check().status();
        assert_eq!(status(13), Status::Pass);
        assert_eq!(status(12), Status::Warn);
        assert_eq!(status(10), Status::Fail);
        let missing = Directory::at(root.path().join("missing"), 1).check();
        assert_eq!(missing.failure_class(), Some(FailureClass::Misconfigured));
    }
}
