//! The query of the status page: refresh, filters and badges.

use std::borrow::Cow;
use std::fmt::{self, Display, Formatter};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use crate::check::probe::Probe;
use crate::http::render::html::display_state::DisplayState;
use crate::http::render::html::format::Escaped;
use crate::http::render::shown::Shown;
use crate::http::request::RequestHead;
use crate::text::bounded::cut;

/// Names of checks and tags are not encoded.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');

/// The longest value of a filter, in bytes.
const MAX_VALUE: usize = 100;

/// The interval in seconds at which the page reloads, if it does.
///
/// The minimum limits the load of many open pages, the maximum is an hour.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Refresh(pub(super) Option<u16>);

impl Refresh {
    pub(super) const DEFAULT: Refresh = Refresh(Some(10));

    /// Parses the value of `?refresh=`: `off`, or seconds.
    fn named(value: &str) -> Option<Refresh> {
        if value == "off" {
            return Some(Refresh(None));
        }
        let is_number = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
        // It only has digits, so a value that does not fit is too large.
        let seconds = is_number.then(|| value.parse().unwrap_or(u16::MAX))?;
        Some(Refresh(Some(seconds.clamp(5, 3_600))))
    }
}

/// As in the query.
impl Display for Refresh {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(seconds) => seconds.fmt(f),
            None => f.write_str("off"),
        }
    }
}

/// The subject of a badge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Badge {
    /// The check in the path, the group of `?tag=`, or the service.
    Subject,
    Probe(Probe),
}

/// The states that a filter selects.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Wanted {
    Only(DisplayState),
    /// Every state except passing.
    Problems,
}

impl Wanted {
    pub(super) const PROBLEMS: &str = "problems";

    fn named(value: &str) -> Option<Wanted> {
        match value {
            Wanted::PROBLEMS => Some(Wanted::Problems),
            value => DisplayState::named(value).map(Wanted::Only),
        }
    }

    pub(super) fn as_str(self) -> &'static str {
        match self {
            Wanted::Only(state) => state.as_str(),
            Wanted::Problems => Wanted::PROBLEMS,
        }
    }

    fn includes(self, state: DisplayState) -> bool {
        match self {
            Wanted::Only(only) => only == state,
            Wanted::Problems => state != DisplayState::Passing,
        }
    }
}

/// The query of a request for the status page. Unknown values are ignored, and the
/// page has a note about them.
#[derive(Clone)]
pub(crate) struct Query {
    pub(super) refresh: Refresh,
    pub(super) state: Option<Wanted>,
    /// An unknown state.
    pub(super) unknown_state: Option<String>,
    pub(super) tag: Option<String>,
    pub(super) text: String,
    pub(crate) badge: Option<Badge>,
    /// The relative link from the requested address to the directory of the pages of
    /// the checks.
    pub(super) base: String,
    /// The relative link from the requested address to the page of all checks.
    pub(super) back: String,
}

impl Query {
    /// A request without a query.
    pub(crate) const EMPTY: Query = Query {
        refresh: Refresh::DEFAULT,
        state: None,
        unknown_state: None,
        tag: None,
        text: String::new(),
        badge: None,
        base: String::new(),
        back: String::new(),
    };

    pub(crate) fn of(head: &RequestHead<'_>, is_check: bool) -> Self {
        let refresh = head.parameter("refresh").and_then(Refresh::named);
        let named = value(head, "state");
        let state = Wanted::named(&named);
        let (base, back) = links(head.path(), is_check);
        Query {
            refresh: refresh.unwrap_or(Refresh::DEFAULT),
            unknown_state: (state.is_none() && !named.is_empty()).then_some(named),
            state,
            tag: Some(value(head, "tag")).filter(|tag| !tag.is_empty()),
            text: value(head, "q"),
            badge: head.parameter("badge").map(badge),
            base,
            back,
        }
    }

    /// Returns the tag of the group that a badge shows.
    pub(crate) fn tag(&self) -> Option<&str> {
        self.tag.as_deref()
    }

    pub(super) fn is_filtered(&self) -> bool {
        self.state.is_some() || self.tag.is_some() || !self.text.is_empty()
    }

    /// Returns whether the filters select the check.
    pub(super) fn selects(&self, check: &Shown<'_>) -> bool {
        let report = check.report;
        let has_state = self
            .state
            .is_none_or(|wanted| wanted.includes(DisplayState::of(report)));
        let has_tag = self
            .tag
            .as_deref()
            .is_none_or(|tag| report.plan().has_tag(tag));
        has_state && has_tag && self.matches(check)
    }

    /// Compares without regard to case.
    fn matches(&self, check: &Shown<'_>) -> bool {
        if self.text.is_empty() {
            return true;
        }
        let wanted = self.text.to_lowercase();
        let has = |text: &str| text.to_lowercase().contains(&wanted);
        let report = check.report;
        has(report.name())
            || report.description().is_some_and(has)
            || report.tags().any(has)
            || check.reason().is_some_and(|reason| has(&reason))
    }

    /// Returns the query of this page with another refresh.
    pub(super) fn with_refresh(&self, refresh: Refresh) -> String {
        let mut query = format!("?refresh={refresh}");
        let state = self.state.map(Wanted::as_str);
        let text = Some(&*self.text).filter(|text| !text.is_empty());
        for (name, value) in [("state", state), ("tag", self.tag()), ("q", text)] {
            if let Some(value) = value {
                query = format!("{query}&amp;{name}={}", encoded(value));
            }
        }
        query
    }

    /// Returns the address of the page of one check.
    pub(super) fn check_page(&self, name: &str) -> String {
        format!("{}{}{}", self.base, encoded(name), self.kept("?"))
    }

    /// Returns the address of the page of a group.
    pub(super) fn group_page(&self, tag: &str) -> String {
        format!("{}?tag={}{}", self.back, encoded(tag), self.kept("&amp;"))
    }

    /// Returns the address of the page of all checks.
    pub(super) fn whole_page(&self) -> String {
        format!("{}{}", self.back, self.kept("?"))
    }

    /// Links keep the chosen refresh.
    fn kept(&self, separator: &str) -> String {
        match self.refresh {
            Refresh::DEFAULT => String::new(),
            refresh => format!("{separator}refresh={refresh}"),
        }
    }
}

/// The name of a check as a link to its page.
pub(super) struct CheckLink<'a> {
    pub(super) query: &'a Query,
    pub(super) name: &'a str,
}

impl Display for CheckLink<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let name = Escaped(self.name);
        // The entry for startup looks like a check and has no page.
        if self.name == Probe::Startup.as_str() {
            return name.fmt(f);
        }
        write!(
            f,
            "<a href=\"{}\">{name}</a>",
            self.query.check_page(self.name)
        )
    }
}

/// With any other value the badge shows the state of the page.
fn badge(value: &str) -> Badge {
    let probe = Probe::ALL.into_iter().find(|probe| probe.as_str() == value);
    probe.map_or(Badge::Subject, Badge::Probe)
}

fn value(head: &RequestHead<'_>, name: &str) -> String {
    let raw = head.parameter(name).unwrap_or_default().replace('+', " ");
    let decoded = percent_decode_str(&raw).decode_utf8_lossy();
    cut(decoded.trim(), MAX_VALUE).to_owned()
}

fn encoded(text: &str) -> Cow<'_, str> {
    utf8_percent_encode(text, RESERVED).into()
}

/// Returns relative addresses, since the page does not know where it is nested.
fn links(path: &str, is_check: bool) -> (String, String) {
    let slash = if path.ends_with('/') { "../" } else { "" };
    let mut segments = path.trim_end_matches('/').rsplit('/');
    if is_check {
        segments.next();
    }
    let page = segments.next().unwrap_or_default();
    if is_check {
        (format!("./{slash}"), format!("{slash}../{page}"))
    } else if slash.is_empty() {
        (format!("./{page}/"), format!("./{page}"))
    } else {
        ("./".to_owned(), format!("../{page}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_work_from_any_address() {
        for (path, is_check, base, back) in [
            ("/status", false, "./status/", "./status"),
            ("/status/", false, "./", "../status"),
            ("/internal/status", false, "./status/", "./status"),
            ("/status/db", true, "./", "../status"),
            ("/status/db/", true, "./../", "../../status"),
            ("/internal/status/db", true, "./", "../status"),
        ] {
            let query = Query::of(&RequestHead::new("GET", path), is_check);
            assert_eq!(query.check_page("db"), format!("{base}db"), "{path}");
            assert_eq!(query.whole_page(), back, "{path}");
        }
    }

    #[test]
    fn links_keep_the_chosen_filters() {
        let head = RequestHead::new("GET", "/status");
        let query = Query::of(
            &head.with_query(Some("refresh=60&state=hung&tag=a%26b&q=x+%3Cy&badge=z")),
            false,
        );
        assert_eq!(
            query.with_refresh(Refresh(None)),
            "?refresh=off&amp;state=hung&amp;tag=a%26b&amp;q=x%20%3Cy"
        );
        assert_eq!(query.check_page("a.b"), "./status/a.b?refresh=60");
        assert_eq!(query.group_page("eu"), "./status?tag=eu&amp;refresh=60");
        assert_eq!(query.badge, Some(Badge::Subject));
    }

    #[test]
    fn an_unknown_state_is_not_a_filter() {
        for state in ["", "fine", "Passing", "%ff"] {
            let text = format!("state={state}");
            let head = RequestHead::new("GET", "/status").with_query(Some(&text));
            let query = Query::of(&head, false);
            assert!(!query.is_filtered(), "{state}");
            assert_eq!(query.unknown_state.is_some(), !state.is_empty(), "{state}");
        }
    }
}
