//! Answers without some checks: `?exclude=NAME`, as in kube-apiserver.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use percent_encoding::percent_decode_str;

use crate::http::request::RequestHead;

/// The maximum number of unknown names that are repeated in the warning.
const MAX_UNKNOWN: usize = 4;
/// The maximum length of each.
const MAX_UNKNOWN_LENGTH: usize = 64;

/// The checks that a request excludes. `None` for most requests, which keeps
/// the value small.
#[derive(Clone, Default)]
pub(super) struct Exclusions(Option<Box<Named>>);

#[derive(Clone, Default)]
struct Named {
    /// The indices of the checks, in order.
    checks: Vec<usize>,
    /// The first names that no check of the page has, quoted.
    unknown: Vec<String>,
    /// The number of further unknown names.
    more_unknown: usize,
}

impl Named {
    fn exclude(&mut self, index: usize) {
        if let Err(at) = self.checks.binary_search(&index) {
            self.checks.insert(at, index);
        }
    }
}

impl Exclusions {
    /// Returns whether the request has the parameter.
    pub(super) fn are_wanted(head: &RequestHead<'_>) -> bool {
        head.parameter("exclude").is_some()
    }

    /// Parses the parameter. `find` looks up a name as it was sent.
    pub(super) fn of(head: &RequestHead<'_>, find: impl Fn(&str) -> Option<usize>) -> Self {
        let mut wanted = head.parameters("exclude").peekable();
        if wanted.peek().is_none() {
            return Exclusions::default();
        }
        let mut named = Named::default();
        for name in wanted {
            match find(name) {
                Some(index) => named.exclude(index),
                None if named.unknown.len() < MAX_UNKNOWN => named.unknown.push(quoted(name)),
                None => named.more_unknown += 1,
            }
        }
        Exclusions(Some(Box::new(named)))
    }

    /// Returns whether nothing is excluded.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    pub(super) fn checks(&self) -> &[usize] {
        self.0.as_ref().map_or(&[], |named| &named.checks)
    }

    pub(super) fn contains(&self, index: usize) -> bool {
        self.checks().binary_search(&index).is_ok()
    }

    /// Returns a warning about unknown names. A misspelled name does not change
    /// the status, but must not go unnoticed.
    pub(super) fn warning(&self) -> Option<String> {
        let named = self.0.as_ref().filter(|named| !named.unknown.is_empty())?;
        let list = named.unknown.join(",");
        let more = match named.more_unknown {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        Some(format!(
            "some health checks cannot be excluded: no matches for {list}{more}"
        ))
    }
}

/// Returns the beginning of the name in printable form.
fn quoted(name: &str) -> String {
    let mut quoted = String::from("\"");
    for c in percent_decode_str(name).decode_utf8_lossy().chars() {
        let escaped = c.escape_debug();
        if quoted.len() + escaped.clone().map(char::len_utf8).sum::<usize>() > MAX_UNKNOWN_LENGTH {
            quoted.push('…');
            break;
        }
        quoted.extend(escaped);
    }
    quoted.push('"');
    quoted
}

/// Allows one call per minute, so that a client cannot fill the log.
#[derive(Default)]
pub(super) struct Throttle {
    /// The minute of the last call, counted from 1.
    last: AtomicU64,
}

impl Throttle {
    pub(super) fn lets_through(&self, uptime: Duration) -> bool {
        let minute = 1 + uptime.as_secs() / 60;
        self.last.fetch_max(minute, Ordering::Relaxed) < minute
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exclusions(query: &str) -> Exclusions {
        let names = ["cache", "database", "queue"];
        Exclusions::of(
            &RequestHead::new("GET", "/").with_query(Some(query)),
            |name| names.iter().position(|known| *known == name),
        )
    }

    #[test]
    fn each_excluded_name_counts_once_and_unknown_names_are_reported() {
        let found = exclusions("exclude=queue&verbose&exclude=cache&exclude=queue");
        assert_eq!(found.checks(), [0, 2]);
        assert_eq!(found.warning(), None);
        assert!(exclusions("excluded=queue").is_empty());
        let unknown = exclusions("exclude=cache&exclude=x%22%0A&exclude");
        assert_eq!(unknown.checks(), [0]);
        assert_eq!(
            unknown.warning().as_deref(),
            Some(r#"some health checks cannot be excluded: no matches for "x\"\n","""#)
        );
    }

    #[test]
    fn the_warning_about_unknown_names_is_bounded() {
        let query = format!("exclude={}&", "%07".repeat(999)).repeat(99);
        let warning = exclusions(&query).warning().expect("no check has it");
        assert!(warning.len() < 400, "{warning}");
        assert!(warning.ends_with("\" and 95 more"), "{warning}");
    }

    #[test]
    fn one_log_event_per_minute_is_let_through() {
        let throttle = Throttle::default();
        let let_through = |seconds| throttle.lets_through(Duration::from_secs(seconds));
        assert!(let_through(0));
        assert!(!let_through(59));
        assert!(let_through(61));
        assert!(!let_through(119));
    }
}
