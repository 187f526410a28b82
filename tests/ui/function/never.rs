use health_axum::health_check;

#[health_check]
async fn endless() -> ! { loop {} }

fn main() {}
