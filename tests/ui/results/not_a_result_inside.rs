use health_axum::health_check;

#[health_check]
fn disk() -> Result<u32, String> { Ok(1) }

fn main() {}
