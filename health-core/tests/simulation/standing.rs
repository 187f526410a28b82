//! Rule 6 of the oracle: the impact of a check on probes and groups.

use health_core::report::Verdict;
use health_core::{Probe, Status};

use crate::coverage::reached;
use crate::oracle::{Oracle, Stage, State};

impl Oracle {
    pub(crate) fn impact(&self, index: usize, probe: Probe) -> Status {
        let State {
            check, before_skip, ..
        } = &self.checks[index];
        if !check.counts_for(probe) {
            return Status::Pass;
        }
        let (verdict, stale) = self.verdict(index);
        if probe == Probe::Liveness {
            match verdict {
                Verdict::Unknown if !stale => return Status::Pass,
                Verdict::Skipped => {
                    if *before_skip == Status::Fail {
                        reached("skipped check goes on failing liveness");
                    }
                    return *before_skip;
                }
                _ => {}
            }
        }
        standing(verdict, check.is_critical_for(probe))
    }

    pub(crate) fn weigh(&self, probe: Probe) -> Status {
        let all = 0..self.checks.len();
        worst(all.map(|index| self.impact(index, probe)))
    }

    pub(crate) fn probe(&self, probe: Probe) -> Status {
        let is_closed = match self.stage {
            Stage::Serving => false,
            Stage::Draining => self.drain_readiness,
            Stage::Stopped => true,
        };
        match probe {
            Probe::Startup if self.has_started => Status::Pass,
            Probe::Readiness if !self.has_started || is_closed => Status::Fail,
            _ => self.weigh(probe),
        }
    }

    pub(crate) fn overall(&self) -> Status {
        worst(Probe::ALL.map(|probe| self.probe(probe)))
    }

    pub(crate) fn group(&self, tag: &str) -> Status {
        let all = self.checks.iter().enumerate();
        let members = all.filter(|(_, state)| state.check.tags.contains(&tag));
        worst(
            members
                .map(|(index, state)| standing(self.verdict(index).0, state.check.is_critical())),
        )
    }

    /// The status of a single check: unknown does not pass.
    pub(crate) fn alone(&self, index: usize) -> Status {
        standing(self.verdict(index).0, true)
    }
}

fn standing(verdict: Verdict, critical: bool) -> Status {
    match verdict {
        Verdict::Pass => Status::Pass,
        Verdict::Warn => Status::Warn,
        _ if critical => Status::Fail,
        _ => Status::Warn,
    }
}

pub(crate) fn worst(statuses: impl IntoIterator<Item = Status>) -> Status {
    let worst = statuses.into_iter().max_by_key(|&status| severity(status));
    worst.unwrap_or(Status::Pass)
}

pub(crate) fn severity(status: Status) -> u8 {
    match status {
        Status::Pass => 0,
        Status::Warn => 1,
        Status::Fail => 2,
    }
}
