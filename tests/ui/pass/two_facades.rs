//! Two facades in one program share one registry and one state.
#[derive(health_core::HealthState)]
struct AppState {
    name: String,
}

#[health_axum::health_check]
async fn through_axum(_: &String) {}

#[health_core::health_check]
async fn through_core(_: &String) {}

#[health_axum::health_check(crate = health_axum::__core)]
async fn through_a_path(_: &String) {}

fn main() {
    let _ = AppState { name: String::new() }.name;
    let all = health_core::__private::inventory::iter::<health_core::__private::CheckDef>;
    assert_eq!(all.into_iter().count(), 3);
}
