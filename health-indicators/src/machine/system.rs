//! The files with which Linux describes itself.

use std::path::{Path, PathBuf};
use std::{fs, io};

/// The root of the file system; another one in tests.
#[derive(Clone, Debug)]
pub(super) struct System {
    root: Option<PathBuf>,
}

impl System {
    pub(super) const fn this() -> Self {
        System { root: None }
    }

    #[cfg(test)]
    pub(super) fn at(root: &Path) -> Self {
        System {
            root: Some(root.to_owned()),
        }
    }

    pub(super) fn path(&self, path: &str) -> PathBuf {
        self.root.as_deref().unwrap_or(Path::new("/")).join(path)
    }

    pub(super) fn read(&self, path: &str) -> io::Result<String> {
        fs::read_to_string(self.path(path))
    }

    /// The cgroup of version 2 of this process, then its ancestors.
    pub(super) fn cgroups(&self) -> Vec<Cgroup> {
        let own = self.read("proc/self/cgroup").unwrap_or_default();
        let own = own.lines().find_map(|line| line.strip_prefix("0::/"));
        let top = self.path("sys/fs/cgroup");
        let own = own.map(|path| top.join(path));
        let ancestors = own.iter().flat_map(|own| own.ancestors());
        ancestors
            .take_while(|group| group.starts_with(&top))
            .map(|group| Cgroup(group.to_owned()))
            .collect()
    }

    /// The share of the last minute in which some task waited for this resource
    /// (`cpu` or `memory`), in percent: of the cgroup, else of the host. `None`
    /// where the kernel does not measure it.
    pub(super) fn pressure(&self, resource: &str) -> Option<f64> {
        let cgroups = self.cgroups();
        // The root has none of its own: its pressure is that of the host.
        let own = cgroups
            .first()
            .and_then(|own| own.read(&format!("{resource}.pressure")));
        let text = own.or_else(|| self.read(&format!("proc/pressure/{resource}")).ok())?;
        let some = text.lines().find_map(|line| line.strip_prefix("some "))?;
        some.split(' ')
            .find_map(|word| word.strip_prefix("avg60="))?
            .parse()
            .ok()
    }
}

/// The directory of a cgroup.
#[derive(Clone, Debug)]
pub(super) struct Cgroup(PathBuf);

impl Cgroup {
    pub(super) fn read(&self, file: &str) -> Option<String> {
        fs::read_to_string(self.0.join(file)).ok()
    }

    pub(super) fn number(&self, file: &str) -> Option<u64> {
        self.read(file)?.trim().parse().ok()
    }

    /// The value of a key in a file of such lines.
    pub(super) fn value(&self, file: &str, key: &str) -> Option<u64> {
        value(&self.read(file)?, key)
    }
}

/// The number after a key at the beginning of a line.
pub(super) fn value(text: &str, key: &str) -> Option<u64> {
    let mut words = text
        .lines()
        .map(str::split_whitespace)
        .find(|words| words.clone().next() == Some(key))?;
    words.nth(1)?.parse().ok()
}

/// A directory with these files.
#[cfg(test)]
pub(super) fn tree(files: &[(&str, &str)]) -> tempfile::TempDir {
    let root = tempfile::tempdir().expect("a directory");
    for (path, text) in files {
        let path = root.path().join(path);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a directory");
        fs::write(path, text).expect("a file");
    }
    root
}
