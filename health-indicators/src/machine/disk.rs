use std::io;
use std::path::PathBuf;

use health_core::Outcome;
use health_core::check::{BlockingIndicator, FailureClass};

use super::{Share, Threshold, class};
use crate::failure::{because, failure};

/// A check of the free space of the file system that holds a directory: bytes and
/// inodes, as far as they are for users without privileges.
///
/// Degrades below 20 % and fails below 5 %, by the scarcer of the two. A
/// threshold in bytes applies to the bytes alone. The directory is looked at in
/// each run, so it may be mounted later.
#[derive(Clone, Debug)]
#[must_use = "a check does nothing until its `check` runs"]
pub struct Disk {
    directory: PathBuf,
    warn_below: Threshold,
    fail_below: Threshold,
}

impl Disk {
    /// Creates a check of the file system that holds this directory.
    pub fn at(directory: impl Into<PathBuf>) -> Self {
        Disk {
            directory: directory.into(),
            warn_below: 20.into(),
            fail_below: 5.into(),
        }
    }

    /// Sets the free space below which the check degrades; by default 20 %. `20` and
    /// `"20%"` are percent, `"10GiB"` is bytes.
    pub fn warn_below(mut self, threshold: impl Into<Threshold>) -> Self {
        self.warn_below = threshold.into();
        self
    }

    /// Sets the free space below which the check fails; by default 5 %. With 0 it
    /// never fails.
    pub fn fail_below(mut self, threshold: impl Into<Threshold>) -> Self {
        self.fail_below = threshold.into();
        self
    }

    /// Runs the check once and blocks its thread, for use in a plain `fn`.
    pub fn check(&self) -> Outcome {
        let free = match rustix::fs::statvfs(&self.directory).map_err(io::Error::from) {
            Ok(free) => free,
            Err(error) => return because(class(error.kind()), error),
        };
        let bytes = Share::new(
            free.f_bavail.saturating_mul(free.f_frsize),
            free.f_blocks.saturating_mul(free.f_frsize),
        );
        let inodes = Share::new(free.f_favail, free.f_files);
        self.judge(bytes, inodes)
            .observe(bytes.free, "bytes free")
            .detail(serde_json::json!({
                "percent_free": bytes.percent(),
                "percent_inodes_free": inodes.percent(),
            }))
    }

    fn judge(&self, bytes: Share, inodes: Share) -> Outcome {
        for (threshold, outcome) in [
            (
                self.fail_below,
                Outcome::fail as fn(&'static str) -> Outcome,
            ),
            (
                self.warn_below,
                Outcome::warn as fn(&'static str) -> Outcome,
            ),
        ] {
            let Some(few_bytes) = threshold.is_above(bytes) else {
                return failure(FailureClass::Misconfigured)
                    .because("a threshold is a part (`20%`) or a number of bytes (`10GiB`)");
            };
            let text = if few_bytes {
                "little space is free"
            } else if threshold.is_above_percent(inodes) {
                "few inodes are free"
            } else {
                continue;
            };
            return outcome(text).class(FailureClass::Saturated);
        }
        Outcome::pass()
    }
}

impl<T> BlockingIndicator<T> for Disk {
    fn check(&self, _: &T) -> Outcome {
        Disk::check(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use health_core::Status;

    #[test]
    fn the_lower_share_of_bytes_and_inodes_counts() {
        let disk = Disk::at("/").warn_below("20%").fail_below("5%");
        for (bytes, inodes, status, text) in [
            (20, 20, Status::Pass, None),
            (19, 50, Status::Warn, Some("little space is free")),
            (50, 19, Status::Warn, Some("few inodes are free")),
            (19, 4, Status::Fail, Some("few inodes are free")),
            (4, 19, Status::Fail, Some("little space is free")),
        ] {
            let outcome = disk.judge(Share::new(bytes, 100), Share::new(inodes, 100));
            assert_eq!(outcome.status(), status, "{outcome:?}");
            assert_eq!(outcome.message(), text);
        }
        // Some file systems count no inodes.
        let outcome = disk.judge(Share::new(50, 100), Share::new(0, 0));
        assert_eq!(outcome.status(), Status::Pass);
    }

    #[test]
    fn a_real_disk_is_measured() {
        let root = tempfile::tempdir().expect("a directory");
        let disk = |warn: &'static str, fail: &'static str| {
            let disk = Disk::at(root.path()).warn_below(warn).fail_below(fail);
            disk.check()
        };
        assert_eq!(disk("0%", "0%").status(), Status::Pass);
        assert_eq!(disk("0B", "0%").status(), Status::Pass);
        assert_eq!(disk("101%", "0%").status(), Status::Warn);
        assert_eq!(disk("1000000TiB", "0%").status(), Status::Warn);
        assert_eq!(disk("101%", "101%").status(), Status::Fail);
        let wrong = disk("a lot", "0%");
        assert_eq!(wrong.failure_class(), Some(FailureClass::Misconfigured));
        let missing = Disk::at(root.path().join("missing")).check();
        assert_eq!(missing.failure_class(), Some(FailureClass::Misconfigured));
    }
}
