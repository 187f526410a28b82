//! Exports the metrics of [`health_core`] to OpenTelemetry, under the names of
//! the metrics page.
//!
//! ```
//! use health_core::Health;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), health_core::StartError> {
//! let health = Health::builder().start()?;
//! let meter = opentelemetry::global::meter("health");
//! tokio::spawn(health_opentelemetry::record(&health, &meter));
//! # Ok(())
//! # }
//! ```
//!
//! `Health` is that of the adapter: `health_axum::Health` is the same type.
//!
//! # Versions of opentelemetry
//!
//! | feature | opentelemetry | function |
//! |---|---|---|
//! | `v0_33` (default) | 0.33 | [`record`], which is `v0_33::record` |
//! | `v0_32` | 0.32 | `v0_32::record` |
//!
//! A program needs one of them: `default-features = false` with another feature
//! leaves out the newest one. The function at the root is that of the newest
//! supported version; it changes only in a breaking release of this crate.

#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(feature = "v0_32")]
pub mod v0_32;
#[cfg(feature = "v0_33")]
pub mod v0_33;

#[cfg(feature = "v0_33")]
pub use v0_33::record;

/// The code of the README compiles.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
