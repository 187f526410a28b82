use health_axum::health_check;

#[health_check(state = "AppState")]
async fn state_in_quotes() {}

#[health_check(state = "app state")]
async fn no_path_in_quotes() {}

#[health_check(crate = "health_core")]
async fn crate_in_quotes() {}

#[health_check(state = 5)]
async fn number() {}

#[health_check(state = &AppState)]
async fn reference() {}

fn main() {}
