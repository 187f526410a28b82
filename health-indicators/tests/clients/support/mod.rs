//! Real servers, each in a directory and on a port of its own.
#![allow(dead_code, reason = "each test binary needs a part of it")]

#[allow(unused_imports, unused_macros, reason = "as below")]
pub(crate) mod migrations;
pub(crate) mod postgres;

use std::future::Future;
use std::net::{Ipv4Addr, TcpStream};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use health_core::check::FailureClass;
use health_core::report::{CheckReport, Verdict};
use health_core::{CheckOptions, Health, Outcome};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
pub(crate) use test_support::free_port;

/// Long enough for a server to start on a busy machine.
const PATIENCE: Duration = Duration::from_secs(250);

/// Creates the command from the directory and the port.
type Start = Box<dyn Fn(&Path, u16) -> Command + Send + Sync>;

/// A server that is killed at the end of the test.
pub(crate) struct Server {
    pub(crate) port: u16,
    pub(crate) directory: TempDir,
    start: Start,
    process: Option<Child>,
}

impl Server {
    /// Starts a server: `start` creates the command from the directory and the port.
    pub(crate) fn start(
        directory: TempDir,
        start: impl Fn(&Path, u16) -> Command + Send + Sync + 'static,
    ) -> Self {
        let mut server = Server {
            port: free_port(),
            directory,
            start: Box::new(start),
            process: None,
        };
        server.spawn();
        server.wait_until_it_listens();
        server
    }

    /// Starts it again on the same port, without waiting.
    pub(crate) fn spawn(&mut self) {
        let log = std::fs::File::create(self.directory.path().join("log")).expect("a log");
        let mut command = (self.start)(self.directory.path(), self.port);
        command
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a log"))
            .stderr(log)
            .process_group(0);
        self.process = Some(command.spawn().expect("the server is installed"));
    }

    pub(crate) fn wait_until_it_listens(&self) {
        let until = Instant::now() + PATIENCE;
        while TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).is_err() {
            let log = || std::fs::read_to_string(self.directory.path().join("log"));
            assert!(Instant::now() < until, "no server: {:?}", log());
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Kills it, with all of its processes.
    pub(crate) fn stop(&mut self) {
        let Some(mut process) = self.process.take() else {
            return;
        };
        for pid in family(process.id()) {
            signal(pid, Signal::KILL);
        }
        process.wait().expect("it ends");
    }

    /// Stops all of its processes by `SIGSTOP`: connections stay open without
    /// answers.
    pub(crate) fn freeze(&self) {
        self.signal_all(Signal::STOP);
    }

    pub(crate) fn thaw(&self) {
        self.signal_all(Signal::CONT);
    }

    fn signal_all(&self, wanted: Signal) {
        let process = self.process.as_ref().expect("it runs");
        for pid in family(process.id()) {
            signal(pid, wanted);
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}

fn signal(pid: u32, signal: Signal) {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
    // The process may have exited.
    let _ = kill_process(pid.expect("a process"), signal);
}

/// A process and its descendants.
fn family(root: u32) -> Vec<u32> {
    let mut family = vec![root];
    let mut next = 0;
    let parents = parents();
    while let Some(&parent) = family.get(next) {
        let children = parents.iter().filter(|(_, of)| *of == parent);
        family.extend(children.map(|(pid, _)| *pid));
        next += 1;
    }
    family
}

/// Returns every process with its parent.
fn parents() -> Vec<(u32, u32)> {
    let processes = std::fs::read_dir("/proc").expect("the processes");
    let parent_of = |entry: std::io::Result<std::fs::DirEntry>| {
        let pid: u32 = entry.ok()?.file_name().to_str()?.parse().ok()?;
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        let after_name = stat.rsplit_once(')')?.1;
        Some((pid, after_name.split_whitespace().nth(1)?.parse().ok()?))
    };
    processes.filter_map(parent_of).collect()
}

/// Databases refuse to run as root.
pub(crate) fn as_user(program: impl Into<PathBuf>, user: &str) -> Command {
    let program: PathBuf = program.into();
    if !rustix::process::geteuid().is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command
        .args([&format!("--reuid={user}"), &format!("--regid={user}")])
        .args(["--clear-groups", "--"])
        .arg(program);
    command
}

/// Creates a directory that this user owns.
pub(crate) fn directory_of(user: &str) -> TempDir {
    let directory = tempfile::tempdir().expect("a directory");
    if rustix::process::geteuid().is_root() {
        let owner = format!("{user}:{user}");
        let changed = Command::new("chown")
            .arg(owner)
            .arg(directory.path())
            .status();
        assert!(changed.expect("chown").success());
    }
    directory
}

pub(crate) fn run(command: &mut Command) {
    let output = command.output().expect("the program is installed");
    assert!(output.status.success(), "{command:?}: {output:?}");
}

/// A `Health` with one check, which runs on request.
pub(crate) fn health<F, Fut>(timeout: Duration, check: F) -> Health
where
    F: Fn() -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Outcome> + Send + 'static,
{
    let builder = Health::builder().check("it", on_demand(timeout), check);
    builder.start().expect("it starts")
}

/// Like [`health`], with a check that blocks its thread.
pub(crate) fn blocking_health(
    timeout: Duration,
    check: impl Fn() -> Outcome + Send + Sync + 'static,
) -> Health {
    let builder = Health::builder().check_blocking("it", on_demand(timeout), check);
    builder.start().expect("it starts")
}

fn on_demand(timeout: Duration) -> CheckOptions {
    CheckOptions::new().timeout(timeout).cache(Duration::ZERO)
}

/// Returns the next result.
pub(crate) async fn look(health: &Health) -> CheckReport {
    health.refresh("it").await.expect("the check")
}

/// The verdict and the class of a result.
pub(crate) type Seen = (Verdict, Option<FailureClass>);

pub(crate) const UP: Seen = (Verdict::Pass, None);

pub(crate) const fn failing(class: FailureClass) -> Seen {
    (Verdict::Fail, Some(class))
}

/// Returns the verdict and the class of the next result.
pub(crate) async fn seen(health: &Health) -> Seen {
    let report = look(health).await;
    (report.verdict(), report.failure_class())
}

/// Waits for a result with this verdict and class, and returns how long it took.
pub(crate) async fn eventually(health: &Health, wanted: Seen) -> Duration {
    let began = Instant::now();
    loop {
        let seen = seen(health).await;
        if seen == wanted {
            return began.elapsed();
        }
        assert!(began.elapsed() < PATIENCE, "{seen:?} and not {wanted:?}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Everything that any client can read from the service.
pub(crate) fn public_bytes(health: &Health) -> String {
    use health_core::http::RequestHead;

    let endpoint = health.internal_endpoint();
    let paths = endpoint
        .paths()
        .map(str::to_owned)
        .chain(["/health/it".to_owned()]);
    let bodies = paths.map(|path| {
        let response = endpoint.respond_cached(RequestHead::new("GET", &path));
        String::from_utf8_lossy(response.body()).into_owned()
    });
    bodies.collect()
}
