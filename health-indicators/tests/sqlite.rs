//! The check of SQLite by sqlx.
#![cfg(feature = "sqlx-sqlite")]

#[cfg(feature = "sqlx-migrate")]
mod support;

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
async fn each_state_of_a_database_has_its_class() {
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
    #[cfg(feature = "sea-orm")]
    by_sea_orm_it_passes(&orders).await;

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

#[cfg(feature = "sea-orm")]
async fn by_sea_orm_it_passes(pool: &SqlitePool) {
    use health_indicators::sea_orm::{readable, writable};

    let database = sea_orm::SqlxSqliteConnector::from_sqlx_sqlite_pool(pool.clone());
    for outcome in [writable(&database).await, readable(&database).await] {
        assert_eq!(outcome.status(), Status::Pass, "{outcome:?}");
    }
}

/// The application takes the only connection between any two steps of the check.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_busy_pool_is_never_reported_as_an_unreachable_database() {
    let directory = tempfile::tempdir().expect("a directory");
    let options = SqliteConnectOptions::new()
        .filename(directory.path().join("orders.db"))
        .create_if_missing(true);
    let orders = pool(options);
    let requests: Vec<_> = (0..8)
        .map(|_| {
            let orders = orders.clone();
            tokio::spawn(async move {
                while let Ok(mut connection) = orders.acquire().await {
                    let answer = sqlx::query("SELECT 1").execute(&mut *connection).await;
                    answer.expect("the database is there");
                    drop(connection);
                    tokio::task::yield_now().await;
                }
            })
        })
        .collect();
    let until = std::time::Instant::now() + std::time::Duration::from_secs(3);
    while std::time::Instant::now() < until {
        let outcome = sqlite(&orders).await;
        let class = outcome.failure_class();
        assert!(
            matches!(class, None | Some(FailureClass::Saturated)),
            "{outcome:?}"
        );
    }
    orders.close().await;
    for request in requests {
        request.await.expect("it has seen no error");
    }
}

#[cfg(feature = "sqlx-migrate")]
#[tokio::test(flavor = "multi_thread")]
async fn a_database_with_missing_migrations_fails_and_a_newer_one_passes() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("orders.db");
    let options = SqliteConnectOptions::new().filename(file);
    let pool = pool(options.create_if_missing(true));
    support::migrations::migrations_are_told_apart!(&pool);
}
