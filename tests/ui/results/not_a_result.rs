use health_axum::health_check;

#[health_check]
async fn db() -> Option<u32> { None }

fn main() {}
