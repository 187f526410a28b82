//! Frameworks without an adapter, at most fifteen lines each. The guide
//! `docs/frameworks.md` shows these files.

pub mod lambda;
pub mod poem;
pub mod rocket;
pub mod salvo;
pub mod warp;
