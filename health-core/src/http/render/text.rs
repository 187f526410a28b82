//! The text format of kube-apiserver.
//!
//! ```text
//! [+]cache ok
//! [-]database failed: timed out
//! readyz check failed
//! ```

use std::fmt::{self, Write};

use bytes::Bytes;

use crate::check::outcome::Status;
use crate::http::render::Frame;
use crate::http::render::shown::Shown;
use crate::http::render::truncate::{Budget, Fitted, fit};
use crate::text::one_line::one_line;
use crate::verdict::Verdict;

/// Renders one word if the status is good, otherwise one line.
pub(crate) fn status_only(page: &str, status: Status) -> Bytes {
    match status {
        Status::Pass | Status::Warn => Bytes::from_static(b"ok"),
        Status::Fail => Bytes::from(format!("{page} check failed\n")),
    }
}

/// Renders a line per check, and the resulting status.
pub(crate) fn list(frame: &Frame<'_>, checks: &[Shown<'_>]) -> Bytes {
    let Fitted {
        checks,
        named,
        more,
    } = fit(Budget::FOR_PROBES, checks, |check| {
        let line = Line(check).to_string();
        let length = line.len();
        (line, length)
    });
    let mut text: String = checks.into_iter().map(|(_, line)| line).collect();
    for check in &named {
        let (sign, word) = match check.report.verdict() {
            _ if check.excluded => ('+', "excluded: ok"),
            Verdict::Pass | Verdict::Warn => ('+', "ok"),
            Verdict::Fail | Verdict::Unknown | Verdict::Skipped => ('-', "failed"),
        };
        let _ = writeln!(text, "[{sign}]{} {word}", check.report.name());
    }
    if frame.draining {
        text.push_str("[-]shutdown failed: draining\n");
    }
    if more > named.len() {
        let _ = writeln!(text, "and {} more", more - named.len());
    }
    if let Some(warning) = &frame.warning {
        let _ = writeln!(text, "warn: {warning}");
    }
    let word = if frame.status == Status::Fail {
        "failed"
    } else {
        "passed"
    };
    let _ = writeln!(text, "{} check {word}", frame.page);
    Bytes::from(text)
}

/// Renders one check.
pub(crate) fn check(check: Shown<'_>) -> Bytes {
    match check.report.verdict() {
        Verdict::Pass | Verdict::Warn => Bytes::from_static(b"ok"),
        Verdict::Fail | Verdict::Unknown | Verdict::Skipped => {
            Bytes::from(format!("{}\n", Words(check)))
        }
    }
}

/// Renders one check with the status only.
pub(crate) fn check_status_only(verdict: Verdict) -> Bytes {
    Bytes::from_static(match verdict {
        Verdict::Pass | Verdict::Warn => b"ok",
        Verdict::Fail | Verdict::Unknown | Verdict::Skipped => b"failed\n",
    })
}

struct Line<'a>(Shown<'a>);

impl fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Shown {
            report, excluded, ..
        } = self.0;
        if excluded {
            return writeln!(f, "[+]{} excluded: ok", report.name());
        }
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
        let or = |default| -> String { one_line(reason.as_deref().unwrap_or(default)).collect() };
        match report.verdict() {
            Verdict::Pass => f.write_str("ok"),
            Verdict::Warn => write!(f, "degraded: {}", or("no reason given")),
            Verdict::Skipped => {
                let cause = report.blocked_by().unwrap_or_default();
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
