//! Answers as text, one file a format.

pub(crate) mod exposition;
pub(crate) mod fit;
pub(crate) mod html;
pub(crate) mod ietf;
pub(crate) mod json;
pub(crate) mod shown;
pub(crate) mod text;
pub(crate) mod words;

use std::time::Duration;

use http::HeaderValue;

use crate::check::outcome::Status;
use crate::http::render::fit::Room;
use crate::http::render::words::Vocabulary;
use crate::http::service_info::ServiceInfo;

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
    /// For people, where a path is for it: nobody gets it by asking.
    Html,
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

    /// Constants, since the text of a header is looked at byte by byte.
    pub(crate) fn content_type(self) -> HeaderValue {
        const JSON: HeaderValue = HeaderValue::from_static("application/json");
        const HEALTH_JSON: HeaderValue = HeaderValue::from_static("application/health+json");
        const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");
        const HTML: HeaderValue = HeaderValue::from_static("text/html; charset=utf-8");
        match self {
            Format::Html => HTML,
            Format::Json => JSON,
            Format::HealthJson => HEALTH_JSON,
            Format::Text => TEXT,
        }
    }
}

/// What a list says beside its checks.
#[derive(Clone, Debug)]
pub(crate) struct Frame<'a> {
    pub(crate) page: &'static str,
    pub(crate) status: Status,
    pub(crate) words: Vocabulary,
    pub(crate) version: Option<&'a str>,
    pub(crate) uptime: Duration,
    pub(crate) draining: bool,
    /// What the caller should know about its own request.
    pub(crate) warning: Option<String>,
    /// The service, where everything is told.
    pub(crate) about: Option<&'a ServiceInfo>,
    /// For a prober, which reads 10 KiB.
    pub(crate) is_short: bool,
}

impl Frame<'_> {
    fn room(&self) -> Room {
        if self.is_short {
            Room::OF_A_PROBER
        } else {
            Room::ENDLESS
        }
    }
}

/// Of the formats that an `Accept` names in full the one that it likes best. A
/// wildcard names none, and neither does `text/html`: monitors send a browser's
/// header with it and read JSON all the same.
fn preferred<T>(accept: &str, of_media_type: impl Fn(&str) -> Option<T>) -> Option<T> {
    if accept == "*/*" {
        // What kubelet and curl send.
        return None;
    }
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

/// A text on one line, in which every character stands where it was written.
///
/// Control characters, separators of lines and paragraphs, and the marks that
/// change the direction of a text become spaces: with them the text of one check
/// could look like the line of another.
pub(crate) fn one_line(text: &str) -> impl Iterator<Item = char> + '_ {
    let turns = |c| {
        matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}')
            || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    let ends = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}');
    let shown = move |c| if ends(c) || turns(c) { ' ' } else { c };
    text.chars().map(shown)
}

#[cfg(test)]
mod tests {
    use super::*;

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
