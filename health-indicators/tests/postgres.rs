//! The checks of Postgres by sqlx, against a real server.
#![cfg(feature = "sqlx-postgres")]

mod support;

use std::time::Duration;

use health_core::Health;
use health_core::check::FailureClass;
use health_core::report::Verdict;
use health_indicators::sqlx::{postgres, postgres_read_only};
use sqlx::PgPool;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use support::postgres::{self as servers, PASSWORD, server};
use support::{Server, eventually, look, public_bytes, seen};

const UP: (Verdict, Option<FailureClass>) = (Verdict::Pass, None);

fn failing(class: FailureClass) -> (Verdict, Option<FailureClass>) {
    (Verdict::Fail, Some(class))
}

fn options(server: &Server, password: &str) -> PgConnectOptions {
    PgConnectOptions::new()
        .host("127.0.0.1")
        .port(server.port)
        .username("orders")
        .password(password)
        .database("postgres")
}

fn pool(server: &Server, most: u32) -> PgPool {
    PgPoolOptions::new()
        .max_connections(most)
        .acquire_timeout(Duration::from_secs(5))
        .connect_lazy_with(options(server, PASSWORD))
}

fn health(pool: &PgPool) -> Health {
    let pool = pool.clone();
    support::health(Duration::from_secs(3), move || {
        let pool = pool.clone();
        async move { postgres(&pool).await }
    })
}

/// sqlx tests a connection before it is idle again. One that is frozen in this
/// test is still in use.
async fn all_idle(pool: &PgPool) {
    while pool.num_idle() < pool.size() as usize {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

async fn works(pool: &PgPool) {
    let one: i32 = sqlx::query_scalar("SELECT 1")
        .fetch_one(pool)
        .await
        .expect("an answer");
    assert_eq!(one, 1);
}

/// A run opens no connection for itself.
async fn opens_no_connection(server: &Server) {
    let pool = pool(server, 5);
    let health = health(&pool);
    eventually(&health, UP).await;
    for _ in 0..20 {
        all_idle(&pool).await;
        assert_eq!(seen(&health).await, UP);
    }
    assert_eq!(pool.size(), 1);
    pool.close().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "starts a Postgres server; scripts/test.sh runs it"]
async fn each_state_of_a_server_has_its_class() {
    let mut server = server();
    let pool = pool(&server, 2);
    let health = health(&pool);
    println!("up: {:?}", eventually(&health, UP).await);

    opens_no_connection(&server).await;

    #[cfg(feature = "sqlx-migrate")]
    support::migrations::migrations_are_told_apart!(&pool);

    // Every connection in use: degraded, and nothing is sent.
    let held = [pool.acquire().await, pool.acquire().await];
    let saturated = look(&health).await;
    assert_eq!(saturated.verdict(), Verdict::Warn);
    assert_eq!(saturated.failure_class(), Some(FailureClass::Saturated));
    assert_eq!(saturated.message(), Some("every connection is in use"));
    println!("saturated: {:?}", saturated.response_time());
    drop(held);
    eventually(&health, UP).await;

    // Demoted: read-only for all new transactions of all connections.
    let demote = |on: &str| format!("ALTER SYSTEM SET default_transaction_read_only = {on}");
    for (on, seen) in [("on", failing(FailureClass::WrongRole)), ("off", UP)] {
        sqlx::raw_sql(sqlx::AssertSqlSafe(demote(on)))
            .execute(&pool)
            .await
            .expect("it is set");
        sqlx::raw_sql("SELECT pg_reload_conf()")
            .execute(&pool)
            .await
            .expect("it is read");
        println!("read-only {on}: {:?}", eventually(&health, seen).await);
    }

    // Frozen: the connection is there, and nothing comes back.
    all_idle(&pool).await;
    server.freeze();
    println!(
        "frozen: {:?}",
        eventually(&health, failing(FailureClass::TimedOut)).await
    );
    server.thaw();
    println!("thawed: {:?}", eventually(&health, UP).await);
    works(&pool).await;

    // Stopped and started: the pool works afterwards.
    server.stop();
    println!(
        "stopped: {:?}",
        eventually(&health, failing(FailureClass::Unreachable)).await
    );
    // More runs than connections of the pool: their attempts do not exhaust it.
    for _ in 0..3 {
        assert_eq!(seen(&health).await, failing(FailureClass::Unreachable));
    }
    server.spawn();
    server.wait_until_it_listens();
    println!("back: {:?}", eventually(&health, UP).await);
    works(&pool).await;
    let all = [pool.acquire().await, pool.acquire().await];
    assert!(all.iter().all(Result::is_ok), "no connection is lost");
    drop(all);

    // A restart between two runs is no failure.
    server.stop();
    server.spawn();
    server.wait_until_it_listens();
    while sqlx::query("SELECT 1").execute(&pool).await.is_err() {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(seen(&health).await, UP);

    // A wrong password, and a missing database.
    for (options, class) in [
        (
            options(&server, "wrong-hunter2"),
            FailureClass::Unauthorized,
        ),
        (
            options(&server, PASSWORD).database("missing"),
            FailureClass::Misconfigured,
        ),
    ] {
        let pool = PgPoolOptions::new().connect_lazy_with(options);
        let health = self::health(&pool);
        eventually(&health, failing(class)).await;
        let public = public_bytes(&health);
        for secret in ["hunter2", "127.0.0.1", "orders", "missing"] {
            assert!(!public.contains(secret), "{public}");
        }
    }
}

/// A standby answers queries and accepts no writes.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "starts two Postgres servers; scripts/test.sh runs it"]
async fn a_standby_fails_a_check_that_needs_a_primary() {
    let primary = server();
    let standby = servers::standby(&primary);
    let pool = pool(&standby, 2);
    let writing = health(&pool);
    eventually(&writing, failing(FailureClass::WrongRole)).await;
    let reading = support::health(Duration::from_secs(3), {
        let pool = pool.clone();
        move || {
            let pool = pool.clone();
            async move { postgres_read_only(&pool).await }
        }
    });
    assert_eq!(seen(&reading).await, UP);
    sqlx::raw_sql("SELECT pg_promote()")
        .execute(&pool)
        .await
        .expect("it is promoted");
    println!("promoted: {:?}", eventually(&writing, UP).await);
}
