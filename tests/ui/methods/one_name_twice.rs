use health_axum::{health_check, health_checks};

struct Cache;

#[health_checks]
impl Cache {
    #[health_check]
    fn ping() {}
}

#[health_check]
fn ping() {}

fn main() {}
