use health_axum::{HealthState, health_check};

async fn ping<T>(_: &T) -> bool { true }

#[derive(HealthState)]
struct AppState {
    #[health(check = ping, after(cache))]
    database: u8,
    #[health(check = ping, after(database))]
    cache: u16,
    unchecked: u32,
}

#[health_check(after(unchecked))]
async fn queue() {}

fn main() {}
