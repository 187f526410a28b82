use health_axum::{HealthState, health_check};

struct PgPool;
struct Redis;

#[derive(HealthState)]
struct AppState { pool: PgPool }

#[health_check(timeout = "2s", critical)]
async fn cache(redis: &Redis, _pool: &PgPool, all: &Vec<Redis>) -> Result<(), String> {
    let _ = (redis, all);
    Ok(())
}

fn main() {}
