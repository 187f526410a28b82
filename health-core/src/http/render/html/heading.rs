//! The head of the page: the service, its state and its probes.

use std::fmt::{self, Display, Formatter};
use std::time::SystemTime;

use crate::check::outcome::Status;
use crate::check::probe::Probe;
use crate::http::render::html::check::Icon;
use crate::http::render::html::display_state::DisplayState;
use crate::http::render::html::format::{Ago, Capital, Escaped, Short, TimeTag, Until};
use crate::http::render::html::frame::{PageFrame, PageSubject};
use crate::http::render::html::links::Links;
use crate::http::render::html::query::{CheckLink, Query};
use crate::http::render::shown::Shown;

pub(super) struct Heading<'a> {
    pub(super) subject: PageSubject<'a>,
    pub(super) frame: &'a PageFrame<'a>,
    pub(super) counts: &'a Counts,
    /// The switches that are off.
    pub(super) notices: &'a [Shown<'a>],
    pub(super) query: &'a Query,
    pub(super) now: SystemTime,
}

/// Returns the word for the state of the subject, and the state whose colour it
/// has. A drain and a start are no failures.
pub(super) fn headline(
    frame: &PageFrame<'_>,
    subject: &PageSubject<'_>,
) -> (&'static str, DisplayState) {
    match subject {
        PageSubject::Service(Status::Fail) if frame.is_only_draining() => {
            ("draining", DisplayState::Degraded)
        }
        PageSubject::Service(Status::Fail) if frame.is_starting() => {
            ("starting", DisplayState::Degraded)
        }
        PageSubject::Service(status) | PageSubject::Group(_, status) => {
            (status.word(), (*status).into())
        }
        PageSubject::Check(check) => {
            let state = DisplayState::of(check.report);
            (state.as_str(), state)
        }
    }
}

impl Display for Heading<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let (word, state) = headline(self.frame, &self.subject);
        let word = Capital(word);
        writeln!(f, "<header>\n<div class=\"banner {}\">", state.class())?;
        self.subject_line(f)?;
        writeln!(f, "<h1>{}{word}</h1>", Icon(state))?;
        if !self.counts.is_empty() {
            writeln!(f, "<p>{}</p>", self.counts)?;
        }
        f.write_str("</div>\n")?;
        self.about(f)?;
        if self.frame.draining {
            f.write_str(
                "<p class=\"notice\"><strong>Draining.</strong> Readiness fails on purpose, \
                 and the service is about to stop.</p>\n",
            )?;
        }
        if self.frame.is_starting() {
            f.write_str(
                "<p class=\"notice\"><strong>Starting.</strong> Readiness fails until startup \
                 has passed.</p>\n",
            )?;
        }
        for &check in self.notices {
            self.notice(check, f)?;
        }
        self.facts(f)?;
        f.write_str("</header>\n")
    }
}

impl Heading<'_> {
    /// The names of the service, and of the check or the group.
    fn subject_line(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let service = self.frame.service.name.unwrap_or("This service");
        let service = Escaped(service);
        let whole = self.query.whole_page();
        let name = match self.subject {
            PageSubject::Service(_) if self.frame.service.name.is_none() => return Ok(()),
            PageSubject::Service(_) => {
                return writeln!(f, "<p class=\"service\"><bdi>{service}</bdi></p>");
            }
            PageSubject::Group(tag, _) => format!("group <bdi>{}</bdi>", Escaped(tag)),
            PageSubject::Check(check) => format!("<bdi>{}</bdi>", Escaped(check.report.name())),
        };
        writeln!(
            f,
            "<p class=\"service\"><a href=\"{whole}\"><bdi>{service}</bdi></a> / {name}</p>"
        )
    }

    /// The description of the service, its notes and links.
    fn about(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let (PageSubject::Service(_), Some(info)) = (self.subject, self.frame.service.info) else {
            return Ok(());
        };
        for text in info.description.iter().chain(&info.notes) {
            writeln!(f, "<p class=\"about\"><bdi>{}</bdi></p>", Escaped(text))?;
        }
        write!(f, "{}", Links(&info.links))
    }

    /// A switch that is off, for example for maintenance.
    fn notice(&self, check: Shown<'_>, f: &mut Formatter<'_>) -> fmt::Result {
        let (report, now) = (check.report, self.now);
        let reason = check.reason().unwrap_or_default();
        write!(
            f,
            "<p class=\"notice\"><strong>Maintenance.</strong> <bdi>{}</bdi> \
             <small>Switch {}",
            Escaped(&reason),
            CheckLink {
                query: self.query,
                name: report.name()
            },
        )?;
        if let Some(at) = report.since() {
            write!(f, ", off since {}", Ago { at, now })?;
        }
        if let Some(at) = report.notice().and_then(|notice| notice.until) {
            write!(f, ", on again {}", Until { at, now })?;
        }
        f.write_str("</small></p>\n")
    }

    fn facts(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("<dl class=\"facts\">\n")?;
        for (probe, status) in self.frame.probes.into_iter().flatten() {
            let (name, state) = (Capital(probe.as_str()), DisplayState::from(status));
            let word = match (probe, status) {
                (Probe::Readiness, Status::Fail) if self.frame.draining => "draining",
                (Probe::Startup, Status::Fail) if self.frame.is_starting() => "starting",
                _ => state.as_str(),
            };
            writeln!(
                f,
                "<div><dt>{name}</dt><dd class=\"{}\">{}{}</dd></div>",
                state.class(),
                Icon(state),
                Capital(word),
            )?;
        }
        let service = &self.frame.service;
        for (name, text) in [
            ("Version", service.version),
            ("Instance", service.instance),
            ("Host", service.host),
        ] {
            if let Some(text) = text {
                let text = Escaped(text);
                writeln!(f, "<div><dt>{name}</dt><dd><bdi>{text}</bdi></dd></div>")?;
            }
        }
        if let Some(uptime) = self.frame.uptime {
            writeln!(f, "<div><dt>Up for</dt><dd>{}</dd></div>", Short(uptime))?;
        }
        writeln!(
            f,
            "<div><dt>As of</dt><dd>{}</dd></div>\n</dl>",
            TimeTag(self.now)
        )
    }
}

/// The number of checks in each state.
#[derive(Default)]
pub(super) struct Counts([usize; DisplayState::ALL.len()]);

impl Counts {
    pub(super) fn of<'a>(checks: impl Iterator<Item = &'a Shown<'a>>) -> Self {
        let mut counts = Counts::default();
        for check in checks {
            counts.0[DisplayState::of(check.report) as usize] += 1;
        }
        counts
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.iter().all(|count| *count == 0)
    }
}

impl Display for Counts {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let present = DisplayState::ALL
            .into_iter()
            .zip(self.0)
            .filter(|(_, count)| *count > 0);
        for (nth, (state, count)) in present.enumerate() {
            let separator = if nth == 0 { "" } else { ", " };
            write!(f, "{separator}{count} {}", state.counted())?;
        }
        Ok(())
    }
}
