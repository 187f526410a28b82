//! What the examples share. No web framework is in here: an example's own file
//! shows everything that concerns its framework.

pub mod orders;
