use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use health_core::Outcome;
use health_core::check::{BlockingIndicator, FailureClass};

use super::class;
use crate::failure::because;

/// A check of the size of a directory against a quota.
///
/// Degrades at 80 % and fails at 100 %. Symbolic links are not followed. A run
/// reads every directory below it, so give it a long interval.
#[derive(Clone, Debug)]
#[must_use = "a check does nothing until its `check` runs"]
pub struct Directory {
    path: PathBuf,
    quota: u64,
    warn_at: u8,
    fail_at: u8,
}

impl Directory {
    /// Creates a check of a directory with a quota in bytes.
    pub fn at(path: impl Into<PathBuf>, quota: u64) -> Self {
        Directory {
            path: path.into(),
            quota,
            warn_at: 80,
            fail_at: 100,
        }
    }

    /// Sets the percentage of the quota from which on the check degrades; by
    /// default 80.
    pub fn warn_at(mut self, percent: u8) -> Self {
        self.warn_at = percent;
        self
    }

    /// Sets the percentage of the quota from which on the check fails; by default
    /// 100.
    pub fn fail_at(mut self, percent: u8) -> Self {
        self.fail_at = percent;
        self
    }

    /// Runs the check once and blocks its thread, for use in a plain `fn`.
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

#[cfg(test)]
mod tests {
    use super::super::system::tree;
    use super::*;
    use health_core::Status;

    #[test]
    fn a_directory_is_measured_recursively() {
        let root = tree(&[("a", "12345"), ("b/c/d", "12345")]);
        let status = |quota| Directory::at(root.path(), quota).check().status();
        assert_eq!(status(13), Status::Pass);
        assert_eq!(status(12), Status::Warn);
        assert_eq!(status(10), Status::Fail);
        let missing = Directory::at(root.path().join("missing"), 1).check();
        assert_eq!(missing.failure_class(), Some(FailureClass::Misconfigured));
    }
}
