use health_axum::{HealthState, health_check};

struct Pool;
struct Queue;

#[derive(HealthState)]
#[health(secondary)]
struct Db { pool: Pool, number: u8 }

#[derive(HealthState)]
struct AppState {
    #[health(nested)]
    db: Db,
    number: u8,
}

#[health_check]
async fn queue(_queue: &Queue) -> bool { true }

#[health_check]
async fn twice(_number: &u8) -> bool { true }

fn main() {}
