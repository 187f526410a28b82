//! Services with checks of the builder, over real sockets.
//!
//! No test here may declare a check or name a library that does: a declared check is
//! part of every `Health` of the program.

mod adapters;
mod contracts;
mod expected_names;
mod features;
mod http;
mod mounts;
mod webhook_schema;
