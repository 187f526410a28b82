use health_axum::HealthState;

struct PgPool;

async fn ping(_: &PgPool) -> Option<u8> { None }

#[derive(HealthState)]
struct AppState {
    #[health(check = ping)]
    pool: PgPool,
}

fn main() {}
