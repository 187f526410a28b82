//! Texts: length limits and masking of secrets.

pub(crate) mod bounded;
pub(crate) mod list;
pub(crate) mod mask;
pub(crate) mod one_line;
pub(crate) mod panic;
