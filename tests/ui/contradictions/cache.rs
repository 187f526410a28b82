use health_axum::health_check;

#[health_check(cache = "1s", interval = "10s")]
async fn cache_and_interval() {}

#[health_check(interval = "10s", cache = "1s")]
async fn interval_and_cache() {}

#[health_check(cache = "25h")]
async fn too_long() {}

#[health_check(cache = "1m", stale_after = "30s")]
async fn stale_before_it_is_old() {}

#[health_check(cache = "1m", stale_after = "61s")]
async fn stale_before_it_is_renewed() {}

#[health_check(cache = "1m", timeout = "2m", stale_after = "2m")]
async fn the_timeout_counts() {}

#[health_check(cache = "24h", stale_after = "23h")]
async fn beyond_the_longest() {}

// what contradicts something else is not blamed for it as well
#[health_check(cache = "1m", interval = "2m", stale_after = "1s")]
async fn one_cause() {}

fn main() {}
