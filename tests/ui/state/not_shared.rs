use health_axum::HealthState;
use std::cell::Cell;

#[derive(HealthState)]
struct AppState { n: Cell<u32>, #[health(skip)] hidden: std::rc::Rc<u8> }

fn main() {}
