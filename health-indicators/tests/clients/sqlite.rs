//! The checks of SQLite by sqlx and diesel.

use health_core::Status;
use health_core::check::FailureClass;
use health_indicators::sqlx::sqlite;
use sqlx::SqlitePool;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions};

#[cfg(feature = "sqlx-migrate")]
use crate::support;

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

#[cfg(all(feature = "diesel-r2d2", feature = "diesel-sqlite"))]
mod by_diesel {
    use std::path::Path;
    use std::time::Duration;

    use diesel::SqliteConnection;
    use diesel::connection::SimpleConnection as _;
    use diesel::r2d2::{ConnectionManager, Pool};
    use health_core::check::FailureClass;
    use health_core::{Outcome, Status};
    use health_indicators::diesel_r2d2::sqlite;

    type Connections = Pool<ConnectionManager<SqliteConnection>>;

    fn pool(file: &Path, mode: &str) -> Connections {
        let url = format!("file:{}?mode={mode}", file.display());
        Pool::builder()
            .max_size(1)
            .min_idle(Some(0))
            .connection_timeout(Duration::from_secs(2))
            .build_unchecked(ConnectionManager::new(url))
    }

    fn assert_class(outcome: &Outcome, status: Status, class: FailureClass) {
        assert_eq!(outcome.status(), status, "{outcome:?}");
        assert_eq!(outcome.failure_class(), Some(class), "{outcome:?}");
    }

    fn assert_up(orders: &Connections) {
        let outcome = sqlite(orders);
        assert_eq!(outcome.status(), Status::Pass, "{outcome:?}");
    }

    #[test]
    fn each_state_of_a_database_has_its_class() {
        let directory = tempfile::tempdir().expect("a directory");
        let file = directory.path().join("orders.db");
        let orders = pool(&file, "rwc");
        let create = "CREATE TABLE orders (id)";
        let mut held = orders.get().expect("a connection");
        held.batch_execute(create).expect("it is created");
        assert_class(&sqlite(&orders), Status::Warn, FailureClass::Saturated);
        drop(held);
        for _ in 0..20 {
            assert_up(&orders);
        }
        assert_eq!(orders.state().connections, 1);
        assert_up(&pool(&file, "ro"));

        // A writer of another process has locked it.
        let writer = pool(&file, "rw");
        let mut locked = writer.get().expect("a connection");
        locked.batch_execute("BEGIN EXCLUSIVE").expect("a lock");
        assert_class(&sqlite(&orders), Status::Fail, FailureClass::Refused);
        locked.batch_execute("COMMIT").expect("no lock");
        assert_up(&orders);
        let mut connection = orders.get().expect("a connection");
        let insert = connection.batch_execute("INSERT INTO orders VALUES (1)");
        insert.expect("the pool works");
    }

    #[test]
    fn a_database_that_cannot_be_read_has_its_class() {
        let directory = tempfile::tempdir().expect("a directory");
        let missing = pool(&directory.path().join("missing.db"), "rw");
        assert_class(&sqlite(&missing), Status::Fail, FailureClass::Unreachable);

        let text = directory.path().join("text.db");
        let no_database = "no database, but long enough to be read as the head of one";
        std::fs::write(&text, no_database.repeat(9)).expect("a file");
        let outcome = sqlite(&pool(&text, "rw"));
        assert_class(&outcome, Status::Fail, FailureClass::Misconfigured);
    }
}
