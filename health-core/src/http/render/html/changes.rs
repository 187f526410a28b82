//! The last changes of verdicts.

use std::collections::HashMap;
use std::fmt::{self, Display, Formatter};
use std::time::SystemTime;

use crate::http::render::html::display_state::DisplayState;
use crate::http::render::html::format::{Ago, Escaped, Short};
use crate::http::render::html::frame::Indexed;
use crate::http::render::html::query::{CheckLink, Query};
use crate::verdict::Verdict;
use crate::verdict::changes::{Change, Changes};

/// The number of changes on the page.
const MAX_CHANGES: usize = 12;
/// The number of changes per check if there are several checks, so that a flapping
/// one does not hide the others.
const MAX_PER_CHECK: usize = 4;

/// Renders the last changes of these checks.
pub(super) struct List<'a> {
    pub(super) changes: &'a Changes,
    pub(super) checks: &'a [Indexed<'a>],
    pub(super) started_at: SystemTime,
    pub(super) now: SystemTime,
    pub(super) query: &'a Query,
}

impl Display for List<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("<details id=\"changes\" open>\n<summary><h2>Last changes</h2></summary>\n")?;
        let shown = self.shown();
        if shown.is_empty() {
            let (at, now) = (self.started_at, self.now);
            if self.changes.is_complete() {
                writeln!(
                    f,
                    "<p class=\"note\">None since the start {}.</p>",
                    Ago { at, now }
                )?;
            } else {
                f.write_str("<p class=\"note\">None among the last changes of the service.</p>\n")?;
            }
        } else {
            f.write_str("<ol class=\"changes\">\n")?;
            for (name, change) in shown {
                self.change(name, change, f)?;
            }
            f.write_str("</ol>\n")?;
        }
        f.write_str("</details>\n")
    }
}

impl List<'_> {
    /// Returns the changes that are shown, with the names of their checks.
    fn shown(&self) -> Vec<(&str, &Change)> {
        let names: HashMap<usize, &str> = self
            .checks
            .iter()
            .map(|(index, check)| (*index, check.report.name()))
            .collect();
        let max_per_check = if names.len() == 1 {
            MAX_CHANGES
        } else {
            MAX_PER_CHECK
        };
        let mut seen: HashMap<usize, usize> = HashMap::new();
        let known = self.changes.newest_first().filter_map(|change| {
            let name = *names.get(&change.check)?;
            let count = seen.entry(change.check).or_default();
            *count += 1;
            (*count <= max_per_check).then_some((name, change))
        });
        known.take(MAX_CHANGES).collect()
    }

    fn change(&self, name: &str, change: &Change, f: &mut Formatter<'_>) -> fmt::Result {
        let [from, to] = [change.from, change.to].map(DisplayState::from);
        let (at, now) = (change.at, self.now);
        write!(
            f,
            "<li class=\"{}\">{} {} <strong>{} → {}</strong>",
            to.class(),
            Ago { at, now },
            CheckLink {
                query: self.query,
                name
            },
            from.as_str(),
            to.as_str(),
        )?;
        match &change.reason {
            Some(root) if change.to == Verdict::Skipped => {
                let (query, name) = (self.query, &**root);
                write!(f, ", because {} is failing", CheckLink { query, name })?;
            }
            Some(reason) => write!(f, ": <bdi>{}</bdi>", Escaped(reason))?,
            None => {}
        }
        // The time until the first result is not a status of the check.
        if change.from != Verdict::Unknown {
            write!(f, " <small>after {}</small>", Short(change.held))?;
        }
        if let Some(incident) = change.incident {
            write!(f, " <small>incident {incident}</small>")?;
        }
        f.write_str("</li>\n")
    }
}
