//! What the tests share.

pub mod wire;
