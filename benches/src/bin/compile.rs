//! What one annotated function adds to `cargo check`: 1,000 functions with one
//! parameter and a `Result`, without and with the attribute.
//!
//! `cargo run --release -p benches --bin compile [-- --quick] [-- --json]`

use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use benches::report::{self, Figure};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const FUNCTIONS: u32 = 1_000;
/// The most that one check may cost, in milliseconds of CPU time.
const BUDGET: f64 = 4.0;

fn main() -> Result<()> {
    let quick = std::env::args().any(|argument| argument == "--quick");
    let rounds = if quick { 1 } else { 5 };
    let package = Package::generate()?;
    let plain = package.cost_of("", rounds)?;
    let checks = package.cost_of("#[health_check]", rounds)?;
    let ordered = package.cost_of("#[health_check(after(first))]", rounds)?;
    let edited = package.cost_of_an_edit(rounds)?;
    fs::remove_dir_all(&package.directory)?;

    report::print(
        "compile",
        &[
            figure("a plain function", plain),
            figure("one with `#[health_check]`", checks),
            figure("what the attribute adds", checks.saturating_sub(plain)).budget(BUDGET),
            figure(
                "what the attribute adds with `after`",
                ordered.saturating_sub(plain),
            )
            .budget(BUDGET),
            figure("the same after an edit of one of them", edited),
        ],
    );
    Ok(())
}

fn figure(what: &str, cost: Duration) -> Figure {
    let what = format!("`cargo check` of {FUNCTIONS} functions, CPU time of each: {what}");
    Figure::new(what, cost.as_secs_f64() * 1_000.0, "ms")
}

/// A package beside the workspace, with a target directory of its own.
struct Package {
    directory: PathBuf,
}

impl Package {
    fn generate() -> Result<Self> {
        let name = format!("health-compile-{}", std::process::id());
        let directory = std::env::temp_dir().join(name);
        fs::create_dir_all(directory.join("src"))?;
        let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        fs::copy(workspace.join("Cargo.lock"), directory.join("Cargo.lock"))?;
        let core = fs::canonicalize(workspace.join("health-core"))?;
        let manifest = format!(
            "[package]\nname = \"generated\"\nedition = \"2024\"\n\
             [dependencies]\nhealth-core = {{ path = '{}' }}\n\
             [profile.dev]\nincremental = true\n[workspace]\n",
            core.display()
        );
        fs::write(directory.join("Cargo.toml"), manifest)?;
        Ok(Package { directory })
    }

    /// The CPU time that one function takes, of a crate that is checked anew.
    fn cost_of(&self, attribute: &str, rounds: u32) -> Result<Duration> {
        self.write(attribute, 0)?;
        self.check()?;
        let mut best = Duration::MAX;
        for _ in 0..rounds {
            self.forget()?;
            best = best.min(self.check()?);
        }
        Ok(best.saturating_sub(self.cost_of_nothing()?) / FUNCTIONS)
    }

    /// The same if all but one of the functions are as they were.
    fn cost_of_an_edit(&self, rounds: u32) -> Result<Duration> {
        self.write("#[health_check]", 0)?;
        self.check()?;
        let mut best = Duration::MAX;
        for round in 1..=rounds {
            self.write("#[health_check]", round)?;
            best = best.min(self.check()?);
        }
        Ok(best / FUNCTIONS)
    }

    /// Cargo, and an empty crate.
    fn cost_of_nothing(&self) -> Result<Duration> {
        fs::write(self.source(), "")?;
        self.check()?;
        self.forget()?;
        self.check()
    }

    fn write(&self, attribute: &str, edit: u32) -> Result<()> {
        let mut source = String::from(
            "#![allow(dead_code, unused_imports)]\n\
             use health_core::{HealthState, health_check};\n\
             #[derive(Clone, HealthState)] pub struct AppState { pub pool: Pool }\n\
             #[derive(Clone)] pub struct Pool;\n\
             impl Pool { pub async fn ping(&self, _: u32) -> Result<(), std::io::Error> { Ok(()) } }\n\
             #[health_check] async fn first() {}\n",
        );
        for number in 0..FUNCTIONS {
            let argument = if number == 0 { edit } else { number };
            writeln!(
                source,
                "{attribute} async fn check_{number}(pool: &Pool) -> Result<(), std::io::Error> {{\n\
                 pool.ping({argument}).await\n}}"
            )?;
        }
        fs::write(self.source(), source)?;
        Ok(())
    }

    fn source(&self) -> PathBuf {
        self.directory.join("src/lib.rs")
    }

    /// Makes Cargo forget this package, but none of its dependencies.
    fn forget(&self) -> Result<()> {
        let clean = self.cargo(&["clean", "-p", "generated"]).output()?;
        if clean.status.success() {
            Ok(())
        } else {
            Err(String::from_utf8_lossy(&clean.stderr).into())
        }
    }

    /// The CPU time of `cargo check`, with the compiler.
    fn check(&self) -> Result<Duration> {
        let before = children()?;
        let check = self.cargo(&["check", "--offline"]).output()?;
        if !check.status.success() {
            return Err(String::from_utf8_lossy(&check.stderr).into());
        }
        Ok(children()?.saturating_sub(before))
    }

    fn cargo(&self, arguments: &[&str]) -> Command {
        let mut cargo = Command::new("cargo");
        cargo
            .args(arguments)
            .current_dir(&self.directory)
            .env("CARGO_TARGET_DIR", self.directory.join("target"));
        cargo
    }
}

/// The CPU time of all children that have ended, which Linux counts in
/// hundredths of a second.
fn children() -> Result<Duration> {
    let stat = fs::read_to_string("/proc/self/stat")?;
    let (_, numbers) = stat
        .rsplit_once(')')
        .ok_or("no process name in `/proc/self/stat`")?;
    // user and system time of children: fields 16 and 17, the name being the 2nd
    let ticks: u64 = numbers
        .split_whitespace()
        .skip(13)
        .take(2)
        .map(|ticks| ticks.parse().unwrap_or(0))
        .sum();
    Ok(Duration::from_millis(10 * ticks))
}
