//! The check of SQLite by sqlx.
#![cfg(feature = "sqlx-sqlite")]

use health_core::Status;
use health_core::check::FailureClass;
use health_indicators::sqlx::sqlite;
use sqlx::SqlitePool;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions};

fn pool(options: SqliteConnectOptions) -> SqlitePool {
    SqlitePoolOptions::new()
        .max_connections(1)
        .connect_lazy_with(options)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_there_passes_and_others_are_told_apart() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("orders.db");
    let orders = pool(
        SqliteConnectOptions::new()
            .filename(&file)
            .create_if_missing(true),
    );
    sqlx::raw_sql("CREATE TABLE orders (id)")
        .execute(&orders)
        .await
        .expect("it is created");
    assert_eq!(sqlite(&orders).await.status(), Status::Pass);

    let held = orders.acquire().await.expect("a connection");
    let saturated = sqlite(&orders).await;
    assert_eq!(saturated.status(), Status::Warn);
    assert_eq!(saturated.failure_class(), Some(FailureClass::Saturated));
    drop(held);
    assert_eq!(sqlite(&orders).await.status(), Status::Pass);

    let missing = pool(SqliteConnectOptions::new().filename(directory.path().join("missing.db")));
    let outcome = sqlite(&missing).await;
    assert_eq!(
        outcome.failure_class(),
        Some(FailureClass::Unreachable),
        "{outcome:?}"
    );

    // `SELECT 1` passes here, since it never reads the file.
    let text = directory.path().join("text.db");
    std::fs::write(
        &text,
        "no database, but long enough to be read as the head of one".repeat(9),
    )
    .expect("a file");
    let outcome = sqlite(&pool(SqliteConnectOptions::new().filename(&text))).await;
    assert_eq!(
        outcome.failure_class(),
        Some(FailureClass::Misconfigured),
        "{outcome:?}"
    );
}
