use std::time::Duration;

use health_axum::report::Verdict;
use health_axum::{CheckOptions, Health};
use sqlx::SqlitePool;

#[sqlx::test]
async fn the_check_notices_that_the_pool_is_closed(pool: SqlitePool) {
    let checked = pool.clone();
    let health = Health::builder()
        .check("database", CheckOptions::new().critical(), move || {
            let pool = checked.clone();
            async move { sqlx::query("SELECT 1").execute(&pool).await.map(drop) }
        })
        .start()
        .unwrap();
    health.ready(Duration::from_secs(30)).await.unwrap();

    pool.close().await;
    let database = health.refresh("database").await.unwrap();
    assert_eq!(database.verdict(), Verdict::Fail);
}
