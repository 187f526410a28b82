use health_axum::health_check;

#[health_check]
fn db() -> impl Future<Output = bool> { async { true } }

fn main() {}
