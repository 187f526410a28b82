//! Generated code finds everything by itself.
#![no_implicit_prelude]
#![allow(dead_code, non_camel_case_types)]

mod core {}
mod std {}
mod alloc {}
mod inventory {}
struct Option;
struct Result;
struct Some;
struct None;
struct Box;
struct Clone;
struct u64;
struct u32;
struct str;
struct bool;
trait Send {}
trait Sync {}
trait Any {}
trait Provide {}
struct Duration;

#[derive(::health_axum::HealthState)]
struct AppState {
    name: ::std::string::String,
    number: ::std::sync::Arc<u64>,
}

#[::health_axum::health_check(timeout = "2s", critical, failure_threshold = 3)]
async fn database(_name: &::std::string::String, _number: &u64, _state: &AppState) {}

#[::health_axum::health_check]
fn disk(_name: ::std::string::String) -> ::std::primitive::bool {
    true
}

#[::health_axum::health_check(after(disk, self::database), tags("a"), component = "b", cache = "1s", local)]
async fn ordered(_name: &::std::string::String) {}

struct Cache;

/// Documented.
#[::health_axum::health_checks]
impl Cache {
    /// Described.
    #[::health_axum::health_check(late, after(crate::ordered))]
    async fn ping(&self) -> ::std::primitive::bool {
        true
    }
}

fn main() {}
