//! The next deadline of every check, and the earliest one.

use crate::time::clock::Moment;

/// A tournament tree: each inner node has the earliest deadline below it, so
/// the root has the earliest of all. Setting a deadline is O(log n), 14 steps
/// for ten thousand checks, and allocates nothing.
#[derive(Debug)]
pub(crate) struct Deadlines {
    /// Node 1 is the root; the children of node `n` are `2n` and `2n + 1`.
    nodes: Box<[Moment]>,
    leaves: usize,
}

impl Deadlines {
    pub(crate) fn new(checks: usize) -> Self {
        let leaves = checks.max(1).next_power_of_two();
        Deadlines {
            nodes: vec![Moment::NEVER; 2 * leaves].into(),
            leaves,
        }
    }

    /// Sets the deadline of a check, or `None`.
    pub(crate) fn set(&mut self, check: usize, deadline: Option<Moment>) {
        let mut node = self.leaves + check;
        self.nodes[node] = deadline.unwrap_or(Moment::NEVER);
        while node > 1 {
            node /= 2;
            let earliest = self.nodes[2 * node].min(self.nodes[2 * node + 1]);
            if self.nodes[node] == earliest {
                return;
            }
            self.nodes[node] = earliest;
        }
    }

    /// Returns the earliest deadline.
    pub(crate) fn earliest(&self) -> Moment {
        self.nodes[1]
    }

    /// Returns the check with the earliest deadline, if it is not after `now`.
    pub(crate) fn passed(&self, now: Moment) -> Option<usize> {
        if self.earliest() > now || self.earliest() == Moment::NEVER {
            return None;
        }
        let mut node = 1;
        while node < self.leaves {
            node *= 2;
            if self.nodes[node] != self.nodes[node / 2] {
                node += 1;
            }
        }
        Some(node - self.leaves)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;

    fn at(secs: u64) -> Moment {
        Moment::START + Duration::from_secs(secs)
    }

    proptest! {
        #[test]
        fn the_earliest_deadline_is_the_minimum(
            checks in 1_usize..40,
            changes in prop::collection::vec((0_usize..40, prop::option::of(0_u64..100)), 0..80),
        ) {
            let mut deadlines = Deadlines::new(checks);
            let mut plain = vec![None; checks];
            for (check, due) in changes {
                let check = check % checks;
                plain[check] = due.map(at);
                deadlines.set(check, due.map(at));
                let least = plain.iter().flatten().min().copied();
                prop_assert_eq!(deadlines.earliest(), least.unwrap_or(Moment::NEVER));
                let passed = deadlines.passed(at(50));
                let expected = least.filter(|least| *least <= at(50));
                prop_assert_eq!(passed.and_then(|check| plain[check]), expected);
            }
        }
    }
}
