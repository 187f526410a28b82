use health_axum::HealthState;

struct PgPool;

async fn ping<Row>(_: &PgPool) -> bool { true }

#[derive(HealthState)]
struct AppState {
    #[health(check = ping)]
    pool: PgPool,
}

fn main() {}
