use health_axum::health_check;

#[health_check(timeout = "2 sec")]
async fn unknown_unit() {}

#[health_check(interval = "2 parsecs")]
async fn unknown_unit_without_proposal() {}

#[health_check(interval = "2d")]
async fn days() {}

#[health_check(timeout = "2")]
async fn no_unit() {}

#[health_check(timeout = 2)]
async fn number() {}

#[health_check(timeout = 2s)]
async fn suffix() {}

#[health_check(timeout = 0.5)]
async fn float() {}

#[health_check(timeout = true)]
async fn boolean() {}

#[health_check(timeout = "two seconds")]
async fn words() {}

#[health_check(timeout = "")]
async fn empty() {}

#[health_check(timeout = "2 s")]
async fn space() {}

#[health_check(timeout = "1m30s")]
async fn two_units() {}

#[health_check(initial_delay = "-1s")]
async fn negative() {}

#[health_check(timeout = -1)]
async fn negative_number() {}

#[health_check(timeout = "1.5s")]
async fn fraction() {}

#[health_check(stale_after = "1.23456s")]
async fn fraction_below_a_millisecond() {}

#[health_check(timeout = "99999999999999999999s")]
async fn beyond_the_clock() {}

#[health_check(timeout = "2h")]
async fn longest_timeout() {}

#[health_check(interval = "25h", timeout = "1s")]
async fn longest_interval() {}

#[health_check(initial_delay = "86400001ms")]
async fn longest_delay() {}

#[health_check(stale_after = "8761h")]
async fn longest_age() {}

const TWO_SECONDS: &str = "2s";

#[health_check(timeout = TWO_SECONDS)]
async fn constant() {}

#[health_check(timeout = Duration::from_secs(2))]
async fn call() {}

#[health_check(timeout = "0s")]
async fn zero_timeout() {}

#[health_check(interval = "0s")]
async fn zero_interval() {}

fn main() {}
