//! The socket of `NOTIFY_SOCKET`. The parent process names the socket, since a
//! running process should not change its environment.

use std::process::Command;

/// The period of the watchdog of the simulated unit, in microseconds.
const WATCHDOG: &str = "500000";

/// Names a socket that no other process has.
pub(crate) fn name_socket(command: &mut Command) {
    use std::sync::atomic::{AtomicU64, Ordering};
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let (this, next) = (std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
    command
        .env("NOTIFY_SOCKET", format!("@health-simulation-{this}-{next}"))
        .env("WATCHDOG_USEC", WATCHDOG)
        .env_remove("WATCHDOG_PID");
}

/// The messages since the last call.
#[cfg(target_os = "linux")]
pub(crate) fn messages() -> Vec<String> {
    use std::os::linux::net::SocketAddrExt;
    use std::os::unix::net::{SocketAddr, UnixDatagram};
    use std::sync::LazyLock;

    static SOCKET: LazyLock<Option<UnixDatagram>> = LazyLock::new(|| {
        let name = std::env::var("NOTIFY_SOCKET").ok()?;
        let address = SocketAddr::from_abstract_name(name.strip_prefix('@')?).ok()?;
        let socket = UnixDatagram::bind_addr(&address).ok()?;
        socket.set_nonblocking(true).ok()?;
        Some(socket)
    });
    let mut messages = Vec::new();
    let mut buffer = [0; 4096];
    while let Some(length) = SOCKET
        .as_ref()
        .and_then(|socket| socket.recv(&mut buffer).ok())
    {
        messages.push(String::from_utf8_lossy(&buffer[..length]).into_owned());
    }
    messages
}

/// Without systemd there are no messages.
#[cfg(not(target_os = "linux"))]
pub(crate) fn messages() -> Vec<String> {
    Vec::new()
}
