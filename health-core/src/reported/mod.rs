//! Checks whose state the application reports, and that are never run.
//!
//! | type | fails |
//! |---|---|
//! | [`Gate`] | until it is opened |
//! | [`Heartbeat`] | while no beat has come for longer than its deadline |
//! | [`Supervised`] | once the task has ended |
//! | [`Switch`] | while it is switched off |
//!
//! Give a reference to [`HealthBuilder::reported`](crate::HealthBuilder::reported).

pub(crate) mod gate;
pub(crate) mod heartbeat;
pub(crate) mod supervised;
pub(crate) mod switch;

pub use self::gate::Gate;
pub use self::heartbeat::Heartbeat;
pub use self::supervised::Supervised;
pub use self::switch::Switch;
pub use crate::check::source::Reported;
