//! Problems that prevent a start, each with the help to fix it.

use std::error::Error;
use std::fmt;
use std::panic::Location;

use crate::check::Origin;
use crate::check::probe::Probe;

/// All problems that made [`HealthBuilder::start`] fail.
///
/// `Debug` prints the same text as `Display`, so that `fn main() -> Result<(),
/// Box<dyn Error>>` shows each problem on its own lines:
///
/// ```text
/// Error: health cannot start, 2 problems:
///   - two checks are named `db`: billing 1.4.0 at billing/src/checks.rs:12, orders 0.3.1 at orders/src/health.rs:8
///     help: give one of them another name: `#[health_check(name = "orders-db")]`
///   - required check `ledger` does not exist
///     help: if it is in a library, name the library in the binary: `use ledger_checks as _;`
/// ```
///
/// [`HealthBuilder::start`]: crate::HealthBuilder::start
pub struct StartError {
    problems: Vec<Problem>,
}

impl StartError {
    pub(crate) fn new(problems: Vec<Problem>) -> Self {
        StartError { problems }
    }

    /// Returns the individual problems.
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.problems.len();
        let plural = if count == 1 { "" } else { "s" };
        write!(f, "health cannot start, {count} problem{plural}:")?;
        for problem in &self.problems {
            write!(f, "\n  - {problem}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Error for StartError {}

/// A problem that prevents a start.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Problem {
    /// `start` was called outside a tokio runtime.
    NoRuntime,
    /// The tokio runtime has no timer, so no check could have a deadline.
    NoTimer,
    /// Two checks have the same name. `-`, `_` and `.` count as equal.
    #[non_exhaustive]
    DuplicateName {
        /// The name.
        name: String,
        /// Where the checks are declared.
        locations: Vec<SourceLocation>,
    },
    /// A check takes a parameter that nothing provides.
    #[non_exhaustive]
    MissingParameter {
        /// The name of the check.
        check: String,
        /// Where the check is declared.
        location: SourceLocation,
        /// The parameter's name.
        parameter: &'static str,
        /// The parameter's type.
        type_name: &'static str,
        /// The type of the state, if one was given.
        state: Option<&'static str>,
    },
    /// The name of a check that was added at run time breaks the rules.
    #[non_exhaustive]
    InvalidName {
        /// The name.
        name: String,
        /// What is wrong with it.
        what: String,
        /// What to write instead.
        help: String,
    },
    /// The options of a check contradict each other or are out of range.
    #[non_exhaustive]
    InvalidOptions {
        /// The name of the check.
        check: String,
        /// Where the check is declared.
        location: SourceLocation,
        /// What is wrong.
        what: String,
        /// What to write instead.
        help: String,
    },
    /// A required check does not exist.
    #[non_exhaustive]
    MissingCheck {
        /// The name.
        name: String,
        /// A check with a similar name.
        similar: Option<String>,
    },
    /// A required probe has no check.
    #[non_exhaustive]
    EmptyProbe {
        /// The probe.
        probe: Probe,
    },
    /// `after` names a check that does not exist.
    #[non_exhaustive]
    UnknownPrerequisite {
        /// The name of the check.
        check: String,
        /// Where the check is declared.
        location: SourceLocation,
        /// The name that no check has.
        name: String,
        /// A check with a similar name.
        similar: Option<String>,
    },
    /// Checks depend on each other in a cycle, so none of them could run.
    #[non_exhaustive]
    DependencyCycle {
        /// The checks, each depending on the next, the last one on the first.
        members: Vec<String>,
        /// Where the first check is declared.
        location: SourceLocation,
    },
    /// An option of the builder is out of range.
    #[non_exhaustive]
    InvalidSetting {
        /// What is wrong.
        what: String,
        /// What to write instead.
        help: String,
    },
}

impl Problem {
    pub(crate) fn setting(what: impl Into<String>, help: impl Into<String>) -> Self {
        Problem::InvalidSetting {
            what: what.into(),
            help: help.into(),
        }
    }

    /// Returns how to fix the problem.
    pub fn help(&self) -> String {
        match self {
            Problem::NoRuntime => "call it inside `#[tokio::main]` or `Runtime::block_on`, or after `let _guard = runtime.enter()`".into(),
            Problem::NoTimer => "build it with `tokio::runtime::Builder::enable_time()` or `enable_all()`".into(),
            Problem::DuplicateName { name, locations } => {
                let package = locations.iter().rev().find_map(SourceLocation::package);
                let other = match package {
                    Some(package) => format!("#[health_check(name = \"{package}-{name}\")]"),
                    None => format!(".check(\"other-{name}\", ..)"),
                };
                format!("give one of them another name: `{other}`")
            }
            Problem::MissingParameter { state: Some(_), .. } => {
                "add a field of this type to the state, or give the value to the builder: `.provide(value)`".into()
            }
            Problem::MissingParameter { state: None, .. } => {
                "give it the application's state: `Health::builder().state(state.clone())`".into()
            }
            Problem::MissingCheck { similar, .. } => did_you_mean(similar.as_deref(), || {
                "if it is in a library, name the library in the binary: `use the_library as _;`".into()
            }),
            Problem::UnknownPrerequisite { similar, .. } => did_you_mean(similar.as_deref(), || {
                "write the name of a check, or leave it out".into()
            }),
            Problem::EmptyProbe { probe: Probe::Readiness } => {
                "write a check, or name the library that has them in the binary: `use the_library as _;`".into()
            }
            Problem::EmptyProbe { probe } => format!("write `{probe}, critical` on a check"),
            Problem::DependencyCycle { .. } => "take one of them out of the `after` of another".into(),
            Problem::InvalidName { help, .. }
            | Problem::InvalidOptions { help, .. }
            | Problem::InvalidSetting { help, .. } => help.clone(),
        }
    }
}

/// Returns the help that proposes a similar name, or `otherwise`.
pub(crate) fn did_you_mean(similar: Option<&str>, otherwise: impl FnOnce() -> String) -> String {
    similar.map_or_else(otherwise, |similar| format!("did you mean `{similar}`?"))
}

/// Displays the problem, followed by the help on a second line.
impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Problem::NoRuntime => {
                f.write_str("`start` was called outside a tokio runtime, where no check can run")
            }
            Problem::NoTimer => {
                f.write_str("the tokio runtime has no timer, so no check could have a deadline")
            }
            Problem::DuplicateName { name, locations } => {
                match locations.len() {
                    2 => f.write_str("two")?,
                    count => write!(f, "{count}")?,
                }
                write!(f, " checks are named `{name}`: ")?;
                write_list(f, locations)
            }
            Problem::MissingParameter {
                check,
                location,
                parameter,
                type_name,
                state,
            } => {
                write!(
                    f,
                    "check `{check}` ({location}) needs `{parameter}: &{type_name}`, "
                )?;
                match state {
                    Some(state) => write!(f, "which `{state}` does not provide"),
                    None => f.write_str("and the builder got no state"),
                }
            }
            Problem::InvalidName { name, what, .. } => {
                let name = name.escape_debug();
                write!(f, "`{name}` cannot be the name of a check: {what}")
            }
            Problem::InvalidOptions {
                check,
                location,
                what,
                ..
            } => {
                write!(f, "check `{check}` ({location}): {what}")
            }
            Problem::MissingCheck { name, .. } => {
                write!(f, "required check `{name}` does not exist")
            }
            Problem::UnknownPrerequisite {
                check,
                location,
                name,
                ..
            } => {
                write!(
                    f,
                    "check `{check}` ({location}) depends on unknown check `{name}`"
                )
            }
            Problem::EmptyProbe { probe } => {
                write!(f, "no check counts for {probe}, but one is required")
            }
            Problem::DependencyCycle { members, location } => write_cycle(f, members, location),
            Problem::InvalidSetting { what, .. } => f.write_str(what),
        }?;
        write!(f, "\n    help: {}", self.help())
    }
}

fn write_list(f: &mut fmt::Formatter<'_>, locations: &[SourceLocation]) -> fmt::Result {
    for (nth, location) in locations.iter().enumerate() {
        let comma = if nth == 0 { "" } else { ", " };
        write!(f, "{comma}{location}")?;
    }
    Ok(())
}

fn write_cycle(
    f: &mut fmt::Formatter<'_>,
    members: &[String],
    location: &SourceLocation,
) -> fmt::Result {
    let [first, others @ ..] = members else {
        return Ok(());
    };
    write!(f, "check `{first}` ({location}) waits for ")?;
    for member in others {
        write!(f, "`{member}`, which waits for ")?;
    }
    write!(f, "`{first}`")
}

/// Where a check was declared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SourceLocation {
    package: Option<(&'static str, &'static str)>,
    file: &'static str,
    line: u32,
}

impl SourceLocation {
    pub(crate) fn declared(origin: Origin) -> Self {
        SourceLocation {
            package: Some((origin.package, origin.version)),
            file: origin.file,
            line: origin.line,
        }
    }

    pub(crate) fn on_the_builder(caller: &'static Location<'static>) -> Self {
        SourceLocation {
            package: None,
            file: caller.file(),
            line: caller.line(),
        }
    }

    /// Returns the package of a check with `#[health_check]`; `None` for a
    /// check that was added to the builder.
    pub fn package(&self) -> Option<&'static str> {
        self.package.map(|(name, _)| name)
    }

    /// Returns the file, as rustc names it.
    pub fn file(&self) -> &'static str {
        self.file
    }

    /// Returns the line of the attribute, or of the call that added the check.
    pub fn line(&self) -> u32 {
        self.line
    }
}

impl fmt::Display for SourceLocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let SourceLocation {
            package,
            file,
            line,
        } = self;
        match package {
            Some((name, version)) => write!(f, "{name} {version} at {file}:{line}"),
            None => write!(f, "{file}:{line}"),
        }
    }
}
