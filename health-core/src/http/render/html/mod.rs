//! The status page: a single HTML document without scripts and further
//! requests.
//!
//! Checks that do not pass come first. The first hundred checks are shown in
//! full, the others by name, so that the page stays small enough for a phone.

pub(crate) mod chart;
pub(crate) mod check;
pub(crate) mod format;

use std::fmt::{self, Display, Formatter};
use std::time::{Duration, SystemTime};

use bytes::Bytes;

use crate::check::outcome::Status;
use crate::check::probe::Probe;
use crate::http::render::html::check::{Card, Icon};
use crate::http::render::html::format::{Escaped, Short, TimeTag, state_of, word};
use crate::http::render::shown::Shown;
use crate::verdict::track::Verdict;

const STYLE: &str = include_str!("style.css");
const ICONS: &str = include_str!("icons.svg");

/// The maximum number of checks that are shown in full.
const MOST_CARDS: usize = 100;
/// The maximum number of further checks that are shown by name under each
/// heading.
const MOST_NAMES: usize = 1_000;
/// Up to this number, passing checks are not folded.
const FEW: usize = 30;

/// In order of urgency.
const KINDS: [(Verdict, &str); 5] = [
    (Verdict::Fail, "failing"),
    (Verdict::Unknown, "without a result"),
    (Verdict::Skipped, "skipped"),
    (Verdict::Warn, "degraded"),
    (Verdict::Pass, "passing"),
];

/// The interval in seconds at which the page reloads, if it does.
///
/// The minimum limits the load of many open pages, the maximum is an hour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Refresh(Option<u16>);

impl Default for Refresh {
    fn default() -> Self {
        Refresh(Some(10))
    }
}

impl Refresh {
    /// Parses the value of `?refresh=`: `off`, or seconds.
    pub(crate) fn named(value: &str) -> Option<Refresh> {
        if value == "off" {
            return Some(Refresh(None));
        }
        let is_number = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
        // It only has digits, so a value that does not fit is too large.
        let seconds = is_number.then(|| value.parse().unwrap_or(u16::MAX))?;
        Some(Refresh(Some(seconds.clamp(5, 3_600))))
    }
}

/// The choices on the page: off, the default, and ten times the default and
/// more.
const CHOICES: [(Refresh, &str, &str); 4] = [
    (Refresh(None), "off", "Off"),
    (Refresh(Some(10)), "10", "10 s"),
    (Refresh(Some(60)), "60", "1 min"),
    (Refresh(Some(300)), "300", "5 min"),
];

/// The data about the service as a whole.
#[derive(Debug)]
pub(crate) struct Frame<'a> {
    pub(crate) status: Status,
    pub(crate) refresh: Refresh,
    pub(crate) version: Option<&'a str>,
    pub(crate) uptime: Duration,
    pub(crate) probes: [Status; Probe::ALL.len()],
    pub(crate) draining: bool,
}

/// Renders the page with the status only.
pub(crate) fn status_only(status: Status, refresh: Refresh) -> Bytes {
    let document = Document {
        status,
        refresh,
        now: SystemTime::now(),
        frame: None,
        kinds: Vec::new(),
    };
    Bytes::from(document.to_string())
}

/// Renders the page with all permitted details.
pub(crate) fn list<'a>(frame: &Frame<'_>, checks: impl Iterator<Item = Shown<'a>>) -> Bytes {
    let document = Document {
        status: frame.status,
        refresh: frame.refresh,
        now: SystemTime::now(),
        frame: Some(frame),
        kinds: kinds(checks),
    };
    Bytes::from(document.to_string())
}

/// Renders the page of one check.
pub(crate) fn check(check: Shown<'_>, refresh: Refresh) -> Bytes {
    let verdict = check.report.verdict();
    let kinds = kinds(std::iter::once(check));
    let status = match verdict {
        Verdict::Pass => Status::Pass,
        Verdict::Warn => Status::Warn,
        Verdict::Fail | Verdict::Unknown | Verdict::Skipped => Status::Fail,
    };
    let document = Document {
        status,
        refresh,
        now: SystemTime::now(),
        frame: None,
        kinds,
    };
    Bytes::from(document.to_string())
}

/// Groups the checks by verdict, without empty groups.
fn kinds<'a>(checks: impl Iterator<Item = Shown<'a>>) -> Vec<VerdictGroup<'a>> {
    let all: Vec<_> = checks.collect();
    let mut kinds = Vec::new();
    for (verdict, word) in KINDS {
        let same = |check: &Shown<'_>| check.report.verdict() == verdict;
        let (critical, other): (Vec<_>, Vec<_>) = all
            .iter()
            .copied()
            .filter(same)
            .partition(|check| check.report.is_critical());
        let checks = [critical, other].concat();
        if !checks.is_empty() {
            kinds.push(VerdictGroup {
                verdict,
                word,
                checks,
            });
        }
    }
    kinds
}

struct Document<'a> {
    status: Status,
    refresh: Refresh,
    now: SystemTime,
    /// `None` if only the status is shown.
    frame: Option<&'a Frame<'a>>,
    kinds: Vec<VerdictGroup<'a>>,
}

impl Display for Document<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let word = word(self.status);
        let counts = Counts(&self.kinds);
        f.write_str("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n")?;
        f.write_str(
            "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <meta name=\"color-scheme\" content=\"light dark\">\n\
             <meta name=\"robots\" content=\"noindex\">\n",
        )?;
        if let Refresh(Some(seconds)) = self.refresh {
            writeln!(f, "<meta http-equiv=\"refresh\" content=\"{seconds}\">")?;
        }
        let separator = if self.kinds.is_empty() { "" } else { ": " };
        writeln!(f, "<title>{word}{separator}{counts}</title>")?;
        writeln!(f, "<link rel=\"icon\" href=\"{}\">", Favicon(self.status))?;
        writeln!(f, "<style>{STYLE}</style>\n</head>\n<body>{ICONS}")?;
        write!(f, "{}{}", RefreshSwitch(self.refresh), Banner(self))?;
        f.write_str("<main>\n")?;
        if self.kinds.is_empty() {
            let note = match self.frame {
                None => "The checks are not shown here.",
                Some(_) => "There are no checks.",
            };
            writeln!(f, "<p class=\"note\">{note}</p>")?;
        }
        self.sections(f)?;
        f.write_str("</main>\n</body>\n</html>\n")
    }
}

impl Document<'_> {
    /// Passing checks are folded if they would hide other ones.
    fn sections(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let mut room = MOST_CARDS;
        let is_passing = |kind: &&VerdictGroup<'_>| kind.verdict == Verdict::Pass;
        let (passing, other): (Vec<_>, Vec<_>) = self.kinds.iter().partition(is_passing);
        let other = Section::of(&other, &mut room, self.now);
        let passing = Section::of(&passing, &mut room, self.now);
        let all = other.checks.len() + passing.checks.len();
        if !other.checks.is_empty() {
            let count = other.checks.len();
            writeln!(
                f,
                "<section>\n<h2>Not passing ({count})</h2>\n{other}</section>"
            )?;
        }
        if !passing.checks.is_empty() {
            let count = passing.checks.len();
            let open = if all <= FEW { " open" } else { "" };
            writeln!(
                f,
                "<details{open}>\n<summary><h2>Passing ({count})</h2></summary>\n{passing}</details>"
            )?;
        }
        Ok(())
    }
}

/// The first element of the page, so that users can turn off the reload before
/// it happens.
struct RefreshSwitch(Refresh);

impl Display for RefreshSwitch {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("<nav aria-label=\"Refresh\">\n<p>Refresh</p>\n<ul>\n")?;
        for (choice, value, text) in CHOICES {
            let current = if choice == self.0 {
                " aria-current=\"true\""
            } else {
                ""
            };
            writeln!(
                f,
                "<li><a href=\"?refresh={value}\"{current}>{text}</a></li>"
            )?;
        }
        f.write_str("</ul>\n</nav>\n")
    }
}

struct Banner<'a>(&'a Document<'a>);

impl Display for Banner<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Document {
            status, now, frame, ..
        } = *self.0;
        let state = state_of(status.into());
        writeln!(f, "<header>\n<div class=\"banner {}\">", state.class)?;
        writeln!(f, "<h1>{}{}</h1>", Icon(state), word(status))?;
        if !self.0.kinds.is_empty() {
            writeln!(f, "<p>{}</p>", Counts(&self.0.kinds))?;
        }
        f.write_str("</div>\n")?;
        if frame.is_some_and(|frame| frame.draining) {
            f.write_str(
                "<p class=\"notice\"><strong>Draining.</strong> Readiness fails on purpose, \
                 and the service is about to stop.</p>\n",
            )?;
        }
        f.write_str("<dl class=\"facts\">\n")?;
        for (probe, status) in frame.iter().flat_map(|frame| by_probe(frame)) {
            let (name, state) = (Capital(probe.as_str()), state_of(status.into()));
            writeln!(
                f,
                "<div><dt>{name}</dt><dd class=\"{}\">{}{}</dd></div>",
                state.class,
                Icon(state),
                state.word
            )?;
        }
        if let Some(version) = frame.and_then(|frame| frame.version) {
            let version = Escaped(version);
            writeln!(
                f,
                "<div><dt>Version</dt><dd><bdi>{version}</bdi></dd></div>"
            )?;
        }
        if let Some(frame) = frame {
            let uptime = Short(frame.uptime);
            writeln!(f, "<div><dt>Running for</dt><dd>{uptime}</dd></div>")?;
        }
        writeln!(f, "<div><dt>As of</dt><dd>{}</dd></div>", TimeTag(now))?;
        f.write_str("</dl>\n</header>\n")
    }
}

fn by_probe(frame: &Frame<'_>) -> impl Iterator<Item = (Probe, Status)> {
    Probe::ALL.into_iter().zip(frame.probes)
}

struct Capital<'a>(&'a str);

impl Display for Capital<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let (first, rest) = self.0.split_at(1);
        write!(f, "{}{rest}", first.to_ascii_uppercase())
    }
}

/// The checks of one verdict, critical ones first.
struct VerdictGroup<'a> {
    verdict: Verdict,
    word: &'static str,
    checks: Vec<Shown<'a>>,
}

/// The checks under one heading: the first in full, the others by name.
struct Section<'a> {
    checks: Vec<Shown<'a>>,
    in_full: usize,
    now: SystemTime,
}

impl<'a> Section<'a> {
    fn of(kinds: &[&VerdictGroup<'a>], room: &mut usize, now: SystemTime) -> Self {
        let checks: Vec<_> = kinds.iter().flat_map(|kind| kind.checks.clone()).collect();
        let in_full = checks.len().min(*room);
        *room -= in_full;
        Section {
            checks,
            in_full,
            now,
        }
    }
}

impl Display for Section<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let (in_full, by_name) = self.checks.split_at(self.in_full);
        if !in_full.is_empty() {
            f.write_str("<ul class=\"cards\">\n")?;
            for &check in in_full {
                let now = self.now;
                write!(f, "{}", Card { check, now })?;
            }
            f.write_str("</ul>\n")?;
        }
        if by_name.is_empty() {
            return Ok(());
        }
        f.write_str("<ul class=\"names\">\n")?;
        for check in by_name.iter().take(MOST_NAMES) {
            writeln!(f, "<li>{}</li>", Escaped(check.report.name()))?;
        }
        f.write_str("</ul>\n")?;
        match by_name.len().saturating_sub(MOST_NAMES) {
            0 => Ok(()),
            more => writeln!(f, "<p class=\"note\">and {more} more</p>"),
        }
    }
}

/// The number of checks of each verdict.
struct Counts<'a>(&'a [VerdictGroup<'a>]);

impl Display for Counts<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for (nth, kind) in self.0.iter().enumerate() {
            let separator = if nth == 0 { "" } else { ", " };
            write!(f, "{separator}{} {}", kind.checks.len(), kind.word)?;
        }
        Ok(())
    }
}

/// A dot in the colour of the banner.
struct Favicon(Status);

impl Display for Favicon {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let colour = match self.0 {
            Status::Pass => "137a3e",
            Status::Warn => "8a5a00",
            Status::Fail => "c0262d",
        };
        write!(
            f,
            "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 8 8'%3E\
             %3Ccircle cx='4' cy='4' r='4' fill='%23{colour}'/%3E%3C/svg%3E"
        )
    }
}
