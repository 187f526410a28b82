//! What the framework adds to a clean build of an axum application, and what
//! one annotated function adds to `cargo check`: 1,000 functions with one
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
/// The most that the framework may add to a clean build, in seconds of CPU time.
const ADDED: f64 = 3.5;

fn main() -> Result<()> {
    let quick = std::env::args().any(|argument| argument == "--quick");
    let rounds = if quick { 1 } else { 5 };
    let application = Application::generate()?;
    let alone = application.clean_build(false)?;
    let with_health = application.clean_build(true)?;
    fs::remove_dir_all(&application.directory)?;
    let package = Package::generate()?;
    let plain = package.cost_of("", rounds)?;
    let checks = package.cost_of("#[health_check]", rounds)?;
    let ordered = package.cost_of("#[health_check(after(first))]", rounds)?;
    let edited = package.cost_of_an_edit(rounds)?;
    fs::remove_dir_all(&package.directory)?;

    report::print(
        "compile",
        &[
            Figure::new(
                "clean debug build of an axum application: CPU",
                alone.seconds(),
                "s",
            ),
            Figure::new(
                "clean debug build of an axum application: crates",
                alone.crates,
                "",
            ),
            Figure::new(
                "what `health-axum` and one check add: CPU",
                with_health.seconds() - alone.seconds(),
                "s",
            )
            .budget(ADDED),
            Figure::new(
                "what `health-axum` and one check add: crates",
                with_health.crates - alone.crates,
                "",
            ),
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

/// A small application on axum, without and with health.
struct Application {
    directory: PathBuf,
}

/// A build in which everything was built.
struct Built {
    cpu: Duration,
    crates: f64,
}

impl Built {
    fn seconds(&self) -> f64 {
        self.cpu.as_secs_f64()
    }
}

impl Application {
    fn generate() -> Result<Self> {
        let directory = directory("application")?;
        Ok(Application { directory })
    }

    fn clean_build(&self, with_health: bool) -> Result<Built> {
        self.write(with_health)?;
        let target = self.directory.join("target");
        // Once for what only Cargo fetches, and once that counts.
        cargo(&self.directory, &["fetch"])?;
        if target.exists() {
            fs::remove_dir_all(&target)?;
        }
        let before = children()?;
        let log = cargo(&self.directory, &["build", "--offline"])?;
        let compiled = log.lines().filter(|line| line.contains("Compiling "));
        Ok(Built {
            cpu: children()?.saturating_sub(before),
            crates: f64::from(u32::try_from(compiled.count())?),
        })
    }

    fn write(&self, with_health: bool) -> Result<()> {
        let health_axum = fs::canonicalize(workspace().join("health-axum"))?;
        let dependency = format!("health-axum = {{ path = '{}' }}\n", health_axum.display());
        let manifest = format!(
            "[package]\nname = \"application\"\nedition = \"2024\"\n[workspace]\n[dependencies]\n\
             axum = \"0.8\"\n\
             tokio = {{ version = \"1\", features = [\"macros\", \"net\", \"rt-multi-thread\", \"signal\"] }}\n\
             tracing = \"0.1\"\n{}",
            if with_health { &dependency } else { "" }
        );
        fs::write(self.directory.join("Cargo.toml"), manifest)?;
        fs::write(self.directory.join("src/main.rs"), source(with_health))?;
        Ok(())
    }
}

fn source(with_health: bool) -> String {
    let [check, start, merge] = if with_health {
        [
            "#[health_axum::health_check(critical)] async fn database() {}\n",
            "let health = health_axum::Health::builder().start().unwrap();",
            ".merge(health_axum::routes(&health))",
        ]
    } else {
        [""; 3]
    };
    format!(
        "{check}#[tokio::main]\nasync fn main() {{\n{start}\n\
         let app = axum::Router::<()>::new()\n\
         .route(\"/\", axum::routing::get(|| async {{ \"hello\" }})){merge};\n\
         let listener = tokio::net::TcpListener::bind(\"127.0.0.1:0\").await.unwrap();\n\
         axum::serve(listener, app).await.unwrap();\n}}\n"
    )
}

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// A package of its own with the versions of the workspace.
fn directory(name: &str) -> Result<PathBuf> {
    let name = format!("health-{name}-{}", std::process::id());
    let directory = std::env::temp_dir().join(name);
    fs::create_dir_all(directory.join("src"))?;
    fs::copy(workspace().join("Cargo.lock"), directory.join("Cargo.lock"))?;
    Ok(directory)
}

/// What Cargo says, with a target directory of the package's own.
fn cargo(directory: &Path, arguments: &[&str]) -> Result<String> {
    let output = Command::new("cargo")
        .args(arguments)
        .current_dir(directory)
        .env("CARGO_TARGET_DIR", directory.join("target"))
        .output()?;
    let log = String::from_utf8_lossy(&output.stderr).into_owned();
    if output.status.success() {
        Ok(log)
    } else {
        Err(log.into())
    }
}

/// A package beside the workspace, with a target directory of its own.
struct Package {
    directory: PathBuf,
}

impl Package {
    fn generate() -> Result<Self> {
        let directory = directory("compile")?;
        let core = fs::canonicalize(workspace().join("health-core"))?;
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
        cargo(&self.directory, &["clean", "-p", "generated"]).map(drop)
    }

    /// The CPU time of `cargo check`, with the compiler.
    fn check(&self) -> Result<Duration> {
        let before = children()?;
        cargo(&self.directory, &["check", "--offline"])?;
        Ok(children()?.saturating_sub(before))
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
