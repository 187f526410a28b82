//! The pools of diesel-async over MySQL.

use std::time::{Duration, Instant};

use diesel_async::pooled_connection::deadpool::Pool as Deadpool;
use diesel_async::pooled_connection::{
    AsyncDieselConnectionManager, ManagerConfig, RecyclingMethod,
};
use diesel_async::{AsyncMysqlConnection, RunQueryDsl as _};
use health_core::Status;
use health_indicators::diesel_async::deadpool as in_deadpool;
use tokio::time::timeout;

use super::{Login, Pool, health};
use crate::support::Server;

fn deadpool(
    login: &Login<'_>,
    recycling: RecyclingMethod<AsyncMysqlConnection>,
) -> Deadpool<AsyncMysqlConnection> {
    let mut config = ManagerConfig::default();
    config.recycling_method = recycling;
    let manager = AsyncDieselConnectionManager::new_with_config(login.url(), config);
    let pool = Deadpool::builder(manager).max_size(2);
    pool.build().expect("a pool")
}

pub(crate) fn diesel_async_deadpool(login: &Login<'_>) -> Pool {
    let pool = deadpool(login, RecyclingMethod::Verified);
    let healths = [
        health(&pool, |pool| async move { in_deadpool::mysql(&pool).await }),
        health(&pool, |pool| async move {
            in_deadpool::mysql_read_only(&pool).await
        }),
    ];
    Pool::new("diesel by deadpool", pool, healths, |pool| async move {
        let both = [pool.get().await, pool.get().await];
        let mut both = both.map(|taken| taken.expect("a connection"));
        for connection in &mut both {
            assert_eq!(answer(connection).await, ANSWER);
        }
        both
    })
}

/// Otherwise the next request would read it as its own.
pub(crate) async fn a_cancelled_run_leaves_no_answer(login: &Login<'_>, server: &Server) {
    // The pool gives out each connection as it is.
    let pool = deadpool(login, RecyclingMethod::Fast);
    let run = in_deadpool::mysql(&pool).await;
    assert_eq!(run.status(), Status::Pass, "{run:?}");
    assert_eq!(pool.status().available, 1);
    server.freeze();
    cancel_a_run(&pool).await;
    server.thaw();
    let mut connection = pool.get().await.expect("a connection");
    assert_eq!(answer(&mut connection).await, ANSWER);
}

/// A server still answers for a moment after the signal that freezes it.
async fn cancel_a_run(pool: &Deadpool<AsyncMysqlConnection>) {
    let until = Instant::now() + Duration::from_secs(60);
    let cancelled = async || timeout(Duration::from_secs(1), in_deadpool::mysql(pool)).await;
    while let Ok(outcome) = cancelled().await {
        assert!(Instant::now() < until, "{outcome:?}");
    }
}

/// The answer to no query of a check.
const ANSWER: i32 = 4217;

async fn answer(connection: &mut AsyncMysqlConnection) -> i32 {
    let query = diesel::dsl::sql::<diesel::sql_types::Integer>("SELECT 4217");
    query.get_result(connection).await.expect("an answer")
}
