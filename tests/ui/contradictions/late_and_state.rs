use health_axum::health_check;

#[health_check(late, state = AppState)]
async fn database() {}

fn main() {}
