use health_axum::HealthState;

#[derive(HealthState)]
struct AppState { pool: PgPol }

fn main() {}
