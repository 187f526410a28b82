//! The names of checks: safe as path, metric label and JSON key.
//!
//! The attribute applies the same rules at compile time; these are for names
//! that are made at run time.

const LONGEST: usize = 64;

/// Names that the framework gives to its own reasons and paths.
const RESERVED: [&str; 4] = ["shutdown", "startup", "runtime", "groups"];

/// `-`, `_` and `.` meet as metric labels, so names that differ only there
/// count as the same.
pub(crate) fn folded(name: &str) -> String {
    name.replace(['-', '.'], "_")
}

/// What is wrong with a name, and what to write instead.
pub(crate) fn broken_rule(name: &str) -> Option<(String, String)> {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_.".contains(c);
    let rule = |what: String, help: &str| Some((what, help.to_owned()));
    if name.is_empty() {
        return rule("it is empty".into(), "write for example `db`");
    }
    if name.len() > LONGEST {
        let what = format!("it has {} characters, {LONGEST} is the most", name.len());
        return rule(
            what,
            "it becomes a path, a label and a JSON key; shorten it",
        );
    }
    if let Some(bad) = name.chars().find(|&c| !allowed(c)) {
        let what = format!("it contains `{}`", bad.escape_debug());
        return rule(what, "use `a` to `z`, digits, `-`, `_` and `.`");
    }
    if name.starts_with(['-', '_', '.']) {
        let what = "a name starts with a letter or a digit".into();
        return rule(what, "leave out what stands before the first letter");
    }
    if RESERVED.contains(&folded(name).as_str()) {
        let what = "the framework uses it for itself".into();
        return rule(what, "say whose it is, for example `queue-shutdown`");
    }
    None
}

/// The candidate that somebody who wrote `name` probably meant.
pub(crate) fn similar<'a>(
    name: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let tolerance = 1 + name.len() / 4;
    candidates
        .into_iter()
        .map(|candidate| (distance(name, candidate), candidate))
        .filter(|&(distance, _)| distance <= tolerance)
        .min()
        .map(|(_, candidate)| candidate)
}

/// Levenshtein's distance in bytes, one row of the table at a time.
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.bytes().enumerate() {
            let replaced = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_name_may_be() {
        for good in ["db", "orders-db", "a.b_c", "0", &"x".repeat(64)] {
            assert_eq!(broken_rule(good), None, "{good}");
        }
        for bad in [
            "",
            "DB",
            "-db",
            "_db",
            "a b",
            "ä",
            "a/b",
            "a:b",
            "shutdown",
            &"x".repeat(65),
        ] {
            assert!(broken_rule(bad).is_some(), "{bad}");
        }
    }

    #[test]
    fn a_slip_of_the_pen_is_recognised() {
        let names = ["database", "cache", "queue"];
        assert_eq!(similar("databse", names), Some("database"));
        assert_eq!(similar("cahce", names), Some("cache"));
        assert_eq!(similar("ledger", names), None);
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("", "abc"), 3);
    }
}
