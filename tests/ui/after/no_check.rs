use health_axum::health_check;

async fn warm() {}

struct Pool;

impl Pool {
    async fn ping() {}
}

#[health_check(after(warm))]
async fn after_a_function() {}

#[health_check(after(Pool))]
async fn after_a_type() {}

#[health_check(after(Pool::ping))]
async fn after_a_method() {}

#[health_check(after(checks))]
async fn after_a_module() {}

mod checks {}

fn main() {}
