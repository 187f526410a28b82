//! Paths of the pages.

use std::borrow::Cow;

use crate::check::probe::Probe;
use crate::registry::Check;
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

/// Whether a page also serves its single checks, with one more segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Below {
    Checks,
    Nothing,
}

/// A page at a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) path: String,
    pub(super) page: Page,
    pub(super) below: Below,
    /// Whether a warning has the code 429.
    pub(super) for_consul: bool,
}

/// The page or check at a path of a place.
enum Target<'p> {
    Page,
    /// One of its checks, by name.
    Check(&'p str),
}

impl Place {
    fn new(path: String, page: Page, below: Below) -> Self {
        Place {
            path,
            page,
            below,
            for_consul: false,
        }
    }

    /// Returns what the path selects at this place, if it belongs to it.
    fn target<'p>(&self, path: &'p str) -> Option<Target<'p>> {
        let rest = path.strip_prefix(&*self.path)?;
        match rest.strip_suffix('/').unwrap_or(rest) {
            "" => Some(Target::Page),
            rest if self.below == Below::Checks => {
                let name = rest.strip_prefix('/')?;
                let is_segment = !name.is_empty() && !name.contains('/');
                is_segment.then_some(Target::Check(name))
            }
            _ => None,
        }
    }
}

/// The paths and their pages.
#[derive(Clone, Debug)]
pub(crate) struct Paths {
    /// The prefix of the standard paths; may be empty.
    base: String,
    standard: Vec<(Cow<'static, str>, Page, Below)>,
    own: Vec<Place>,
    /// All places.
    places: Places,
    pub(super) problems: Vec<Problem>,
}

impl Default for Paths {
    fn default() -> Self {
        let mut paths = Paths {
            base: String::new(),
            standard: Vec::new(),
            own: Vec::new(),
            places: Places::default(),
            problems: Vec::new(),
        };
        paths.extend(&STANDARD, Below::Checks);
        paths
    }
}

impl Paths {
    pub(crate) fn add_common(&mut self) {
        self.extend(&COMMON, Below::Nothing);
    }

    /// Adds a group below `/health/groups`. No check can be there, because
    /// `groups` is a reserved name.
    pub(crate) fn add_group(&mut self, tag: Cow<'static, str>) {
        let path = format!("/health/groups/{tag}");
        let group = (path.into(), Page::Group(tag), Below::Checks);
        self.standard.push(group);
        self.place_all();
    }

    /// Sets the prefix of the standard paths, including those that are added
    /// later.
    pub(crate) fn set_base(&mut self, base: String) {
        self.base = base;
        self.place_all();
    }

    /// Adds a path of the application, which has no prefix. What is below it
    /// stays with the application.
    pub(crate) fn add(&mut self, path: String, page: Page) {
        // The status page is a small site.
        let below = match page {
            #[cfg(feature = "status-page")]
            Page::StatusPage => Below::Checks,
            _ => Below::Nothing,
        };
        self.add_own(Place::new(path, page, below));
    }

    /// Adds a path of the application, and the checks of the page below it.
    pub(crate) fn add_with_checks(&mut self, path: String, page: Page) {
        self.add_own(Place::new(path, page, Below::Checks));
    }

    /// Adds a path of readiness at which a warning is 429.
    pub(crate) fn add_for_consul(&mut self, path: String) {
        self.add_own(Place {
            for_consul: true,
            ..Place::new(path, Page::Probe(Probe::Readiness), Below::Nothing)
        });
    }

    fn add_own(&mut self, place: Place) {
        self.own.push(place);
        self.place_all();
    }

    fn extend(&mut self, pages: &[(&'static str, Page)], below: Below) {
        let pages = pages
            .iter()
            .map(|(path, page)| ((*path).into(), page.clone(), below));
        self.standard.extend(pages);
        self.place_all();
    }

    fn place_all(&mut self) {
        self.places.0.clear();
        self.problems.clear();
        let mut base = self.base.clone();
        if let Some(what) = broken_rule(&base).filter(|_| !base.is_empty()) {
            self.problems.push(Problem::setting(
                format!(
                    "`{}` cannot be the base of the paths: {what}",
                    base.escape_debug()
                ),
                "write for example `/internal`",
            ));
            base.clear();
        }
        for (path, page, below) in self.standard.clone() {
            self.place(Place::new(format!("{base}{path}"), page, below));
        }
        for place in self.own.clone() {
            self.place(place);
        }
    }

    fn place(&mut self, place: Place) {
        if let Some(what) = broken_rule(&place.path) {
            self.problems.push(Problem::setting(
                format!(
                    "`{}` cannot be the path of an answer: {what}",
                    place.path.escape_debug()
                ),
                "write for example `/internal/ready`",
            ));
            return;
        }
        if place.below == Below::Checks && !place.page.has_checks() {
            self.problems.push(Problem::setting(
                format!("`{}` has no single checks below it", place.page.name()),
                "use `path` instead of `path_with_checks`",
            ));
            return;
        }
        let mut taken = self.places.0.iter_mut();
        match taken.find(|taken| taken.path == place.path) {
            Some(taken) if taken.page == place.page => {
                if place.below == Below::Checks {
                    taken.below = Below::Checks;
                }
                taken.for_consul |= place.for_consul;
            }
            Some(taken) => self.problems.push(Problem::setting(
                format!(
                    "`{}` is the path of `{}` already",
                    place.path,
                    taken.page.name()
                ),
                "give one of the two another path",
            )),
            None => self.places.insert(place),
        }
    }

    /// Reports each path that is both a page and a check of another page. The
    /// page would hide a failure of the check.
    pub(crate) fn clashes(&self, checks: &[Check]) -> Vec<Problem> {
        let mut problems = Vec::new();
        for Place { path, page, .. } in &self.places.0 {
            let parents = self
                .places
                .0
                .iter()
                .filter_map(|parent| match parent.target(path)? {
                    Target::Page => None,
                    Target::Check(name) => Some((name, &parent.page)),
                });
            for (name, parent) in parents {
                let is_check = |check: &Check| *check.name == *name && parent.counts(&check.plan);
                if checks.iter().any(is_check) {
                    problems.push(Problem::setting(
                        format!(
                            "`{path}` is the path of `{}` and of the check `{name}`",
                            page.name()
                        ),
                        "give the check another name, or the page another path",
                    ));
                }
            }
        }
        problems
    }

    /// Returns the tags that have a group page.
    pub(crate) fn groups(&self) -> Vec<&str> {
        let mut tags: Vec<&str> = Vec::new();
        for place in &self.places.0 {
            match &place.page {
                Page::Group(tag) if !tags.contains(&&**tag) => tags.push(tag),
                _ => {}
            }
        }
        tags
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &str> {
        self.places.iter().map(|place| &*place.path)
    }

    /// Returns whether any path has this page.
    #[cfg(feature = "status-page")]
    pub(crate) fn serves(&self, page: &Page) -> bool {
        self.places.iter().any(|place| place.page == *page)
    }

    /// Returns all places, for an internal mount.
    pub(super) fn all(&self) -> Places {
        self.places.clone()
    }
}

/// The places of one mount, the longest path first, so that `/health/ready` is not
/// taken for a check of `/health`.
#[derive(Clone, Debug, Default)]
pub(super) struct Places(Vec<Place>);

impl Places {
    fn insert(&mut self, place: Place) {
        let is_before = |other: &Place| other.path.len() >= place.path.len();
        let at = self.0.partition_point(is_before);
        self.0.insert(at, place);
    }

    /// Returns the places for a public mount. Single checks reveal names, so they are
    /// only served if the probes show the names anyway.
    pub(super) fn public(&self, probes_show_checks: bool) -> Places {
        let public = self.0.iter().filter(|place| !place.page.is_internal());
        let public = public.map(|place| {
            let shows_checks = probes_show_checks && matches!(place.page, Page::Probe(_));
            Place {
                below: if shows_checks {
                    place.below
                } else {
                    Below::Nothing
                },
                ..place.clone()
            }
        });
        Places(public.collect())
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Place> {
        self.0.iter()
    }

    /// Returns the place, and the name of the check in the path, if there is
    /// one.
    pub(super) fn find<'p>(&self, path: &'p str) -> Option<(&Place, Option<&'p str>)> {
        self.0.iter().find_map(|place| match place.target(path)? {
            Target::Page => Some((place, None)),
            Target::Check(name) => Some((place, Some(name))),
        })
    }
}

/// The paths of the pages as a middleware sees them, to keep probes out of
/// access logs and traces: see
/// [`Endpoint::probe_paths`](super::Endpoint::probe_paths).
#[derive(Clone, Debug)]
pub struct ProbePaths {
    prefix: String,
    places: Places,
}

impl ProbePaths {
    pub(super) fn new(prefix: &str, places: &Places) -> Self {
        ProbePaths {
            prefix: prefix.trim_end_matches('/').to_owned(),
            places: places.clone(),
        }
    }

    /// Returns whether this path is a page or a check of a page. `path` is the
    /// path of the URI as it was sent, without the query.
    pub fn contains(&self, path: &str) -> bool {
        let own = path.strip_prefix(&*self.prefix);
        own.is_some_and(|path| self.places.find(path).is_some())
    }

    /// Returns an equivalent regular expression, for middleware that takes one.
    pub fn to_regex(&self) -> String {
        let pages: Vec<String> = self
            .places
            .iter()
            .map(|place| match place.below {
                Below::Checks => format!("{}(?:/[^/]+)?", literal(&place.path)),
                Below::Nothing => literal(&place.path),
            })
            .collect();
        format!("^{}(?:{})/?$", literal(&self.prefix), pages.join("|"))
    }
}

/// Returns a regular expression for exactly this text.
fn literal(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/_~".contains(c);
    let escaped = text.chars().map(|c| {
        if is_plain(c) {
            c.to_string()
        } else {
            format!(r"\x{{{:x}}}", u32::from(c))
        }
    });
    escaped.collect()
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

    /// The page and the check at a path of an internal mount.
    fn find<'a>(paths: &'a Paths, path: &'a str) -> Option<(&'a Page, Option<&'a str>)> {
        let (place, check) = paths.places.find(path)?;
        Some((&place.page, check))
    }

    #[test]
    fn paths_match_with_and_without_a_trailing_slash_and_a_check() {
        let paths = Paths::default();
        let ready = Page::Probe(Probe::Readiness);
        assert_eq!(find(&paths, "/readyz"), Some((&ready, None)));
        assert_eq!(find(&paths, "/readyz/"), Some((&ready, None)));
        assert_eq!(find(&paths, "/readyz/db"), Some((&ready, Some("db"))));
        assert_eq!(find(&paths, "/readyz/db/"), Some((&ready, Some("db"))));
        for path in [
            "/readyz//",
            "/health/a/b",
            "/readyzz",
            "readyz",
            "/healthz",
            "/",
            "",
        ] {
            assert_eq!(find(&paths, path), None, "{path}");
        }
    }

    #[test]
    fn a_longer_path_is_not_a_check_below_a_shorter_one() {
        let mut paths = Paths::default();
        paths.add_common();
        let ready = Page::Probe(Probe::Readiness);
        assert_eq!(find(&paths, "/health/ready"), Some((&ready, None)));
        assert_eq!(find(&paths, "/health/ready/db"), None);
        assert_eq!(
            find(&paths, "/health/db"),
            Some((&Page::Health, Some("db")))
        );
        assert_eq!(
            find(&paths, "/healthz"),
            Some((&Page::Probe(Probe::Liveness), None))
        );
        assert!(paths.problems.is_empty());
        paths.add_common();
        assert!(
            paths.problems.is_empty(),
            "twice the same is no contradiction"
        );
    }

    #[test]
    fn health_paths_are_distinguished_from_similar_paths() {
        let mut paths = Paths::default();
        paths.add("/a.b/ready".to_owned(), Page::Probe(Probe::Readiness));
        for (prefix, path, is_one) in [
            ("", "/readyz", true),
            ("", "/readyz/", true),
            ("", "/readyz/database", true),
            ("", "/health/a", true),
            ("", "/health/a/", true),
            ("", "/health/a/b", false),
            ("", "/a.b/ready/db", false),
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
            let probes = ProbePaths::new(prefix, &paths.all());
            assert_eq!(probes.contains(path), is_one, "{prefix} {path}");
            let regex = regex_lite::Regex::new(&probes.to_regex()).expect("a regex");
            assert_eq!(regex.is_match(path), is_one, "{regex} {path}");
        }
    }

    #[test]
    fn paths_that_no_router_matches_are_refused() {
        let mut paths = Paths::default();
        for path in [
            "", "ready", "/ready/", "/a b", "/{id}", "/a//b", "/a?b", "/ä", "/*",
        ] {
            let before = paths.problems.len();
            paths.add(path.to_owned(), Page::Health);
            assert_eq!(paths.problems.len(), before + 1, "{path}");
        }
        paths.add("/readyz".to_owned(), Page::Health);
        let last = paths.problems.last().map(ToString::to_string);
        assert!(
            last.is_some_and(|text| text.starts_with("`/readyz` is the path of `readyz` already"))
        );
    }

    #[test]
    fn a_group_is_not_a_check_of_health() {
        let mut paths = Paths::default();
        paths.add_group("db".into());
        let group = Page::group("db");
        assert_eq!(find(&paths, "/health/groups/db"), Some((&group, None)));
        assert_eq!(
            find(&paths, "/health/groups/db/a"),
            Some((&group, Some("a")))
        );
        assert_eq!(find(&paths, "/health/groups/eu"), None);
        assert_eq!(paths.groups(), ["db"]);
        paths.add_group("E U".into());
        assert_eq!(paths.problems.len(), 1);
    }

    #[test]
    fn a_base_path_moves_the_standard_paths_in_any_order() {
        let mut paths = Paths::default();
        paths.add("/status".into(), Page::Health);
        paths.set_base("/internal".into());
        paths.add_group("db".into());
        for path in ["/internal/livez", "/internal/health/groups/db", "/status"] {
            assert!(find(&paths, path).is_some(), "{path}");
        }
        for path in ["/livez", "/health/groups/db", "/internal/status"] {
            assert_eq!(find(&paths, path), None, "{path}");
        }
        assert!(paths.problems.is_empty());
        paths.add("/internal/livez".into(), Page::Health);
        assert_eq!(paths.problems.len(), 1);
        for base in ["internal", "/internal/", "/", "/{id}"] {
            paths.set_base(base.into());
            assert_eq!(paths.problems.len(), 1, "{base}");
        }
    }

    #[test]
    fn a_page_serves_the_paths_below_it_only_on_request() {
        let mut paths = Paths::default();
        paths.add("/api/health".into(), Page::Health);
        paths.add("/metrics".into(), Page::Metrics);
        paths.add_for_consul("/consul".into());
        for path in ["/api/health/ping", "/metrics/db", "/consul/db"] {
            assert_eq!(find(&paths, path), None, "{path}");
        }
        paths.add("/status".into(), Page::StatusPage);
        let status = Some((&Page::StatusPage, Some("db")));
        assert_eq!(find(&paths, "/status/db"), status);
        paths.add_with_checks("/api/health".into(), Page::Health);
        let check = Some((&Page::Health, Some("ping")));
        assert_eq!(find(&paths, "/api/health/ping"), check);
        assert!(paths.problems.is_empty());
        paths.add_with_checks("/numbers".into(), Page::Metrics);
        assert_eq!(paths.problems.len(), 1);
    }

    #[test]
    fn a_public_mount_has_no_check_pages_and_no_metrics() {
        let mut paths = Paths::default();
        paths.add_group("db".into());
        paths.add_common();
        paths.add("/metrics".into(), Page::Metrics);
        paths.add("/status".into(), Page::StatusPage);
        paths.add("/openapi.json".into(), Page::OpenApi);
        paths.add("/up".into(), Page::Probe(Probe::Liveness));
        let public = paths.all().public(false);
        for path in [
            "/livez",
            "/readyz/",
            "/healthz",
            "/health/ready",
            "/up",
            "/health",
        ] {
            assert!(public.find(path).is_some(), "{path}");
        }
        for path in [
            "/readyz/db",
            "/health/db",
            "/health/groups/db",
            "/metrics",
            "/status",
            "/openapi.json",
        ] {
            assert!(public.find(path).is_none(), "{path}");
            assert!(find(&paths, path).is_some(), "{path}");
        }
        let detailed = paths.all().public(true);
        assert!(detailed.find("/readyz/db").is_some());
        assert!(detailed.find("/health/db").is_none());
    }
}
