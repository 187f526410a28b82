//! The free space of the disk of the database.

use std::io;
use std::path::{Path, PathBuf};

/// A directory, and the number of bytes that should be free on its disk.
#[derive(Clone, Debug)]
pub struct DiskSpace {
    directory: PathBuf,
    least: u64,
}

impl DiskSpace {
    /// Requires `least` free bytes at this file, or at the working directory without
    /// one.
    pub fn beside(file: Option<&Path>, least: u64) -> Self {
        let directory = file.and_then(Path::parent).unwrap_or(Path::new(""));
        // `Path::parent` of a bare file name is empty, which is not a directory.
        let directory = Path::new(".").join(directory);
        DiskSpace { directory, least }
    }

    /// Returns the bytes that this process may still write. Blocks if the disk hangs.
    ///
    /// # Errors
    ///
    /// The error of the system, for example that the directory is missing.
    pub fn free(&self) -> io::Result<u64> {
        fs4::available_space(&self.directory)
    }

    /// Returns how many bytes should be free.
    pub fn least(&self) -> u64 {
        self.least
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_directory_of_a_database_file_is_found() {
        let directory = tempfile::tempdir().unwrap();
        let absolute = directory.path().join("orders.db");
        for file in [None, Some(Path::new("orders.db")), Some(&absolute)] {
            assert!(DiskSpace::beside(file, 0).free().unwrap() > 0, "{file:?}");
        }
        let missing = directory.path().join("missing").join("orders.db");
        assert!(DiskSpace::beside(Some(&missing), 0).free().is_err());
    }
}
