//! The names of checks: safe as path, metric label and JSON key.
//!
//! The attribute applies the same rules at compile time; these are for names
//! that are made at run time.

use crate::check::rules::{Mistake, check_shape, reserved_for};

/// The rules for the name of a check.
pub(crate) fn check(name: &str) -> Result<(), Mistake> {
    check_shape("name", name, "write for example `\"db\"`")?;
    match reserved_for(name) {
        None => Ok(()),
        Some(purpose) => Err(Mistake::new(
            format!("the framework uses this name for {purpose}"),
            format!("write for example `\"{name}-check\"`"),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_the_framework_are_reserved() {
        for name in ["shutdown", "startup", "runtime", "groups"] {
            assert!(check(name).is_err(), "{name}");
        }
        assert_eq!(check("startup-db"), Ok(()));
    }
}
