//! Words of the status page, and escaping of texts.

use std::fmt::{self, Display, Formatter, Write};
use std::time::{Duration, SystemTime};

use crate::check::outcome::Status;
use crate::http::render::one_line;
use crate::time::stamp::timestamp;
use crate::verdict::track::Verdict;

pub(super) fn word(status: Status) -> &'static str {
    match status {
        Status::Pass => "Healthy",
        Status::Warn => "Degraded",
        Status::Fail => "Unhealthy",
    }
}

/// A state: its word, class and icon. It is never shown by colour alone.
#[derive(Clone, Copy, Debug)]
pub(super) struct State {
    pub(super) word: &'static str,
    /// The CSS class and the name of the icon.
    pub(super) class: &'static str,
}

pub(super) fn state_of(verdict: Verdict) -> State {
    let (word, class) = match verdict {
        Verdict::Pass => ("Passing", "pass"),
        Verdict::Warn => ("Degraded", "warn"),
        Verdict::Fail => ("Failing", "fail"),
        Verdict::Unknown => ("Unknown", "unknown"),
        Verdict::Skipped => ("Skipped", "skipped"),
    };
    State { word, class }
}

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

/// A readable duration in at most two units, as HTML. A number is kept on the
/// line of its unit.
pub(super) struct Short(pub(super) Duration);

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
        let at = timestamp(self.0);
        // `2026-11-21T10:15:27.120Z`
        let (date, time) = (&at[..10], &at[11..19]);
        write!(f, "<time datetime=\"{at}\">{date} {time} UTC</time>")
    }
}

/// The age of an event, and its time.
pub(super) struct Ago {
    pub(super) at: SystemTime,
    pub(super) now: SystemTime,
}

impl Display for Ago {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        // If the clock was set back, the age is shown as zero.
        let age = self.now.duration_since(self.at).unwrap_or_default();
        let whole = Duration::from_secs(age.as_secs());
        match whole.as_secs() {
            0 => f.write_str("just now")?,
            secs @ 1..10 => write!(f, "{secs} s ago")?,
            _ => write!(f, "{} ago", Short(whole))?,
        }
        write!(f, " <small>{}</small>", TimeTag(self.at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_leaves_its_place() {
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
    fn a_moment_is_said_twice() {
        let at = SystemTime::UNIX_EPOCH + Duration::from_millis(61_234);
        let now = at + Duration::from_millis(3_900);
        assert_eq!(
            Ago { at, now }.to_string(),
            "3 s ago <small><time datetime=\"1970-01-01T00:01:01.234Z\">\
             1970-01-01 00:01:01 UTC</time></small>"
        );
        let back = Ago { at: now, now: at }.to_string();
        assert!(back.starts_with("just now "), "{back}");
    }
}
