//! A newsletter: readers subscribe, an editor logs in and publishes an issue, and
//! a worker mails it to each reader.

pub mod email;
pub mod health;
mod routes;
pub mod startup;
pub mod worker;
