//! Tests with programs that `scripts/test.sh` installs. Plain `cargo test` ignores
//! most of them.

mod guards;
mod probers;
mod prometheus;
mod status_page;
