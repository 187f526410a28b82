//! Truncates a list to the size that a prober reads.
//!
//! kubelet reads 10 KiB. In a longer list, checks that do not pass come first,
//! then only names, then a count.

use crate::http::render::shown::Shown;
use crate::verdict::Verdict;

/// The available size, in bytes.
#[derive(Clone, Copy)]
pub(super) struct Budget {
    checks: usize,
    names: usize,
}

impl Budget {
    /// Leaves 2 KiB for the text around the list.
    pub(super) const FOR_PROBES: Budget = Budget {
        checks: 6 * 1024,
        names: 2 * 1024,
    };
    pub(super) const UNLIMITED: Budget = Budget {
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
const NAME_OVERHEAD: usize = 17;

/// Renders checks until the budget is used up. `render` also returns a length.
/// The checks must be sorted by name, except that the last one can be anywhere.
pub(super) fn fit<'a, T>(
    budget: Budget,
    checks: &[Shown<'a>],
    render: impl Fn(Shown<'a>) -> (T, usize),
) -> Fitted<'a, T> {
    let mut left = budget.checks;
    let mut rendered: Vec<Option<T>> = Vec::new();
    rendered.resize_with(checks.len(), || None);
    let mut rest = by_urgency(checks).into_iter();
    let mut unfit = Vec::new();
    for index in rest.by_ref() {
        let (check, length) = render(checks[index]);
        let Some(remaining) = left.checked_sub(length) else {
            unfit.push(index);
            break;
        };
        left = remaining;
        rendered[index] = Some(check);
    }
    unfit.extend(rest);
    let fitted = by_name(checks).into_iter().filter_map(|index| {
        let rendered = rendered[index].take()?;
        Some((checks[index], rendered))
    });
    Fitted {
        checks: fitted.collect(),
        more: unfit.len(),
        named: named(budget.names, checks, &unfit),
    }
}

/// Returns the checks whose names fit, in the given order.
fn named<'a>(budget: usize, checks: &[Shown<'a>], unfit: &[usize]) -> Vec<Shown<'a>> {
    let mut left = budget;
    let fits = |check: &Shown<'_>| {
        left = left.saturating_sub(check.report.name().len() + NAME_OVERHEAD);
        left > 0
    };
    let checks = unfit.iter().map(|&index| checks[index]);
    checks.take_while(fits).collect()
}

/// Returns the order by name.
fn by_name(checks: &[Shown<'_>]) -> Vec<usize> {
    let name = |index: usize| checks[index].report.name();
    let mut order: Vec<usize> = (0..checks.len()).collect();
    if let Some(last) = order.pop() {
        let place = order.partition_point(|&index| name(index) < name(last));
        order.insert(place, last);
    }
    order
}

/// Returns the order of urgency: failing critical checks first, passing ones last.
/// Equally urgent checks keep their order.
fn by_urgency(checks: &[Shown<'_>]) -> Vec<usize> {
    let mut order = Vec::with_capacity(checks.len());
    for rank in [
        (0, true),
        (0, false),
        (1, true),
        (1, false),
        (2, true),
        (2, false),
    ] {
        let of_rank = (0..checks.len()).filter(|&index| urgency(&checks[index]) == rank);
        order.extend(of_rank);
    }
    order
}

/// Returns how urgent the verdict is, and whether the check is critical.
fn urgency(check: &Shown<'_>) -> (u8, bool) {
    let by_verdict = match check.report.verdict() {
        Verdict::Fail | Verdict::Unknown | Verdict::Skipped => 0,
        Verdict::Warn => 1,
        Verdict::Pass => 2,
    };
    (by_verdict, check.report.is_critical())
}
