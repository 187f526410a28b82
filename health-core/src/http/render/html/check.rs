//! One check on the status page.

use std::fmt::{self, Display, Formatter};
use std::time::SystemTime;

use crate::check::outcome::Status;
use crate::check::probe::Probe;
use crate::http::render::html::chart::Chart;
use crate::http::render::html::format::{Ago, Escaped, Short, State, state_of};
use crate::http::render::shown::Shown;
use crate::text::bounded::{LONGEST_MESSAGE, cut};
use crate::verdict::track::Verdict;

/// The icon next to the word of a state.
pub(super) struct Icon(pub(super) State);

impl Display for Icon {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let class = self.0.class;
        write!(
            f,
            "<svg class=\"icon\" aria-hidden=\"true\"><use href=\"#i-{class}\"/></svg>"
        )
    }
}

pub(super) struct Card<'a> {
    pub(super) check: Shown<'a>,
    pub(super) now: SystemTime,
}

impl Display for Card<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let report = self.check.report;
        let state = state_of(report.verdict());
        let name = Escaped(report.name());
        writeln!(
            f,
            "<li class=\"card {}\" id=\"check-{name}\">\n<h3>{name}</h3>\n<p class=\"state\">{}{}</p>",
            state.class,
            Icon(state),
            state.word
        )?;
        self.reason(f)?;
        if let Some(description) = report.description() {
            let description = Escaped(description);
            writeln!(f, "<p class=\"about\"><bdi>{description}</bdi></p>")?;
        }
        self.labels(f)?;
        self.facts(f)?;
        f.write_str("</li>\n")
    }
}

impl Card<'_> {
    fn reason(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let report = self.check.report;
        let reason = self.check.reason();
        let reason = match (report.verdict(), report.blocked_by()) {
            (Verdict::Skipped, Some(cause)) => Some(format!("{cause} is failing")),
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
            write!(f, "<li class=\"tag\"><bdi>{}</bdi></li>", Escaped(tag))?;
        }
        f.write_str("</ul>\n")
    }

    /// The measured values.
    fn facts(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let report = self.check.report;
        let history = report.history();
        let now = self.now;
        if !history.past().is_empty() {
            write!(f, "{}", Chart(&history))?;
        }
        f.write_str("<dl>\n")?;
        let mut fact = |name: &str, value: &dyn Display| {
            writeln!(f, "<div><dt>{name}</dt><dd>{value}</dd></div>")
        };
        let last = if report.is_reported() {
            "Last report"
        } else {
            "Last run"
        };
        match report.checked_at() {
            Some(at) => fact(last, &Ago { at, now })?,
            None => fact(last, &"none yet")?,
        }
        if let Some(incident) = report.incident() {
            fact("Incident", &incident)?;
        }
        if let Some(at) = report.since() {
            fact("In this state since", &Ago { at, now })?;
        }
        if let Some(class) = report.failure_class() {
            fact("Kind of failure", &class.as_str())?;
        }
        if let Some(last) = report.last_status() {
            if Verdict::from(last) != report.verdict() {
                fact("It said", &state_of(last.into()).word)?;
            }
        }
        match (report.overdue_since(), report.response_time()) {
            // Its duration is not known yet.
            (Some(since), _) => fact("Still running since", &Ago { at: since, now })?,
            (None, Some(took)) => fact("Took", &Short(took))?,
            (None, None) => {}
        }
        if let [Some(median), Some(high)] = [0.5, 0.95].map(|quantile| history.latency(quantile)) {
            let kept = history.past().len();
            let good = kept - history.count(Status::Fail);
            fact("Good results", &format_args!("{good} of {kept}"))?;
            fact(
                "Median, p95",
                &format_args!("{}, {}", Short(median), Short(high)),
            )?;
        }
        if let Some(at) = history.last_failure_at() {
            fact("Last failure", &Ago { at, now })?;
        }
        if let Some(observed) = report.observed() {
            let value = match observed.value.as_str() {
                Some(text) => text.to_owned(),
                None => observed.value.to_string(),
            };
            let text = format!("{} {}", cut(&value, LONGEST_MESSAGE), observed.unit);
            match bytes(&observed.value, &observed.unit) {
                Some(short) => fact(
                    "Observed",
                    &format_args!(
                        "<bdi title=\"{}\">{}</bdi>",
                        Escaped(&text),
                        Escaped(&short)
                    ),
                )?,
                None => fact("Observed", &format_args!("<bdi>{}</bdi>", Escaped(&text)))?,
            }
        }
        f.write_str("</dl>\n")
    }
}

/// Returns a number of bytes in the largest binary unit that is not above it,
/// with the rest of its unit: `55 GiB free`.
fn bytes(value: &serde_json::Value, unit: &str) -> Option<String> {
    const UNITS: [&str; 5] = ["KiB", "MiB", "GiB", "TiB", "PiB"];
    let rest = unit.strip_prefix("bytes")?;
    let is_word = rest.is_empty() || rest.starts_with(' ');
    let number = value.as_u64().filter(|_| is_word)?;
    let (shift, unit) = UNITS.iter().enumerate().rev().find_map(|(nth, unit)| {
        let shift = 10 * (u32::try_from(nth).ok()? + 1);
        (number >> shift > 0).then_some((shift, unit))
    })?;
    let whole = number >> shift;
    let tenths = (number >> (shift - 10) & 1_023) * 10 / 1_024;
    Some(match whole {
        0..10 => format!("{whole}.{tenths} {unit}{rest}"),
        _ => format!("{whole} {unit}{rest}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_have_a_readable_unit() {
        for (value, unit, text) in [
            (59_318_136_832_u64, "bytes", Some("55 GiB")),
            (1_288_490_188, "bytes free", Some("1.1 GiB free")),
            (1_024, "bytes", Some("1.0 KiB")),
            (u64::MAX, "bytes", Some("16383 PiB")),
            (1_023, "bytes", None),
            (2_048, "bytesize", None),
            (2_048, "connections", None),
        ] {
            let short = bytes(&value.into(), unit);
            assert_eq!(short.as_deref(), text, "{value} {unit}");
        }
        assert_eq!(bytes(&"9".into(), "bytes"), None);
    }
}
