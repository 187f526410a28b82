//! Dependencies between checks (`after`), verified at compile time.
//!
//! Each declared check has a [`Dependency`], which a `const fn` next to its function
//! returns. `after` calls the functions of the prerequisites, so a path that is
//! no check does not compile. [`assert_acyclic`] walks the dependencies in a constant,
//! so a cycle does not compile either.

/// A declared check and its prerequisites.
#[doc(hidden)]
#[derive(Debug)]
pub struct Dependency {
    /// The name of the check.
    pub name: &'static str,
    /// The prerequisites: checks that must pass before this one runs.
    pub after: &'static [&'static Dependency],
}

/// Asserts that `first`, a prerequisite of the check `start`, does not depend on
/// `start`.
///
/// # Panics
///
/// Panics if there is such a cycle and `start` has the smallest name in it, so
/// that each cycle is reported once. The caller evaluates the call in a
/// constant, and rustc reports the panic there.
#[track_caller]
pub const fn assert_acyclic(first: &Dependency, start: &str) {
    if first.after.is_empty() && compare(first.name, start) != 0 {
        return; // Most prerequisites have none of their own.
    }
    let mut trail = Trail::new();
    if find_cycle(first, start, &mut trail) {
        let text = trail.text(start);
        match text.as_str() {
            Ok(text) => panic!("{}", text),
            Err(_) => panic!("checks wait for each other in a cycle"),
        }
    }
}

/// The maximum number of dependencies that one walk follows. Cycles beyond it are
/// found by `start()`.
const MAX_DEPENDENCIES: usize = 128;

/// The visited dependencies and the current path of a walk.
struct Trail {
    seen: [&'static str; MAX_DEPENDENCIES],
    seen_count: usize,
    path: [&'static str; MAX_DEPENDENCIES],
    path_length: usize,
}

impl Trail {
    const fn new() -> Self {
        Trail {
            seen: [""; MAX_DEPENDENCIES],
            seen_count: 0,
            path: [""; MAX_DEPENDENCIES],
            path_length: 0,
        }
    }

    /// Returns whether the check is visited for the first time and fits.
    const fn enter(&mut self, name: &'static str) -> bool {
        let mut at = 0;
        while at < self.seen_count {
            if compare(self.seen[at], name) == 0 {
                return false;
            }
            at += 1;
        }
        if self.seen_count == MAX_DEPENDENCIES {
            return false;
        }
        self.seen[self.seen_count] = name;
        self.seen_count += 1;
        self.path[self.path_length] = name;
        self.path_length += 1;
        true
    }

    const fn leave(&mut self) {
        self.path_length -= 1;
    }

    /// `` `a` waits for `b`, which waits for `a` ``
    const fn text(&self, start: &str) -> ConstText {
        let mut text = ConstText::new();
        text.name(start);
        text.push(" waits for ");
        let mut at = 0;
        while at < self.path_length {
            text.name(self.path[at]);
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
const fn find_cycle(check: &Dependency, start: &str, trail: &mut Trail) -> bool {
    if compare(check.name, start) == 0 {
        return true;
    }
    if compare(check.name, start) < 0 || !trail.enter(check.name) {
        return false;
    }
    let mut at = 0;
    while at < check.after.len() {
        if find_cycle(check.after[at], start, trail) {
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
    bytes: [u8; Self::MAX],
    length: usize,
}

impl ConstText {
    const MAX: usize = 1024;

    const fn new() -> Self {
        ConstText {
            bytes: [0; Self::MAX],
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
        while at < part.len() && self.length < Self::MAX {
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

    static A: Dependency = Dependency {
        name: "a",
        after: &[&LEAF, &B],
    };
    static B: Dependency = Dependency {
        name: "b",
        after: &[&LEAF, &C],
    };
    static C: Dependency = Dependency {
        name: "c",
        after: &[&A],
    };
    static LEAF: Dependency = Dependency {
        name: "leaf",
        after: &[],
    };

    #[test]
    #[should_panic = "`a` waits for `b`, which waits for `c`, which waits for `a`"]
    fn a_dependency_cycle_is_listed_from_its_smallest_name() {
        assert_acyclic(&B, A.name);
    }

    #[test]
    fn a_dependency_cycle_is_reported_once() {
        assert_acyclic(&C, B.name);
        assert_acyclic(&A, C.name);
        assert_acyclic(&LEAF, A.name);
        assert_acyclic(&A, "outside");
    }

    #[test]
    #[should_panic = "`leaf` waits for `leaf`"]
    fn a_check_cannot_wait_for_itself() {
        assert_acyclic(&LEAF, LEAF.name);
    }

    #[test]
    fn names_are_compared_at_compile_time() {
        assert!(compare("a", "b") < 0 && compare("b", "a") > 0);
        assert!(compare("a", "ab") < 0 && compare("ab", "a") > 0);
        assert_eq!(compare("a-b", "a-b"), 0);
    }
}
