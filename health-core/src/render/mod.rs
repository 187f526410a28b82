//! Answers as text, one file a format.

pub(crate) mod json;
