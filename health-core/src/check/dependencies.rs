//! Dependencies between checks (`after`), verified at compile time.
//!
//! Each declared check has a [`Link`], which a `const fn` next to its function
//! returns. `after` calls the functions of the prerequisites, so a path that is
//! no check does not compile. [`comes_before`] walks the links in a constant,
//! so a cycle does not compile either.

/// A list of names.
pub type Names = &'static [&'static str];

/// A declared check and its prerequisites.
#[doc(hidden)]
#[derive(Debug)]
pub struct Link {
    /// The name of the check.
    pub name: &'static str,
    /// The prerequisites: checks that must pass before this one runs.
    pub after: &'static [&'static Link],
}

/// Proves that `first`, a prerequisite of the check `start`, does not depend on
/// it.
///
/// # Panics
///
/// Panics if there is such a cycle and `start` has the smallest name of it, so
/// that each cycle is reported once. The caller evaluates the call in a
/// constant, and rustc reports the panic there.
#[track_caller]
pub const fn comes_before(first: &Link, start: &str) {
    if first.after.is_empty() && compare(first.name, start) != 0 {
        return; // by far the most, and their proof costs nothing
    }
    let mut trail = Trail::new();
    if way_back(first, start, &mut trail) {
        let text = trail.text(start);
        match text.as_str() {
            Ok(text) => panic!("{}", text),
            Err(_) => panic!("checks wait for each other in a cycle"),
        }
    }
}

/// The maximum number of links that one walk follows. Cycles beyond it are
/// found by `start()`.
const MOST_LINKS: usize = 128;

/// The visited links and the current path of a walk.
struct Trail {
    seen: [&'static str; MOST_LINKS],
    seen_count: usize,
    way: [&'static str; MOST_LINKS],
    way_length: usize,
}

impl Trail {
    const fn new() -> Self {
        Trail {
            seen: [""; MOST_LINKS],
            seen_count: 0,
            way: [""; MOST_LINKS],
            way_length: 0,
        }
    }

    /// Returns whether the link is visited for the first time and fits.
    const fn enter(&mut self, name: &'static str) -> bool {
        let mut at = 0;
        while at < self.seen_count {
            if compare(self.seen[at], name) == 0 {
                return false;
            }
            at += 1;
        }
        if self.seen_count == MOST_LINKS {
            return false;
        }
        self.seen[self.seen_count] = name;
        self.seen_count += 1;
        self.way[self.way_length] = name;
        self.way_length += 1;
        true
    }

    const fn leave(&mut self) {
        self.way_length -= 1;
    }

    /// `` `a` waits for `b`, which waits for `a` ``
    const fn text(&self, start: &str) -> ConstText {
        let mut text = ConstText::new();
        text.name(start);
        text.push(" waits for ");
        let mut at = 0;
        while at < self.way_length {
            text.name(self.way[at]);
            text.push(", which waits for ");
            at += 1;
        }
        text.name(start);
        text
    }
}

/// Returns whether the prerequisites of this check lead to `start` through
/// checks whose names sort after it. Names identify checks: two of the same
/// name cannot start.
const fn way_back(link: &Link, start: &str, trail: &mut Trail) -> bool {
    if compare(link.name, start) == 0 {
        return true;
    }
    if compare(link.name, start) < 0 || !trail.enter(link.name) {
        return false;
    }
    let mut at = 0;
    while at < link.after.len() {
        if way_back(link.after[at], start, trail) {
            return true;
        }
        at += 1;
    }
    trail.leave();
    false
}

/// Returns a negative number, zero or a positive number if `a` is less than,
/// equal to or greater than `b`.
const fn compare(a: &str, b: &str) -> i32 {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    let mut at = 0;
    while at < a.len() && at < b.len() {
        if a[at] != b[at] {
            return a[at] as i32 - b[at] as i32;
        }
        at += 1;
    }
    (a.len() > at) as i32 - (b.len() > at) as i32
}

/// A text that is built at compile time.
struct ConstText {
    bytes: [u8; Self::MOST],
    length: usize,
}

impl ConstText {
    const MOST: usize = 1024;

    const fn new() -> Self {
        ConstText {
            bytes: [0; Self::MOST],
            length: 0,
        }
    }

    const fn name(&mut self, name: &str) {
        self.push("`");
        self.push(name);
        self.push("`");
    }

    /// Names and words are ASCII, so the text can be cut anywhere.
    const fn push(&mut self, part: &str) {
        let part = part.as_bytes();
        let mut at = 0;
        while at < part.len() && self.length < Self::MOST {
            self.bytes[self.length] = part[at];
            self.length += 1;
            at += 1;
        }
    }

    const fn as_str(&self) -> Result<&str, std::str::Utf8Error> {
        let (written, _) = self.bytes.split_at(self.length);
        std::str::from_utf8(written)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    static A: Link = Link {
        name: "a",
        after: &[&LEAF, &B],
    };
    static B: Link = Link {
        name: "b",
        after: &[&LEAF, &C],
    };
    static C: Link = Link {
        name: "c",
        after: &[&A],
    };
    static LEAF: Link = Link {
        name: "leaf",
        after: &[],
    };

    #[test]
    #[should_panic = "`a` waits for `b`, which waits for `c`, which waits for `a`"]
    fn a_dependency_cycle_is_listed_from_its_smallest_name() {
        comes_before(&B, A.name);
    }

    #[test]
    fn a_dependency_cycle_is_reported_once() {
        comes_before(&C, B.name);
        comes_before(&A, C.name);
        comes_before(&LEAF, A.name);
        comes_before(&A, "outside");
    }

    #[test]
    #[should_panic = "`leaf` waits for `leaf`"]
    fn a_check_cannot_wait_for_itself() {
        comes_before(&LEAF, LEAF.name);
    }

    #[test]
    fn names_are_compared_at_compile_time() {
        assert!(compare("a", "b") < 0 && compare("b", "a") > 0);
        assert!(compare("a", "ab") < 0 && compare("ab", "a") > 0);
        assert_eq!(compare("a-b", "a-b"), 0);
    }
}
