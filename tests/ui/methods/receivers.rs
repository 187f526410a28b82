use health_axum::{HealthState, health_checks};

#[derive(HealthState)]
struct AppState {
    cache: Cache,
}

struct Cache;

#[health_checks]
impl Cache {
    #[health_check]
    async fn by_value(self) -> bool { true }

    #[health_check]
    async fn by_value_to_change(mut self) -> bool { self = Cache; true }

    #[health_check]
    async fn by_its_type(self: Self) -> bool { true }

    #[health_check]
    async fn to_change(&mut self) -> bool { true }

    #[health_check]
    async fn to_change_by_its_type(self: &mut Self) -> bool { true }

    fn no_check(&mut self) {}
}

fn main() {}
