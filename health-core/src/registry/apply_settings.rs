//! Applies the settings to the checks.

use crate::registry::error::Problem;
use crate::registry::settings::check::Change;
use crate::registry::{Candidate, Registry};

impl Registry<'_> {
    /// Returns the checks that the settings do not disable and whose dependency
    /// is configured, with their changed options.
    pub(super) fn apply_settings(
        &self,
        candidates: Vec<Candidate>,
        problems: &mut Vec<Problem>,
    ) -> Vec<Candidate> {
        let mut disabled = Vec::new();
        let mut enabled = Vec::with_capacity(candidates.len());
        for mut check in candidates {
            let is_enabled = check.apply(&self.settings.of(&check.name, problems));
            if !check.is_configured {
                continue;
            }
            if is_enabled {
                enabled.push(check);
            } else {
                disabled.push(check);
            }
        }
        self.disabled_groups(&enabled, &disabled, problems);
        enabled
    }

    /// Reports groups whose checks are all disabled, because they would always
    /// be healthy.
    fn disabled_groups(
        &self,
        enabled: &[Candidate],
        disabled: &[Candidate],
        problems: &mut Vec<Problem>,
    ) {
        for &group in self.groups {
            let members = disabled.iter().filter(|check| check.has_tag(group));
            let by: Vec<String> = members
                .map(|check| self.settings.disabled_by(&check.name))
                .collect();
            if by.is_empty() || enabled.iter().any(|check| check.has_tag(group)) {
                continue;
            }
            problems.push(Problem::setting(
                format!(
                    "the settings disable every check of the group `{}`: {}",
                    group.escape_debug(),
                    by.join(", ")
                ),
                "enable one of these checks, or leave the group out of the builder",
            ));
        }
    }
}

impl Candidate {
    /// Applies the settings. Returns whether the check stays enabled.
    fn apply(&mut self, change: &Change) -> bool {
        if let Some(options) = &change.options {
            self.changed = true;
            self.options = self.options.clone().changed_by(options);
        }
        !change.disables
    }
}
