use health_axum::health_check;

#[health_check(name = "orders-db")]
async fn one() -> bool { true }

#[health_check(name = "orders.db")]
async fn two() -> bool { true }

fn main() {}
