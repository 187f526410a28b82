//! A program that is built with `panic = "abort"` gets a warning at the start.
//!
//! `cfg!(panic)` applies to the whole build, so this test builds a separate program.
#![cfg(all(unix, feature = "tracing"))]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const CRATE: &str = env!("CARGO_MANIFEST_DIR");
const WARNING: &str = "panics abort the process";

/// A copy of the program in the target directory, with the locked versions of the
/// workspace.
fn copied() -> PathBuf {
    let copy = Path::new(env!("CARGO_TARGET_TMPDIR")).join("panic_abort");
    let program = Path::new(CRATE).join("tests/fixtures/panic_abort");
    fs::create_dir_all(copy.join("src")).expect("a directory");
    let manifest = fs::read_to_string(program.join("Cargo.toml")).expect("a manifest");
    let manifest = manifest.replace("HEALTH_CORE", CRATE);
    fs::write(copy.join("Cargo.toml"), manifest).expect("a manifest");
    for (from, to) in [
        (program.join("src/main.rs"), "src/main.rs"),
        (Path::new(CRATE).join("../Cargo.lock"), "Cargo.lock"),
    ] {
        fs::copy(from, copy.join(to)).expect("a file to copy");
    }
    copy
}

fn run(program: &Path) -> Output {
    let mut cargo = Command::new(env!("CARGO"));
    cargo
        .args(["run", "--quiet", "--offline"])
        .env("CARGO_TARGET_DIR", program.join("target"))
        .env_remove("RUSTFLAGS")
        .current_dir(program);
    cargo.output().expect("cargo runs")
}

#[test]
fn a_program_with_panic_abort_gets_a_warning_at_the_start() {
    let output = run(&copied());
    let [log, said] = [&output.stderr, &output.stdout].map(|text| String::from_utf8_lossy(text));
    assert!(said.contains("it has started"), "{said}{log}");
    let warning = log.lines().find(|line| line.contains(WARNING));
    assert!(
        warning.is_some_and(|line| line.contains("WARN") && line.contains("health")),
        "{log}"
    );
    // As the warning says, the panic of a check ends the process.
    assert!(log.contains("assertion failed"), "{log}");
    assert!(!output.status.success(), "{log}");
}
