//! Formats of texts, durations and times on the status page.

use std::fmt::{self, Display, Formatter, Write};
use std::time::{Duration, SystemTime};

use crate::text::one_line::one_line;
use crate::time::stamp::timestamp;

/// A text of the application, escaped for the content of an element or a quoted
/// attribute.
pub(super) struct Escaped<'a>(pub(super) &'a str);

impl Display for Escaped<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for c in one_line(self.0) {
            match c {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                c => f.write_char(c)?,
            }
        }
        Ok(())
    }
}

/// A word with a capital letter.
pub(super) struct Capital<'a>(pub(super) &'a str);

impl Display for Capital<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let mut letters = self.0.chars();
        match letters.next() {
            Some(first) => write!(f, "{}{}", first.to_ascii_uppercase(), letters.as_str()),
            None => Ok(()),
        }
    }
}

/// A readable duration in at most two units, as HTML. A number is kept on the
/// line of its unit.
pub(super) struct Short(pub(super) Duration);

impl Short {
    /// Returns the duration as text that is not HTML.
    pub(super) fn plain(self) -> String {
        self.to_string().replace("&lt;", "<")
    }
}

impl Display for Short {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Short(duration) = *self;
        let (millis, secs) = (duration.as_secs_f64() * 1e3, duration.as_secs());
        let two = |f: &mut Formatter<'_>, large: (u64, &str), small: (u64, &str)| {
            write!(f, "{}\u{a0}{}", large.0, large.1)?;
            match small {
                (0, _) => Ok(()),
                (number, unit) => write!(f, " {number}\u{a0}{unit}"),
            }
        };
        match secs {
            0 if millis < 0.05 => f.write_str("&lt;\u{a0}0.1\u{a0}ms"),
            0 if millis < 10.0 => write!(f, "{millis:.1}\u{a0}ms"),
            0 => write!(f, "{millis:.0}\u{a0}ms"),
            1..10 => write!(f, "{:.1}\u{a0}s", millis / 1e3),
            10..60 => write!(f, "{secs}\u{a0}s"),
            60..3_600 => two(f, (secs / 60, "min"), (secs % 60, "s")),
            3_600..86_400 => two(f, (secs / 3_600, "h"), (secs / 60 % 60, "min")),
            _ => two(f, (secs / 86_400, "d"), (secs / 3_600 % 24, "h")),
        }
    }
}

/// A readable time with a machine-readable attribute.
pub(super) struct TimeTag(pub(super) SystemTime);

impl Display for TimeTag {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let (at, shown) = readable_time(self.0);
        write!(f, "<time datetime=\"{at}\">{shown}</time>")
    }
}

/// Returns the timestamp, and the same time for people, in whole seconds.
fn readable_time(at: SystemTime) -> (String, String) {
    let at = timestamp(at);
    // `2026-11-21T10:15:27.120Z`
    let shown = format!("{} {} UTC", &at[..10], &at[11..19]);
    (at, shown)
}

/// The age of an event; a tooltip has its time.
pub(super) struct Ago {
    pub(super) at: SystemTime,
    pub(super) now: SystemTime,
}

impl Display for Ago {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        // If the clock was set back, the age is shown as zero.
        let age = self.now.duration_since(self.at).unwrap_or_default();
        Tooltip(self.at).fmt(f)?;
        match age.as_secs() {
            0 => f.write_str("just now")?,
            _ => write!(f, "{} ago", Whole(age))?,
        }
        f.write_str("</time>")
    }
}

/// The time until an event; a tooltip has its time.
pub(super) struct Until {
    pub(super) at: SystemTime,
    pub(super) now: SystemTime,
}

impl Display for Until {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let left = self.at.duration_since(self.now).unwrap_or_default();
        Tooltip(self.at).fmt(f)?;
        write!(f, "in {}</time>", Whole(left))
    }
}

/// Whole seconds.
struct Whole(Duration);

impl Display for Whole {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.0.as_secs() {
            secs @ 0..10 => write!(f, "{secs}\u{a0}s"),
            secs => Short(Duration::from_secs(secs)).fmt(f),
        }
    }
}

/// The begin of an element with a time as its tooltip.
struct Tooltip(SystemTime);

impl Display for Tooltip {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let (at, shown) = readable_time(self.0);
        write!(f, "<time datetime=\"{at}\" title=\"{shown}\">")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn html_is_escaped() {
        let hostile = "</script><img src=x onerror='alert(1)'>\"&amp;\0\u{1b}\n";
        assert_eq!(
            Escaped(hostile).to_string(),
            "&lt;/script&gt;&lt;img src=x onerror=&#39;alert(1)&#39;&gt;&quot;&amp;amp;   "
        );
        assert_eq!(Escaped("größe 👍").to_string(), "größe 👍");
    }

    #[test]
    fn durations_are_short() {
        let short = |duration| Short(duration).to_string().replace('\u{a0}', " ");
        for (millis, text) in [
            (0, "&lt; 0.1 ms"),
            (12, "12 ms"),
            (2_040, "2.0 s"),
            (59_900, "59 s"),
            (60_000, "1 min"),
            (125_000, "2 min 5 s"),
            (7_500_000, "2 h 5 min"),
            (100_000_000, "1 d 3 h"),
        ] {
            assert_eq!(short(Duration::from_millis(millis)), text);
        }
        assert_eq!(short(Duration::from_micros(412)), "0.4 ms");
    }

    #[test]
    fn an_age_has_its_time_as_tooltip() {
        let at = SystemTime::UNIX_EPOCH + Duration::from_millis(61_234);
        let now = at + Duration::from_millis(3_900);
        assert_eq!(
            Ago { at, now }.to_string(),
            "<time datetime=\"1970-01-01T00:01:01.234Z\" title=\"1970-01-01 00:01:01 UTC\">\
             3\u{a0}s ago</time>"
        );
        let back = Ago { at: now, now: at }.to_string();
        assert!(back.ends_with(">just now</time>"), "{back}");
        let left = Until { at: now, now: at }.to_string();
        assert!(left.ends_with(">in 3\u{a0}s</time>"), "{left}");
    }
}
