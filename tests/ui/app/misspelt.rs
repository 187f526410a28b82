mod shared {
    #[derive(health_axum::HealthState)]
    #[health(secondary)]
    pub struct AppState(pub u8);
}

health_axum::app!(shared::AppStat);

fn main() {}
