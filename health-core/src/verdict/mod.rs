//! The state of the checks, changed by results and deadlines. No clock, no I/O.

pub(crate) mod causes;
pub(crate) mod changes;
pub(crate) mod day;
pub(crate) mod deadlines;
pub(crate) mod history;
pub(crate) mod impact;
pub(crate) mod incident;
pub(crate) mod late;
pub(crate) mod snapshot;
pub(crate) mod stats;
pub(crate) mod track;
