use health_axum::HealthState;

struct PgPool;
struct Redis;

async fn ping(_: &Redis) -> bool { true }

#[derive(HealthState)]
struct AppState {
    #[health(check = ping, timeout = "2s")]
    pool: PgPool,
}

fn main() {}
