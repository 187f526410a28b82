use health_axum::HealthState;

struct PgPool;

#[derive(Default)]
struct Settings;

#[derive(HealthState)]
struct AppState {
    #[health(check = Settings::default())]
    pool: PgPool,
}

fn main() {}
