//! One check on the status page.

use std::fmt::{self, Display, Formatter};
use std::time::{Duration, SystemTime};

use serde_json::Value;

use crate::check::outcome::{Observed, Status};
use crate::check::probe::Probe;
use crate::http::render::html::axis::{Axis, Span, Summary};
use crate::http::render::html::chart::Chart;
use crate::http::render::html::display_state::DisplayState;
use crate::http::render::html::format::{Ago, Capital, Escaped, Short};
use crate::http::render::html::links::Links;
use crate::http::render::html::query::{CheckLink, Query};
use crate::http::render::shown::Shown;
use crate::text::bounded::{MAX_MESSAGE_LEN, cut};
use crate::verdict::Verdict;
use crate::verdict::day::Day;

/// The icon next to the word of a state.
pub(super) struct Icon(pub(super) DisplayState);

impl Display for Icon {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let class = self.0.class();
        write!(
            f,
            "<svg class=\"icon\" aria-hidden=\"true\"><use href=\"#i-{class}\"/></svg>"
        )
    }
}

/// The extent to which a check is shown.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Extent {
    /// A check that passes, among others.
    Short,
    /// A check that does not pass, among others.
    Full,
    /// The page of the check.
    Page,
}

pub(super) struct Card<'a> {
    pub(super) check: Shown<'a>,
    pub(super) extent: Extent,
    pub(super) day: Option<&'a Day>,
    pub(super) span: Span,
    pub(super) query: &'a Query,
    pub(super) now: SystemTime,
}

impl Display for Card<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let report = self.check.report;
        let state = DisplayState::of(report);
        let name = Escaped(report.name());
        writeln!(
            f,
            "<li class=\"card {}\" id=\"check-{name}\">",
            state.class()
        )?;
        match self.extent {
            Extent::Page => write!(f, "<h2>{name}</h2>")?,
            Extent::Short | Extent::Full => {
                let (query, name) = (self.query, report.name());
                write!(f, "<h3>{}</h3>", CheckLink { query, name })?;
            }
        }
        let word = Capital(state.as_str());
        writeln!(f, "<p class=\"state\">{}{word}</p>", Icon(state))?;
        self.reason(f)?;
        if let Some(description) = report.description() {
            let description = Escaped(description);
            writeln!(f, "<p class=\"about\"><bdi>{description}</bdi></p>")?;
        }
        self.labels(f)?;
        self.affects(f)?;
        if let Some(day) = self.day {
            let words = self.span.words;
            write!(
                f,
                "{}",
                Axis {
                    day,
                    span: self.span
                }
            )?;
            writeln!(
                f,
                "<p class=\"sum\"><span>{}</span></p>",
                Summary { day, words }
            )?;
        }
        self.past(f)?;
        write!(f, "{}", Links(&self.check.report.plan().links))?;
        f.write_str("</li>\n")
    }
}

impl Card<'_> {
    fn reason(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let report = self.check.report;
        let reason = self.check.reason();
        let reason = match (report.verdict(), report.blocked_by()) {
            (Verdict::Skipped, Some(cause)) => {
                let (query, name) = (self.query, cause);
                let cause = CheckLink { query, name };
                return writeln!(f, "<p class=\"reason\">{cause} is failing</p>");
            }
            (Verdict::Unknown, _) => reason.or_else(|| Some("no result yet".to_owned())),
            // The text of an error is private, so only its existence is shown.
            _ if reason.as_deref() == Some("withheld") => Some("reason withheld".to_owned()),
            _ => reason,
        };
        match reason {
            Some(reason) => {
                let reason = Escaped(&reason);
                writeln!(f, "<p class=\"reason\"><bdi>{reason}</bdi></p>")
            }
            None => Ok(()),
        }
    }

    /// The declaration: criticality, probes, tags.
    fn labels(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let report = self.check.report;
        f.write_str("<ul class=\"labels\">")?;
        if report.is_critical() {
            f.write_str("<li class=\"critical\">critical</li>")?;
        } else {
            f.write_str("<li>not critical</li>")?;
        }
        if self.check.excluded {
            f.write_str("<li class=\"critical\">excluded from this answer</li>")?;
        }
        for probe in Probe::ALL {
            if report.counts_for(probe) {
                write!(f, "<li>{probe}</li>")?;
            }
        }
        for tag in report.tags() {
            let page = self.query.group_page(tag);
            write!(
                f,
                "<li class=\"tag\"><a href=\"{page}\"><bdi>{}</bdi></a></li>",
                Escaped(tag)
            )?;
        }
        f.write_str("</ul>\n")
    }

    /// The endpoints that do not work while the check does not pass.
    fn affects(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let affects = &self.check.report.plan().affects;
        if affects.is_empty() {
            return Ok(());
        }
        f.write_str("<p class=\"affects\">Affects ")?;
        for (nth, endpoint) in affects.iter().enumerate() {
            let separator = if nth == 0 { "" } else { ", " };
            write!(f, "{separator}<code>{}</code>", Escaped(endpoint))?;
        }
        f.write_str("</p>\n")
    }

    /// The results.
    fn past(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if self.extent == Extent::Short {
            return self.last_result(f);
        }
        let history = self.check.report.history();
        if self.extent == Extent::Page && !history.past().is_empty() {
            write!(f, "{}", Chart(&history))?;
        }
        f.write_str("<dl>\n")?;
        self.facts(f)?;
        f.write_str("</dl>\n")
    }

    /// The last result in one line.
    fn last_result(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let report = self.check.report;
        f.write_str("<p class=\"sum\">")?;
        if let Some(observed) = report.observed() {
            write!(f, "{} · ", Reading(observed))?;
        }
        let last = if report.is_reported() {
            "reported"
        } else {
            "ran"
        };
        match report.checked_at() {
            Some(at) => write!(f, "{last} {}", Ago { at, now: self.now })?,
            None => write!(f, "not {last} yet")?,
        }
        match (report.last_status(), report.overdue_since()) {
            (_, Some(at)) => write!(f, " · still running, started {}", Ago { at, now: self.now })?,
            (Some(Status::Fail), None) => f.write_str(" · the last result failed")?,
            _ => {}
        }
        f.write_str("</p>\n")
    }

    fn facts(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let report = self.check.report;
        let history = report.history();
        let now = self.now;
        let mut fact = |name: &str, value: &dyn Display| {
            writeln!(f, "<div><dt>{name}</dt><dd>{value}</dd></div>")
        };
        if let Some(at) = report.since() {
            let state = Capital(DisplayState::of(report).as_str());
            fact(&format!("{state} since"), &Ago { at, now })?;
        }
        if let Some(incident) = report.incident() {
            fact("Incident", &incident)?;
        }
        if let Some(class) = report.failure_class() {
            fact("Kind of failure", &class.as_str())?;
        }
        let last = if report.is_reported() {
            "Last report"
        } else {
            "Last run"
        };
        match report.checked_at() {
            Some(at) => fact(last, &Ago { at, now })?,
            None => fact(last, &"none yet")?,
        }
        if let Some(last) = report.last_status() {
            if Verdict::from(last) != report.verdict() {
                fact("Last result", &Capital(DisplayState::from(last).as_str()))?;
            }
        }
        match (report.overdue_since(), report.response_time()) {
            // Its duration is not known yet.
            (Some(since), _) => fact("Still running since", &Ago { at: since, now })?,
            (None, Some(took)) => fact("Took", &Short(took))?,
            (None, None) => {}
        }
        let failures = history.count(Status::Fail);
        if failures > 0 {
            let kept = history.past().len();
            fact("Failures", &format_args!("{failures} of the last {kept}"))?;
        }
        if let Some(at) = history
            .last_failure_at()
            .filter(|_| self.extent == Extent::Page)
        {
            fact("Last failure", &Ago { at, now })?;
        }
        if let Some(observed) = report.observed() {
            fact("Observed", &Reading(observed))?;
        }
        Ok(())
    }
}

/// An observed value in a readable unit, and as it was observed.
struct Reading<'a>(&'a Observed);

impl Display for Reading<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Observed { value, unit } = self.0;
        let text = match value.as_str() {
            Some(text) => text.to_owned(),
            None => value.to_string(),
        };
        let text = format!("{} {unit}", cut(&text, MAX_MESSAGE_LEN));
        let text = Escaped(&text);
        match readable(value, unit) {
            Some(short) => write!(f, "<bdi title=\"{text}\">{}</bdi>", Escaped(&short)),
            None => write!(f, "<bdi>{text}</bdi>"),
        }
    }
}

/// Returns a number of bytes, seconds or milliseconds in a unit that fits, with
/// the rest of its unit: `55 GiB free`, `1.2 s behind`.
fn readable(value: &Value, unit: &str) -> Option<String> {
    let (unit, rest) = unit
        .split_once(' ')
        .map_or((unit, ""), |(unit, rest)| (unit, rest));
    let number = match unit {
        "byte" | "bytes" => bytes(value.as_u64()?)?,
        "second" | "seconds" | "s" => duration(value.as_f64()?)?,
        "millisecond" | "milliseconds" | "ms" => duration(value.as_f64()? / 1e3)?,
        "percent" => format!("{value}\u{a0}%"),
        _ => return None,
    };
    let space = if rest.is_empty() { "" } else { " " };
    Some(format!("{number}{space}{rest}"))
}

fn duration(seconds: f64) -> Option<String> {
    let duration = Duration::try_from_secs_f64(seconds).ok()?;
    Some(Short(duration).plain())
}

/// Returns the number in the largest binary unit that is not above it.
fn bytes(number: u64) -> Option<String> {
    const UNITS: [&str; 5] = ["KiB", "MiB", "GiB", "TiB", "PiB"];
    let (shift, unit) = UNITS.iter().enumerate().rev().find_map(|(nth, unit)| {
        let shift = 10 * (u32::try_from(nth).ok()? + 1);
        (number >> shift > 0).then_some((shift, unit))
    })?;
    let whole = number >> shift;
    let tenths = (number >> (shift - 10) & 1_023) * 10 / 1_024;
    Some(match whole {
        0..10 => format!("{whole}.{tenths} {unit}"),
        _ => format!("{whole} {unit}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_a_readable_unit() {
        for (value, unit, text) in [
            (59_318_136_832_u64, "bytes", Some("55 GiB")),
            (1_288_490_188, "bytes free", Some("1.1 GiB free")),
            (1_024, "bytes", Some("1.0 KiB")),
            (u64::MAX, "bytes", Some("16383 PiB")),
            (1_023, "bytes", None),
            (2_048, "bytesize", None),
            (2_048, "connections", None),
            (1_234, "ms", Some("1.2\u{a0}s")),
            (125, "seconds behind", Some("2\u{a0}min 5\u{a0}s behind")),
            (0, "seconds", Some("<\u{a0}0.1\u{a0}ms")),
            (97, "percent full", Some("97\u{a0}% full")),
        ] {
            let short = readable(&value.into(), unit);
            assert_eq!(short.as_deref(), text, "{value} {unit}");
        }
        for (value, unit) in [
            (Value::from("9"), "bytes"),
            ((-1).into(), "seconds"),
            (1e300.into(), "s"),
        ] {
            assert_eq!(readable(&value, unit), None, "{value} {unit}");
        }
    }
}
