//! What the application reports itself, and nobody runs: each is a
//! [`Source`](crate::source::Source) that the application holds by a handle.

mod gate;
mod heartbeat;
mod supervised;
mod switch;

pub use gate::Gate;
pub use heartbeat::Heartbeat;
pub use supervised::Supervised;
pub use switch::Switch;
