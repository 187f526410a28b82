//! Everything that can be a method.
#![deny(warnings)]
use health_axum::{HealthState, health_checks};
use std::sync::Arc;

mod redis {
    pub struct Client;
}

#[derive(HealthState)]
struct AppState {
    cache: Cache,
    shared: Arc<Shared>,
    of: Of<u8>,
    named: Named<'static>,
    redis: redis::Client,
    number: u16,
}

struct Cache;
struct Shared;
struct Of<T>(T);
struct Named<'a>(&'a str);

#[health_checks]
#[allow(clippy::unused_async)]
impl Cache {
    const LIMIT: u8 = if cfg!(test) { 1 } else { 2 };

    /// Documented.
    #[health_check(timeout = "2s", critical)]
    #[inline]
    pub(crate) async fn ping(&self, number: &u16) -> Result<(), <Self as Limited>::Error> {
        let _ = number;
        Ok(())
    }

    #[health_check(name = "plain", after(Self::ping, Cache::without_self, crate::first))]
    fn plain<'a>(self: &'a Self, _: u16) -> bool {
        Self::LIMIT > 0
    }

    #[health_check(name = "no-self")]
    async fn without_self() {}

    #[cfg(any())]
    #[health_check(name = "one-of-two")]
    async fn one_of_two(&self) -> Nowhere {}

    #[cfg(not(any()))]
    #[health_axum::health_check(name = "one-of-two")]
    async fn one_of_two(&self) {}

    #[health_check(late, local)]
    async fn local(_: &Vec<Self>) {
        let shared = std::rc::Rc::new(1);
        Self::without_self().await;
        assert_eq!(*shared, 1);
    }
}

trait Limited {
    type Error;
}

impl Limited for Cache {
    type Error = String;
}

#[health_checks]
impl Shared {
    #[health_check(name = "shared-by-reference")]
    fn by_reference(&self) {}

    #[health_check(name = "shared-by-arc")]
    async fn by_arc(self: Arc<Self>) {}

    #[health_check(name = "shared-by-reference-to-arc")]
    async fn by_reference_to_arc(self: &Arc<Self>) {}
}

#[health_checks]
impl Of<u8> {
    #[health_check(name = "of")]
    fn ping(&self) -> bool {
        self.0 > 0
    }
}

#[health_checks]
impl<'a> Named<'a> {
    #[health_check(name = "named")]
    fn ping(&self) -> bool {
        self.0 == "x"
    }
}

#[health_axum::health_check(after(Of::<u8>::ping, <Named>::ping))]
async fn first() {}

fn main() {
    let AppState { cache, shared, of, named, redis, number } = AppState {
        cache: Cache,
        shared: Arc::new(Shared),
        of: Of(1),
        named: Named("x"),
        redis: redis::Client,
        number: 1,
    };
    // a check stays a method
    assert!(cache.plain(number) && of.ping() && named.ping());
    let _ = (cache.ping(&1), shared.by_reference(), redis);
}
