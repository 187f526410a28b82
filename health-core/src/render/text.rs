//! The format of kube-apiserver, for people with `curl` and the simplest monitors.
//!
//! ```text
//! [+]cache ok
//! [-]database failed: timed out
//! readyz check failed
//! ```

use std::fmt::{self, Write};

use bytes::Bytes;

use super::Shown;
use crate::outcome::Status;
use crate::verdict::Verdict;

/// kubelet reads 10 KiB; what does not fit is counted.
const LONGEST_LIST: usize = 9 * 1024;

/// One word where all is well, one line where it is not.
pub(crate) fn status_only(page: &str, status: Status) -> Bytes {
    match status {
        Status::Pass | Status::Warn => Bytes::from_static(b"ok"),
        Status::Fail => Bytes::from(format!("{page} check failed\n")),
    }
}

/// A line for each check, and what comes of them.
pub(crate) fn list<'a>(
    page: &str,
    status: Status,
    checks: impl Iterator<Item = Shown<'a>>,
    draining: bool,
) -> Bytes {
    let mut text = String::new();
    let mut left_out = 0;
    for check in checks {
        let line = Line(check).to_string();
        if text.len() + line.len() > LONGEST_LIST {
            left_out += 1;
        } else {
            text.push_str(&line);
        }
    }
    if draining {
        text.push_str("[-]shutdown failed: draining\n");
    }
    if left_out > 0 {
        let _ = writeln!(text, "and {left_out} more");
    }
    let word = if status == Status::Fail {
        "failed"
    } else {
        "passed"
    };
    let _ = writeln!(text, "{page} check {word}");
    Bytes::from(text)
}

/// One check by itself.
pub(crate) fn check(check: Shown<'_>) -> Bytes {
    match check.report.verdict() {
        Verdict::Pass | Verdict::Warn => Bytes::from_static(b"ok"),
        Verdict::Fail | Verdict::Unknown | Verdict::Skipped => {
            Bytes::from(format!("{}\n", Words(check)))
        }
    }
}

/// One check by itself, for those who only need the status.
pub(crate) fn check_status_only(verdict: Verdict) -> Bytes {
    Bytes::from_static(match verdict {
        Verdict::Pass | Verdict::Warn => b"ok",
        Verdict::Fail | Verdict::Unknown | Verdict::Skipped => b"failed\n",
    })
}

struct Line<'a>(Shown<'a>);

impl fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Shown { report, .. } = self.0;
        let sign = if report.verdict().is_good() { '+' } else { '-' };
        write!(f, "[{sign}]{} {}", report.name(), Words(self.0))?;
        match report.incident() {
            Some(incident) => writeln!(f, " (incident {incident})"),
            None => writeln!(f),
        }
    }
}

struct Words<'a>(Shown<'a>);

impl fmt::Display for Words<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let report = self.0.report;
        let reason = self.0.reason();
        let or = |default| OneLine(reason.as_deref().unwrap_or(default)).to_string();
        match report.verdict() {
            Verdict::Pass => f.write_str("ok"),
            Verdict::Warn => write!(f, "degraded: {}", or("no reason given")),
            Verdict::Skipped => {
                let cause = report.skipped_for().unwrap_or_default();
                write!(f, "skipped: {cause} is failing")
            }
            Verdict::Unknown => write!(f, "failed: {}", or("no result yet")),
            Verdict::Fail if reason.as_deref() == Some("withheld") => {
                f.write_str("failed: reason withheld")
            }
            Verdict::Fail => write!(f, "failed: {}", or("no reason given")),
        }
    }
}

/// A public text is the application's, and must not make lines of its own.
struct OneLine<'a>(&'a str);

impl fmt::Display for OneLine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.0.chars() {
            f.write_char(if c.is_control() { ' ' } else { c })?;
        }
        Ok(())
    }
}
