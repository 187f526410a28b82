//! Notifications to systemd: the protocols of `sd_notify(3)` and
//! `sd_watchdog_enabled(3)`.
//!
//! A message is one datagram. Sending never waits and errors are ignored, so
//! that systemd cannot affect the service.

use std::ffi::{OsStr, OsString};
use std::fmt::Write as _;
use std::future::Future;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep_until, timeout, timeout_at};

use crate::check::options::MAX_ON_DEMAND_WAIT;
use crate::check::outcome::Status;
use crate::check::probe::Probe;
use crate::engine::monitor::Monitor;
use crate::lifecycle::drain::DrainWatch;
use crate::text::one_line::one_line;
use crate::verdict::Verdict;
use crate::verdict::snapshot::Snapshot;

/// The polling interval before readiness first passes.
const POLL_PERIOD_AT_START: Duration = Duration::from_millis(100);
/// The polling interval afterwards. An elapsed deadline can change a verdict
/// without an event, and polling is cheap while all checks pass.
const POLL_PERIOD: Duration = Duration::from_secs(1);
/// The maximum number of checks that a status names.
const MAX_NAMES: usize = 5;
/// The maximum length of a check's own text, in characters.
const MAX_REASON_LEN: usize = 80;

/// The time that a drain requests for closing resources.
const CLOSING: Duration = Duration::from_secs(5);

/// The options of the application for systemd.
#[derive(Clone, Copy)]
pub(crate) struct NotifyOptions {
    /// The time that systemd is asked to wait for the next step of startup.
    pub(crate) startup_patience: Duration,
    /// Whether systemd restarts the service as soon as liveness fails. Reset
    /// once the message has been sent.
    pub(crate) triggers_watchdog: bool,
}

/// The socket of systemd, and the watchdog interval.
#[derive(Debug)]
pub(crate) struct Notifier {
    address: SocketAddr,
    watchdog: Option<Duration>,
}

impl Notifier {
    /// Reads the variables that systemd sets. Returns `None` if they are
    /// missing.
    pub(crate) fn from_vars(variable: impl Fn(&'static str) -> Option<OsString>) -> Option<Self> {
        let number = |name| variable(name)?.to_str()?.parse::<u64>().ok();
        let address = address(&variable("NOTIFY_SOCKET")?).ok()?;
        // A watchdog that was inherited from a parent process is not ours.
        let is_ours = variable("WATCHDOG_PID").is_none()
            || number("WATCHDOG_PID") == Some(std::process::id().into());
        let timeout = number("WATCHDOG_USEC").filter(|&micros| is_ours && micros > 0);
        Some(Notifier {
            address,
            watchdog: timeout.map(Duration::from_micros),
        })
    }

    /// Sends notifications until health ends.
    pub(crate) fn run(
        self,
        monitor: Arc<Monitor>,
        drain: DrainWatch,
        options: NotifyOptions,
    ) -> impl Future<Output = ()> + Send {
        let notifications = Notifications {
            socket: Socket::to(self.address),
            monitor,
            options,
            ready: false,
            min_awaited: None,
            stopping: false,
            status: String::new(),
            draining: false,
        };
        notifications.run(drain, self.watchdog.map(|timeout| timeout / 2))
    }
}

/// Parses the address: a path, or `@` and an abstract name. `vsock:` of a
/// virtual machine is not supported.
fn address(socket: &OsStr) -> io::Result<SocketAddr> {
    match socket.as_bytes() {
        [b'@', name @ ..] => abstract_address(name),
        [b'/', ..] => SocketAddr::from_pathname(socket),
        _ => Err(io::ErrorKind::Unsupported.into()),
    }
}

#[cfg(target_os = "linux")]
fn abstract_address(name: &[u8]) -> io::Result<SocketAddr> {
    use std::os::linux::net::SocketAddrExt;
    SocketAddr::from_abstract_name(name)
}

#[cfg(not(target_os = "linux"))]
fn abstract_address(_: &[u8]) -> io::Result<SocketAddr> {
    Err(io::ErrorKind::Unsupported.into())
}

struct Socket {
    address: SocketAddr,
    socket: Option<UnixDatagram>,
}

impl Socket {
    fn to(address: SocketAddr) -> Self {
        let unbound = UnixDatagram::unbound();
        let socket = unbound.and_then(|socket| socket.set_nonblocking(true).map(|()| socket));
        Socket {
            address,
            socket: socket.ok(),
        }
    }

    /// Returns whether the message was sent. Otherwise it can be sent again.
    fn send(&self, message: &str) -> bool {
        let Some(socket) = &self.socket else {
            return false;
        };
        let sent = socket.send_to_addr(message.as_bytes(), &self.address);
        sent.is_ok()
    }
}

/// The notifications so far.
struct Notifications {
    socket: Socket,
    monitor: Arc<Monitor>,
    options: NotifyOptions,
    ready: bool,
    /// The lowest number of checks so far that startup waited for. Only a lower
    /// number is progress.
    min_awaited: Option<usize>,
    stopping: bool,
    status: String,
    /// The drain has begun, even if the message could not be sent.
    draining: bool,
}

impl Notifications {
    async fn run(mut self, mut drain: DrainWatch, ping_every: Option<Duration>) {
        let mut ping_at = ping_every.map(|_| Instant::now());
        loop {
            self.run_on_demand().await;
            self.send_changes(&drain);
            let now = Instant::now();
            if let (Some(every), Some(at)) = (ping_every, ping_at) {
                if now >= at && self.ping() {
                    ping_at = Some(now + every);
                }
            }
            let period = if self.ready {
                POLL_PERIOD
            } else {
                POLL_PERIOD_AT_START
            };
            let poll_at = now + period;
            let next = ping_at
                .filter(|&at| at > now)
                .map_or(poll_at, |at| at.min(poll_at));
            // The beginning of the drain is sent at once.
            if self.draining {
                sleep_until(next).await;
            } else {
                self.draining = timeout_at(next, drain.begun()).await.is_ok();
            }
        }
    }

    /// Runs the checks on demand whose results are too old. Without probers, no
    /// other code runs them.
    async fn run_on_demand(&self) {
        let requests = self.monitor.request_outdated(|_| true);
        let all = Arc::clone(&self.monitor).wait_for_results(requests);
        let _ = timeout(MAX_ON_DEMAND_WAIT, all).await;
    }

    /// Sends a watchdog message unless liveness fails. Without messages systemd
    /// restarts the service.
    fn ping(&self) -> bool {
        self.monitor.status(Probe::Liveness) != Status::Fail && self.socket.send("WATCHDOG=1")
    }

    fn send_changes(&mut self, drain: &DrainWatch) {
        if self.draining {
            if !self.stopping {
                self.stopping = self.socket.send("STOPPING=1\nSTATUS=draining")
                    && self.extend_timeout(drain.remaining() + CLOSING);
            }
            return;
        }
        self.extend_start();
        self.trigger_watchdog();
        if !self.ready && self.monitor.status(Probe::Readiness) != Status::Fail {
            self.ready = self.socket.send("READY=1");
        }
        let status = self.status();
        if status != self.status && self.socket.send(&format!("STATUS={status}")) {
            self.status = status;
        }
    }

    /// Asks systemd to wait longer each time that startup makes progress. The
    /// number of steps is bounded, and without progress systemd ends the
    /// startup.
    fn extend_start(&mut self) {
        if self.ready {
            return;
        }
        let awaited = awaited(&self.monitor.snapshot());
        let is_progress = self.min_awaited.is_none_or(|least| awaited < least);
        if is_progress && self.extend_timeout(self.options.startup_patience) {
            self.min_awaited = Some(awaited);
        }
    }

    /// Extends a timeout of systemd that would end sooner.
    fn extend_timeout(&self, time: Duration) -> bool {
        let micros = time.as_micros();
        self.socket.send(&format!("EXTEND_TIMEOUT_USEC={micros}"))
    }

    fn trigger_watchdog(&mut self) {
        let is_wanted = self.options.triggers_watchdog;
        if is_wanted && self.monitor.status(Probe::Liveness) == Status::Fail {
            self.options.triggers_watchdog = !self.socket.send("WATCHDOG=trigger");
        }
    }

    /// Returns one line of text. Reads all checks only if a probe does not
    /// pass.
    fn status(&self) -> String {
        let probes = [Probe::Liveness, Probe::Readiness];
        let [live, ready] = probes.map(|probe| self.monitor.status(probe));
        let word = match (live, ready) {
            (Status::Pass, Status::Pass) => return "ready".to_owned(),
            (Status::Fail, _) => "not alive",
            (_, Status::Fail) if self.ready => "not ready",
            (_, Status::Fail) => "starting",
            _ => "degraded",
        };
        format!("{word}{}", reasons(&self.monitor.snapshot()))
    }
}

/// Returns the number of first results, startup checks and gates that startup
/// waits for.
fn awaited(snapshot: &Snapshot) -> usize {
    let checks = snapshot.checks().iter();
    checks
        .map(|check| {
            usize::from(check.verdict() == Verdict::Unknown) + usize::from(check.is_awaited())
        })
        .sum()
}

/// Returns the checks that do not pass, with public texts.
fn reasons(snapshot: &Snapshot) -> String {
    let checks = snapshot.checks().iter();
    let not_passing: Vec<_> = checks
        .filter(|check| check.verdict() != Verdict::Pass)
        .collect();
    let mut text = String::new();
    for (index, check) in not_passing.iter().take(MAX_NAMES).enumerate() {
        text.push_str(if index == 0 { ": " } else { ", " });
        text.push_str(check.name());
        if let Some(reason) = check.message() {
            // A line break would begin another assignment for systemd.
            let reason: String = one_line(reason).take(MAX_REASON_LEN).collect();
            let _ = write!(text, " ({reason})");
        }
    }
    if not_passing.len() > MAX_NAMES {
        let _ = write!(text, " and {} more", not_passing.len() - MAX_NAMES);
    }
    text
}

#[cfg(test)]
mod tests {
    use tokio::time::sleep;

    use super::*;
    use crate::config::LifecycleOptions;
    use crate::reported::Gate;
    use crate::testing::Fake;
    use crate::{CheckOptions, Health, HealthBuilder};

    const SECOND: Duration = Duration::from_secs(1);

    /// The socket of systemd.
    struct Systemd(UnixDatagram);

    impl Systemd {
        fn at(address: &SocketAddr) -> Self {
            let socket = UnixDatagram::bind_addr(address).expect("a free address");
            socket.set_nonblocking(true).expect("a setting");
            Systemd(socket)
        }

        /// Returns the messages since the last call, except those about
        /// timeouts.
        fn hears(&self) -> Vec<String> {
            let mut messages = self.hears_all();
            messages.retain(|message| !message.starts_with("EXTEND_TIMEOUT_USEC="));
            messages
        }

        fn hears_all(&self) -> Vec<String> {
            let mut messages = Vec::new();
            let mut buffer = [0; 4096];
            while let Ok(length) = self.0.recv(&mut buffer) {
                let text = std::str::from_utf8(&buffer[..length]).expect("UTF-8");
                messages.push(text.to_owned());
            }
            messages
        }
    }

    /// A unique path in the system's directory for temporary files.
    struct Path(std::path::PathBuf);

    impl Path {
        fn new() -> Self {
            let name = format!("health-{}-{}", std::process::id(), fastrand::u64(..));
            Path(std::env::temp_dir().join(name))
        }
    }

    impl Drop for Path {
        fn drop(&mut self) {
            let _ = std::fs::remove_file(&self.0);
        }
    }

    fn vars(pairs: &[(&'static str, &str)]) -> impl Fn(&'static str) -> Option<OsString> {
        let pairs: Vec<_> = pairs
            .iter()
            .map(|&(name, value)| (name, OsString::from(value)))
            .collect();
        move |asked| {
            let found = pairs.iter().find(|(name, _)| *name == asked);
            found.map(|(_, value)| value.clone())
        }
    }

    /// Simulates a systemd with this watchdog interval.
    fn under_systemd(
        builder: HealthBuilder,
        watchdog: Option<Duration>,
    ) -> (Systemd, Health, Path) {
        let path = Path::new();
        let address = SocketAddr::from_pathname(&path.0).expect("a short path");
        let systemd = Systemd::at(&address);
        let mut builder = builder;
        builder.lifecycle.systemd = Some(Notifier { address, watchdog });
        let health = builder.start().expect("it starts");
        (systemd, health, path)
    }

    fn checked(names: &[&str]) -> HealthBuilder {
        let often = CheckOptions::new().critical().interval(SECOND);
        names.iter().fold(Health::builder(), |builder, name| {
            builder.check(*name, often.clone(), || async {})
        })
    }

    #[tokio::test(start_paused = true)]
    async fn ready_is_sent_once_and_stopping_when_the_drain_begins() {
        let options = CheckOptions::new().critical().interval(SECOND);
        let builder = Health::builder().check("database", options, || sleep(SECOND / 2));
        let (systemd, health, _path) = under_systemd(builder, None);
        sleep(SECOND).await;
        let start = ["STATUS=starting: database", "READY=1", "STATUS=ready"];
        assert_eq!(systemd.hears(), start);
        sleep(60 * SECOND).await;
        assert!(systemd.hears().is_empty(), "nothing has changed");

        Fake::of(&health, "database").fail("no\nMAINPID=1");
        sleep(2 * SECOND).await;
        let failing = ["STATUS=not ready: database (no MAINPID=1)"];
        assert_eq!(systemd.hears(), failing);
        Fake::of(&health, "database").release();
        sleep(3 * SECOND).await;
        assert_eq!(systemd.hears(), ["STATUS=ready"], "READY=1 comes once");

        let drained = health.drain();
        tokio::task::yield_now().await;
        assert_eq!(systemd.hears(), ["STOPPING=1\nSTATUS=draining"]);
        drained.await;
        sleep(60 * SECOND).await;
        assert!(systemd.hears().is_empty(), "that was the last word");
    }

    #[tokio::test(start_paused = true)]
    async fn no_watchdog_message_is_sent_while_liveness_fails() {
        let builder = checked(&["database"]).check(
            "loop",
            CheckOptions::new().liveness().critical().interval(SECOND),
            || async {},
        );
        let (systemd, health, _path) = under_systemd(builder, Some(10 * SECOND));
        let pings = |systemd: &Systemd| {
            let messages = systemd.hears();
            messages.iter().filter(|text| *text == "WATCHDOG=1").count()
        };
        // The system buffers about ten datagrams.
        sleep(21 * SECOND).await;
        assert_eq!(pings(&systemd), 5, "at once and then every 5 s");
        Fake::of(&health, "database").fail("no fault of the process");
        sleep(20 * SECOND).await;
        assert_eq!(pings(&systemd), 4);

        Fake::of(&health, "loop").fail("stuck");
        sleep(60 * SECOND).await;
        assert_eq!(pings(&systemd), 0);
        Fake::of(&health, "loop").release();
        sleep(3 * SECOND).await;
        assert_eq!(pings(&systemd), 1);

        drop(health.drain());
        sleep(20 * SECOND).await;
        assert_eq!(pings(&systemd), 4, "a drain is no hang");
        health.stop().await;
        sleep(60 * SECOND).await;
        assert_eq!(pings(&systemd), 0, "the task ends with health");
    }

    /// The task shares the runtime with code that may hang.
    #[tokio::test]
    async fn no_watchdog_message_is_sent_while_the_runtime_hangs() {
        let watchdog = Duration::from_millis(20);
        let (systemd, health, _path) = under_systemd(Health::builder(), Some(watchdog));
        tokio::task::yield_now().await;
        assert!(!systemd.hears().is_empty());
        std::thread::sleep(10 * watchdog);
        assert!(systemd.hears().is_empty(), "this thread is the only worker");
        drop(health);
    }

    /// Returns the requested extensions in seconds.
    fn extensions(systemd: &Systemd) -> Vec<u64> {
        let messages = systemd.hears_all().into_iter();
        let micros = messages.filter_map(|message| {
            let micros = message.strip_prefix("EXTEND_TIMEOUT_USEC=")?.to_owned();
            micros.parse::<u64>().ok()
        });
        micros.map(|micros| micros / 1_000_000).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn the_start_timeout_is_extended_on_progress_only() {
        let migrations = Gate::new("migrations");
        let slow = CheckOptions::new().critical().interval(60 * SECOND);
        let slow = slow.timeout(60 * SECOND);
        let builder = Health::builder()
            .reported(&migrations, CheckOptions::new().startup().critical())
            .check("database", slow, || sleep(20 * SECOND))
            .lifecycle(LifecycleOptions::new().startup_patience(40 * SECOND));
        let (systemd, health, _path) = under_systemd(builder, None);
        sleep(SECOND).await;
        assert_eq!(extensions(&systemd), [40], "the start itself");
        sleep(18 * SECOND).await;
        assert!(extensions(&systemd).is_empty(), "nothing has happened");
        sleep(2 * SECOND).await;
        assert_eq!(extensions(&systemd), [40], "the first result");
        sleep(600 * SECOND).await;
        assert!(extensions(&systemd).is_empty(), "systemd ends this start");
        migrations.open();
        sleep(SECOND).await;
        assert_eq!(extensions(&systemd), [40], "the gate");
        Fake::of(&health, "database").fail("gone");
        sleep(60 * SECOND).await;
        assert!(extensions(&systemd).is_empty(), "the start is over");
    }

    #[tokio::test(start_paused = true)]
    async fn a_flapping_check_is_not_progress() {
        let closed = Gate::new("closed");
        let builder =
            checked(&["database"]).reported(&closed, CheckOptions::new().startup().critical());
        let (systemd, health, _path) = under_systemd(builder, None);
        sleep(2 * SECOND).await;
        extensions(&systemd);
        for _ in 0..20 {
            Fake::of(&health, "database").fail("gone");
            sleep(2 * SECOND).await;
            Fake::of(&health, "database").release();
            sleep(2 * SECOND).await;
            assert!(extensions(&systemd).is_empty());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_drain_extends_the_stop_timeout_once() {
        let builder =
            Health::builder().lifecycle(LifecycleOptions::new().drain_delay(120 * SECOND));
        let (systemd, health, _path) = under_systemd(builder, None);
        let finishing = health.clone();
        let server = std::future::pending::<()>();
        tokio::spawn(async move { finishing.shutdown_timeout(30 * SECOND, server).await });
        sleep(2 * SECOND).await;
        extensions(&systemd);
        drop(health.drain());
        tokio::task::yield_now().await;
        assert_eq!(extensions(&systemd), [120 + 30 + 5]);
        sleep(300 * SECOND).await;
        assert!(extensions(&systemd).is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn the_watchdog_is_triggered_once_if_enabled() {
        let builder = |name: &str| {
            let options = CheckOptions::new().liveness().critical().interval(SECOND);
            Health::builder().check(name, options, || async {})
        };
        let triggers = |systemd: &Systemd| {
            let messages = systemd.hears();
            let triggers = messages.iter().filter(|text| *text == "WATCHDOG=trigger");
            triggers.count()
        };
        let (unasked, health, _first) = under_systemd(builder("loop"), None);
        sleep(2 * SECOND).await;
        Fake::of(&health, "loop").fail("stuck");
        sleep(60 * SECOND).await;
        assert_eq!(triggers(&unasked), 0);

        let wanted = builder("loop").lifecycle(LifecycleOptions::new().trigger_systemd_watchdog());
        let (systemd, health, _second) = under_systemd(wanted, None);
        sleep(2 * SECOND).await;
        assert_eq!(triggers(&systemd), 0);
        Fake::of(&health, "loop").fail("stuck");
        sleep(2 * SECOND).await;
        assert_eq!(triggers(&systemd), 1);
        sleep(60 * SECOND).await;
        assert_eq!(triggers(&systemd), 0);
        drop(health.drain());

        let draining =
            builder("loop").lifecycle(LifecycleOptions::new().trigger_systemd_watchdog());
        let (systemd, health, _third) = under_systemd(draining, None);
        sleep(2 * SECOND).await;
        drop(health.drain());
        Fake::of(&health, "loop").fail("stuck");
        sleep(60 * SECOND).await;
        assert_eq!(triggers(&systemd), 0, "the process ends anyway");
    }

    #[tokio::test(start_paused = true)]
    async fn the_status_message_names_a_few_checks() {
        let names = ["a", "b", "c", "d", "e", "f", "g"];
        let (systemd, health, _path) = under_systemd(checked(&names), None);
        sleep(2 * SECOND).await;
        systemd.hears();
        Fake::of(&health, "b").warn("slow");
        sleep(2 * SECOND).await;
        assert_eq!(systemd.hears(), ["STATUS=degraded: b (slow)"]);
        for name in names {
            Fake::of(&health, name).fail("x".repeat(200));
        }
        sleep(2 * SECOND).await;
        let status = systemd.hears().concat();
        assert!(status.starts_with("STATUS=not ready: a (xxx"), "{status}");
        assert!(status.ends_with(" and 2 more"), "{status}");
        assert!(status.len() < 600, "{status}");
    }

    #[test]
    fn the_socket_and_the_watchdog_period_come_from_the_environment() {
        let none = Notifier::from_vars(vars(&[("WATCHDOG_USEC", "1000000")]));
        assert!(none.is_none(), "without a socket there is nothing to do");
        for no_socket in ["", "relative", "vsock:2:1234"] {
            let notifier = Notifier::from_vars(vars(&[("NOTIFY_SOCKET", no_socket)]));
            assert!(notifier.is_none(), "{no_socket}");
        }
        let ours = std::process::id().to_string();
        for (pid, micros, expected) in [
            (None, "3000000", Some(3 * SECOND)),
            (Some(&*ours), "3000000", Some(3 * SECOND)),
            (Some("1"), "3000000", None),
            (Some("me"), "3000000", None),
            (None, "0", None),
            (None, "soon", None),
        ] {
            let mut pairs = vec![("NOTIFY_SOCKET", "/run/notify"), ("WATCHDOG_USEC", micros)];
            pairs.extend(pid.map(|pid| ("WATCHDOG_PID", pid)));
            let notifier = Notifier::from_vars(vars(&pairs)).expect("a socket");
            assert_eq!(notifier.watchdog, expected, "{pairs:?}");
        }
    }

    #[cfg(target_os = "linux")]
    #[tokio::test(start_paused = true)]
    async fn messages_reach_an_abstract_socket() {
        let name = format!("@health-{}-{}", std::process::id(), fastrand::u64(..));
        let systemd = Systemd::at(&address(OsStr::new(&name)).expect("an address"));
        let mut builder = Health::builder();
        builder.lifecycle.systemd = Notifier::from_vars(vars(&[("NOTIFY_SOCKET", &name)]));
        let health = builder.start().expect("it starts");
        sleep(SECOND).await;
        assert_eq!(systemd.hears(), ["READY=1", "STATUS=ready"]);
        drop(health);
    }

    #[tokio::test(start_paused = true)]
    async fn unsent_messages_are_sent_once_the_socket_exists() {
        let path = Path::new();
        let address = SocketAddr::from_pathname(&path.0).expect("a short path");
        let mut builder = Health::builder();
        builder.lifecycle.systemd = Some(Notifier {
            address: address.clone(),
            watchdog: None,
        });
        let health = builder.start().expect("it starts");
        sleep(10 * SECOND).await;
        let systemd = Systemd::at(&address);
        sleep(10 * SECOND).await;
        assert_eq!(systemd.hears(), ["READY=1", "STATUS=ready"]);

        drop((systemd, path));
        let path = Path(address.as_pathname().expect("a path").to_owned());
        drop(health.drain());
        sleep(10 * SECOND).await;
        let systemd = Systemd::at(&address);
        sleep(10 * SECOND).await;
        assert_eq!(systemd.hears(), ["STOPPING=1\nSTATUS=draining"]);
        drop(path);
    }
}
