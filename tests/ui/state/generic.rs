use health_axum::{HealthState, health_check};

#[derive(HealthState)]
struct AppState<P: Clone> { pool: P }

#[derive(HealthState)]
struct Borrowed<'a> { name: &'a str }

#[health_check]
async fn db(_pool: &String) -> bool { true }

fn main() {}
