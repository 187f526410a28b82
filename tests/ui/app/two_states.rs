mod shared {
    #[derive(health_axum::HealthState)]
    #[health(secondary)]
    pub struct Shared(pub u8);
}

#[derive(health_axum::HealthState)]
struct AppState(u8);

health_axum::app!(shared::Shared);

fn main() {}
