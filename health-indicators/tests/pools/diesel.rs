//! The pools of diesel and diesel-async.

use std::time::Duration;

use diesel::PgConnection;
use diesel::connection::SimpleConnection as _;
use diesel::r2d2::{ConnectionManager, Pool as R2d2};
use diesel_async::pooled_connection::{AsyncDieselConnectionManager, bb8, deadpool};
use diesel_async::{AsyncPgConnection, SimpleAsyncConnection as _};
use health_indicators::diesel_async::{bb8 as in_bb8, deadpool as in_deadpool};
use health_indicators::diesel_r2d2 as in_r2d2;

use super::pools::{Login, Pool, TIMEOUT, health};
use super::support;

pub(crate) fn diesel_r2d2(login: &Login<'_>) -> Pool {
    let pool = R2d2::builder()
        .max_size(2)
        .min_idle(Some(0))
        .connection_timeout(Duration::from_secs(5))
        .build_unchecked(ConnectionManager::<PgConnection>::new(login.url()));
    let (writing, reading) = (pool.clone(), pool.clone());
    let healths = [
        support::blocking_health(TIMEOUT, move || in_r2d2::postgres(&writing)),
        support::blocking_health(TIMEOUT, move || in_r2d2::postgres_read_only(&reading)),
    ];
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

fn manager(login: &Login<'_>) -> AsyncDieselConnectionManager<AsyncPgConnection> {
    AsyncDieselConnectionManager::new(login.url())
}

pub(crate) fn diesel_async_deadpool(login: &Login<'_>) -> Pool {
    let pool = deadpool::Pool::builder(manager(login)).max_size(2);
    let pool = pool.build().expect("a pool");
    let healths = [
        health(
            &pool,
            |pool| async move { in_deadpool::postgres(&pool).await },
        ),
        health(&pool, |pool| async move {
            in_deadpool::postgres_read_only(&pool).await
        }),
    ];
    Pool::new("diesel by deadpool", pool, healths, |pool| async move {
        let both = [pool.get().await, pool.get().await];
        let mut both = both.map(|taken| taken.expect("a connection"));
        for connection in &mut both {
            connection
                .batch_execute("SELECT 1")
                .await
                .expect("an answer");
        }
        both
    })
}

pub(crate) fn diesel_async_bb8(login: &Login<'_>) -> Pool {
    let pool: bb8::Pool<AsyncPgConnection> = bb8::Pool::builder()
        .max_size(2)
        .connection_timeout(Duration::from_secs(5))
        .build_unchecked(manager(login));
    let healths = [
        health(&pool, |pool| async move { in_bb8::postgres(&pool).await }),
        health(&pool, |pool| async move {
            in_bb8::postgres_read_only(&pool).await
        }),
    ];
    Pool::new("diesel by bb8", pool, healths, |pool| async move {
        let both = [pool.get_owned().await, pool.get_owned().await];
        let mut both = both.map(|taken| taken.expect("a connection"));
        for connection in &mut both {
            connection
                .batch_execute("SELECT 1")
                .await
                .expect("an answer");
        }
        both
    })
}
