//! Applies the operator's settings and logs the effective configuration.

use crate::builder::HealthBuilder;
use crate::http::options::HttpOptions;
use crate::lifecycle::options::LifecycleOptions;
use crate::registry::details::Details;
#[cfg(feature = "settings")]
use crate::registry::error::Problem;
#[cfg(feature = "settings")]
use crate::registry::settings::service::ServiceOptions;
use crate::telemetry::log::{self, InEffect};

#[cfg(feature = "settings")]
impl HealthBuilder {
    /// Overrides the builder's values with the settings of the service.
    pub(super) fn apply_settings(&mut self, problems: &mut Vec<Problem>) {
        let ServiceOptions {
            drain_delay,
            drain_readiness,
            termination_grace,
            startup_patience,
            details,
            probe_details,
            base_path,
            paths,
            guard_token,
            guard_addresses,
            trusted_proxies,
        } = self.settings.service(problems);
        let lifecycle = &mut self.lifecycle;
        lifecycle.drain_delay = drain_delay.unwrap_or(lifecycle.drain_delay);
        lifecycle.drain_readiness = drain_readiness.unwrap_or(lifecycle.drain_readiness);
        lifecycle.termination_grace = termination_grace.or(lifecycle.termination_grace);
        lifecycle.startup_patience = startup_patience.unwrap_or(lifecycle.startup_patience);
        let answers = &mut self.http;
        answers.details = details.unwrap_or(answers.details);
        answers.probe_details = probe_details.unwrap_or(answers.probe_details);
        if let Some(base) = base_path {
            answers.paths.set_base(base);
        }
        for (path, page) in paths {
            answers.paths.add(path, page);
        }
        let mut guard = std::mem::take(&mut answers.guard)
            .addresses(guard_addresses)
            .trusted_proxies(trusted_proxies);
        if let Some(token) = guard_token {
            guard = guard.bearer(token);
        }
        answers.guard = guard;
    }
}

/// The settings in effect, for the log.
pub(super) struct SettingsSummary {
    prefixes: String,
    settings: String,
}

impl HealthBuilder {
    #[cfg(feature = "settings")]
    pub(super) fn settings_summary(&self) -> SettingsSummary {
        SettingsSummary {
            prefixes: self.settings.prefixes().join(" "),
            settings: self.settings.listed(),
        }
    }

    #[cfg(not(feature = "settings"))]
    #[expect(clippy::unused_self, reason = "same signature")]
    pub(super) fn settings_summary(&self) -> SettingsSummary {
        SettingsSummary {
            prefixes: String::new(),
            settings: String::new(),
        }
    }
}

/// Logs the effective configuration without secrets.
pub(super) fn log_in_effect(
    lifecycle: &LifecycleOptions,
    answers: &HttpOptions,
    summary: &SettingsSummary,
) {
    let mut paths: Vec<&str> = answers.paths.iter().collect();
    paths.sort_unstable();
    let guard = match answers.guard.kinds() {
        kinds if kinds.is_empty() => "none".to_owned(),
        kinds => kinds.join(" "),
    };
    log::in_effect(&InEffect {
        drain_delay: lifecycle.drain_delay,
        drain_readiness: lifecycle.drain_readiness,
        details: word(answers.details),
        probe_details: word(answers.probe_details),
        guard: &guard,
        paths: &paths.join(" "),
        prefixes: present(&summary.prefixes),
        settings: present(&summary.settings),
    });
}

fn present(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}

fn word(details: Details) -> &'static str {
    match details {
        Details::Status => "status",
        Details::Checks | Details::Full => "checks",
    }
}
