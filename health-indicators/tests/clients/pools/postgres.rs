//! The pools over tokio-postgres itself.

use std::time::Duration;

use bb8_postgres::PostgresConnectionManager;
use bb8_postgres::bb8::Pool as Bb8;
use deadpool_postgres::{Manager, ManagerConfig, RecyclingMethod};
use health_indicators::{bb8_postgres as in_bb8, deadpool_postgres as in_deadpool};
use tokio_postgres::{Config, NoTls};

use super::{Login, Pool, health};

fn config(login: &Login<'_>) -> Config {
    login.url().parse().expect("a URL")
}

/// Without a runtime of its own, as many applications make it.
pub(crate) fn deadpool(login: &Login<'_>) -> Pool {
    let recycling = ManagerConfig {
        recycling_method: RecyclingMethod::Fast,
    };
    let manager = Manager::from_config(config(login), NoTls, recycling);
    let pool = deadpool_postgres::Pool::builder(manager).max_size(2);
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
    Pool::new("deadpool", pool, healths, |pool| async move {
        let both = [pool.get().await, pool.get().await];
        let both = both.map(|taken| taken.expect("a connection"));
        for connection in &both {
            connection
                .simple_query("SELECT 1")
                .await
                .expect("an answer");
        }
        both
    })
}

pub(crate) fn bb8(login: &Login<'_>) -> Pool {
    let manager = PostgresConnectionManager::new(config(login), NoTls);
    let pool = Bb8::builder()
        .max_size(2)
        .connection_timeout(Duration::from_secs(5))
        .build_unchecked(manager);
    let healths = [
        health(&pool, |pool| async move { in_bb8::postgres(&pool).await }),
        health(&pool, |pool| async move {
            in_bb8::postgres_read_only(&pool).await
        }),
    ];
    Pool::new("bb8", pool, healths, |pool| async move {
        let both = [pool.get_owned().await, pool.get_owned().await];
        let both = both.map(|taken| taken.expect("a connection"));
        for connection in &both {
            connection
                .simple_query("SELECT 1")
                .await
                .expect("an answer");
        }
        both
    })
}
