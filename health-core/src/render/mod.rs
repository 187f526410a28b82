//! Answers as text, one file a format.

pub(crate) mod exposition;
pub(crate) mod ietf;
pub(crate) mod json;
pub(crate) mod text;
mod words;

pub use words::Vocabulary;

use http::HeaderValue;

use crate::mask::masked;
use crate::snapshot::CheckReport;

/// The formats that an answer can have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Format {
    /// Compact, for monitors.
    #[default]
    Json,
    /// `application/health+json`.
    HealthJson,
    /// As kube-apiserver writes it.
    Text,
}

impl Format {
    /// As `?format=` names it. A `+` in a query means a space to many clients.
    pub(crate) fn named(name: &str) -> Option<Format> {
        match name {
            "json" => Some(Format::Json),
            "health+json" | "health%2Bjson" | "health%2bjson" | "health-json" => {
                Some(Format::HealthJson)
            }
            "text" => Some(Format::Text),
            _ => None,
        }
    }

    /// The format that an `Accept` names in full and likes best.
    pub(crate) fn accepted(accept: &str) -> Option<Format> {
        preferred(accept, Format::of_media_type)
    }

    fn of_media_type(name: &str) -> Option<Format> {
        let is = |other: &str| name.eq_ignore_ascii_case(other);
        if is("application/json") {
            Some(Format::Json)
        } else if is("application/health+json") {
            Some(Format::HealthJson)
        } else if is("text/plain") {
            Some(Format::Text)
        } else {
            None
        }
    }

    pub(crate) const fn content_type(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Format::Json => "application/json",
            Format::HealthJson => "application/health+json",
            Format::Text => "text/plain; charset=utf-8",
        })
    }
}

/// Of the formats that an `Accept` names in full the one that it likes best. A
/// wildcard names none, and neither does `text/html`: monitors send a browser's
/// header with it and read JSON all the same.
fn preferred<T>(accept: &str, of_media_type: impl Fn(&str) -> Option<T>) -> Option<T> {
    let mut best = None;
    for range in accept.split(',') {
        let mut parts = range.split(';').map(str::trim);
        let format = parts.next().and_then(&of_media_type);
        let quality = parts
            .find_map(|parameter| parameter.strip_prefix("q="))
            .map_or(1.0, |q| q.parse::<f32>().unwrap_or(0.0));
        let better = best
            .as_ref()
            .is_none_or(|&(_, so_far): &(T, f32)| quality > so_far);
        if let (Some(format), true) = (format, better && quality > 0.0) {
            best = Some((format, quality));
        }
    }
    best.map(|(format, _)| format)
}

/// A check as one reader may see it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shown<'a> {
    pub(crate) report: &'a CheckReport,
    /// The texts of errors are shown as well.
    pub(crate) full: bool,
}

impl<'a> Shown<'a> {
    pub(crate) fn new(report: &'a CheckReport, full: bool) -> Self {
        Shown { report, full }
    }

    /// The private cause without its secrets, for those who may see it.
    fn cause(&self) -> Option<String> {
        let cause = self.report.cause();
        (self.full && !cause.is_empty()).then(|| masked(&cause.join(": ")).into_owned())
    }

    /// Why the check does not pass: the cause for those who may see it, what is
    /// public for the others.
    fn reason(&self) -> Option<String> {
        let public = self.report.message().map(cut);
        match (public, self.cause()) {
            (Some("withheld") | None, Some(cause)) => Some(cut(&cause).to_owned()),
            (Some(public), Some(cause)) => Some(format!("{public}: {}", cut(&cause))),
            (public, None) => public.map(str::to_owned),
        }
    }
}

/// Messages are cut here, so that no check can make the answer too long for a
/// prober (kubelet reads 10 KiB, Consul 4 KiB).
const LONGEST_MESSAGE: usize = 256;

/// The beginning of a message, up to the end of a character.
fn cut(message: &str) -> &str {
    let end = (0..=LONGEST_MESSAGE.min(message.len()))
        .rev()
        .find(|&end| message.is_char_boundary(end))
        .unwrap_or(0);
    &message[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_messages_are_cut_between_characters() {
        assert_eq!(cut("short"), "short");
        let long = "ä".repeat(200);
        assert_eq!(cut(&long).len(), 256);
        let odd = format!("x{long}");
        assert_eq!(cut(&odd).len(), 255);
    }

    #[test]
    fn only_a_format_that_is_named_is_chosen() {
        let browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
        for (accept, format) in [
            ("", None),
            ("*/*", None),
            ("text/*", None),
            (browser, None),
            ("image/png;q=x, ;;,", None),
            ("application/json", Some(Format::Json)),
            (
                "Application/Health+JSON ; charset=utf-8",
                Some(Format::HealthJson),
            ),
            ("text/plain, text/*, */*", Some(Format::Text)),
            (
                "text/plain;q=0.5, application/json;q=0.9",
                Some(Format::Json),
            ),
            ("text/plain, application/json", Some(Format::Text)),
            ("text/plain;q=0", None),
            ("text/plain;q=nonsense", None),
        ] {
            assert_eq!(Format::accepted(accept), format, "{accept}");
        }
    }
}
