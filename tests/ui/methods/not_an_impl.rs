use health_axum::health_checks;

#[health_checks]
mod checks {}

#[health_checks]
async fn function() {}

#[health_checks]
pub struct Cache;

fn main() {}
