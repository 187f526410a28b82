use health_axum::{Health, HealthState, health_check};
use std::sync::Arc;

/// As of actix-web.
#[derive(Clone)]
struct Data<T>(Arc<T>);

#[derive(HealthState)]
struct AppState { name: String }

#[health_check]
async fn db(_state: Data<AppState>, _name: &String) -> bool { true }

fn main() {
    let data = Data(Arc::new(AppState { name: String::new() }));
    let _ = Health::builder().state(data);
}
