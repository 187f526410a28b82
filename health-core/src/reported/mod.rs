//! What the application reports itself, and nobody runs: each is a
//! [`Source`](crate::source::Source) that the application holds by a handle.

pub(crate) mod gate;
pub(crate) mod heartbeat;
pub(crate) mod supervised;
pub(crate) mod switch;
