//! Applies the operator's settings and logs the effective configuration.

use crate::builder::HealthBuilder;
use crate::http::config::HttpOptions;
use crate::lifecycle::options::LifecycleOptions;
use crate::registry::details::Details;
use crate::registry::error::Problem;
use crate::registry::settings::Settings;
use crate::registry::settings::service::ServiceOptions;
use crate::telemetry::log::{self, InEffect};

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

/// Logs the effective configuration without secrets.
pub(super) fn log_in_effect(
    lifecycle: &LifecycleOptions,
    answers: &HttpOptions,
    settings: &Settings,
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
        prefixes: present(&settings.prefixes().join(" ")),
        settings: present(&settings.listed()),
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
