//! The pools of diesel-async over Postgres.

use std::time::Duration;

use diesel_async::pooled_connection::{AsyncDieselConnectionManager, bb8, deadpool};
use diesel_async::{AsyncPgConnection, SimpleAsyncConnection as _};
use health_indicators::diesel_async::{bb8 as in_bb8, deadpool as in_deadpool};

use super::{Login, Pool, health};

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
