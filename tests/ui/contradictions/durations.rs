use health_axum::health_check;

#[health_check(timeout = "30s", interval = "10s")]
async fn timeout_over_interval() {}

#[health_check(interval = "30s", stale_after = "10s")]
async fn stale_before_the_next_run() {}

#[health_check(stale_after = "12s")]
async fn stale_before_the_next_run_ends() {}

#[health_check(timeout = "1m", stale_after = "90s")]
async fn the_interval_gave_way() {}

#[health_check(interval = "24h", stale_after = "24h")]
async fn no_age_is_long_enough() {}

fn main() {}
