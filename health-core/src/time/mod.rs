//! Time as the engine counts it, without the pauses of the process.

pub(crate) mod clock;
pub(crate) mod stamp;
