//! Parses durations of the attribute: a whole number and a unit.

use std::time::Duration;

use crate::diag::Mistake;
use crate::rules::HumanDuration;

const UNITS: [(&str, u64); 4] = [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000)];
const EXAMPLES: &str = "write a whole number and a unit: `\"500ms\"`, `\"2s\"` or `\"1m\"`";

/// Returns the milliseconds in `text`. A number that is too large becomes
/// `u64::MAX`, which exceeds the limit of every option.
pub(crate) fn parse(text: &str) -> Result<u64, Mistake> {
    if text
        .strip_prefix('-')
        .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
    {
        return Err(Mistake::new(
            format!("a duration cannot be negative, found `{text}`"),
            EXAMPLES,
        ));
    }
    let (number, unit) = split(text, |c| c.is_ascii_digit());
    if number.is_empty() {
        return Err(Mistake::new(
            format!("`{text}` is not a duration"),
            EXAMPLES,
        ));
    }
    if let Some(fraction) = unit.strip_prefix(['.', ',']) {
        return Err(fractional(text, number, fraction));
    }
    let bare = unit.trim_start();
    let Some(factor) = factor(bare) else {
        return Err(unknown_unit(text, number, bare));
    };
    if bare.len() != unit.len() {
        return Err(Mistake::new(
            format!("the duration `{text}` has a space in it"),
            format!("write `\"{number}{bare}\"`"),
        ));
    }
    let number: u64 = number.parse().unwrap_or(u64::MAX);
    Ok(number.saturating_mul(factor))
}

fn factor(unit: &str) -> Option<u64> {
    UNITS
        .into_iter()
        .find_map(|(name, factor)| (name == unit).then_some(factor))
}

fn split(text: &str, first: impl Fn(char) -> bool) -> (&str, &str) {
    text.split_at(text.find(|c| !first(c)).unwrap_or(text.len()))
}

fn unknown_unit(text: &str, number: &str, unit: &str) -> Mistake {
    if unit.is_empty() {
        return Mistake::new(
            format!("the duration `{text}` has no unit"),
            format!("write `\"{number}s\"` for seconds or `\"{number}ms\"` for milliseconds"),
        );
    }
    if unit.contains(|c: char| c.is_ascii_digit()) {
        return Mistake::new(format!("`{text}` is not one number and one unit"), EXAMPLES);
    }
    let help = match guess(number, unit) {
        Some(guess) => format!("write `\"{guess}\"`; the units are `ms`, `s`, `m` and `h`"),
        None => "the units are `ms`, `s`, `m` and `h`".into(),
    };
    Mistake::new(format!("unknown duration unit `{unit}`"), help)
}

/// Returns the unit that was probably meant.
fn guess(number: &str, unit: &str) -> Option<String> {
    let unit = unit.to_ascii_lowercase();
    if unit.starts_with('d') {
        let days: u64 = number.parse().ok()?;
        return Some(format!("{}h", days.checked_mul(24)?));
    }
    let known = match unit.as_str() {
        "ms" | "msec" | "msecs" | "millis" | "millisecond" | "milliseconds" => "ms",
        "m" | "min" | "mins" | "minute" | "minutes" => "m",
        "h" | "hr" | "hrs" | "hour" | "hours" => "h",
        "s" | "sec" | "secs" | "second" | "seconds" => "s",
        _ => return None,
    };
    Some(format!("{number}{known}"))
}

fn fractional(text: &str, whole: &str, rest: &str) -> Mistake {
    let (fraction, unit) = split(rest, |c| c.is_ascii_digit());
    let help = match smaller(whole, fraction, unit.trim_start()) {
        Some(exact) => format!("use a smaller unit: `\"{exact}\"`"),
        None => EXAMPLES.into(),
    };
    Mistake::new(
        format!("`{text}` has a fraction; durations are whole numbers"),
        help,
    )
}

/// Returns the same duration as a whole number of a smaller unit, if there is
/// one.
fn smaller(whole: &str, fraction: &str, unit: &str) -> Option<String> {
    let factor = factor(unit)?;
    let scale = 10u64.checked_pow(u32::try_from(fraction.len()).ok()?)?;
    let digits: u64 = format!("{whole}{fraction}").parse().ok()?;
    let scaled = digits.checked_mul(factor)?;
    (scaled % scale == 0).then(|| HumanDuration(Duration::from_millis(scaled / scale)).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn help(text: &str) -> String {
        parse(text).expect_err("this is no duration").help
    }

    fn what(text: &str) -> String {
        parse(text).expect_err("this is no duration").what
    }

    #[test]
    fn a_duration_is_a_whole_number_and_a_unit() {
        assert_eq!(parse("0s"), Ok(0));
        assert_eq!(parse("500ms"), Ok(500));
        assert_eq!(parse("2s"), Ok(2_000));
        assert_eq!(parse("1m"), Ok(60_000));
        assert_eq!(parse("24h"), Ok(86_400_000));
        assert_eq!(parse("007s"), Ok(7_000));
    }

    #[test]
    fn a_number_that_is_too_large_saturates() {
        assert_eq!(parse("99999999999999999999s"), Ok(u64::MAX));
        assert_eq!(parse("18446744073709551615h"), Ok(u64::MAX));
    }

    #[test]
    fn the_help_keeps_the_number() {
        assert!(help("2 sec").contains("`\"2s\"`"));
        assert!(help("2S").contains("`\"2s\"`"));
        assert!(help("3 minutes").contains("`\"3m\"`"));
        assert!(help("2d").contains("`\"48h\"`"));
        assert!(help("7").contains("`\"7s\"`"));
        assert!(help("2 s").contains("`\"2s\"`"));
    }

    #[test]
    fn the_help_converts_fractions_to_a_smaller_unit() {
        assert!(help("1.5s").ends_with("`\"1500ms\"`"));
        assert!(help("0.5h").ends_with("`\"30m\"`"));
        assert!(help("1,25m").ends_with("`\"75s\"`"));
        assert_eq!(help("0.1ms"), EXAMPLES);
        assert_eq!(help("1.99999999999999999999999s"), EXAMPLES);
    }

    #[test]
    fn other_texts_are_refused_by_name() {
        assert_eq!(what(""), "`` is not a duration");
        assert_eq!(what("two seconds"), "`two seconds` is not a duration");
        assert_eq!(what("-1s"), "a duration cannot be negative, found `-1s`");
        assert_eq!(what("1m30s"), "`1m30s` is not one number and one unit");
        assert_eq!(what("2 parsecs"), "unknown duration unit `parsecs`");
        assert_eq!(what("٣s"), "`٣s` is not a duration");
    }
}
