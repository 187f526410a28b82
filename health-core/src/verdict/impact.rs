//! The impact of checks on a probe.

use crate::check::options::Plan;
use crate::check::outcome::Status;
use crate::check::probe::Probe;
use crate::verdict::Verdict;
use crate::verdict::check_state::Standing;

/// The impact of a check on a probe that it counts for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Impact {
    #[default]
    None,
    /// A check without a result that is not critical: the probe is degraded,
    /// which is not logged.
    Pending,
    Degrades,
    Fails,
}

impl Impact {
    /// Returns the impact: a critical check fails the probe, any other degrades
    /// it.
    ///
    /// Liveness ignores a check without a result, since a restart would not
    /// help. A skipped check counts for liveness like before the skip, so that
    /// a failure never makes a probe healthier.
    pub(crate) fn of(standing: Standing, plan: &Plan, probe: Probe) -> Self {
        if !plan.probes.contains(probe) {
            return Impact::None;
        }
        let has_no_result = standing.verdict == Verdict::Unknown && !standing.stale;
        if probe == Probe::Liveness && has_no_result {
            return Impact::None;
        }
        let verdict = match standing.verdict {
            Verdict::Skipped if probe == Probe::Liveness => standing.before_skip,
            verdict => verdict,
        };
        match verdict {
            Verdict::Pass => Impact::None,
            Verdict::Warn => Impact::Degrades,
            Verdict::Fail | Verdict::Unknown | Verdict::Skipped => {
                if plan.critical.contains(probe) {
                    Impact::Fails
                } else if has_no_result {
                    Impact::Pending
                } else {
                    Impact::Degrades
                }
            }
        }
    }

    pub(crate) fn status(self) -> Status {
        match self {
            Impact::None => Status::Pass,
            Impact::Pending | Impact::Degrades => Status::Warn,
            Impact::Fails => Status::Fail,
        }
    }
}

/// The number of checks that fail or degrade one probe.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ProbeCounts {
    failing: u32,
    degrading: u32,
    pending: u32,
}

impl ProbeCounts {
    pub(crate) fn add(&mut self, impact: Impact) {
        if let Some(count) = self.count(impact) {
            *count += 1;
        }
    }

    pub(crate) fn replace(&mut self, from: Impact, to: Impact) {
        if let Some(count) = self.count(from) {
            *count -= 1;
        }
        self.add(to);
    }

    fn count(&mut self, impact: Impact) -> Option<&mut u32> {
        match impact {
            Impact::None => None,
            Impact::Pending => Some(&mut self.pending),
            Impact::Degrades => Some(&mut self.degrading),
            Impact::Fails => Some(&mut self.failing),
        }
    }

    pub(crate) fn status(self) -> Status {
        match self.status_in_log() {
            Status::Pass if self.pending > 0 => Impact::Pending.status(),
            status => status,
        }
    }

    /// Returns the status without non-critical checks that have no result yet.
    pub(crate) fn status_in_log(self) -> Status {
        if self.failing > 0 {
            Status::Fail
        } else if self.degrading > 0 {
            Status::Warn
        } else {
            Status::Pass
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::options::CheckOptions;

    fn plan(options: &CheckOptions) -> Plan {
        options.resolve().expect("legal options")
    }

    fn standing(verdict: Verdict) -> Standing {
        Standing {
            verdict,
            stale: false,
            before_skip: Verdict::Pass,
        }
    }

    #[test]
    fn criticality_decides_between_failing_and_degraded() {
        let critical = plan(&CheckOptions::new().critical());
        let other = plan(&CheckOptions::new());
        let status = |verdict, plan| Impact::of(standing(verdict), plan, Probe::Readiness).status();
        for verdict in [Verdict::Fail, Verdict::Unknown, Verdict::Skipped] {
            assert_eq!(status(verdict, &critical), Status::Fail);
            assert_eq!(status(verdict, &other), Status::Warn);
        }
        assert_eq!(status(Verdict::Warn, &critical), Status::Warn);
        assert_eq!(status(Verdict::Pass, &critical), Status::Pass);
        let elsewhere = Impact::of(standing(Verdict::Fail), &critical, Probe::Liveness);
        assert_eq!(elsewhere, Impact::None);
    }

    #[test]
    fn liveness_fails_for_stale_results_but_not_for_missing_ones() {
        let live = plan(&CheckOptions::new().liveness().critical());
        let unknown = |stale| {
            let standing = Standing {
                stale,
                ..standing(Verdict::Unknown)
            };
            Impact::of(standing, &live, Probe::Liveness)
        };
        assert_eq!(unknown(false), Impact::None);
        assert_eq!(unknown(true), Impact::Fails);
    }

    #[test]
    fn a_skipped_check_keeps_its_impact_on_liveness() {
        let live = plan(&CheckOptions::new().liveness().critical());
        for (before_skip, impact) in [
            (Verdict::Pass, Impact::None),
            (Verdict::Warn, Impact::Degrades),
            (Verdict::Fail, Impact::Fails),
        ] {
            let skipped = Standing {
                before_skip,
                ..standing(Verdict::Skipped)
            };
            assert_eq!(Impact::of(skipped, &live, Probe::Liveness), impact);
        }
    }

    #[test]
    fn counts_are_right_after_any_order_of_changes() {
        let mut counts = ProbeCounts::default();
        counts.add(Impact::Fails);
        counts.add(Impact::Pending);
        counts.add(Impact::None);
        assert_eq!(counts.status(), Status::Fail);
        counts.replace(Impact::Fails, Impact::None);
        assert_eq!(counts.status(), Status::Warn);
        assert_eq!(counts.status_in_log(), Status::Pass);
        counts.replace(Impact::None, Impact::Degrades);
        assert_eq!(counts.status_in_log(), Status::Warn);
        counts.replace(Impact::Pending, Impact::None);
        counts.replace(Impact::Degrades, Impact::None);
        assert_eq!(counts.status(), Status::Pass);
        assert_eq!(counts, ProbeCounts::default());
    }
}
