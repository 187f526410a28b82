use health_axum::health_check;

#[health_check(failure_threshold = 0)]
async fn zero() {}

#[health_check(success_threshold = "3")]
async fn quoted() {}

#[health_check(success_threshold = "three")]
async fn word() {}

#[health_check(failure_threshold = -1)]
async fn negative() {}

#[health_check(failure_threshold = 4294967296)]
async fn too_large() {}

#[health_check(failure_threshold = 1.5)]
async fn fraction() {}

#[health_check(failure_threshold = THREE)]
async fn constant() {}

fn main() {}
