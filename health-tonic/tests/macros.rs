//! The macros need only this crate.

use health_tonic::http::Subject;
use health_tonic::{Health, HealthState, health_check};

#[derive(Clone)]
struct Pool(Vec<u8>);

#[derive(Clone, HealthState)]
struct State {
    pool: Pool,
}

/// The pool has connections.
#[health_check(name = "pool-of-state", tags("declared"))]
fn pool(pool: &Pool) -> bool {
    !pool.0.is_empty()
}

#[tokio::test]
async fn the_macros_need_only_this_crate() {
    let health = Health::builder()
        .state(State {
            pool: Pool(vec![1]),
        })
        .start();
    let health = health.expect("it starts");
    assert!(health.check("pool-of-state").is_some());
    assert!(health.status_of(&Subject::group("declared")).is_some());
}
