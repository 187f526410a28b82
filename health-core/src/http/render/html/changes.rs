//! The last changes of verdicts.

use std::fmt::{self, Display, Formatter};
use std::time::SystemTime;

use crate::http::render::html::format::{Ago, Escaped, Short};
use crate::http::render::html::query::{CheckLink, Query};
use crate::verdict::changes::Change;
use crate::verdict::track::Verdict;

/// A change, and the name of its check.
#[derive(Debug)]
pub(crate) struct NamedChange<'a> {
    pub(crate) name: &'a str,
    pub(crate) change: Change,
}

pub(super) struct List<'a> {
    pub(super) changes: &'a [NamedChange<'a>],
    pub(super) started_at: SystemTime,
    pub(super) now: SystemTime,
    pub(super) query: &'a Query,
}

impl Display for List<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("<details id=\"changes\" open>\n<summary><h2>Last changes</h2></summary>\n")?;
        if self.changes.is_empty() {
            let at = self.started_at;
            let started = Ago { at, now: self.now };
            f.write_str("<p class=\"note\">None since the start ")?;
            writeln!(f, "{started}.</p>")?;
        } else {
            f.write_str("<ol class=\"changes\">\n")?;
            for change in self.changes {
                self.change(change, f)?;
            }
            f.write_str("</ol>\n")?;
        }
        f.write_str("</details>\n")
    }
}

impl List<'_> {
    fn change(
        &self,
        NamedChange { name, change }: &NamedChange<'_>,
        f: &mut Formatter<'_>,
    ) -> fmt::Result {
        let (from, to) = (word(change.from), word(change.to));
        let (at, now) = (change.at, self.now);
        write!(
            f,
            "<li class=\"{}\">{} {} <strong>{from} → {to}</strong>",
            class(change.to),
            Ago { at, now },
            CheckLink {
                query: self.query,
                name
            },
        )?;
        match &change.reason {
            Some(root) if change.to == Verdict::Skipped => {
                let (query, name) = (self.query, &**root);
                write!(f, ", because {} is failing", CheckLink { query, name })?;
            }
            Some(reason) => write!(f, ": <bdi>{}</bdi>", Escaped(reason))?,
            None => {}
        }
        write!(f, " <small>after {}", Short(change.held))?;
        if let Some(incident) = change.incident {
            write!(f, ", incident {incident}")?;
        }
        f.write_str("</small></li>\n")
    }
}

fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "passing",
        Verdict::Warn => "degraded",
        Verdict::Fail => "failing",
        Verdict::Unknown => "unknown",
        Verdict::Skipped => "skipped",
    }
}

fn class(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "pass",
        Verdict::Warn => "warn",
        Verdict::Fail => "fail",
        Verdict::Unknown => "unknown",
        Verdict::Skipped => "skipped",
    }
}
