use std::str::FromStr;

use super::Share;

/// A part of a resource in percent, or a number of bytes.
///
/// Checks take it as a number of percent (`20`) or as text: `"20%"`, `"500MB"`,
/// `"1.5GiB"`, `"4096B"`. A check with text that is neither fails with the class
/// `misconfigured`.
///
/// ```
/// use health_indicators::machine::Threshold;
///
/// assert_eq!(Threshold::from("20%"), Threshold::from(20));
/// assert_eq!(Threshold::from("1KiB"), Threshold::bytes(1024));
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Threshold(Kind);

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Percent(f64),
    Bytes(u64),
    Invalid,
}

const UNITS: [(&str, f64); 9] = [
    ("KiB", 1024.0),
    ("MiB", 1_048_576.0),
    ("GiB", 1_073_741_824.0),
    ("TiB", 1_099_511_627_776.0),
    ("kB", 1e3),
    ("MB", 1e6),
    ("GB", 1e9),
    ("TB", 1e12),
    ("B", 1.0),
];

impl Threshold {
    /// Returns a threshold of this many bytes.
    pub const fn bytes(bytes: u64) -> Self {
        Threshold(Kind::Bytes(bytes))
    }

    /// Whether less than this is free of the bytes; `None` if the text was
    /// neither percent nor bytes.
    pub(super) fn is_above(self, free: Share) -> Option<bool> {
        match self.0 {
            Kind::Percent(percent) => Some(free.exact_percent() < percent),
            Kind::Bytes(bytes) => Some(free.free < bytes),
            Kind::Invalid => None,
        }
    }

    /// Whether less than this is free of what is not counted in bytes.
    pub(super) fn is_above_percent(self, free: Share) -> bool {
        matches!(self.0, Kind::Percent(percent) if free.exact_percent() < percent)
    }

    fn parse(text: &str) -> Option<Kind> {
        if let Some(percent) = text.strip_suffix('%') {
            return number(percent).map(Kind::Percent);
        }
        let with_unit = |(unit, bytes): &(&str, f64)| Some((text.strip_suffix(unit)?, *bytes));
        let (count, bytes) = UNITS.iter().find_map(with_unit)?;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "the number is not negative, and `as` saturates"
        )]
        number(count).map(|count| Kind::Bytes((count * bytes) as u64))
    }
}

fn number(text: &str) -> Option<f64> {
    let number = f64::from_str(text.trim()).ok()?;
    (number.is_finite() && number >= 0.0).then_some(number)
}

impl From<u8> for Threshold {
    /// This many percent.
    fn from(percent: u8) -> Self {
        Threshold(Kind::Percent(percent.into()))
    }
}

impl From<&str> for Threshold {
    fn from(text: &str) -> Self {
        Threshold(Threshold::parse(text.trim()).unwrap_or(Kind::Invalid))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_threshold_is_percent_or_bytes() {
        for (text, kind) in [
            ("20%", Kind::Percent(20.0)),
            (" 0.5 % ", Kind::Percent(0.5)),
            ("10GiB", Kind::Bytes(10 << 30)),
            ("1.5 kB", Kind::Bytes(1500)),
            ("7B", Kind::Bytes(7)),
        ] {
            assert_eq!(Threshold::from(text), Threshold(kind), "{text}");
        }
        for text in [
            "", "%", "20", "-1%", "NaN%", "inf%", "10 GiBB", "GiB", "1e999B",
        ] {
            assert_eq!(Threshold::from(text), Threshold(Kind::Invalid), "{text}");
        }
    }

    #[test]
    fn bytes_do_not_apply_to_inodes() {
        let few = Share::new(1, 100);
        assert!(Threshold::from(2).is_above_percent(few));
        assert!(!Threshold::from("1TiB").is_above_percent(few));
        assert_eq!(Threshold::from("1TiB").is_above(few), Some(true));
        assert_eq!(Threshold::from("x").is_above(few), None);
    }
}
