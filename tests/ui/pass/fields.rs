//! What may check a field, and every option beside it.
use std::sync::Arc;

use health_axum::check::{BlockingIndicator, Indicator};
use health_axum::{HealthState, Outcome, health_check};

#[derive(Clone)]
pub struct Pool;
struct Cache;
struct Queue;

mod indicators {
    use super::{Outcome, Pool, Queue};

    pub async fn ping(_: &Pool) -> Result<(), std::io::Error> {
        Ok(())
    }

    pub fn blocking(_: &Pool) -> bool {
        true
    }

    pub async fn any<T>(_: &T) -> Outcome {
        Outcome::pass()
    }

    pub fn settings() -> super::Longest {
        super::Longest(3)
    }

    pub async fn not_send(_: &Queue) -> bool {
        let shared = std::rc::Rc::new(true);
        std::future::ready(()).await;
        *shared
    }
}

pub struct Longest(u32);

impl Longest {
    fn at_most(mut self, most: u32) -> Self {
        self.0 = most;
        self
    }
}

impl Indicator<Cache> for Longest {
    async fn check(&self, _: &Cache) -> Outcome {
        Outcome::pass().observe(self.0, "entries")
    }
}

struct Room;

impl<T> BlockingIndicator<T> for Room {
    fn check(&self, _: &T) -> Outcome {
        Outcome::pass()
    }
}

const ROOM: Room = Room;

#[derive(HealthState)]
struct AppState {
    /// The primary takes writes.
    #[health(check = indicators::ping, timeout = "2s", interval = "30s", critical, tags("db"))]
    primary: Pool,
    #[health(check = indicators::blocking, after(primary), affects("/orders"))]
    #[health(skip)]
    replica: Pool,
    #[health(name = "orders-cache", check = indicators::settings().at_most(5), cache = "1s")]
    cache: Cache,
    #[health(check = indicators::not_send, local, component = "queue")]
    queue: Queue,
    #[health(check = indicators::any::<Arc<str>>, failure_threshold = 3, stale_after = "5m")]
    named: Arc<str>,
    #[health(check = self::indicators::any, startup, readiness, critical(startup))]
    inferred: u8,
    #[health(check = ROOM, crate = health_core, success_threshold = 2, initial_delay = "1s")]
    constant: u16,
    #[health(check = async |number: &u32| *number < 7)]
    closure: u32,
    #[health(check = |number: &u64| *number < 7)]
    blocking_closure: u64,
    #[health(check = <Self as Named>::check)]
    of_a_trait: i8,
    #[health(check = Self::own)]
    own: i16,
    #[health(check = indicators::ping, after(primary), critical)]
    optional: Option<Pool>,
    #[health(check = ROOM)]
    optional_constant: std::option::Option<Cache>,
    #[health(check = indicators::any)]
    in_an_arc: Option<Arc<str>>,
    #[health(check = indicators::not_send, local)]
    optional_queue: Option<Queue>,
}

trait Named {
    fn check(_: &i8) -> bool;
}

impl Named for AppState {
    fn check(_: &i8) -> bool {
        true
    }
}

impl AppState {
    fn own(_: &i16) -> bool {
        true
    }
}

#[derive(HealthState)]
#[health(secondary)]
struct Tuple(#[health(check = indicators::any, name = "first")] u8);

/// The replica is no parameter, so this is the primary.
#[health_check(after(replica, self::cache, first_of_all))]
async fn orders(_pool: &Pool) -> bool {
    true
}

#[health_check(after(primary))]
async fn first_of_all() {}

fn main() {
    let _ = |state: AppState, tuple: Tuple| {
        (
            (state.primary, state.replica, state.cache, state.queue),
            (state.named, state.inferred, state.constant, state.closure),
            (state.blocking_closure, state.of_a_trait, state.own, tuple.0),
            (state.optional, state.optional_constant, state.in_an_arc),
            state.optional_queue,
        )
    };
}
