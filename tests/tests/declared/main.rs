//! Checks that this program declares, run by `Health`.
#![allow(clippy::unused_async, reason = "these checks have nothing to wait for")]

mod error_types;
mod kinds_of_checks;
