use health_axum::{HealthState, health_check};

struct Ledger;

#[derive(HealthState)]
struct AppState { ledger: Ledger }

#[health_check]
async fn db(ledger: Ledger) -> bool { drop(ledger); true }

fn main() {}
