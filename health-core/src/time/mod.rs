//! Running time, which excludes pauses of the process.

pub(crate) mod clock;
pub(crate) mod stamp;
