//! What of a list fits into what a prober reads.
//!
//! kubelet reads 10 KiB. Where that is not enough, what does not pass comes
//! first, then its names alone, and the rest is counted.

use crate::http::render::shown::Shown;
use crate::verdict::track::Verdict;

/// How much there is room for, in bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Room {
    checks: usize,
    names: usize,
}

impl Room {
    /// With 2 KiB left for what stands around the list.
    pub(super) const OF_A_PROBER: Room = Room {
        checks: 6 * 1024,
        names: 2 * 1024,
    };
    pub(super) const ENDLESS: Room = Room {
        checks: usize::MAX,
        names: usize::MAX,
    };
}

/// A list, cut to the room for it.
pub(super) struct Fitted<'a, T> {
    /// By name.
    pub(super) checks: Vec<(Shown<'a>, T)>,
    /// Of those that did not fit, the first, the most urgent first.
    pub(super) named: Vec<Shown<'a>>,
    /// How many did not fit, with those that are named.
    pub(super) more: usize,
}

/// What a name takes beside itself, at most: `[+]` and ` excluded: ok`.
const AROUND_A_NAME: usize = 17;

/// Renders until the room is used up; `render` returns a length too.
pub(super) fn fit<'a, T>(
    room: Room,
    checks: impl Iterator<Item = Shown<'a>>,
    render: impl Fn(Shown<'a>) -> (T, usize),
) -> Fitted<'a, T> {
    let mut by_urgency: Vec<Shown<'a>> = checks.collect();
    by_urgency.sort_by_key(urgency);
    let (mut for_checks, mut for_names) = (room.checks, room.names);
    let mut rest = by_urgency.into_iter().peekable();
    let mut fitted = Fitted {
        checks: Vec::new(),
        named: Vec::new(),
        more: 0,
    };
    while let Some(&check) = rest.peek() {
        let (rendered, length) = render(check);
        let Some(left) = for_checks.checked_sub(length) else {
            break;
        };
        for_checks = left;
        fitted.checks.push((check, rendered));
        rest.next();
    }
    for check in rest {
        fitted.more += 1;
        let length = check.report.name().len() + AROUND_A_NAME;
        for_names = for_names.saturating_sub(length);
        if for_names > 0 {
            fitted.named.push(check);
        }
    }
    let name = |(check, _): &(Shown<'a>, T)| check.report.name();
    fitted
        .checks
        .sort_by(|one, other| name(one).cmp(name(other)));
    fitted
}

/// What fails and is critical comes first, what passes last.
fn urgency(check: &Shown<'_>) -> (u8, bool) {
    let by_verdict = match check.report.verdict() {
        Verdict::Fail | Verdict::Unknown | Verdict::Skipped => 0,
        Verdict::Warn => 1,
        Verdict::Pass => 2,
    };
    (by_verdict, !check.report.is_critical())
}
