//! States that contain others, and generic ones.
use health_axum::check::Provide;
use health_axum::{HealthState, health_check};
use std::sync::Arc;

pub struct Pool;
pub struct Queue;
pub struct Limits;

#[derive(HealthState)]
#[health(secondary)]
struct Deep {
    limits: Limits,
}

#[derive(HealthState)]
#[health(secondary)]
struct Api {
    pool: Pool,
    #[health(nested)]
    deep: Deep,
}

#[derive(HealthState)]
#[health(secondary)]
struct Worker<Q>
where
    Q: Send,
{
    queue: Q,
    #[health(skip)]
    number: u8,
}

/// Field, default, bounds and a constant.
#[derive(HealthState)]
struct AppState<Db, Cache: Clone = u8, const N: usize = 3>
where
    Db: Send,
{
    #[health(nested)]
    api: Arc<Api>,
    #[health(nested)]
    worker: Worker<Queue>,
    db: Db,
    cache: Cache,
    list: [u16; N],
    text: String,
}

type Concrete = AppState<i32>;
/// As the router has it.
type Shared = Arc<Concrete>;
health_axum::app!(Shared);

#[health_check]
async fn fields(_: &i32, _: &u8, _: &[u16; 3], _: &String, _: String) {}

#[health_check]
async fn nested(_: &Pool, _: &Limits, _: &Queue, _: &Arc<Api>, _: &Api, _: &Deep) {}

#[health_check]
async fn whole(_: &Concrete, _: &Shared, shared: Shared, _: &Worker<Queue>) -> bool {
    shared.worker.number > 0
}

/// One of the parameters is the type of another field.
type Doubled = AppState<String>;

#[health_check(state = Doubled)]
async fn other(_: &Pool, _: &Doubled) {}

fn provides<T, Via>(_: &impl Provide<T, Via>) {}

fn main() {
    let deep = Deep { limits: Limits };
    let api = Arc::new(Api { pool: Pool, deep });
    let worker = Worker { queue: Queue, number: 7 };
    let state = AppState { api, worker, db: 1, cache: 2, list: [3; 3], text: String::new() };
    let state: Shared = Arc::new(state);
    provides::<Limits, _>(&state);
    fn found<T: 'static>(state: &impl HealthState) -> &T {
        let found = state.lookup(std::any::TypeId::of::<T>());
        found.and_then(|value| value.downcast_ref()).unwrap()
    }
    assert_eq!(found::<i32>(&state), &1);
    assert_eq!(found::<[u16; 3]>(&state), &[3; 3]);
    let _ = (found::<Limits>(&state), found::<Queue>(&state), found::<Worker<Queue>>(&state));
    assert!(Arc::ptr_eq(found::<Arc<Api>>(&state), &state.api));
    assert!(Arc::ptr_eq(found::<Shared>(&state), &state));
    let _ = |doubled: Doubled| (doubled.db, doubled.text, doubled.cache);
    let _ = (&state.worker.queue, &state.api.pool, &state.api.deep.limits);
}
