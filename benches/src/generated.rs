//! Generated packages, whose builds by Cargo are timed.

use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// A package outside of the workspace, with the versions of its lock file and its own
/// target directory. It is deleted on drop.
#[derive(Debug)]
pub struct Package {
    name: &'static str,
    directory: PathBuf,
}

/// The cost and the output of Cargo.
#[derive(Debug)]
pub struct Built {
    /// CPU time, with all compilers.
    pub cpu: Duration,
    /// From its start to its end.
    pub wall: Duration,
    /// What it wrote to standard error.
    pub log: String,
}

impl Built {
    /// How many crates were compiled.
    pub fn crates(&self) -> usize {
        let compiled = |line: &&str| line.trim_start().starts_with("Compiling ");
        self.log.lines().filter(compiled).count()
    }
}

impl Package {
    /// A package without sources.
    ///
    /// # Errors
    ///
    /// If the folder for temporary files cannot be written to.
    pub fn new(name: &'static str, dependencies: &str) -> Result<Self> {
        let unique = format!("health-{name}-{}", std::process::id());
        let directory = std::env::temp_dir().join(unique);
        fs::create_dir_all(directory.join("src"))?;
        fs::copy(
            workspace()?.join("Cargo.lock"),
            directory.join("Cargo.lock"),
        )?;
        let package = Package { name, directory };
        package.depends_on(dependencies)?;
        Ok(package)
    }

    /// Replaces what the package depends on, written as in `Cargo.toml`.
    ///
    /// # Errors
    ///
    /// If the file cannot be written.
    pub fn depends_on(&self, dependencies: &str) -> Result<()> {
        let name = self.name;
        let manifest = format!(
            "[package]\nname = \"{name}\"\nedition = \"2024\"\n[workspace]\n[dependencies]\n{dependencies}"
        );
        self.write("Cargo.toml", &manifest)
    }

    /// Replaces a file.
    ///
    /// # Errors
    ///
    /// If it cannot be written.
    pub fn write(&self, file: &str, text: &str) -> Result<()> {
        Ok(fs::write(self.directory.join(file), text)?)
    }

    /// Runs Cargo, which must succeed.
    ///
    /// # Errors
    ///
    /// What Cargo says if it fails.
    pub fn cargo(&self, arguments: &[&str]) -> Result<Built> {
        let before = children()?;
        let start = Instant::now();
        let output = Command::new("cargo")
            .args(arguments)
            .current_dir(&self.directory)
            .env("CARGO_TARGET_DIR", self.target())
            .output()?;
        let wall = start.elapsed();
        let log = String::from_utf8_lossy(&output.stderr).into_owned();
        if !output.status.success() {
            return Err(log.into());
        }
        let cpu = children()?.saturating_sub(before);
        Ok(Built { cpu, wall, log })
    }

    /// Returns the directory of the build results.
    pub fn target(&self) -> PathBuf {
        self.directory.join("target")
    }
}

impl Drop for Package {
    fn drop(&mut self) {
        // Leftovers are among temporary files.
        let _ = fs::remove_dir_all(&self.directory);
    }
}

/// Returns the directory of this workspace.
fn workspace() -> Result<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    Ok(fs::canonicalize(folder)?)
}

/// Returns how to depend on one of our crates.
///
/// # Errors
///
/// If the workspace has moved since this was compiled.
pub fn dependency(name: &str) -> Result<String> {
    let path = workspace()?.join(name);
    // `functions` lists its checks.
    let features = if name == "health-core" {
        "'testing'"
    } else {
        ""
    };
    Ok(format!(
        "{name} = {{ path = '{}', features = [{features}] }}\n",
        path.display()
    ))
}

/// A small axum application, without or with health.
pub fn application(with_health: bool) -> String {
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
        "#[derive(serde::Serialize)] struct Order {{ number: u32 }}\n\
         {check}#[tokio::main]\nasync fn main() {{\n{start}\n\
         let order = || async {{ axum::Json(Order {{ number: 7 }}) }};\n\
         let app = axum::Router::<()>::new().route(\"/\", axum::routing::get(order)){merge};\n\
         let listener = tokio::net::TcpListener::bind(\"127.0.0.1:0\").await.unwrap();\n\
         axum::serve(listener, app).await.unwrap();\n}}\n"
    )
}

/// Modules with functions, each with one parameter, a `Result` and the attribute, and
/// a `main` that lists the checks. The first function differs for each `edit`.
pub fn functions([modules, each]: [u32; 2], attribute: &str, edit: u32) -> String {
    let mut source = String::from(
        "#![allow(dead_code, unused_imports)]\n\
         use health_core::{HealthState, health_check};\n\
         #[derive(Clone, HealthState)] pub struct AppState { pub pool: Pool }\n\
         #[derive(Clone)] pub struct Pool;\n\
         impl Pool { pub async fn ping(&self, _: u32) -> Result<(), std::io::Error> { Ok(()) } }\n\
         #[health_check] async fn first() {}\n\
         fn main() { println!(\"{}\", health_core::testing::declared().len()); }\n",
    );
    for module in 0..modules {
        let _ = writeln!(source, "mod m{module} {{ use super::*;");
        for number in module * each..(module + 1) * each {
            let argument = if number == 0 { edit } else { number };
            let _ = writeln!(
                source,
                "{attribute} async fn check_{number}(pool: &Pool) -> Result<(), std::io::Error> {{\n\
                 pool.ping({argument}).await\n}}"
            );
        }
        source.push_str("}\n");
    }
    source
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_edit_changes_one_function() {
        let [before, after] = [0, 7].map(|edit| functions([2, 3], "#[health_check]", edit));
        let changed = before.lines().zip(after.lines()).filter(|(a, b)| a != b);
        assert_eq!(changed.count(), 1);
        assert_eq!(before.matches("#[health_check] async fn check_").count(), 6);
    }

    #[test]
    fn only_compiled_crates_are_counted() {
        let built = Built {
            cpu: Duration::ZERO,
            wall: Duration::ZERO,
            log: "   Compiling one v1.0.0\n    Finished `dev`\n  Downloaded two v1.0.0\n".into(),
        };
        assert_eq!(built.crates(), 1);
    }
}
