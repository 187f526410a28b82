//! Checks whose state is reported by the application instead of being run.
//!
//! | type | fails |
//! |---|---|
//! | [`Gate`] | until it is opened |
//! | [`Heartbeat`] | while its last beat is older than the deadline |
//! | [`Supervised`] | once the task has ended |
//! | [`Switch`] | while it is switched off |
//!
//! Pass a reference to
//! [`HealthBuilder::reported`](crate::HealthBuilder::reported).

pub(crate) mod gate;
pub(crate) mod heartbeat;
pub(crate) mod supervised;
pub(crate) mod switch;

pub use self::gate::Gate;
pub use self::heartbeat::Heartbeat;
pub use self::supervised::Supervised;
pub use self::switch::Switch;
pub use crate::check::source::Reported;
