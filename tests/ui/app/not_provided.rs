use health_axum::health_check;

mod shared {
    #[derive(health_axum::HealthState)]
    #[health(secondary)]
    pub struct Shared(pub u8);
}

health_axum::app!(shared::Shared);

#[health_check]
async fn of_the_app(_: &u8) {}

#[health_check]
async fn not_of_the_app(_name: &String) {}

fn main() {}
