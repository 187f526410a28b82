//! Lists of bounded length.

use std::borrow::Borrow;

/// Joins the first names, at most `max`, and counts the others: `a b and 3 more`.
pub(crate) fn listed<S: Borrow<str>>(names: &[S], max: usize, separator: &str) -> String {
    let (first, others) = names.split_at(names.len().min(max));
    let first = first.join(separator);
    match others.len() {
        0 => first,
        more => format!("{first} and {more} more"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_beyond_the_limit_are_counted() {
        let names = ["a", "b", "c"];
        assert_eq!(listed(&names[..0], 2, ", "), "");
        assert_eq!(listed(&names[..2], 2, ", "), "a, b");
        assert_eq!(listed(&names, 2, " "), "a b and 1 more");
    }
}
