//! Health checks with other crates. The guide `docs/comparison.md` shows these files
//! next to the code that replaces them.

pub mod with_axum_health;
pub mod with_health_checks;
pub mod with_tonic_health;
