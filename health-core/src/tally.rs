//! How many checks stand in the way of a probe.

use crate::sync::{AtomicU64, Ordering};

use crate::options::Plan;
use crate::outcome::Status;
use crate::probe::Probe;
use crate::verdict::Verdict;

/// What one check adds to the count of one probe: failing in the upper half of
/// the number, degraded in the lower one, so that both change in one step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Weight(u64);

impl Weight {
    const NOTHING: Weight = Weight(0);
    const DEGRADED: Weight = Weight(1);
    const FAILING: Weight = Weight(1 << 32);

    /// A check that is critical for a probe fails it, another one degrades it.
    /// Liveness alone does not mind what is not known yet, or was not asked
    /// because of another check: a restart would not make it known.
    pub(crate) fn of(verdict: Verdict, stale: bool, plan: &Plan, probe: Probe) -> Self {
        let not_yet_known = match verdict {
            Verdict::Unknown => !stale,
            Verdict::Skipped => true,
            Verdict::Pass | Verdict::Warn | Verdict::Fail => false,
        };
        if !plan.probes.contains(probe) || (probe == Probe::Liveness && not_yet_known) {
            return Weight::NOTHING;
        }
        match verdict {
            Verdict::Pass => Weight::NOTHING,
            Verdict::Fail | Verdict::Unknown | Verdict::Skipped
                if plan.critical.contains(probe) =>
            {
                Weight::FAILING
            }
            Verdict::Warn | Verdict::Fail | Verdict::Unknown | Verdict::Skipped => Weight::DEGRADED,
        }
    }

    pub(crate) fn plus(self, other: Weight) -> Weight {
        Weight(self.0 + other.0)
    }

    pub(crate) fn status(self) -> Status {
        if self.0 >= Weight::FAILING.0 {
            Status::Fail
        } else if self.0 > 0 {
            Status::Warn
        } else {
            Status::Pass
        }
    }
}

/// The sum of the weights of all checks for one probe.
///
/// A check that changes moves the sum by its own difference, whatever the
/// number of checks, and a reader needs one load.
#[derive(Debug, Default)]
pub(crate) struct Tally(AtomicU64);

impl Tally {
    pub(crate) fn shift(&self, from: Weight, to: Weight) {
        if from != to {
            // Wrapping, half by half: the sum of all weights never goes below
            // zero nor over 2³² checks, so neither half borrows for good.
            self.0
                .fetch_add(to.0.wrapping_sub(from.0), Ordering::AcqRel);
        }
    }

    pub(crate) fn status(&self) -> Status {
        Weight(self.0.load(Ordering::Acquire)).status()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::CheckOptions;

    fn plan(options: &CheckOptions) -> Plan {
        options.resolve().expect("legal options")
    }

    #[test]
    fn criticality_decides_between_failing_and_degraded() {
        let critical = plan(&CheckOptions::new().critical());
        let other = plan(&CheckOptions::new());
        let weight = |verdict, plan| Weight::of(verdict, false, plan, Probe::Readiness);
        for verdict in [Verdict::Fail, Verdict::Unknown] {
            assert_eq!(weight(verdict, &critical).status(), Status::Fail);
            assert_eq!(weight(verdict, &other).status(), Status::Warn);
        }
        assert_eq!(weight(Verdict::Warn, &critical).status(), Status::Warn);
        assert_eq!(weight(Verdict::Pass, &critical).status(), Status::Pass);
        let elsewhere = Weight::of(Verdict::Fail, false, &critical, Probe::Liveness);
        assert_eq!(elsewhere, Weight::NOTHING);
    }

    #[test]
    fn liveness_minds_what_is_stale_but_not_what_is_not_known_yet() {
        let live = plan(&CheckOptions::new().liveness().critical());
        let unknown = |stale| Weight::of(Verdict::Unknown, stale, &live, Probe::Liveness);
        assert_eq!(unknown(false).status(), Status::Pass);
        assert_eq!(unknown(true).status(), Status::Fail);
    }

    #[test]
    fn the_sum_follows_every_order_of_changes() {
        let tally = Tally::default();
        tally.shift(Weight::NOTHING, Weight::FAILING);
        tally.shift(Weight::NOTHING, Weight::DEGRADED);
        assert_eq!(tally.status(), Status::Fail);
        tally.shift(Weight::FAILING, Weight::DEGRADED);
        assert_eq!(tally.status(), Status::Warn);
        tally.shift(Weight::DEGRADED, Weight::NOTHING);
        tally.shift(Weight::DEGRADED, Weight::FAILING);
        assert_eq!(tally.status(), Status::Fail);
        tally.shift(Weight::FAILING, Weight::NOTHING);
        assert_eq!(tally.status(), Status::Pass);
    }
}
