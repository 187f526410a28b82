//! Texts: bounded, and without secrets.

pub(crate) mod bounded;
pub(crate) mod mask;
pub(crate) mod panic;
