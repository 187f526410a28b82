//! Why checks do not pass, for people who may see private texts.

use std::fmt;

use crate::verdict::snapshot::{CheckReport, Snapshot};

/// The checks that do not pass, with their private causes: see
/// [`Health::causes`](crate::Health::causes).
///
/// Displays one line per check, critical ones first. The lines contain the texts
/// of errors, so they belong in a log or on a terminal, not in a public answer.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), health_core::StartError> {
/// use health_core::{CheckOptions, Health};
///
/// let health = Health::builder()
///     .check("database", CheckOptions::new().critical(), || async {
///         Err::<(), _>("connection refused")
///     })
///     .start()?;
/// health.refresh("database").await;
///
/// let causes = health.causes();
/// assert!(causes.to_string().starts_with("database: error: connection refused (incident "));
/// let database = causes.iter().next().expect("it fails");
/// assert_eq!(database.cause(), ["connection refused"]);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Causes {
    checks: Vec<CheckReport>,
}

impl Causes {
    pub(crate) fn of(snapshot: &Snapshot) -> Self {
        let failing = || snapshot.listed().filter(|check| !check.passes());
        let critical = failing().filter(|check| check.is_critical());
        let others = failing().filter(|check| !check.is_critical());
        let checks = critical.chain(others).cloned().collect();
        Causes { checks }
    }

    /// Returns whether every check passes.
    pub fn is_empty(&self) -> bool {
        self.checks.is_empty()
    }

    /// Returns the number of checks that do not pass.
    pub fn len(&self) -> usize {
        self.checks.len()
    }

    /// Returns the checks that do not pass: critical ones first, then by name.
    pub fn iter(&self) -> std::slice::Iter<'_, CheckReport> {
        self.checks.iter()
    }
}

impl<'a> IntoIterator for &'a Causes {
    type Item = &'a CheckReport;
    type IntoIter = std::slice::Iter<'a, CheckReport>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl fmt::Display for Causes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (nth, check) in self.iter().enumerate() {
            if nth > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{}: {}", check.name(), check.verdict())?;
            if let Some(first) = check.blocked_by() {
                write!(f, ": waits for {first}")?;
            } else {
                // `withheld` only stands for a private cause.
                let message = check.message().filter(|text| *text != "withheld");
                for text in message
                    .into_iter()
                    .chain(check.cause().iter().map(|it| &**it))
                {
                    write!(f, ": {}", text.escape_debug())?;
                }
            }
            if let Some(incident) = check.incident() {
                write!(f, " (incident {incident})")?;
            }
        }
        Ok(())
    }
}
