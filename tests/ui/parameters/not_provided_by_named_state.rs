use health_axum::{HealthState, health_check};

struct PgPool;
struct Redis;

#[derive(HealthState)]
#[health(secondary)]
struct Other { pool: PgPool }

#[health_check(state = Other)]
async fn cache(_redis: &Redis, _pool: &PgPool) -> bool { true }

fn main() {}
