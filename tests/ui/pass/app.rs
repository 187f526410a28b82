//! A state that another crate defines.
#![deny(warnings)]
mod shared {
    #[derive(health_axum::HealthState)]
    #[health(secondary)]
    pub struct Shared {
        pub name: String,
    }
}

mod checks {
    use super::shared::Shared;

    #[health_axum::health_check]
    async fn of_the_app(_: &String, _: &Shared) {}

    health_axum::app!(Shared);
}

fn main() {
    let _ = shared::Shared { name: String::new() }.name;
}
