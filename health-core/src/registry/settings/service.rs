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

/// The names of all settings of the service.
pub(super) const NAMES: [&str; 18] = [
    "drain_delay",
    "drain_readiness",
    "termination_grace",
    "startup_patience",
    "details",
    "probe_details",
    TOKENS[0],
    TOKENS[1],
    "guard_addresses",
    "trusted_proxies",
    "base_path",
    "liveness_path",
    "readiness_path",
    "startup_path",
    "health_path",
    "status_path",
    "metrics_path",
    "openapi_path",
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

impl ServiceOptions {
    /// Applies the value of a setting. Returns whether there is such a setting.
    pub(super) fn set(&mut self, name: &str, value: &Value) -> Result<bool, InvalidValue> {
        match name {
            "drain_delay" => self.drain_delay = Some(duration(value)?),
            "drain_readiness" => self.drain_readiness = Some(flag(value)?),
            "termination_grace" => self.termination_grace = Some(duration(value)?),
            "startup_patience" => self.startup_patience = Some(duration(value)?),
            "details" => self.details = Some(details(value)?),
            "probe_details" => self.probe_details = Some(details(value)?),
            "guard_token" => self.guard_token = Some(secret(value)?),
            "guard_token_file" => self.guard_token = Some(secret_in_file(value)?),
            "guard_addresses" => self.guard_addresses = ranges(value)?,
            "trusted_proxies" => self.trusted_proxies = ranges(value)?,
            "base_path" => self.base_path = Some(path(value)?),
            "liveness_path" => self.add_path(value, Page::Probe(Probe::Liveness))?,
            "readiness_path" => self.add_path(value, Page::Probe(Probe::Readiness))?,
            "startup_path" => self.add_path(value, Page::Probe(Probe::Startup))?,
            "health_path" => self.add_path(value, Page::Health)?,
            #[cfg(feature = "status-page")]
            "status_path" => self.add_path(value, Page::StatusPage)?,
            #[cfg(not(feature = "status-page"))]
            "status_path" => return Err(missing(value, "status-page")),
            "metrics_path" => self.add_path(value, Page::Metrics)?,
            #[cfg(feature = "openapi")]
            "openapi_path" => self.add_path(value, Page::OpenApi)?,
            #[cfg(not(feature = "openapi"))]
            "openapi_path" => return Err(missing(value, "openapi")),
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn add_path(&mut self, value: &Value, page: Page) -> Result<(), InvalidValue> {
        self.paths.push((path(value)?, page));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_a_setting() {
        for name in NAMES {
            let set = ServiceOptions::default().set(name, &Value::Null);
            assert!(set.is_err(), "{name} takes no null");
        }
        let unknown = ServiceOptions::default().set("unknown", &Value::Null);
        assert!(matches!(unknown, Ok(false)));
    }
}
