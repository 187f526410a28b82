use health_axum::health_check;

struct Redis;

#[health_check(timeout = "2s")]
async fn cache(_redis: &Redis, _other: &String) -> Result<(), String> { Ok(()) }

fn main() {}
