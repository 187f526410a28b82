//! Renders answers, one file per format.

pub(crate) mod exposition;
pub(crate) mod health_json;
#[cfg(feature = "status-page")]
pub(crate) mod html;
pub(crate) mod json;
mod report;
pub(crate) mod shown;
pub(crate) mod text;
pub(crate) mod truncate;
pub(crate) mod vocabulary;

use std::time::Duration;

use http::HeaderValue;

use crate::check::outcome::Status;
use crate::http::render::truncate::Budget;
use crate::http::render::vocabulary::Vocabulary;
use crate::http::service_info::ServiceInfo;

/// The formats of an answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Format {
    /// Compact JSON for monitors.
    #[default]
    Json,
    /// `application/health+json`.
    HealthJson,
    /// The text format of kube-apiserver.
    Text,
}

impl Format {
    /// Returns the format that `?format=` names. Many clients send a space for
    /// `+`.
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

    /// Returns the preferred format among those that `Accept` names in full.
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

    /// Constants, because creating a header value validates each byte.
    pub(crate) fn content_type(self) -> HeaderValue {
        const JSON: HeaderValue = HeaderValue::from_static("application/json");
        const HEALTH_JSON: HeaderValue = HeaderValue::from_static("application/health+json");
        const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");
        match self {
            Format::Json => JSON,
            Format::HealthJson => HEALTH_JSON,
            Format::Text => TEXT,
        }
    }
}

/// The data around the checks of a list.
#[derive(Clone)]
pub(crate) struct Frame<'a> {
    pub(crate) page: &'a str,
    pub(crate) status: Status,
    pub(crate) words: Vocabulary,
    pub(crate) version: Option<&'a str>,
    pub(crate) uptime: Duration,
    pub(crate) draining: bool,
    /// A warning about the request.
    pub(crate) warning: Option<String>,
    /// The description of the service, in a full answer.
    pub(crate) about: Option<&'a ServiceInfo>,
    /// Whether to truncate the answer for a prober, which reads 10 KiB.
    pub(crate) is_short: bool,
}

impl Frame<'_> {
    fn budget(&self) -> Budget {
        if self.is_short {
            Budget::FOR_PROBES
        } else {
            Budget::UNLIMITED
        }
    }
}

/// Returns the preferred format among those that `Accept` names in full.
/// Wildcards and `text/html` do not count: monitors send the header of a
/// browser and still expect JSON.
fn preferred<T>(accept: &str, of_media_type: impl Fn(&str) -> Option<T>) -> Option<T> {
    if accept == "*/*" {
        // The usual header of kubelet and curl.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_named_format_is_chosen() {
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
