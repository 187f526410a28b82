use health_axum::health_check;

#[health_check(name = "My DB")]
async fn other_characters() {}

#[health_check(name = "my db")]
async fn space() {}

#[health_check(name = "orders/db")]
async fn slash() {}

#[health_check(name = "größe")]
async fn not_ascii() {}

#[health_check(name = "***")]
async fn no_proposal() {}

#[health_check(name = "-db")]
async fn start() {}

#[health_check(name = "--")]
async fn start_without_proposal() {}

#[health_check(name = "")]
async fn empty() {}

#[health_check(name = "the-primary-database-of-the-orders-service-in-the-region-eu-central-1")]
async fn too_long() {}

#[health_check(name = "shutdown")]
async fn reserved() {}

#[health_check(name = database)]
async fn without_quotes() {}

#[health_check(name = 5)]
async fn number() {}

#[health_check(name = concat!("a", "b"))]
async fn expression() {}

#[health_check]
async fn _db() {}

#[health_check]
async fn Db() {}

#[health_check(startup, critical)]
async fn startup() {}

#[health_check]
fn größe() {}

fn main() {}
