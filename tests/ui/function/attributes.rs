use health_axum::health_check;

#[health_check]
#[health_check(critical)]
async fn twice() -> bool { true }

#[health_check]
#[health_axum::health_check]
async fn twice_by_path() -> bool { true }

#[health_check]
#[test]
fn test() {}

#[health_check]
/// Documented, and a test.
#[core::prelude::v1::test]
fn test_by_path() {}

fn main() {}
