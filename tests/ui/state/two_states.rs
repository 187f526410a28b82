use health_axum::{HealthState, health_check};

#[derive(HealthState)]
struct AppState { name: String }

#[derive(HealthState)]
struct OtherState { name: String }

#[health_check]
async fn db(_name: &String, _again: &String) -> bool { true }

fn main() {}
