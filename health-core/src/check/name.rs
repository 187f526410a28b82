//! Rules for check names, which are used as path segments, metric labels and
//! JSON keys.
//!
//! The attribute applies the same rules at compile time; these functions are
//! for names that are created at run time.

use crate::check::rules::{Mistake, check_shape, reserved_for};

/// Validates the name of a check.
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
    fn page_names_of_the_framework_are_reserved() {
        for name in ["shutdown", "startup", "runtime", "groups"] {
            assert!(check(name).is_err(), "{name}");
        }
        assert_eq!(check("startup-db"), Ok(()));
    }
}
