//! Everything that a parameter can be.
use health_axum::{HealthState, health_check};
use std::borrow::Cow;
use std::sync::Arc;

trait Mailer: Send + Sync {}

#[derive(Clone)]
struct Pool;

#[derive(Clone, Copy)]
struct Limits {
    most: u8,
}

struct Cache;

#[derive(HealthState)]
struct AppState {
    pool: Pool,
    limits: Limits,
    cache: Arc<Cache>,
    mailer: Arc<dyn Mailer>,
    text: Arc<str>,
    list: Arc<[u8]>,
    path: Arc<std::path::Path>,
    url: Cow<'static, str>,
    pair: (u8, String),
    bytes: [u8; 4],
    callback: fn(&str) -> bool,
    shared: Arc<dyn Fn(&str) -> bool + Send + Sync>,
    borrowed: &'static str,
    #[health(skip)]
    other_pool: Pool,
    // the field provides it, and not the `Arc`
    number: u64,
    counted: Arc<u64>,
}

#[health_check]
async fn several(pool: &Pool, limits: &Limits, cache: &Cache) -> bool {
    let _ = (pool, cache);
    limits.most > 0
}

#[health_check]
async fn by_value(_pool: Pool, _cache: Arc<Cache>, mut limits: Limits, _: Arc<dyn Mailer>) {
    limits.most += 1;
    assert!(limits.most > 0);
}

#[health_check]
async fn patterns(Limits { most }: &Limits, (number, _): &(u8, String), _: &Pool) -> bool {
    most > number
}

#[health_check]
async fn behind_an_arc(_: &Arc<Cache>, _: &Arc<dyn Mailer>, _: &Arc<str>, _: &Arc<[u8]>) {}

#[health_check]
async fn whole_state(state: &AppState) -> bool {
    state.number > 0
}

#[health_check]
fn blocking(state: &AppState, bytes: &[u8; 4], limits: Limits) -> bool {
    state.number > bytes[0].into() && limits.most > 0
}

#[health_check]
async fn lifetimes<'a, 'b>(url: &'a Cow<'a, str>, borrowed: &'b &'a str, elided: &Cow<'_, str>) -> bool
where
    'a: 'b,
{
    url.len() > borrowed.len() + elided.len()
}

#[health_check]
async fn functions(callback: &fn(&str) -> bool, shared: &Arc<dyn for<'a> Fn(&'a str) -> bool + Send + Sync>) -> bool {
    callback("x") && shared("x")
}

#[health_check]
async fn paths(_: &std::borrow::Cow<'static, str>, _: &self::Pool, _: &crate::Cache) {}

#[health_check]
async fn with_attributes(
    #[cfg(any())] _never: &Nowhere,
    #[cfg(all())] _always: &Pool,
    #[allow(unused_variables)] unused: &Limits,
) {
}

fn main() {
    fn used(state: AppState) {
        let AppState { pool, limits, cache, mailer, text, list, path, url, pair, bytes, callback, shared, borrowed, other_pool, number, counted } = state;
        let _ = (pool, limits, cache, mailer, text, list, path, url, pair, bytes, callback, shared, borrowed, other_pool, number, counted);
    }
    let _ = used;
}
