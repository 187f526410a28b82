//! Settings of the service as a whole.

use std::time::Duration;

use serde_json::Value;

use crate::check::probe::Probe;
use crate::registry::details::Details;
use crate::registry::page::Page;
#[cfg(not(all(feature = "openapi", feature = "status-page")))]
use crate::registry::settings::value::invalid;
use crate::registry::settings::value::{
    InvalidValue, details, duration, flag, path, ranges, secret, secret_in_file,
};

/// The changes of the settings to the service; `None` keeps the builder's
/// value.
#[derive(Default)]
pub(crate) struct ServiceOptions {
    pub(crate) drain_delay: Option<Duration>,
    pub(crate) drain_readiness: Option<bool>,
    pub(crate) termination_grace: Option<Duration>,
    pub(crate) startup_patience: Option<Duration>,
    pub(crate) details: Option<Details>,
    pub(crate) probe_details: Option<Details>,
    pub(crate) base_path: Option<String>,
    pub(crate) paths: Vec<(String, Page)>,
    /// A secret, so this type has no `Debug`.
    pub(crate) guard_token: Option<String>,
    /// Validated. Added to those of the builder.
    pub(crate) guard_addresses: Vec<String>,
    /// Validated. Added to those of the builder.
    pub(crate) trusted_proxies: Vec<String>,
}

type Set = fn(&mut ServiceOptions, &Value) -> Result<(), InvalidValue>;

/// The settings of the service, each with the function that applies its value.
const SETTINGS: [(&str, Set); 18] = [
    ("drain_delay", |service, value| {
        service.drain_delay = Some(duration(value)?);
        Ok(())
    }),
    ("drain_readiness", |service, value| {
        service.drain_readiness = Some(flag(value)?);
        Ok(())
    }),
    ("termination_grace", |service, value| {
        service.termination_grace = Some(duration(value)?);
        Ok(())
    }),
    ("startup_patience", |service, value| {
        service.startup_patience = Some(duration(value)?);
        Ok(())
    }),
    ("details", |service, value| {
        service.details = Some(details(value)?);
        Ok(())
    }),
    ("probe_details", |service, value| {
        service.probe_details = Some(details(value)?);
        Ok(())
    }),
    (TOKENS[0], |service, value| {
        service.guard_token = Some(secret(value)?);
        Ok(())
    }),
    (TOKENS[1], |service, value| {
        service.guard_token = Some(secret_in_file(value)?);
        Ok(())
    }),
    ("guard_addresses", |service, value| {
        service.guard_addresses = ranges(value)?;
        Ok(())
    }),
    ("trusted_proxies", |service, value| {
        service.trusted_proxies = ranges(value)?;
        Ok(())
    }),
    ("base_path", |service, value| {
        service.base_path = Some(path(value)?);
        Ok(())
    }),
    ("liveness_path", |service, value| {
        service.add_path(value, Page::Probe(Probe::Liveness))
    }),
    ("readiness_path", |service, value| {
        service.add_path(value, Page::Probe(Probe::Readiness))
    }),
    ("startup_path", |service, value| {
        service.add_path(value, Page::Probe(Probe::Startup))
    }),
    ("health_path", |service, value| {
        service.add_path(value, Page::Health)
    }),
    #[cfg(feature = "status-page")]
    ("status_path", |service, value| {
        service.add_path(value, Page::StatusPage)
    }),
    #[cfg(not(feature = "status-page"))]
    ("status_path", |_, value| Err(missing(value, "status-page"))),
    ("metrics_path", |service, value| {
        service.add_path(value, Page::Metrics)
    }),
    #[cfg(feature = "openapi")]
    ("openapi_path", |service, value| {
        service.add_path(value, Page::OpenApi)
    }),
    #[cfg(not(feature = "openapi"))]
    ("openapi_path", |_, value| Err(missing(value, "openapi"))),
];

/// Two settings for the same secret, which exclude each other.
pub(super) const TOKENS: [&str; 2] = ["guard_token", "guard_token_file"];

#[cfg(not(all(feature = "openapi", feature = "status-page")))]
fn missing(value: &Value, feature: &str) -> InvalidValue {
    invalid(
        value,
        &format!("nothing: the service is built without the feature `{feature}`"),
    )
}

/// Returns the names of all settings of the service.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    SETTINGS.iter().map(|(name, _)| *name)
}

pub(super) fn is_setting(word: &str) -> bool {
    names().any(|name| name == word)
}

impl ServiceOptions {
    /// Applies the value of a setting. Returns `None` if there is no such
    /// setting.
    pub(super) fn set(&mut self, name: &str, value: &Value) -> Option<Result<(), InvalidValue>> {
        let (_, set) = SETTINGS.iter().find(|(setting, _)| *setting == name)?;
        Some(set(self, value))
    }

    fn add_path(&mut self, value: &Value, page: Page) -> Result<(), InvalidValue> {
        self.paths.push((path(value)?, page));
        Ok(())
    }
}
