use health_axum::HealthState;

#[derive(HealthState)]
enum AppState { A, B }

#[derive(HealthState)]
union Either { a: u8, b: u8 }

fn main() {}
