//! The checks of tokio-postgres and of its pools, against one real server.
#![cfg(all(feature = "bb8-postgres", feature = "deadpool-postgres"))]

mod support;

use std::sync::Arc;
use std::time::Duration;

use ::tokio_postgres::{Client, Config, NoTls};
use bb8_postgres::PostgresConnectionManager;
use bb8_postgres::bb8;
use deadpool_postgres::{Manager, ManagerConfig, RecyclingMethod};
use health_core::check::FailureClass;
use health_core::report::Verdict;
use health_core::{Health, Outcome};
use health_indicators::{bb8_postgres as in_bb8, deadpool_postgres as in_deadpool, tokio_postgres};
use support::postgres::{PASSWORD, cold_standby, server};
use support::{Server, eventually, look, public_bytes, seen};

const UP: (Verdict, Option<FailureClass>) = (Verdict::Pass, None);
const TIMEOUT: Duration = Duration::from_secs(3);

type Bb8 = bb8::Pool<PostgresConnectionManager<NoTls>>;

fn failing(class: FailureClass) -> (Verdict, Option<FailureClass>) {
    (Verdict::Fail, Some(class))
}

fn config(server: &Server, password: &str) -> Config {
    let mut config = Config::new();
    config
        .host("127.0.0.1")
        .port(server.port)
        .user("orders")
        .password(password)
        .dbname("postgres");
    config
}

async fn connect(server: &Server) -> Client {
    let config = config(server, PASSWORD);
    let until = std::time::Instant::now() + Duration::from_secs(300);
    loop {
        // The server listens before it answers.
        match config.connect(NoTls).await {
            Ok((client, connection)) => {
                tokio::spawn(connection);
                return client;
            }
            Err(error) => assert!(std::time::Instant::now() < until, "{error}"),
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// A pool without a runtime, as many applications create it.
fn deadpool(config: Config) -> deadpool_postgres::Pool {
    let recycling = ManagerConfig {
        recycling_method: RecyclingMethod::Fast,
    };
    let manager = Manager::from_config(config, NoTls, recycling);
    let pool = deadpool_postgres::Pool::builder(manager).max_size(2);
    pool.build().expect("a pool")
}

fn bb8(config: Config) -> Bb8 {
    let manager = PostgresConnectionManager::new(config, NoTls);
    let pool = bb8::Pool::builder().max_size(2);
    pool.connection_timeout(Duration::from_secs(5))
        .build_unchecked(manager)
}

fn health_of_client(client: &Arc<Client>) -> Health {
    let client = Arc::clone(client);
    support::health(TIMEOUT, move || {
        let client = Arc::clone(&client);
        async move { tokio_postgres::postgres(&client).await }
    })
}

fn health_of_deadpool(pool: &deadpool_postgres::Pool) -> Health {
    let pool = pool.clone();
    support::health(TIMEOUT, move || {
        let pool = pool.clone();
        async move { in_deadpool::postgres(&pool).await }
    })
}

fn health_of_bb8(pool: &Bb8) -> Health {
    let pool = pool.clone();
    support::health(TIMEOUT, move || {
        let pool = pool.clone();
        async move { in_bb8::postgres(&pool).await }
    })
}

/// The application uses the same pools.
async fn both_work(deadpool: &deadpool_postgres::Pool, bb8: &Bb8) {
    let first = [deadpool.get().await, deadpool.get().await];
    for client in first {
        client
            .expect("a place")
            .simple_query("SELECT 1")
            .await
            .expect("an answer");
    }
    let second = [bb8.get().await, bb8.get().await];
    for client in second {
        client
            .expect("a place")
            .simple_query("SELECT 1")
            .await
            .expect("an answer");
    }
}

async fn connections(admin: &Client) -> i64 {
    let count = "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'";
    admin.query_one(count, &[]).await.expect("an answer").get(0)
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "starts a Postgres server; scripts/test.sh runs it"]
async fn each_state_of_a_server_has_its_class() {
    let mut server = server();
    let admin = connect(&server).await;
    let client = Arc::new(connect(&server).await);
    let deadpool = deadpool(config(&server, PASSWORD));
    let bb8 = bb8(config(&server, PASSWORD));
    let of_client = health_of_client(&client);
    let pools = [
        ("deadpool", health_of_deadpool(&deadpool)),
        ("bb8", health_of_bb8(&bb8)),
    ];
    let all = || {
        pools
            .iter()
            .map(|(name, health)| (*name, health))
            .chain([("client", &of_client)])
    };
    for (name, health) in all() {
        println!("{name}, up: {:?}", eventually(health, UP).await);
    }

    // A run opens no connection for itself.
    let before = connections(&admin).await;
    for _ in 0..20 {
        for (_, health) in all() {
            assert_eq!(seen(health).await, UP);
        }
    }
    assert_eq!(connections(&admin).await, before);

    // Every connection in use: degraded.
    let first = [deadpool.get().await, deadpool.get().await];
    let second = [bb8.get().await, bb8.get().await];
    for (name, health) in &pools {
        let saturated = look(health).await;
        assert_eq!(saturated.verdict(), Verdict::Warn, "{name}");
        assert_eq!(saturated.failure_class(), Some(FailureClass::Saturated));
        println!("{name}, saturated: {:?}", saturated.response_time());
    }
    drop((first, second));
    for (_, health) in all() {
        eventually(health, UP).await;
    }

    // Demoted: read-only for all new transactions of all connections.
    for (on, wanted) in [("on", failing(FailureClass::WrongRole)), ("off", UP)] {
        let set = format!("ALTER SYSTEM SET default_transaction_read_only = {on}");
        admin.simple_query(&set).await.expect("it is set");
        let reload = admin.simple_query("SELECT pg_reload_conf()").await;
        reload.expect("it is read");
        for (name, health) in all() {
            println!(
                "{name}, read-only {on}: {:?}",
                eventually(health, wanted).await
            );
        }
        let reading = [
            tokio_postgres::postgres_read_only(&client).await,
            in_deadpool::postgres_read_only(&deadpool).await,
            in_bb8::postgres_read_only(&bb8).await,
        ];
        assert!(
            reading
                .iter()
                .all(|outcome| outcome.status() == health_core::Status::Pass)
        );
    }

    server.freeze();
    for (name, health) in all() {
        let frozen = failing(FailureClass::TimedOut);
        println!("{name}, frozen: {:?}", eventually(health, frozen).await);
    }
    server.thaw();
    for (name, health) in all() {
        println!("{name}, thawed: {:?}", eventually(health, UP).await);
    }
    both_work(&deadpool, &bb8).await;

    server.stop();
    for (name, health) in all() {
        let stopped = failing(FailureClass::Unreachable);
        println!("{name}, stopped: {:?}", eventually(health, stopped).await);
        assert_eq!(seen(health).await, stopped, "{name}");
    }
    server.spawn();
    server.wait_until_it_listens();
    for (name, health) in &pools {
        println!("{name}, back: {:?}", eventually(health, UP).await);
    }
    // A client never reconnects.
    assert_eq!(seen(&of_client).await, failing(FailureClass::Unreachable));
    both_work(&deadpool, &bb8).await;

    the_wrong_credentials_and_databases(&server).await;
    a_server_that_starts(&server).await;
}

async fn the_wrong_credentials_and_databases(server: &Server) {
    let wrong = || config(server, "wrong-hunter2");
    let mut missing = config(server, PASSWORD);
    missing.dbname("missing");
    for (health, class) in [
        (
            health_of_deadpool(&self::deadpool(wrong())),
            FailureClass::Unauthorized,
        ),
        (
            health_of_deadpool(&self::deadpool(missing)),
            FailureClass::Misconfigured,
        ),
        (
            health_of_bb8(&self::bb8(wrong())),
            FailureClass::Unreachable,
        ),
    ] {
        eventually(&health, failing(class)).await;
        let public = public_bytes(&health);
        for secret in ["hunter2", "127.0.0.1", "orders", "missing"] {
            assert!(!public.contains(secret), "{public}");
        }
    }
}

async fn a_server_that_starts(primary: &Server) {
    let standby = cold_standby(primary);
    let health = health_of_deadpool(&self::deadpool(config(&standby, PASSWORD)));
    let starting = eventually(&health, failing(FailureClass::Starting)).await;
    println!("deadpool, starting: {starting:?}");
    let outcome: Outcome = in_bb8::postgres(&self::bb8(config(&standby, PASSWORD))).await;
    assert_eq!(outcome.failure_class(), Some(FailureClass::Unreachable));
}
