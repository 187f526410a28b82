//! Nothing is the user's fault that the user did not write.
#![forbid(unsafe_code)]
#![deny(warnings, missing_docs, clippy::all, clippy::pedantic, rust_2018_idioms, unused)]
#![deny(missing_debug_implementations, unreachable_pub, unused_qualifications, unused_lifetimes)]
#![deny(single_use_lifetimes, elided_lifetimes_in_paths, trivial_casts, unused_results)]

use health_axum::{HealthState, health_check, health_checks};

/// A field.
#[derive(Clone, Debug)]
pub struct Name(String);

/// The state.
#[derive(Debug, HealthState)]
pub struct AppState {
    /// A name.
    pub name: Name,
    #[health(skip)]
    secret: [u8; 2],
}

/// Documented.
///
/// # Errors
///
/// Never.
#[health_check(timeout = "2s", critical)]
pub async fn database(name: &Name, _state: &AppState) -> Result<(), String> {
    std::future::ready(()).await;
    if name.0.is_empty() { Err("empty".into()) } else { Ok(()) }
}

#[health_check(failure_threshold = 3)]
fn disk(name: Name) -> Result<(), String> {
    if name.0.is_empty() { Err(name.0) } else { Ok(()) }
}

/// A cache.
#[derive(Debug)]
pub struct Cache;

#[health_checks]
impl Cache {
    /// Documented.
    ///
    /// # Errors
    ///
    /// Never.
    #[health_check(late, after(disk))]
    pub async fn ping(&self) -> Result<(), String> {
        std::future::ready(()).await;
        Ok(())
    }
}

/// Documented.
#[health_check(local, after(database, Cache::ping), tags("a"))]
pub async fn ordered() {
    let held = std::rc::Rc::new(1);
    std::future::ready(()).await;
    assert_eq!(*held, 1);
}

#[deprecated]
#[health_check]
fn old() -> bool {
    true
}

fn main() {
    #[health_check(late)]
    fn in_a_body(name: &Name) -> bool {
        name.0.is_empty()
    }

    let state = AppState { name: Name(String::new()), secret: [0; 2] };
    assert_eq!(state.secret, [0; 2]);
}
