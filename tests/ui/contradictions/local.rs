use health_axum::health_check;

#[health_check(local)]
fn disk() {}

#[health_check(local, local)]
async fn twice() {}

fn main() {}
