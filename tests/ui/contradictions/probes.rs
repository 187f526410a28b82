use health_axum::health_check;

#[health_check(liveness)]
async fn liveness_that_decides_nothing() {}

#[health_check(startup, readiness)]
async fn startup_that_decides_nothing() {}

#[health_check(liveness, readiness, critical(readiness))]
async fn left_out_of_critical() {}

#[health_check(liveness, startup, readiness, critical(readiness))]
async fn both_left_out() {}

#[health_check(critical(startup))]
async fn critical_where_it_does_not_count() {}

#[health_check(liveness, critical(liveness, readiness))]
async fn readiness_is_no_longer_the_default() {}

// One mistake is one error: what cannot be read contradicts nothing.
#[health_check(liveness, critical = 1)]
async fn unreadable_critical() {}

fn main() {}
