//! The time axis of a check: its worst verdict in each part of the last hours.

use std::fmt::{self, Display, Formatter};
use std::time::Duration;

use crate::http::render::html::format::Short;
use crate::verdict::Verdict;
use crate::verdict::day::{Day, MINUTES};

const HEIGHT: usize = 8;

/// The time that all axes of a page show.
#[derive(Clone, Copy)]
pub(super) struct Span {
    minutes: usize,
    slots: usize,
    /// The CSS class, which has the text at the left end of an axis.
    pub(super) class: &'static str,
    /// With a number and a unit.
    pub(super) words: &'static str,
}

impl Span {
    const HOUR: Span = Span {
        minutes: 60,
        slots: 60,
        class: "hour",
        words: "the last hour",
    };
    const SIX_HOURS: Span = Span {
        minutes: 360,
        slots: 72,
        class: "six-hours",
        words: "the last 6 hours",
    };
    const DAY: Span = Span {
        minutes: MINUTES,
        slots: 96,
        class: "day",
        words: "the last 24 hours",
    };

    /// Returns the shortest span that includes the start of the service.
    pub(super) fn since_start(uptime: Duration) -> Self {
        let minutes = uptime.as_secs() / 60;
        let spans = [Span::HOUR, Span::SIX_HOURS];
        let fits = spans.into_iter().find(|span| minutes < span.minutes as u64);
        fits.unwrap_or(Span::DAY)
    }
}

pub(super) struct Axis<'a> {
    pub(super) day: &'a Day,
    pub(super) span: Span,
}

/// Equal neighbours are merged, so that a passing check takes a few bytes.
impl Display for Axis<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Span { minutes, slots, .. } = self.span;
        let verdicts = self.day.slots(minutes, slots);
        write!(
            f,
            "<svg class=\"axis\" viewBox=\"0 0 {slots} {HEIGHT}\" preserveAspectRatio=\"none\" \
             role=\"img\" aria-label=\"{}\">",
            InWords(self)
        )?;
        for (verdict, class, height) in [
            // The heights differ, so that the colour is not the only
            // distinction.
            (Verdict::Pass, "pass", 3),
            (Verdict::Warn, "warn", 5),
            (Verdict::Skipped, "skipped", 2),
            (Verdict::Unknown, "unknown", 2),
            (Verdict::Fail, "fail", HEIGHT),
        ] {
            let mut runs = Runs::of(&verdicts, verdict).peekable();
            if runs.peek().is_none() {
                continue;
            }
            write!(f, "<path class=\"{class}\" d=\"")?;
            for (start, length) in runs {
                write!(f, "M{start} {HEIGHT}v-{height}h{length}v{height}z")?;
            }
            f.write_str("\"/>")?;
        }
        f.write_str("</svg>\n")
    }
}

/// The runs of slots with one verdict: their starts and lengths.
struct Runs<'a> {
    verdicts: &'a [Option<Verdict>],
    wanted: Verdict,
    at: usize,
}

impl<'a> Runs<'a> {
    fn of(verdicts: &'a [Option<Verdict>], wanted: Verdict) -> Self {
        Runs {
            verdicts,
            wanted,
            at: 0,
        }
    }
}

impl Iterator for Runs<'_> {
    type Item = (usize, usize);

    fn next(&mut self) -> Option<(usize, usize)> {
        let is_wanted = |verdict: &Option<Verdict>| *verdict == Some(self.wanted);
        let rest = &self.verdicts[self.at..];
        let start = self.at + rest.iter().position(is_wanted)?;
        let length = self.verdicts[start..]
            .iter()
            .take_while(|it| is_wanted(it))
            .count();
        self.at = start + length;
        Some((start, length))
    }
}

/// The same data as text, for screen readers.
struct InWords<'a>(&'a Axis<'a>);

impl Display for InWords<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Axis { day, span } = *self.0;
        let words = span.words;
        match day.uptime() {
            None => write!(f, "No result in {words}"),
            Some(share) => write!(f, "{} up in {words}", Percent(share)),
        }
    }
}

/// Uptime and durations in one line.
pub(super) struct Summary<'a> {
    pub(super) day: &'a Day,
    pub(super) words: &'static str,
}

impl Display for Summary<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Summary { day, words } = *self;
        match day.uptime() {
            None => f.write_str("No result yet")?,
            Some(share) => write!(f, "<span title=\"in {words}\">{} up</span>", Percent(share))?,
        }
        let down = day.downtime();
        if !down.is_zero() {
            write!(f, ", down for {}", Short(down))?;
        }
        if let [Some(median), Some(high)] = [0.5, 0.95].map(|quantile| day.latency(quantile)) {
            write!(f, " · median {}, p95 {}", Short(median), Short(high))?;
        }
        Ok(())
    }
}

/// A share in percent, rounded down, so that only a share of 1 is 100 %.
pub(super) struct Percent(pub(super) f64);

impl Display for Percent {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let hundredths = (self.0 * 1e4).floor();
        if hundredths >= 1e4 {
            return f.write_str("100\u{a0}%");
        }
        write!(f, "{:.2}\u{a0}%", hundredths / 100.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_whole_is_100_percent() {
        for (share, text) in [
            (1.0, "100\u{a0}%"),
            (0.999_999, "99.99\u{a0}%"),
            (0.5, "50.00\u{a0}%"),
            (0.0, "0.00\u{a0}%"),
        ] {
            assert_eq!(Percent(share).to_string(), text);
        }
    }

    #[test]
    fn equal_neighbours_are_merged_into_one_bar() {
        let (pass, fail) = (Some(Verdict::Pass), Some(Verdict::Fail));
        let all = [None, pass, pass, fail, pass, None, fail, fail];
        let runs = |wanted| Runs::of(&all, wanted).collect::<Vec<_>>();
        assert_eq!(runs(Verdict::Pass), [(1, 2), (4, 1)]);
        assert_eq!(runs(Verdict::Fail), [(3, 1), (6, 2)]);
        assert_eq!(runs(Verdict::Warn), []);
    }

    #[test]
    fn the_axis_covers_the_time_since_the_start() {
        for (minutes, class) in [
            (0, "hour"),
            (59, "hour"),
            (60, "six-hours"),
            (360, "day"),
            (9_999, "day"),
        ] {
            let span = Span::since_start(Duration::from_secs(60 * minutes));
            assert_eq!(span.class, class, "{minutes}");
        }
    }
}
