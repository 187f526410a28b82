//! What the framework costs, measured against the limit: see `README.md`.
//!
//! The parts that the programs share: the checks to run ([`workload`]), the
//! service that serves them ([`server`]), the client that asks it ([`load`]),
//! the kernel's account of what that took ([`usage`]), and how figures are
//! shown ([`report`]). [`generated`] are packages for Cargo to build, and [`peer`]
//! what a user would pick instead.

pub mod generated;
pub mod load;
pub mod peer;
pub mod report;
pub mod server;
pub mod usage;
pub mod workload;
