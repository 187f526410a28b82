//! The status page: a single HTML document without further requests.
//!
//! The document is complete without scripts. A short script replaces the part
//! `#live` at each refresh, so that a reader keeps the scroll position, the
//! unfolded parts and the focus.
//!
//! Checks that do not pass come first, in full. Passing checks are shorter, and
//! the last ones are only named, so that the page stays small enough for a
//! phone.

pub(crate) mod axis;
pub(crate) mod badge;
pub(crate) mod changes;
pub(crate) mod chart;
pub(crate) mod check;
pub(crate) mod display_state;
pub(crate) mod form;
pub(crate) mod format;
pub(crate) mod frame;
pub(crate) mod heading;
pub(crate) mod links;
pub(crate) mod query;

use std::collections::BTreeSet;
use std::fmt::{self, Display, Formatter, Write};
use std::time::{Duration, SystemTime};

use bytes::Bytes;

use crate::check::outcome::Status;
use crate::http::render::html::axis::Span;
use crate::http::render::html::check::{Card, Extent};
use crate::http::render::html::display_state::DisplayState;
use crate::http::render::html::form::{FilterForm, RefreshChoice};
use crate::http::render::html::format::{Capital, Escaped};
use crate::http::render::html::frame::{Days, Indexed, PageFrame, PageSubject};
use crate::http::render::html::heading::{Counts, Heading, headline};
use crate::http::render::html::query::{CheckLink, Query};
use crate::http::render::shown::Shown;

const STYLE: &str = include_str!("style.css");
const ICONS: &str = include_str!("icons.svg");
/// Its hash is in the policy of the response.
pub(crate) const SCRIPT: &str = include_str!("script.js");

/// The maximum size of all cards. Further checks are shown by name.
const CARDS_SIZE: usize = 72 * 1024;
/// The maximum number of checks that are shown by name under each heading.
const MAX_NAMES: usize = 1_000;
/// Up to this number, passing checks are not folded.
const FEW: usize = 30;

/// Renders the page with the status only.
pub(crate) fn status_only(status: Status, query: &Query) -> Bytes {
    let document = Document {
        subject: PageSubject::Service(status),
        frame: &PageFrame::default(),
        query,
        counts: Counts::default(),
        notices: Vec::new(),
        tags: BTreeSet::new(),
        main: "<p class=\"note\">The checks are not shown here.</p>\n".to_owned(),
        span: Span::since_start(Duration::ZERO),
        now: SystemTime::now(),
    };
    Bytes::from(document.to_string())
}

/// Renders the page with all permitted details, or the part that the filters
/// select.
pub(crate) fn list<'a>(
    status: Status,
    frame: &PageFrame<'_>,
    query: &Query,
    checks: impl Iterator<Item = Indexed<'a>>,
    days: Days<'_>,
) -> Bytes {
    let checks: Vec<Indexed<'a>> = checks.collect();
    let tags: BTreeSet<&str> = tags(&checks).collect();
    let (query, notes) = understood(query, &tags);
    let in_tag = |check: &&Shown<'_>| {
        query
            .tag()
            .is_none_or(|tag| check.report.plan().has_tag(tag))
    };
    let shown = || checks.iter().map(|(_, check)| check);
    let subject = match query.tag() {
        None => PageSubject::Service(status),
        Some(tag) => {
            let members = shown().filter(in_tag).filter(|check| !check.excluded);
            let statuses = members.map(|check| check.report.status_in_group());
            PageSubject::Group(tag, Status::worst(statuses))
        }
    };
    let span = Span::since_start(frame.uptime.unwrap_or_default());
    let now = SystemTime::now();
    let list = List {
        frame,
        query: &query,
        span,
        now,
    };
    let document = Document {
        subject,
        frame,
        query: &query,
        counts: Counts::of(shown().filter(in_tag)),
        notices: shown().copied().filter(is_notice).collect(),
        main: list.sections(&checks, &notes, days),
        tags,
        span,
        now,
    };
    Bytes::from(document.to_string())
}

/// Renders the page of one check.
pub(crate) fn check(
    (index, check): Indexed<'_>,
    frame: &PageFrame<'_>,
    query: &Query,
    days: Days<'_>,
) -> Bytes {
    let span = Span::since_start(frame.uptime.unwrap_or_default());
    let now = SystemTime::now();
    let day = days(&[index]).pop().flatten();
    let extent = Extent::Page;
    let card = Card {
        check,
        extent,
        day: day.as_ref(),
        span,
        query,
        now,
    };
    let changes = changes::List {
        changes: &frame.changes,
        checks: &[(index, check)],
        started_at: started_at(frame, now),
        now,
        query,
    };
    let back = query.whole_page();
    let document = Document {
        subject: PageSubject::Check(check),
        frame,
        query,
        counts: Counts::default(),
        notices: Some(check).filter(is_notice).into_iter().collect(),
        tags: BTreeSet::new(),
        main: format!(
            "<ul class=\"cards single\">\n{card}</ul>\n{changes}<p class=\"note\"><a href=\"{back}\">All checks</a></p>\n"
        ),
        span,
        now,
    };
    Bytes::from(document.to_string())
}

fn is_notice(check: &Shown<'_>) -> bool {
    check.report.notice().is_some()
}

fn started_at(frame: &PageFrame<'_>, now: SystemTime) -> SystemTime {
    now.checked_sub(frame.uptime.unwrap_or_default())
        .unwrap_or(now)
}

fn tags<'a>(checks: &[Indexed<'a>]) -> impl Iterator<Item = &'a str> {
    checks.iter().flat_map(|(_, check)| check.report.tags())
}

/// Returns the query without filters that select nothing because their value
/// does not exist, and a note for each.
fn understood(query: &Query, tags: &BTreeSet<&str>) -> (Query, Vec<String>) {
    let mut notes = Vec::new();
    let mut query = query.clone();
    if let Some(state) = &query.unknown_state {
        notes.push(format!(
            "There is no state “{}”. The filter is ignored.",
            Escaped(state)
        ));
    }
    if let Some(tag) = query.tag.take_if(|tag| !tags.contains(&**tag)) {
        notes.push(format!(
            "No check has the tag “{}”. The filter is ignored.",
            Escaped(&tag)
        ));
    }
    (query, notes)
}

struct Document<'a> {
    subject: PageSubject<'a>,
    frame: &'a PageFrame<'a>,
    query: &'a Query,
    counts: Counts,
    notices: Vec<Shown<'a>>,
    /// The tags that can be chosen from.
    tags: BTreeSet<&'a str>,
    /// The content below the heading, as HTML.
    main: String,
    span: Span,
    now: SystemTime,
}

impl Display for Document<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let (_, state) = headline(self.frame, &self.subject);
        f.write_str("<!doctype html>\n<html lang=\"en\"")?;
        if let Some(seconds) = self.query.refresh.0 {
            write!(f, " data-refresh=\"{seconds}\"")?;
        }
        f.write_str(
            ">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <meta name=\"color-scheme\" content=\"light dark\">\n\
             <meta name=\"robots\" content=\"noindex\">\n",
        )?;
        writeln!(f, "<title>{}</title>", Title(self))?;
        writeln!(f, "<link rel=\"icon\" href=\"{}\">", Favicon(state))?;
        writeln!(f, "<style>{STYLE}</style>\n</head>\n<body>{ICONS}")?;
        f.write_str(
            "<a class=\"skip\" href=\"#checks\">Skip to the checks</a>\n<div class=\"bar\">\n",
        )?;
        match self.subject {
            PageSubject::Check(_) => {
                let back = self.query.whole_page();
                writeln!(
                    f,
                    "<nav aria-label=\"Page\"><a href=\"{back}\">← All checks</a></nav>"
                )?;
            }
            _ if self.counts.is_empty() => {}
            _ => {
                let (query, tags) = (self.query, &self.tags);
                write!(f, "{}", FilterForm { query, tags })?;
            }
        }
        let heading = Heading {
            subject: self.subject,
            frame: self.frame,
            counts: &self.counts,
            notices: &self.notices,
            query: self.query,
            now: self.now,
        };
        write!(
            f,
            "{}</div>\n<p id=\"news\" role=\"status\"></p>\n<div id=\"live\" class=\"{}\">\n{heading}\
             <main id=\"checks\" tabindex=\"-1\">\n{}</main>\n</div>\n<script>{SCRIPT}</script>\n</body>\n</html>\n",
            RefreshChoice(self.query),
            self.span.class,
            self.main,
        )
    }
}

/// The state first, since tabs are narrow.
struct Title<'a>(&'a Document<'a>);

impl Display for Title<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Document {
            subject,
            frame,
            counts,
            ..
        } = self.0;
        let (word, _) = headline(frame, subject);
        Capital(word).fmt(f)?;
        if !counts.is_empty() {
            write!(f, ": {counts}")?;
        }
        match subject {
            PageSubject::Service(_) => {}
            PageSubject::Group(tag, _) => write!(f, " · {}", Escaped(tag))?,
            PageSubject::Check(check) => write!(f, " · {}", Escaped(check.report.name()))?,
        }
        match frame.service.name {
            Some(name) => write!(f, " · {}", Escaped(name)),
            None => Ok(()),
        }
    }
}

/// The checks below the heading.
struct List<'a> {
    frame: &'a PageFrame<'a>,
    query: &'a Query,
    span: Span,
    now: SystemTime,
}

impl List<'_> {
    fn sections(&self, checks: &[Indexed<'_>], notes: &[String], days: Days<'_>) -> String {
        let mut html = String::new();
        for note in notes {
            let _ = writeln!(html, "<p class=\"note\">{note}</p>");
        }
        if checks.is_empty() {
            html.push_str("<p class=\"note\">There are no checks.</p>\n");
            return html;
        }
        let ordered = self.ordered(checks);
        if self.query.is_filtered() {
            let all = self.query.group_page("");
            let all = if self.query.tag().is_some() {
                self.query.whole_page()
            } else {
                all
            };
            let _ = writeln!(
                html,
                "<p class=\"note\">{} of {} checks match the filter. <a href=\"{}\">Show all</a></p>",
                ordered.len(),
                checks.len(),
                all
            );
        }
        let is_passing =
            |(_, check): &Indexed<'_>| DisplayState::of(check.report) == DisplayState::Passing;
        let (passing, other): (Vec<_>, Vec<_>) = ordered.iter().copied().partition(is_passing);
        let mut room = CARDS_SIZE;
        if !other.is_empty() {
            let _ = writeln!(html, "<section>\n<h2>Not passing ({})</h2>", other.len());
            self.section(&mut html, &other, Extent::Full, &mut room, days);
            html.push_str("</section>\n");
        }
        let _ = write!(html, "{}", self.changes(&ordered));
        if !passing.is_empty() {
            let open = if ordered.len() <= FEW { " open" } else { "" };
            let count = passing.len();
            let _ = writeln!(
                html,
                "<details id=\"passing\"{open}>\n<summary><h2>Passing ({count})</h2></summary>"
            );
            self.section(&mut html, &passing, Extent::Short, &mut room, days);
            html.push_str("</details>\n");
        }
        html
    }

    /// Returns the selected checks, the most urgent first.
    fn ordered<'c>(&self, checks: &[Indexed<'c>]) -> Vec<Indexed<'c>> {
        let mut selected: Vec<_> = checks
            .iter()
            .copied()
            .filter(|(_, check)| self.query.selects(check))
            .collect();
        selected.sort_by_key(|(_, check)| {
            (
                DisplayState::of(check.report) as usize,
                !check.report.is_critical(),
            )
        });
        selected
    }

    fn changes<'c>(&'c self, checks: &'c [Indexed<'c>]) -> changes::List<'c> {
        changes::List {
            changes: &self.frame.changes,
            checks,
            started_at: started_at(self.frame, self.now),
            now: self.now,
            query: self.query,
        }
    }

    /// Writes the first checks as cards, and the others by name once there is no
    /// room.
    fn section(
        &self,
        html: &mut String,
        checks: &[Indexed<'_>],
        extent: Extent,
        room: &mut usize,
        days: Days<'_>,
    ) {
        // No card is shorter than this.
        let most = checks.len().min(*room / 256 + 1);
        let indices: Vec<usize> = checks[..most].iter().map(|(index, _)| *index).collect();
        let days = days(&indices);
        let begin = html.len();
        let mut cards = 0;
        html.push_str("<ul class=\"cards\">\n");
        for (&(_, check), day) in checks.iter().zip(&days) {
            if html.len() - begin >= *room {
                break;
            }
            let card = Card {
                check,
                extent,
                day: day.as_ref(),
                span: self.span,
                query: self.query,
                now: self.now,
            };
            let _ = write!(html, "{card}");
            cards += 1;
        }
        html.push_str("</ul>\n");
        *room = room.saturating_sub(html.len() - begin);
        self.names(html, &checks[cards..]);
    }

    fn names(&self, html: &mut String, checks: &[Indexed<'_>]) {
        if checks.is_empty() {
            return;
        }
        html.push_str("<ul class=\"names\">\n");
        for (_, check) in checks.iter().take(MAX_NAMES) {
            let (query, name) = (self.query, check.report.name());
            let _ = writeln!(html, "<li>{}</li>", CheckLink { query, name });
        }
        html.push_str("</ul>\n");
        let more = checks.len().saturating_sub(MAX_NAMES);
        if more > 0 {
            let _ = writeln!(html, "<p class=\"note\">and {more} more</p>");
        }
    }
}

/// A dot in the colour of the banner.
struct Favicon(DisplayState);

impl Display for Favicon {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let colour = self.0.colour();
        write!(
            f,
            "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 8 8'%3E\
             %3Ccircle cx='4' cy='4' r='4' fill='%23{colour}'/%3E%3C/svg%3E"
        )
    }
}
