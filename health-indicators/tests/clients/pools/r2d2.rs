//! A pool of r2d2 over a client of diesel.

use std::time::Duration;

use diesel::connection::SimpleConnection as _;
use diesel::r2d2::{self, ConnectionManager, R2D2Connection};
use health_core::Outcome;

use super::{Login, Pool, TIMEOUT};
use crate::support;

type Check<C> = fn(&r2d2::Pool<ConnectionManager<C>>) -> Outcome;

pub(crate) fn diesel_r2d2<C>(login: &Login<'_>, writing: Check<C>, reading: Check<C>) -> Pool
where
    C: R2D2Connection + 'static,
{
    let pool = r2d2::Pool::builder()
        .max_size(2)
        .min_idle(Some(0))
        .connection_timeout(Duration::from_secs(5))
        .build_unchecked(ConnectionManager::<C>::new(login.url()));
    let healths = [writing, reading].map(|check| {
        let pool = pool.clone();
        support::blocking_health(TIMEOUT, move || check(&pool))
    });
    Pool::new("diesel by r2d2", pool, healths, |pool| async move {
        let take = move || {
            let mut both = [pool.get(), pool.get()].map(|taken| taken.expect("a connection"));
            for connection in &mut both {
                connection.batch_execute("SELECT 1").expect("an answer");
            }
            both
        };
        tokio::task::spawn_blocking(take).await.expect("it ends")
    })
}
