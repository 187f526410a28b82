//! What is known of the checks: state that results and deadlines change. No clock,
//! no I/O.

pub(crate) mod deadlines;
pub(crate) mod history;
pub(crate) mod impact;
pub(crate) mod incident;
pub(crate) mod snapshot;
pub(crate) mod stats;
pub(crate) mod track;
