//! A chart of the last results: the status as bars, the duration as a line
//! above.

use std::fmt::{self, Display, Formatter};
use std::time::Duration;

use crate::check::outcome::Status;
use crate::http::render::html::format::Short;
use crate::verdict::history::{History, HistoryEntry};

/// The maximum number of bars.
const MAX_BARS: usize = 60;
/// A chart with fewer bars leaves space on the left, so that all charts have
/// one scale.
const FEWEST: usize = 20;
/// The width of a bar and its gap.
const STEP: usize = 5;
/// The vertical range of the line.
const TOP: f64 = 2.0;
const BASE: f64 = 18.0;

pub(super) struct Chart<'a>(pub(super) &'a History);

impl Display for Chart<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let all = self.0.past();
        let past = &all[all.len().saturating_sub(MAX_BARS)..];
        let slots = past.len().max(FEWEST);
        let first = slots - past.len();
        write!(
            f,
            "<svg class=\"chart\" viewBox=\"0 0 {} 30\" preserveAspectRatio=\"none\" role=\"img\" \
             aria-label=\"{}\">",
            slots * STEP - 1,
            InWords(past)
        )?;
        for (status, class, height) in [
            // The heights differ, so that the colour is not the only
            // distinction.
            (Status::Pass, "pass", 4),
            (Status::Warn, "warn", 7),
            (Status::Fail, "fail", 10),
        ] {
            let mut bars = (first..)
                .zip(past)
                .filter(|(_, past)| past.status == status)
                .peekable();
            if bars.peek().is_some() {
                write!(f, "<path class=\"{class}\" d=\"")?;
                for (slot, _) in bars {
                    write!(f, "M{} 30v-{height}h4v{height}z", slot * STEP)?;
                }
                f.write_str("\"/>")?;
            }
        }
        f.write_str("<path class=\"line\" d=\"")?;
        let longest = past.iter().map(|past| past.took).max();
        for (nth, past) in past.iter().enumerate() {
            let share = longest.map_or(0.0, |longest| share(past.took, longest));
            let letter = if nth == 0 { 'M' } else { 'L' };
            let y = BASE - (BASE - TOP) * share;
            write!(f, "{letter}{} {y:.1}", (first + nth) * STEP + 2)?;
        }
        if past.len() == 1 {
            // A line of zero length, which its round ends make a dot.
            f.write_str("h0")?;
        }
        writeln!(
            f,
            "\"/></svg>\n<p class=\"sum\" aria-hidden=\"true\">{}</p>",
            InWords(past)
        )
    }
}

fn share(took: Duration, longest: Duration) -> f64 {
    if longest.is_zero() {
        return 0.0;
    }
    took.div_duration_f64(longest)
}

/// The same data as text: the caption, and the name for screen readers.
struct InWords<'a>(&'a [HistoryEntry]);

impl Display for InWords<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let count = |status| {
            let same = |past: &&HistoryEntry| past.status == status;
            self.0.iter().filter(same).count()
        };
        let [passed, warned, failed] = Status::ALL.map(count);
        write!(
            f,
            "Last {} results: {passed} passed, {warned} degraded, {failed} failed",
            self.0.len()
        )?;
        let took = || self.0.iter().map(|past| past.took);
        match (took().min(), took().max()) {
            (Some(least), Some(most)) => {
                write!(f, "; they took {} to {}", Short(least), Short(most))
            }
            _ => Ok(()),
        }
    }
}
