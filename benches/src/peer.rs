//! The services of `peers/`, each in a process of its own.

use std::io::{self, BufRead, BufReader};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// An alternative.
#[derive(Clone, Copy, Debug)]
pub struct Peer {
    /// The name in its documentation, with the pinned version.
    pub name: &'static str,
    /// The path at which it answers.
    pub path: &'static str,
    runs_on: RunsOn,
    script: &'static str,
}

#[derive(Clone, Copy, Debug)]
enum RunsOn {
    Rust,
    Go,
    Python,
    Node,
}

const fn peer(name: &'static str, runs_on: RunsOn, script: &'static str) -> Peer {
    Peer {
        name,
        path: "/health",
        runs_on,
        script,
    }
}

impl Peer {
    /// Ours on axum, at the path of a probe.
    pub const OURS: Peer = Peer {
        path: "/readyz",
        ..peer("health-axum, `/readyz`", RunsOn::Rust, "ours")
    };

    /// Not a probe: a route with a constant answer. Compared with itself it shows the
    /// noise.
    pub const STATIC: Peer = Peer {
        path: "/static",
        ..peer("a static route of axum", RunsOn::Rust, "ours")
    };

    /// The baseline, ours in its variants, then the others.
    pub const ALL: [Peer; 13] = [
        Peer::STATIC,
        Peer::OURS,
        peer("health-axum, `/health`", RunsOn::Rust, "ours"),
        peer(
            "health-axum, `/health`, on demand",
            RunsOn::Rust,
            "ours-on-demand",
        ),
        Peer {
            path: "/readyz",
            ..peer("health-actix, `/readyz`", RunsOn::Rust, "ours-actix")
        },
        peer("an axum handler by hand", RunsOn::Rust, "by-hand"),
        peer("axum-health 0.2.1", RunsOn::Rust, "axum-health"),
        peer("health 0.2.0", RunsOn::Rust, "health"),
        peer("alexliesenfeld/health, Go", RunsOn::Go, ""),
        peer("godaddy/terminus 4.12.1", RunsOn::Node, "with_godaddy.js"),
        peer("NestJS Terminus 12.1.0", RunsOn::Node, "with_nest.js"),
        peer(
            "FastAPI 0.165.0 by hand, uvicorn",
            RunsOn::Python,
            "with_fastapi.py",
        ),
        peer(
            "flask-healthz 1.0.1, gunicorn",
            RunsOn::Python,
            "with_flask.py",
        ),
    ];

    /// # Errors
    ///
    /// If it is not installed.
    fn command(&self, installed: &Path) -> io::Result<Command> {
        let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("peers");
        let present = |path: PathBuf| {
            let what = format!("not installed: there is no {}", path.display());
            let missing = || io::Error::new(io::ErrorKind::NotFound, what);
            path.exists().then_some(path).ok_or_else(missing)
        };
        let mut command = match self.runs_on {
            RunsOn::Rust => Command::new(present(installed.join("rust/release/peers"))?),
            RunsOn::Go => Command::new(present(installed.join("go/peer"))?),
            RunsOn::Python => Command::new(present(installed.join("python/bin/python"))?),
            RunsOn::Node => {
                let mut command = Command::new("node");
                command.env("NODE_PATH", present(installed.join("node/node_modules"))?);
                command
            }
        };
        match self.runs_on {
            RunsOn::Rust => command.arg(self.script),
            RunsOn::Go => &mut command,
            RunsOn::Python => command.arg(scripts.join("python").join(self.script)),
            RunsOn::Node => command.arg(scripts.join("node").join(self.script)),
        };
        Ok(command)
    }

    /// Starts it, and waits until it listens.
    ///
    /// # Errors
    ///
    /// If it is not installed, or does not start.
    pub fn start(&self, installed: &Path, kind: &str, checks: usize) -> io::Result<Service> {
        let process = self
            .command(installed)?
            .env("PEER_KIND", kind)
            .env("PEER_CHECKS", checks.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let mut service = Service {
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            process,
        };
        let mut port = String::new();
        if let Some(output) = service.process.stdout.take() {
            BufReader::new(output).read_line(&mut port)?;
        }
        if port.is_empty() {
            return Err(io::Error::other("it ends before it listens"));
        }
        let silent = |_| io::Error::other("it does not say on which port it listens");
        service
            .address
            .set_port(port.trim().parse().map_err(silent)?);
        Ok(service)
    }
}

/// A running peer, which ends when this is dropped.
#[derive(Debug)]
pub struct Service {
    address: SocketAddr,
    /// The process ends when its input is closed.
    process: Child,
}

impl Service {
    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The process by its number.
    pub fn process(&self) -> u32 {
        self.process.id()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
