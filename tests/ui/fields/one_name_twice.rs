use health_axum::{HealthState, health_check};

async fn ping<T>(_: &T) -> bool { true }

#[derive(HealthState)]
struct AppState {
    #[health(check = ping)]
    database: u8,
    #[health(check = ping, name = "queue")]
    waiting: u16,
}

mod checks {
    use super::health_check;

    #[health_check]
    async fn database() {}

    #[health_check]
    async fn queue() {}
}

fn main() {}
