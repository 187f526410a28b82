//! Programs that tests run, which `scripts/test.sh` installs.

use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;
pub use test_support::free_port;

/// A program that is killed at the end of the test.
#[derive(Debug)]
pub struct Running(Child);

impl Running {
    /// Starts the program.
    ///
    /// # Panics
    ///
    /// If it is not installed.
    pub fn start(command: &mut Command) -> Self {
        let program = command.get_program().to_owned();
        let child = command.spawn();
        Running(child.unwrap_or_else(|error| {
            panic!(
                "{}: {error}; scripts/test.sh installs it",
                program.display()
            );
        }))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// An Envoy that routes to one host according to its health check.
#[derive(Debug)]
pub struct Envoy {
    admin: u16,
    _running: Running,
    _directory: TempDir,
}

impl Envoy {
    /// Starts Envoy with this health check. It uses HTTP/2 with the host if the check
    /// uses gRPC.
    ///
    /// # Panics
    ///
    /// If it is not installed.
    pub fn start(check: &str, host: SocketAddr) -> Self {
        let (admin, directory) = (free_port(), tempfile::tempdir().expect("a folder"));
        let protocol = if check.starts_with("grpc") {
            "http2_protocol_options"
        } else {
            "http_protocol_options"
        };
        let config = format!(
            r#"
admin: {{address: {{socket_address: {{address: 127.0.0.1, port_value: {admin}}}}}}}
static_resources:
  clusters:
  - name: app
    type: STATIC
    connect_timeout: 1s
    typed_extension_protocol_options:
      envoy.extensions.upstreams.http.v3.HttpProtocolOptions:
        "@type": type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions
        explicit_http_config: {{{protocol}: {{}}}}
    health_checks:
    - timeout: 1s
      interval: 0.1s
      no_traffic_interval: 0.1s
      unhealthy_threshold: 2
      healthy_threshold: 1
      {check}
    load_assignment:
      cluster_name: app
      endpoints:
      - lb_endpoints:
        - endpoint: {{address: {{socket_address: {{address: 127.0.0.1, port_value: {}}}}}}}
"#,
            host.port()
        );
        let file = directory.path().join("envoy.yaml");
        std::fs::write(&file, config).expect("written");
        let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("grpc/.venv/bin/envoy");
        let mut command = Command::new(program);
        command.arg("-c").arg(&file);
        command.args(["--concurrency", "1", "--use-dynamic-base-id"]);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        Envoy {
            admin,
            _running: Running::start(&mut command),
            _directory: directory,
        }
    }

    /// Whether the host has each of these health flags in the report of Envoy.
    ///
    /// # Panics
    ///
    /// If curl is not installed.
    pub async fn has(&self, flags: &[&str]) -> bool {
        let url = format!("http://127.0.0.1:{}/clusters", self.admin);
        let clusters = tokio::task::spawn_blocking(move || curl(&[&url])).await;
        let clusters = clusters.expect("curl ran");
        let mut lines = clusters.lines();
        let found = lines.find_map(|line| line.split("::health_flags::").nth(1));
        found.is_some_and(|found| flags.iter().all(|flag| found.contains(flag)))
    }
}

/// Returns what curl prints with these arguments.
///
/// # Panics
///
/// If it is not installed, or what it prints is no text.
pub fn curl(arguments: &[&str]) -> String {
    let output = Command::new("curl")
        .args(["--silent", "--show-error", "--max-time", "5"])
        .args(arguments)
        .output()
        .expect("curl is installed: scripts/test.sh does it");
    String::from_utf8(output.stdout).expect("text")
}
