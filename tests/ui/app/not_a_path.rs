health_axum::app!();
health_axum::app!("AppState");
health_axum::app!(shared::AppState, other::AppState);

fn main() {}
