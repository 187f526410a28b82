use health_axum::{HealthState, health_check};
use std::cell::Cell;

#[derive(HealthState)]
struct AppState { n: Cell<u32>, #[health(skip)] hidden: std::rc::Rc<u8> }

#[health_check]
async fn db(_n: &Cell<u32>) -> bool { true }

fn main() {}
