//! Detects that the database file of a connection is no longer the one at its path.

use std::fs::Metadata;
use std::io;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// A database file that may be deleted, moved away, moved back or replaced
/// while connections are open.
///
/// An open connection refers to the file and not to its path: on Unix it continues to
/// read a deleted file. (On Windows an open file can be neither deleted nor
/// replaced.)
///
/// The file is only inspected and never opened: closing a second handle would drop
/// every lock that SQLite holds in this process.
#[derive(Debug)]
pub(super) struct DatabaseFile {
    path: PathBuf,
    seen: Mutex<Seen>,
}

/// The file that was last at the path, and since when.
#[derive(Debug)]
struct Seen {
    file: Option<FileId>,
    since: Instant,
}

impl DatabaseFile {
    /// Opens nothing; connections from now on are compared with this file.
    pub(super) async fn observe(path: PathBuf) -> io::Result<Self> {
        let file = Some(FileId::of(&tokio::fs::metadata(&path).await?));
        let since = Instant::now();
        Ok(DatabaseFile {
            path,
            seen: Mutex::new(Seen { file, since }),
        })
    }

    /// Returns whether a connection of this age uses the file that is at the path
    /// now.
    ///
    /// The number of an inode is not reused while a connection holds the inode, so a
    /// replacement is always detected.
    pub(super) async fn is_that_of_a_connection(&self, age: Duration) -> bool {
        let metadata = tokio::fs::metadata(&self.path).await;
        let file = metadata.ok().map(|metadata| FileId::of(&metadata));
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.file != file {
            let since = Instant::now();
            *seen = Seen { file, since };
        }
        file.is_some() && age <= seen.since.elapsed()
    }
}

/// Two files that are at one path one after the other differ in this.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct FileId {
    #[cfg(unix)]
    device: u64,
    #[cfg(unix)]
    inode: u64,
}

impl FileId {
    #[cfg(unix)]
    fn of(metadata: &Metadata) -> Self {
        use std::os::unix::fs::MetadataExt;
        FileId {
            device: metadata.dev(),
            inode: metadata.ino(),
        }
    }

    #[cfg(not(unix))]
    fn of(_: &Metadata) -> Self {
        FileId {}
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::fs;

    #[tokio::test]
    async fn a_connection_older_than_the_file_is_stale() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("orders.db");
        let away = directory.path().join("away.db");
        fs::write(&path, "first").unwrap();
        let file = DatabaseFile::observe(path.clone()).await.unwrap();
        let first = Instant::now();
        assert!(file.is_that_of_a_connection(first.elapsed()).await);

        fs::rename(&path, &away).unwrap();
        assert!(!file.is_that_of_a_connection(first.elapsed()).await);
        assert!(!file.is_that_of_a_connection(Duration::ZERO).await);

        fs::rename(&away, &path).unwrap();
        assert!(!file.is_that_of_a_connection(first.elapsed()).await);
        let second = Instant::now();
        assert!(file.is_that_of_a_connection(second.elapsed()).await);

        fs::write(&away, "replacement").unwrap();
        fs::rename(&away, &path).unwrap();
        assert!(!file.is_that_of_a_connection(second.elapsed()).await);
        assert!(file.is_that_of_a_connection(Duration::ZERO).await);
    }
}
