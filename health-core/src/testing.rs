//! For the tests of applications.
//!
//! A line in a test pins the checks of a program, so that none vanishes with a
//! dependency that is no longer linked:
//!
//! ```
//! use health_core::{health_check, testing};
//!
//! #[health_check]
//! async fn database() -> bool {
//!     true
//! }
//!
//! # fn main() {
//! assert_eq!(testing::declared(), ["database"]);
//! # }
//! ```

use crate::registry;

/// The names of all checks with `#[health_check]` that are linked into this
/// program, sorted.
pub fn declared() -> Vec<&'static str> {
    let mut names: Vec<_> = registry::declared().map(|check| check.name).collect();
    names.sort_unstable();
    names
}
