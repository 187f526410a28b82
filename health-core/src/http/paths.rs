//! Paths of the pages.

use std::borrow::Cow;
use std::cmp::Reverse;

use crate::check::probe::{Probe, Probes};
use crate::registry::error::Problem;
use crate::registry::page::Page;

/// The default paths.
const STANDARD: [(&str, Page); 4] = [
    ("/livez", Page::Probe(Probe::Liveness)),
    ("/readyz", Page::Probe(Probe::Readiness)),
    ("/startupz", Page::Probe(Probe::Startup)),
    ("/health", Page::Health),
];

/// Further common paths.
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

/// The paths and their pages.
#[derive(Clone, Debug)]
pub(crate) struct Paths {
    /// The prefix of the standard paths; may be empty.
    base: String,
    standard: Vec<(Cow<'static, str>, Page)>,
    own: Vec<(String, Page)>,
    /// Those of `own` at which a warning is 429.
    consul: Vec<String>,
    /// All paths, the longest first, so that `/health/ready` is not taken for a
    /// check of `/health`.
    pages: Vec<(String, Page)>,
    problems: Vec<Problem>,
}

impl Default for Paths {
    fn default() -> Self {
        let mut paths = Paths {
            base: String::new(),
            standard: Vec::new(),
            own: Vec::new(),
            consul: Vec::new(),
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

    /// Adds a group below `/health/groups`. No check can be there, because
    /// `groups` is a reserved name.
    pub(crate) fn add_group(&mut self, tag: &'static str) {
        let path = format!("/health/groups/{tag}");
        self.standard.push((path.into(), Page::Group(tag)));
        self.place_all();
    }

    /// Sets the prefix of the standard paths, including those that are added
    /// later.
    pub(crate) fn set_base(&mut self, base: String) {
        self.base = base;
        self.place_all();
    }

    /// Adds a path of the application, which has no prefix.
    pub(crate) fn add(&mut self, path: String, page: Page) {
        self.own.push((path, page));
        self.place_all();
    }

    /// A path of readiness at which a warning is 429.
    pub(crate) fn add_for_consul(&mut self, path: String) {
        self.consul.push(path.clone());
        self.add(path, Page::Probe(Probe::Readiness));
    }

    /// Whether this is such a path, or a check of it.
    pub(super) fn is_for_consul(&self, path: &str) -> bool {
        self.consul.iter().any(|known| {
            let rest = path.strip_prefix(&**known);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        })
    }

    fn extend(&mut self, pages: &[(&'static str, Page)]) {
        let pages = pages.iter().map(|&(path, page)| (path.into(), page));
        self.standard.extend(pages);
        self.place_all();
    }

    fn place_all(&mut self) {
        self.pages.clear();
        self.problems.clear();
        let mut base = self.base.clone();
        if let Some(what) = broken_rule(&base).filter(|_| !base.is_empty()) {
            self.problems.push(Problem::InvalidSetting {
                what: format!(
                    "`{}` cannot be the base of the paths: {what}",
                    base.escape_debug()
                ),
                help: "write for example `/internal`".into(),
            });
            base.clear();
        }
        for (path, page) in self.standard.clone() {
            self.place(format!("{base}{path}"), page);
        }
        for (path, page) in self.own.clone() {
            self.place(path, page);
        }
        self.pages.sort_by_key(|(path, _)| Reverse(path.len()));
    }

    fn place(&mut self, path: String, page: Page) {
        if let Some(what) = broken_rule(&path) {
            self.problems.push(Problem::InvalidSetting {
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
            Some((_, taken)) => self.problems.push(Problem::InvalidSetting {
                what: format!("`{path}` is the path of `{}` already", taken.name()),
                help: "give one of the two another path".into(),
            }),
            None => self.pages.push((path, page)),
        }
    }

    /// Reports each path that is both a page and a check of another page. The
    /// page would hide a failure of the check.
    pub(crate) fn clashes<'c>(
        &self,
        checks: &(impl Iterator<Item = (&'c str, Probes, &'c [&'static str])> + Clone),
    ) -> Vec<Problem> {
        let mut problems = Vec::new();
        for (path, page) in self.pages() {
            let parents = self.pages().filter_map(|(parent, other)| {
                let name = path.strip_prefix(parent)?.strip_prefix('/')?;
                Some((name, other))
            });
            for (name, parent) in parents {
                let is_check = |(check, probes, tags): (&str, Probes, &[&str])| {
                    check == name && parent.counts(probes, tags)
                };
                if checks.clone().any(is_check) {
                    problems.push(Problem::InvalidSetting {
                        what: format!(
                            "`{path}` is the path of `{}` and of the check `{name}`",
                            page.name()
                        ),
                        help: "give the check another name, or the page another path".into(),
                    });
                }
            }
        }
        problems
    }

    /// Returns the tags that have a group page.
    pub(crate) fn groups(&self) -> Vec<&'static str> {
        let mut tags: Vec<&'static str> = Vec::new();
        for (_, page) in &self.pages {
            match *page {
                Page::Group(tag) if !tags.contains(&tag) => tags.push(tag),
                _ => {}
            }
        }
        tags
    }

    pub(crate) fn problems(&self) -> &[Problem] {
        &self.problems
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &str> {
        self.pages().map(|(path, _)| path)
    }

    pub(crate) fn pages(&self) -> impl Iterator<Item = (&str, Page)> {
        self.pages.iter().map(|(path, page)| (&**path, *page))
    }

    /// Returns the page, and the name of the check in the path, if there is
    /// one.
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

/// The paths of the pages as a middleware sees them, to keep probes out of
/// access logs and traces: see
/// [`Endpoint::probe_paths`](super::Endpoint::probe_paths).
#[derive(Clone, Debug)]
pub struct ProbePaths {
    prefix: String,
    paths: Paths,
}

impl ProbePaths {
    pub(super) fn new(prefix: &str, paths: &Paths) -> Self {
        ProbePaths {
            prefix: prefix.trim_end_matches('/').to_owned(),
            paths: paths.clone(),
        }
    }

    /// Returns whether this path is a page or a check of a page. `path` is the
    /// path of the URI as it was sent, without the query.
    pub fn contains(&self, path: &str) -> bool {
        let own = path.strip_prefix(&*self.prefix);
        own.is_some_and(|path| self.paths.find(path).is_some())
    }

    /// Returns an equivalent regular expression, for middleware that takes one.
    pub fn to_regex(&self) -> String {
        let literal = |text: &str| {
            let is_plain = |c: char| c.is_ascii_alphanumeric() || "/_~".contains(c);
            let escaped = text.chars().map(|c| {
                if is_plain(c) {
                    c.to_string()
                } else {
                    format!(r"\x{{{:x}}}", u32::from(c))
                }
            });
            escaped.collect::<String>()
        };
        let pages: Vec<String> = self.paths.iter().map(literal).collect();
        format!("^{}(?:{})(?:/.*)?$", literal(&self.prefix), pages.join("|"))
    }
}

/// Returns why a path would not be found or would have a special meaning in a
/// router.
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
    fn probes_are_told_from_requests_that_look_alike() {
        let mut paths = Paths::default();
        paths.add("/a.b/ready".to_owned(), Page::Probe(Probe::Readiness));
        for (prefix, path, is_one) in [
            ("", "/readyz", true),
            ("", "/readyz/", true),
            ("", "/readyz/database", true),
            ("", "/health/a/b", true),
            ("", "/a.b/ready", true),
            ("", "/a-b/ready", false),
            ("", "/readyzz", false),
            ("", "/orders/health", false),
            ("", "/internal/readyz", false),
            ("", "/", false),
            ("", "", false),
            ("/internal", "/internal/readyz", true),
            ("/internal/", "/internal/livez/x", true),
            ("/internal", "/readyz", false),
            ("/internal", "/internalreadyz", false),
            ("/api.v1", "/api.v1/health", true),
            ("/api.v1", "/api-v1/health", false),
        ] {
            let probes = ProbePaths::new(prefix, &paths);
            assert_eq!(probes.contains(path), is_one, "{prefix} {path}");
            let regex = regex_lite::Regex::new(&probes.to_regex()).expect("a regex");
            assert_eq!(regex.is_match(path), is_one, "{regex} {path}");
        }
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

    #[test]
    fn a_group_is_no_check_of_health() {
        let mut paths = Paths::default();
        paths.add_group("db");
        let group = Page::Group("db");
        assert_eq!(paths.find("/health/groups/db"), Some((group, None)));
        assert_eq!(paths.find("/health/groups/db/a"), Some((group, Some("a"))));
        let unknown = paths.find("/health/groups/eu");
        assert_eq!(unknown, Some((Page::Health, Some("groups/eu"))));
        assert_eq!(paths.groups(), ["db"]);
        paths.add_group("E U");
        assert_eq!(paths.problems().len(), 1);
    }

    #[test]
    fn a_base_moves_what_is_standard_in_any_order() {
        let mut paths = Paths::default();
        paths.add("/status".into(), Page::Health);
        paths.set_base("/internal".into());
        paths.add_group("db");
        for path in ["/internal/livez", "/internal/health/groups/db", "/status"] {
            assert!(paths.find(path).is_some(), "{path}");
        }
        for path in ["/livez", "/health/groups/db", "/internal/status"] {
            assert_eq!(paths.find(path), None, "{path}");
        }
        assert!(paths.problems().is_empty());
        paths.add("/internal/livez".into(), Page::Health);
        assert_eq!(paths.problems().len(), 1);
        for base in ["internal", "/internal/", "/", "/{id}"] {
            paths.set_base(base.into());
            assert_eq!(paths.problems().len(), 1, "{base}");
        }
    }
}
