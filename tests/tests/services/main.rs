//! Services whose checks are given to the builder, asked over real sockets.
//!
//! Nothing here may declare a check or name a library that does: each declared
//! check is part of every `Health` of the program.

mod adapters;
mod contracts;
mod expected_names;
mod features;
mod http;
mod mounts;
mod webhook_schema;
