use health_axum::HealthState;

struct PgPool;

async fn ping(_: &PgPool) -> bool { true }

#[derive(HealthState)]
struct AppState {
    #[health(check = pong)]
    pool: PgPool,
}

fn main() {}
