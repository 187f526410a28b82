//! The formats of Prometheus: its text format, and OpenMetrics.
//!
//! No client library is used: the state of the checks would have to be copied
//! into its types, and none writes both formats and state sets.

use std::fmt::Write as _;

use bytes::Bytes;
use http::HeaderValue;

use crate::http::render::preferred;
use crate::telemetry::metrics::{FAMILIES, Family, Kind, Point};
use crate::telemetry::sample::Sample;

/// A format of metrics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Exposition {
    /// The text format 0.0.4, which every scraper supports.
    #[default]
    Prometheus,
    /// OpenMetrics 1.0.
    OpenMetrics,
}

impl Exposition {
    /// Returns the format that `?format=` names.
    pub(crate) fn named(name: &str) -> Option<Exposition> {
        match name {
            "prometheus" => Some(Exposition::Prometheus),
            "openmetrics" => Some(Exposition::OpenMetrics),
            _ => None,
        }
    }

    /// Returns the preferred format among those that `Accept` names in full.
    pub(crate) fn accepted(accept: &str) -> Option<Exposition> {
        preferred(accept, Exposition::of_media_type)
    }

    fn of_media_type(name: &str) -> Option<Exposition> {
        let is = |other: &str| name.eq_ignore_ascii_case(other);
        if is("application/openmetrics-text") {
            Some(Exposition::OpenMetrics)
        } else if is("text/plain") {
            Some(Exposition::Prometheus)
        } else {
            None
        }
    }

    pub(crate) const fn content_type(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Exposition::Prometheus => "text/plain; version=0.0.4",
            Exposition::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        })
    }

    /// Renders all metrics.
    pub(crate) fn render(self, sample: &Sample<'_>) -> Bytes {
        let mut text = String::with_capacity(expected_length(sample));
        for family in &FAMILIES {
            self.describe(family, &mut text);
            (family.points)(sample, &mut |point| line(&mut text, family.name, point));
        }
        if self == Exposition::OpenMetrics {
            text.push_str("# EOF\n");
        }
        Bytes::from(text)
    }

    fn describe(self, family: &Family, text: &mut String) {
        let Family { help, unit, .. } = family;
        let name = self.family_name(family);
        let kind = self.kind(family.kind);
        let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}");
        if let (Exposition::OpenMetrics, Some(unit)) = (self, unit) {
            let _ = writeln!(text, "# UNIT {name} {unit}");
        }
    }

    /// Returns the name of the family. OpenMetrics omits the suffix that the
    /// type adds to samples.
    fn family_name(self, family: &Family) -> &'static str {
        let name = family.name;
        let suffix = match (self, family.kind) {
            (Exposition::OpenMetrics, Kind::Counter) => "_total",
            (Exposition::OpenMetrics, Kind::Info) => "_info",
            _ => "",
        };
        name.strip_suffix(suffix).unwrap_or(name)
    }

    /// Returns the name of the type. The text format has fewer types.
    const fn kind(self, kind: Kind) -> &'static str {
        match (self, kind) {
            (_, Kind::Counter) => "counter",
            (_, Kind::Histogram) => "histogram",
            (_, Kind::Gauge) | (Exposition::Prometheus, Kind::Info | Kind::StateSet) => "gauge",
            (Exposition::OpenMetrics, Kind::Info) => "info",
            (Exposition::OpenMetrics, Kind::StateSet) => "stateset",
        }
    }
}

/// Returns an estimate, to avoid reallocations.
fn expected_length(sample: &Sample<'_>) -> usize {
    const FIXED: usize = 3 * 1024;
    const OF_A_CHECK: usize = 2 * 1024;
    FIXED + sample.checks.len() * OF_A_CHECK
}

fn line(text: &mut String, name: &str, point: Point<'_>) {
    text.push_str(name);
    text.push_str(point.suffix);
    let mut before = '{';
    for (label, value) in point.labels {
        text.push(before);
        text.push_str(label);
        text.push_str("=\"");
        push_escaped(text, value);
        text.push('"');
        before = ',';
    }
    if !point.labels.is_empty() {
        text.push('}');
    }
    let _ = match whole(point.value) {
        Some(number) => writeln!(text, " {number}"),
        None => writeln!(text, " {}", point.value),
    };
}

/// Most values are whole numbers, which are much faster to format as integers.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn whole(value: f64) -> Option<u32> {
    let number = value as u32;
    (f64::from(number).to_bits() == value.to_bits()).then_some(number)
}

fn push_escaped(text: &mut String, value: &str) {
    // Fast path for labels without special characters, such as all names of
    // checks.
    if !value
        .bytes()
        .any(|byte| matches!(byte, b'\\' | b'"' | b'\n'))
    {
        text.push_str(value);
        return;
    }
    for c in value.chars() {
        match c {
            '\\' => text.push_str(r"\\"),
            '"' => text.push_str(r#"\""#),
            '\n' => text.push_str(r"\n"),
            c => text.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exposition_format_follows_the_accept_header() {
        let prometheus_2 = "application/openmetrics-text;version=1.0.0,\
             application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1";
        for (accept, format) in [
            ("", None),
            ("*/*", None),
            ("text/html", None),
            (prometheus_2, Some(Exposition::OpenMetrics)),
            (
                "text/plain;version=0.0.4;q=0.3,*/*;q=0.1",
                Some(Exposition::Prometheus),
            ),
            (
                "application/openmetrics-text;q=0.2, text/plain;q=0.5",
                Some(Exposition::Prometheus),
            ),
        ] {
            assert_eq!(Exposition::accepted(accept), format, "{accept}");
        }
    }

    #[test]
    fn labels_are_escaped() {
        let mut text = String::new();
        let point = Point {
            suffix: "",
            labels: &[("version", "a\\b\"c\nd{ä}")],
            value: 1.0,
        };
        line(&mut text, "x_info", point);
        assert_eq!(text, "x_info{version=\"a\\\\b\\\"c\\nd{ä}\"} 1\n");
    }

    #[test]
    fn the_metric_families_follow_the_rules_of_openmetrics() {
        for family in &FAMILIES {
            let Family {
                name,
                kind,
                unit,
                help,
                ..
            } = family;
            let shown = Exposition::OpenMetrics.family_name(family);
            assert_eq!(name.ends_with("_total"), *kind == Kind::Counter, "{name}");
            assert_eq!(name.ends_with("_info"), *kind == Kind::Info, "{name}");
            assert!(unit.is_none_or(|unit| shown.ends_with(unit)), "{name}");
            assert!(
                !help.contains(['\\', '"', '\n']) && help.ends_with('.'),
                "{help}"
            );
            let same = FAMILIES.iter().filter(|other| other.name == *name);
            assert_eq!(same.count(), 1, "{name}");
        }
    }
}
