use health_axum::{HealthState, health_check};

#[derive(HealthState)]
struct AppState { name: String }

#[health_check]
async fn db(name: &Strin) -> bool { true }

fn main() {}
