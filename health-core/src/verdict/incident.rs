//! The ID of a period in which a check was not passing.

use std::fmt;
use std::time::Duration;

use serde::{Serialize, Serializer};

use crate::time::clock::Moment;

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(60 * 60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// The ages at which the log repeats that an incident is still open; afterwards
/// once per day.
const REMINDERS: [Duration; 3] = [
    Duration::from_secs(5 * MINUTE.as_secs()),
    HOUR,
    Duration::from_secs(6 * HOUR.as_secs()),
];

/// Crockford's base 32: without `i`, `l`, `o` and `u`, which are easily
/// confused.
const ALPHABET: [u8; 32] = *b"0123456789abcdefghjkmnpqrstvwxyz";

/// The ID of a period in which a check was not passing, such as `k3f9qz`.
///
/// It begins when the check fails, is skipped or is stale, and ends when the
/// check works again. The log and the answers show the same ID. It is random
/// and carries no information.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Incident([u8; 6]);

impl Incident {
    fn draw() -> Self {
        Incident([(); 6].map(|()| ALPHABET[fastrand::usize(..ALPHABET.len())]))
    }

    /// Returns the ID: six digits and lower-case letters.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl fmt::Display for Incident {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for Incident {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Incident({self})")
    }
}

impl Serialize for Incident {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// An incident that has not ended.
#[derive(Debug)]
pub(crate) struct Ongoing {
    pub(crate) incident: Incident,
    since: Moment,
    next_reminder: Duration,
}

impl Ongoing {
    pub(crate) fn begin(now: Moment) -> Self {
        Ongoing {
            incident: Incident::draw(),
            since: now,
            next_reminder: next_reminder(Duration::ZERO),
        }
    }

    /// Returns the age of the incident when a reminder is due. Reminders have
    /// increasing intervals, so that a long failure does not flood the log.
    pub(crate) fn reminder(&mut self, now: Moment) -> Option<Duration> {
        let lasting = now.since(self.since);
        if lasting < self.next_reminder {
            return None;
        }
        self.next_reminder = next_reminder(lasting);
        Some(lasting)
    }
}

fn next_reminder(lasting: Duration) -> Duration {
    let early = REMINDERS.into_iter().find(|&after| lasting < after);
    early.unwrap_or_else(|| {
        let days = lasting.as_secs() / DAY.as_secs();
        Duration::from_secs((days + 1) * DAY.as_secs())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_incident_id_is_short_printable_and_random() {
        let incidents: std::collections::HashSet<_> =
            (0..1_000).map(|_| Incident::draw()).collect();
        assert!(incidents.len() > 990, "{}", incidents.len());
        for incident in incidents {
            let text = incident.to_string();
            assert_eq!(text.len(), 6);
            assert!(text.bytes().all(|c| ALPHABET.contains(&c)), "{text}");
        }
    }

    #[test]
    fn reminders_come_at_growing_intervals_and_then_daily() {
        let start = Moment::START;
        let mut ongoing = Ongoing::begin(start);
        let minutes = (0..=60 * 24 * 3).map(|minute| start + minute * MINUTE);
        let told: Vec<u64> = minutes
            .filter_map(|now| Some(ongoing.reminder(now)?.as_secs() / 60))
            .collect();
        assert_eq!(told, [5, 60, 360, 1_440, 2_880, 4_320]);
    }

    #[test]
    fn missed_reminders_are_sent_once() {
        let start = Moment::START;
        let mut ongoing = Ongoing::begin(start);
        assert_eq!(ongoing.reminder(start + 2 * HOUR), Some(2 * HOUR));
        assert_eq!(ongoing.reminder(start + 3 * HOUR), None);
    }
}
