mod facade {
    pub use health_macros::actix_health_check as health_check;
}

// Stands for a facade that Cargo.toml renames: its usual name is unknown here.
#[facade::health_check]
async fn db() -> bool { true }

fn main() {}
