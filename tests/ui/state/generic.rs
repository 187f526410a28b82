use health_axum::HealthState;

#[derive(HealthState)]
struct AppState<P: Clone> { pool: P }

#[derive(HealthState)]
struct Borrowed<'a> { name: &'a str }

fn main() {}
