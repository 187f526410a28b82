//! The checks. Each is a function of the clients in `AppState`.

use health_core::health_check;
use redis::aio::ConnectionManager;
use sqlx::SqlitePool;

/// The table of links can be read.
#[health_check(timeout = "2s", critical)]
async fn links(pool: &SqlitePool) -> sqlx::Result<()> {
    sqlx::query("SELECT 1 FROM links LIMIT 1")
        .fetch_optional(pool)
        .await
        .map(drop)
}

/// Redis answers. Without it links are slower.
#[health_check(timeout = "500ms", interval = "1s", tags("cache"))]
async fn cache(cache: &ConnectionManager) -> redis::RedisResult<()> {
    redis::cmd("PING").query_async(&mut cache.clone()).await
}
