//! Truncates a list to the size that a prober reads.
//!
//! kubelet reads 10 KiB. In a longer list, checks that do not pass come first,
//! then only names, then a count.

use crate::http::render::shown::Shown;
use crate::verdict::Verdict;

/// The available size, in bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Budget {
    checks: usize,
    names: usize,
}

impl Budget {
    /// Leaves 2 KiB for the text around the list.
    pub(super) const OF_A_PROBER: Budget = Budget {
        checks: 6 * 1024,
        names: 2 * 1024,
    };
    pub(super) const ENDLESS: Budget = Budget {
        checks: usize::MAX,
        names: usize::MAX,
    };
}

/// A truncated list.
pub(super) struct Fitted<'a, T> {
    /// Sorted by name.
    pub(super) checks: Vec<(Shown<'a>, T)>,
    /// Checks that did not fit and are only named, the most urgent first.
    pub(super) named: Vec<Shown<'a>>,
    /// The number of checks that did not fit, including the named ones.
    pub(super) more: usize,
}

/// The maximum overhead of a name: `[+]` and ` excluded: ok`.
const AROUND_A_NAME: usize = 17;

/// Renders checks until the budget is used up. `render` also returns a length.
pub(super) fn fit<'a, T>(
    room: Budget,
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

/// Orders checks: failing critical ones first, passing ones last.
fn urgency(check: &Shown<'_>) -> (u8, bool) {
    let by_verdict = match check.report.verdict() {
        Verdict::Fail | Verdict::Unknown | Verdict::Skipped => 0,
        Verdict::Warn => 1,
        Verdict::Pass => 2,
    };
    (by_verdict, !check.report.is_critical())
}
