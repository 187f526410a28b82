use health_axum::health_check;

#[health_check]
fn disk() -> Result<(), ()> { Ok(()) }

fn main() {}
