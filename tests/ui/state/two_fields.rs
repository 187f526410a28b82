use health_axum::{HealthState, health_check};
use std::sync::Arc;

#[derive(Clone)]
struct PgPool;

// Two fields of one type are no mistake as long as no parameter has this type.
#[derive(HealthState)]
struct AppState {
    primary: PgPool,
    replica: PgPool,
    one: Arc<u8>,
    two: Arc<u8>,
    unused: u16,
    and_again: u16,
}

#[health_check]
async fn db(_pool: &PgPool) -> bool { true }

#[health_check]
async fn number(_shared: &Arc<u8>, _number: &u8) -> bool { true }

fn main() {}
