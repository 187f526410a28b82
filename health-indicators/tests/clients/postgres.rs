//! The checks of Postgres by sqlx and by sea-orm, which has a pool of sqlx, against
//! a real server.

use std::time::Duration;

use health_core::Health;
use health_core::check::FailureClass;
use health_core::report::Verdict;
use health_indicators::sea_orm::{readable, writable};
use health_indicators::sqlx::{postgres, postgres_read_only};
use sea_orm::{ConnectOptions, Database, DatabaseConnection};
use sqlx::PgPool;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};

use crate::support::postgres::{self as servers, PASSWORD, server};
use crate::support::{self, Server, UP, eventually, failing, look, public_bytes, seen};

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

async fn database(server: &Server, password: &str, database: &str) -> DatabaseConnection {
    let port = server.port;
    let url = format!("postgres://orders:{password}@127.0.0.1:{port}/{database}");
    let mut options = ConnectOptions::new(url);
    options
        .max_connections(2)
        .acquire_timeout(Duration::from_secs(5))
        .connect_lazy(true);
    let connected = Database::connect(options).await;
    connected.expect("it connects when it is used")
}

fn health_of_database(database: &DatabaseConnection) -> Health {
    let database = database.clone();
    support::health(Duration::from_secs(3), move || {
        let database = database.clone();
        async move { writable(&database).await }
    })
}

/// A pool, and the check over it.
struct Subject {
    name: &'static str,
    pool: PgPool,
    health: Health,
}

async fn subjects(server: &Server) -> [Subject; 2] {
    let pool = pool(server, 2);
    let database = database(server, PASSWORD, "postgres").await;
    [
        Subject {
            name: "sqlx",
            health: health(&pool),
            pool,
        },
        Subject {
            name: "sea-orm",
            health: health_of_database(&database),
            pool: database.get_postgres_connection_pool().clone(),
        },
    ]
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
    let subjects = subjects(&server).await;
    for Subject { name, health, .. } in &subjects {
        println!("{name}, up: {:?}", eventually(health, UP).await);
    }

    opens_no_connection(&server).await;

    #[cfg(feature = "sqlx-migrate")]
    support::migrations::migrations_are_told_apart!(&subjects[0].pool);

    for subject in &subjects {
        every_connection_in_use(subject).await;
    }

    // Demoted: read-only for all new transactions of all connections.
    let demote = |on: &str| format!("ALTER SYSTEM SET default_transaction_read_only = {on}");
    for (on, seen) in [("on", failing(FailureClass::WrongRole)), ("off", UP)] {
        for sql in [&*demote(on), "SELECT pg_reload_conf()"] {
            let set = sqlx::raw_sql(sqlx::AssertSqlSafe(sql));
            set.execute(&subjects[0].pool).await.expect("it is set");
        }
        for Subject { name, health, .. } in &subjects {
            println!(
                "{name}, read-only {on}: {:?}",
                eventually(health, seen).await
            );
        }
    }

    // Frozen: the connection is there, and nothing comes back.
    for subject in &subjects {
        all_idle(&subject.pool).await;
    }
    server.freeze();
    for Subject { name, health, .. } in &subjects {
        let frozen = failing(FailureClass::TimedOut);
        println!("{name}, frozen: {:?}", eventually(health, frozen).await);
    }
    server.thaw();
    for Subject { name, pool, health } in &subjects {
        println!("{name}, thawed: {:?}", eventually(health, UP).await);
        works(pool).await;
    }

    // Stopped and started: the pool works afterwards.
    server.stop();
    let stopped = failing(FailureClass::Unreachable);
    for Subject { name, health, .. } in &subjects {
        println!("{name}, stopped: {:?}", eventually(health, stopped).await);
        // More runs than the pool has places: their attempts do not fill it.
        for _ in 0..3 {
            assert_eq!(seen(health).await, stopped, "{name}");
        }
    }
    server.spawn();
    server.wait_until_it_listens();
    for Subject { name, pool, health } in &subjects {
        println!("{name}, back: {:?}", eventually(health, UP).await);
        works(pool).await;
        let all = [pool.acquire().await, pool.acquire().await];
        assert!(all.iter().all(Result::is_ok), "no connection is lost");
    }

    // A restart between two runs is no failure.
    server.stop();
    server.spawn();
    server.wait_until_it_listens();
    for Subject { name, pool, health } in &subjects {
        let answers = async {
            while sqlx::query("SELECT 1").execute(pool).await.is_err() {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        let started = tokio::time::timeout(Duration::from_secs(300), answers).await;
        started.expect("the server starts");
        assert_eq!(seen(health).await, UP, "{name}");
    }

    the_wrong_credentials_and_databases(&server).await;
}

/// Degraded, and nothing is sent.
async fn every_connection_in_use(Subject { name, pool, health }: &Subject) {
    let held = [pool.acquire().await, pool.acquire().await];
    let saturated = look(health).await;
    assert_eq!(saturated.verdict(), Verdict::Warn, "{name}");
    assert_eq!(saturated.failure_class(), Some(FailureClass::Saturated));
    assert_eq!(saturated.message(), Some("every connection is in use"));
    println!("{name}, saturated: {:?}", saturated.response_time());
    drop(held);
    eventually(health, UP).await;
}

async fn the_wrong_credentials_and_databases(server: &Server) {
    const WRONG: &str = "wrong-hunter2";
    let lazy = |options| PgPoolOptions::new().connect_lazy_with(options);
    let missing = options(server, PASSWORD).database("missing");
    for (health, class) in [
        (
            health(&lazy(options(server, WRONG))),
            FailureClass::Unauthorized,
        ),
        (health(&lazy(missing)), FailureClass::Misconfigured),
        (
            health_of_database(&database(server, WRONG, "postgres").await),
            FailureClass::Unauthorized,
        ),
        (
            health_of_database(&database(server, PASSWORD, "missing").await),
            FailureClass::Misconfigured,
        ),
        (
            health_of_database(&DatabaseConnection::default()),
            FailureClass::Misconfigured,
        ),
    ] {
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
    let orm = database(&standby, PASSWORD, "postgres").await;
    let class = writable(&orm).await.failure_class();
    assert_eq!(class, Some(FailureClass::WrongRole));
    assert_eq!(readable(&orm).await.status(), health_core::Status::Pass);
    sqlx::raw_sql("SELECT pg_promote()")
        .execute(&pool)
        .await
        .expect("it is promoted");
    println!("promoted: {:?}", eventually(&writing, UP).await);
}
