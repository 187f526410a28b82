use health_axum::{HealthState, health_checks};

#[derive(HealthState)]
struct AppState {
    number: u8,
}

struct Cache;

#[health_checks]
impl Cache {
    #[health_check]
    async fn not_provided(&self) -> bool { true }

    #[health_check]
    async fn parameter_not_provided(_number: &u8, _name: &String) -> bool { true }

    #[health_check(late)]
    async fn not_a_result(&self) -> Option<Self> { None }
}

fn main() {}
