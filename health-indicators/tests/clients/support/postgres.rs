//! A Postgres server, and a standby of it.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::{PATIENCE, Server, as_user, directory_of, run};

pub(crate) const PASSWORD: &str = "hunter2hunter2";

/// Debian has one directory of programs per version.
pub(crate) fn program(name: &str) -> PathBuf {
    let versions = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten();
    let programs = versions.filter_map(|version| Some(version.ok()?.path().join("bin").join(name)));
    programs
        .filter(|path| path.exists())
        .max()
        .unwrap_or_else(|| name.into())
}

/// A primary with the role `orders` and the database `postgres`.
pub(crate) fn server() -> Server {
    let directory = directory_of("postgres");
    let password = directory.path().join("password");
    std::fs::write(&password, PASSWORD).expect("a file");
    run(as_user(program("initdb"), "postgres")
        .args(["--auth=scram-sha-256", "--username=orders", "--no-sync"])
        .arg(format!("--pwfile={}", password.display()))
        .arg("-D")
        .arg(directory.path().join("data")));
    start(directory, &[])
}

/// A standby of this primary, which answers queries.
pub(crate) fn standby(primary: &Server) -> Server {
    start(copy(primary), &[])
}

/// A standby that answers no queries, like a server that is starting.
pub(crate) fn cold_standby(primary: &Server) -> Server {
    start(copy(primary), &["-c", "hot_standby=off"])
}

fn copy(primary: &Server) -> TempDir {
    wait_until_it_answers(primary);
    let directory = directory_of("postgres");
    run(as_user(program("pg_basebackup"), "postgres")
        .args(["-R", "-X", "stream", "-c", "fast", "--no-sync"])
        .args(["-h", "127.0.0.1", "-U", "orders"])
        .args(["-p", &primary.port.to_string()])
        .arg("-D")
        .arg(directory.path().join("data"))
        .env("PGPASSWORD", PASSWORD));
    directory
}

/// A server listens before it has started.
fn wait_until_it_answers(server: &Server) {
    let until = Instant::now() + PATIENCE;
    loop {
        let mut command = Command::new(program("pg_isready"));
        let port = server.port.to_string();
        let output = command.args(["-h", "127.0.0.1", "-p", &port]).output();
        let output = output.expect("the program is installed");
        if output.status.success() {
            return;
        }
        assert!(Instant::now() < until, "it does not answer: {output:?}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn start(directory: TempDir, more: &'static [&'static str]) -> Server {
    Server::start(directory, move |directory: &Path, port| -> Command {
        let mut command = as_user(program("postgres"), "postgres");
        command
            .arg("-D")
            .arg(directory.join("data"))
            .args(["-p", &port.to_string(), "-h", "127.0.0.1"])
            .args(["-c", "fsync=off"])
            .args(more)
            .arg("-k")
            .arg(directory);
        command
    })
}
