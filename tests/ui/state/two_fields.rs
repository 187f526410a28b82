use health_axum::{HealthState, health_check};
use std::sync::Arc;

#[derive(Clone)]
struct PgPool;

#[derive(HealthState)]
struct AppState { primary: PgPool, replica: PgPool, one: Arc<u8>, two: Arc<u8> }

// The first field still provides it: no second error.
#[health_check]
async fn db(_pool: &PgPool) -> bool { true }

fn main() {}
