//! Where the answers are.

use crate::probe::Probe;
use crate::problem::Problem;

/// What is found at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Page {
    /// Everything, as far as the details allow.
    Health,
    /// The answer to one probe.
    Probe(Probe),
    /// The metrics of every check, for Prometheus: OpenMetrics if `Accept` names
    /// it, else the text format 0.0.4. Always 200, and not behind the
    /// [`Guard`](crate::Guard): it says names, verdicts and times, no texts.
    Metrics,
}

impl From<Probe> for Page {
    fn from(probe: Probe) -> Self {
        Page::Probe(probe)
    }
}

impl Page {
    /// As Kubernetes names it.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Page::Probe(Probe::Liveness) => "livez",
            Page::Probe(Probe::Readiness) => "readyz",
            Page::Probe(Probe::Startup) => "startupz",
            Page::Health => "health",
            Page::Metrics => "metrics",
        }
    }
}

/// Where everybody looks first.
const STANDARD: [(&str, Page); 4] = [
    ("/livez", Page::Probe(Probe::Liveness)),
    ("/readyz", Page::Probe(Probe::Readiness)),
    ("/startupz", Page::Probe(Probe::Startup)),
    ("/health", Page::Health),
];

/// What services that were written from a guide call them.
const COMMON: [(&str, Page); 10] = [
    ("/healthz", Page::Probe(Probe::Liveness)),
    ("/live", Page::Probe(Probe::Liveness)),
    ("/liveness", Page::Probe(Probe::Liveness)),
    ("/health/live", Page::Probe(Probe::Liveness)),
    ("/ready", Page::Probe(Probe::Readiness)),
    ("/readiness", Page::Probe(Probe::Readiness)),
    ("/health/ready", Page::Probe(Probe::Readiness)),
    ("/startup", Page::Probe(Probe::Startup)),
    ("/health/startup", Page::Probe(Probe::Startup)),
    ("/health/started", Page::Probe(Probe::Startup)),
];

/// The paths and what is found at each, the longest first, so that
/// `/health/ready` is not taken for a check of `/health`.
#[derive(Clone, Debug)]
pub(crate) struct Paths {
    pages: Vec<(String, Page)>,
    problems: Vec<Problem>,
}

impl Default for Paths {
    fn default() -> Self {
        let mut paths = Paths {
            pages: Vec::new(),
            problems: Vec::new(),
        };
        paths.extend(&STANDARD);
        paths
    }
}

impl Paths {
    pub(crate) fn add_common(&mut self) {
        self.extend(&COMMON);
    }

    pub(crate) fn add(&mut self, path: String, page: Page) {
        if let Some(what) = broken_rule(&path) {
            self.problems.push(Problem::BadSetting {
                what: format!(
                    "`{}` cannot be the path of an answer: {what}",
                    path.escape_debug()
                ),
                help: "write for example `/internal/ready`".into(),
            });
            return;
        }
        match self.pages.iter().find(|(taken, _)| *taken == path) {
            Some((_, taken)) if *taken == page => {}
            Some((_, taken)) => self.problems.push(Problem::BadSetting {
                what: format!("`{path}` is the path of `{}` already", taken.name()),
                help: "give one of the two another path".into(),
            }),
            None => {
                self.pages.push((path, page));
                self.pages
                    .sort_by_key(|(path, _)| std::cmp::Reverse(path.len()));
            }
        }
    }

    fn extend(&mut self, pages: &[(&str, Page)]) {
        for &(path, page) in pages {
            self.add(path.to_owned(), page);
        }
    }

    pub(crate) fn problems(&self) -> &[Problem] {
        &self.problems
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &str> {
        self.pages.iter().map(|(path, _)| &**path)
    }

    /// The page, and the name of the check that follows its path, if one does.
    pub(super) fn find<'p>(&self, path: &'p str) -> Option<(Page, Option<&'p str>)> {
        self.pages
            .iter()
            .find_map(|(known, page)| match path.strip_prefix(&**known)? {
                "" | "/" => Some((*page, None)),
                rest => {
                    let name = rest.strip_prefix('/')?;
                    Some((*page, Some(name.strip_suffix('/').unwrap_or(name))))
                }
            })
    }
}

/// What would keep a path from being found, or mean something to a router.
fn broken_rule(path: &str) -> Option<&'static str> {
    if !path.starts_with('/') {
        return Some("it does not begin with `/`");
    }
    if path.ends_with('/') {
        return Some("it ends with `/`, which is served anyway");
    }
    let plain = |c: char| c.is_ascii_alphanumeric() || "/-_.~".contains(c);
    if !path.chars().all(plain) || path.contains("//") {
        return Some("only letters, digits, `-`, `_`, `.`, `~` and single `/` are safe in it");
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_with_and_without_slash_and_check() {
        let paths = Paths::default();
        let ready = Page::Probe(Probe::Readiness);
        assert_eq!(paths.find("/readyz"), Some((ready, None)));
        assert_eq!(paths.find("/readyz/"), Some((ready, None)));
        assert_eq!(paths.find("/readyz/db"), Some((ready, Some("db"))));
        assert_eq!(paths.find("/readyz/db/"), Some((ready, Some("db"))));
        assert_eq!(paths.find("/readyz//"), Some((ready, Some(""))));
        assert_eq!(paths.find("/health/a/b"), Some((Page::Health, Some("a/b"))));
        for path in ["/readyzz", "readyz", "/healthz", "/", ""] {
            assert_eq!(paths.find(path), None, "{path}");
        }
    }

    #[test]
    fn a_longer_path_is_no_check_of_a_shorter_one() {
        let mut paths = Paths::default();
        paths.add_common();
        let ready = Page::Probe(Probe::Readiness);
        assert_eq!(paths.find("/health/ready"), Some((ready, None)));
        assert_eq!(paths.find("/health/ready/db"), Some((ready, Some("db"))));
        assert_eq!(paths.find("/health/db"), Some((Page::Health, Some("db"))));
        assert_eq!(
            paths.find("/healthz"),
            Some((Page::Probe(Probe::Liveness), None))
        );
        assert!(paths.problems().is_empty());
        paths.add_common();
        assert!(
            paths.problems().is_empty(),
            "twice the same is no contradiction"
        );
    }

    #[test]
    fn what_no_router_would_find_is_refused() {
        let mut paths = Paths::default();
        for path in [
            "", "ready", "/ready/", "/a b", "/{id}", "/a//b", "/a?b", "/ä", "/*",
        ] {
            let before = paths.problems().len();
            paths.add(path.to_owned(), Page::Health);
            assert_eq!(paths.problems().len(), before + 1, "{path}");
        }
        paths.add("/readyz".to_owned(), Page::Health);
        let last = paths.problems().last().map(ToString::to_string);
        assert!(
            last.is_some_and(|text| text.starts_with("`/readyz` is the path of `readyz` already"))
        );
    }
}
