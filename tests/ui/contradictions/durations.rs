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
async fn a_long_interval_needs_a_longer_age() {}

#[health_check(failure_threshold = 20, stale_after = "1m")]
async fn the_threshold_cannot_be_reached() {}

#[health_check(cache = "10s", failure_threshold = 3, stale_after = "20s")]
async fn nor_can_that_of_a_check_on_demand() {}

#[health_check(interval = "24h", failure_threshold = 366, stale_after = "8760h")]
async fn no_age_is_long_enough() {}

fn main() {}
