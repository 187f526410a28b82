//! Units of observed values, for metrics.

use crate::check::outcome::Observed;

/// The unit in which metrics show the observed value of a check:
/// [`CheckOptions::observes`](crate::CheckOptions::observes).
///
/// The value of [`Outcome::observe`](crate::Outcome::observe) is converted if
/// the first word of its own unit is another unit of the same quantity.
///
/// ```
/// use health_core::check::Unit;
/// use health_core::{CheckOptions, Outcome};
///
/// let options = CheckOptions::new().observes(Unit::Seconds);
/// // Metrics show `health_check_observed_seconds{check="lag"} 0.25`.
/// let outcome = Outcome::pass().observe(250, "ms behind");
/// # let _ = (options, outcome);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Unit {
    /// A size: `bytes`, `KiB`, `MiB`, `GiB`, `TiB`.
    Bytes,
    /// A time: `seconds`, `ms`, `us`, `minutes`, `hours`.
    Seconds,
    /// A share from 0 to 1: `percent` is divided by 100, any other unit is not.
    Ratio,
    /// Any number, in the unit of the check, such as `connections`.
    Count,
}

impl Unit {
    /// Returns the observed value in this unit, or `None` if it is not a number or of
    /// another quantity.
    pub(crate) fn value(self, observed: &Observed) -> Option<f64> {
        let number = observed.value.as_f64()?;
        let word = observed.unit.split(' ').next().unwrap_or_default();
        Some(number * self.factor(word)?)
    }

    fn factor(self, word: &str) -> Option<f64> {
        let factor = match (self, word) {
            (Unit::Ratio, "percent" | "%") => 0.01,
            (Unit::Ratio | Unit::Count, _)
            | (Unit::Bytes, "byte" | "bytes" | "B")
            | (Unit::Seconds, "second" | "seconds" | "s") => 1.0,
            (Unit::Bytes, "KiB") => 1024.0,
            (Unit::Bytes, "MiB") => 1024.0 * 1024.0,
            (Unit::Bytes, "GiB") => 1024.0 * 1024.0 * 1024.0,
            (Unit::Bytes, "TiB") => 1024.0 * 1024.0 * 1024.0 * 1024.0,
            (Unit::Seconds, "millisecond" | "milliseconds" | "ms") => 1e-3,
            (Unit::Seconds, "microsecond" | "microseconds" | "us" | "µs") => 1e-6,
            (Unit::Seconds, "minute" | "minutes" | "min") => 60.0,
            (Unit::Seconds, "hour" | "hours" | "h") => 3_600.0,
            (Unit::Bytes | Unit::Seconds, _) => return None,
        };
        Some(factor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::outcome::Outcome;

    #[test]
    fn values_are_converted_to_the_base_unit() {
        for (unit, value, own, expected) in [
            (Unit::Bytes, 59_318.0, "bytes free", Some(59_318.0)),
            (Unit::Bytes, 2.0, "MiB", Some(2_097_152.0)),
            (Unit::Bytes, 2.0, "ms", None),
            (Unit::Seconds, 250.0, "ms behind", Some(0.25)),
            (Unit::Seconds, 2.0, "bytes", None),
            (Unit::Ratio, 80.0, "percent full", Some(0.8)),
            (Unit::Ratio, 0.8, "", Some(0.8)),
            (Unit::Count, 5.0, "connections", Some(5.0)),
        ] {
            let outcome = Outcome::pass().observe(value, own);
            let shown = unit.value(outcome.observed().expect("a value"));
            assert_eq!(
                shown.map(|it| (it * 1e9).round()),
                expected.map(|it| it * 1e9),
                "{value} {own}"
            );
        }
        let text = Outcome::pass().observe("full", "");
        assert_eq!(Unit::Count.value(text.observed().expect("a value")), None);
    }
}
