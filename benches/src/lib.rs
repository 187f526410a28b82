//! The cost of the framework, measured against budgets: see `README.md`.
//!
//! The shared parts of the programs: the checks ([`workload`]), the service
//! ([`server`]), the client ([`load`]), the accounting by the kernel ([`usage`]), and
//! the output ([`report`]). [`generated`] builds packages with Cargo, and [`peer`]
//! has the alternatives.

pub mod generated;
pub mod load;
pub mod peer;
pub mod report;
pub mod server;
pub mod usage;
pub mod workload;
