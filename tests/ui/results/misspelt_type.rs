use health_axum::health_check;

#[health_check]
async fn cache() -> Result<(), Eror> { Ok(()) }

fn main() {}
