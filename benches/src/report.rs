//! The output of figures: a Markdown table, or JSON.

use std::fmt::{self, Display, Write as _};
use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::thread::available_parallelism;
use std::time::SystemTime;

use serde::Serialize;

/// What the figures belong to.
#[derive(Debug, Serialize)]
pub struct Setting {
    date: String,
    processor: String,
    cores: usize,
    system: String,
    rustc: String,
    /// The versions of the relevant crates, from the lock file.
    versions: Vec<String>,
}

impl Setting {
    /// Describes this machine.
    pub fn here() -> Self {
        let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let model = cpuinfo
            .lines()
            .find_map(|line| line.strip_prefix("model name"))
            .map(|model| model.trim_start_matches([' ', '\t', ':']).to_owned());
        let date = humantime::format_rfc3339_seconds(SystemTime::now()).to_string();
        Setting {
            date: date.chars().take("2026-11-21".len()).collect(),
            processor: model.unwrap_or_else(unknown),
            cores: available_parallelism().map_or(0, Into::into),
            system: output_of("uname", &["-sr"]),
            rustc: output_of("rustc", &["--version"]),
            versions: ["axum", "hyper", "tokio"].map(locked).into(),
        }
    }
}

impl Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Setting {
            date,
            processor,
            cores,
            system,
            rustc,
            versions,
        } = self;
        let versions = versions.join(", ");
        write!(
            f,
            "{date}; {cores} cores of {processor}; {system}; {rustc}; {versions}"
        )
    }
}

fn unknown() -> String {
    "unknown".into()
}

fn output_of(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output();
    output.map_or_else(
        |_| unknown(),
        |output| String::from_utf8_lossy(&output.stdout).trim().to_owned(),
    )
}

/// The name of a package and its newest version in the lock file, which sorts
/// them.
fn locked(package: &str) -> String {
    let lock = include_str!("../../Cargo.lock");
    let entry = format!("name = \"{package}\"\nversion = \"");
    let version = lock
        .rsplit_once(&entry)
        .and_then(|(_, rest)| rest.split('"').next());
    format!("{package} {}", version.unwrap_or("unknown"))
}

/// Several measurements of one value.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Spread {
    /// The minimum.
    pub min: f64,
    /// The median.
    pub median: f64,
    /// The maximum.
    pub max: f64,
}

impl Spread {
    /// # Panics
    ///
    /// If nothing was measured.
    pub fn of(measured: impl IntoIterator<Item = f64>) -> Self {
        let mut sorted: Vec<f64> = measured.into_iter().collect();
        sorted.sort_by(f64::total_cmp);
        let [min, .., max] = sorted[..] else {
            panic!("a spread takes two measurements at least");
        };
        Spread {
            min,
            median: sorted[sorted.len() / 2],
            max,
        }
    }
}

impl Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [min, median, max] = [self.min, self.median, self.max].map(number);
        write!(f, "{min} / {median} / {max}")
    }
}

/// More than three digits would be noise.
pub fn number(number: f64) -> String {
    let decimals = match number.abs() {
        100.0.. => 0,
        10.0.. => 1,
        _ => 2,
    };
    format!("{number:.decimals$}")
}

/// A row of a table.
pub trait Row: Serialize {
    /// The columns' headings.
    const HEADINGS: &'static [&'static str];

    /// One cell for each heading.
    fn cells(&self) -> Vec<String>;
}

/// Prints the rows: as JSON if the program was called with `--json`. With `BENCH_OUT`
/// set, both forms are also written into that directory.
///
/// # Panics
///
/// If the rows cannot be written as JSON, or the folder cannot be written to.
pub fn print<R: Row>(name: &str, rows: &[R]) {
    let setting = Setting::here();
    let markdown = format!("{setting}\n\n{}", table(rows));
    let json = serde_json::json!({ "setting": setting, "rows": rows });
    let json = format!("{json:#}\n");
    if let Some(folder) = std::env::var_os("BENCH_OUT").map(PathBuf::from) {
        for (extension, text) in [("md", &markdown), ("json", &json)] {
            let file = folder.join(name).with_extension(extension);
            fs::write(file, text).expect("`BENCH_OUT` is a folder that can be written to");
        }
    }
    let asked = std::env::args().any(|argument| argument == "--json");
    println!("{}", if asked { json } else { markdown });
}

fn table<R: Row>(rows: &[R]) -> String {
    let rule: Vec<_> = R::HEADINGS.iter().map(|_| "---").collect();
    let mut table = String::new();
    let mut line = |cells: &str| {
        let _ = writeln!(table, "| {cells} |");
    };
    line(&R::HEADINGS.join(" | "));
    line(&rule.join(" | "));
    for row in rows {
        line(&row.cells().join(" | "));
    }
    table
}

/// A figure, or several of one thing.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(untagged)]
pub enum Measured {
    /// Measured once.
    Once(f64),
    /// Measured several times.
    Often(Spread),
}

impl From<f64> for Measured {
    fn from(figure: f64) -> Self {
        Measured::Once(figure)
    }
}

impl From<Spread> for Measured {
    fn from(figures: Spread) -> Self {
        Measured::Often(figures)
    }
}

impl Display for Measured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Measured::Once(figure) => f.write_str(&number(*figure)),
            Measured::Often(spread) => spread.fmt(f),
        }
    }
}

/// A measured value with its budget.
#[derive(Debug, Serialize)]
pub struct Figure {
    what: String,
    measured: Measured,
    unit: &'static str,
    budget: Option<f64>,
}

impl Figure {
    /// A figure without a budget. A ratio has the empty unit.
    pub fn new(what: impl Into<String>, measured: impl Into<Measured>, unit: &'static str) -> Self {
        Figure {
            what: what.into(),
            measured: measured.into(),
            unit,
            budget: None,
        }
    }

    /// With this maximum, in the same unit.
    pub fn budget(mut self, budget: f64) -> Self {
        self.budget = Some(budget);
        self
    }
}

impl Row for Figure {
    const HEADINGS: &'static [&'static str] = &["what", "measured", "budget"];

    fn cells(&self) -> Vec<String> {
        let with_unit = |figure: &dyn Display| format!("{figure} {}", self.unit).trim().to_owned();
        vec![
            self.what.clone(),
            with_unit(&self.measured),
            self.budget
                .map(|budget| format!("≤ {}", with_unit(&budget)))
                .unwrap_or_default(),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spread_is_printed_as_minimum_median_and_maximum() {
        let spread = Spread::of([3.0, 1.0, 2.0]);
        assert_eq!(spread.to_string(), "1.00 / 2.00 / 3.00");
    }

    #[test]
    fn figures_have_three_digits() {
        assert_eq!(
            [1_240.3, 14.66, 1.037].map(number),
            ["1240", "14.7", "1.04"]
        );
    }

    #[test]
    fn versions_come_from_the_lock_file() {
        assert!(locked("axum").starts_with("axum 0.8"));
        assert_eq!(locked("no-such-package"), "no-such-package unknown");
    }
}
