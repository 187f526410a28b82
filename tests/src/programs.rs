//! Programs that tests talk to, which `scripts/test.sh` installs.

use std::net::TcpListener;
use std::process::{Child, Command};

/// A program that ends with the test.
#[derive(Debug)]
pub struct Running(Child);

impl Running {
    /// Starts it.
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

/// A port of the loopback address that nobody has.
///
/// # Panics
///
/// If there is none.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("an address").port()
}

/// What curl prints with these arguments.
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
