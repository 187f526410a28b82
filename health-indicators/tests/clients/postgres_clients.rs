//! The checks of Postgres by other clients than sqlx, against one real server.

use std::sync::Arc;
use std::time::Duration;

use ::tokio_postgres::{Client, NoTls};
use diesel::PgConnection;
use health_core::Health;
use health_core::check::FailureClass;
use health_indicators::{diesel_r2d2 as in_r2d2, tokio_postgres};

use crate::pools::{self, Login, Pool, all_eventually, all_work, every_connection_in_use, writing};
use crate::support::postgres::{PASSWORD, cold_standby, server, standby};
use crate::support::{self, Server, UP, eventually, failing, public_bytes, seen};

fn login(server: &Server) -> Login<'static> {
    Login {
        server: "postgres",
        port: server.port,
        user: "orders",
        password: PASSWORD,
        database: "postgres",
    }
}

fn every_pool(login: &Login<'_>) -> Vec<Pool> {
    vec![
        pools::postgres::deadpool(login),
        pools::postgres::bb8(login),
        pools::r2d2::diesel_r2d2::<PgConnection>(
            login,
            in_r2d2::postgres,
            in_r2d2::postgres_read_only,
        ),
        pools::diesel_postgres::diesel_async_deadpool(login),
        pools::diesel_postgres::diesel_async_bb8(login),
    ]
}

async fn connect(server: &Server) -> Client {
    let url = login(server).url();
    let until = std::time::Instant::now() + Duration::from_secs(300);
    loop {
        // The server listens before it answers.
        match ::tokio_postgres::connect(&url, NoTls).await {
            Ok((client, connection)) => {
                tokio::spawn(connection);
                return client;
            }
            Err(error) => assert!(std::time::Instant::now() < until, "{error}"),
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

fn health_of_client(client: &Arc<Client>) -> Health {
    let client = Arc::clone(client);
    support::health(pools::TIMEOUT, move || {
        let client = Arc::clone(&client);
        async move { tokio_postgres::postgres(&client).await }
    })
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
    let of_client = health_of_client(&client);
    let pools = every_pool(&login(&server));
    let all = || writing(&pools).chain([("client", &of_client)]);
    all_eventually(all(), "up", UP).await;

    // A run opens no connection for itself.
    let before = connections(&admin).await;
    for _ in 0..20 {
        for (name, health) in all() {
            assert_eq!(seen(health).await, UP, "{name}");
        }
    }
    assert_eq!(connections(&admin).await, before);

    every_connection_in_use(&pools).await;

    // Demoted: read-only for all new transactions of all connections.
    for (on, wanted) in [("on", failing(FailureClass::WrongRole)), ("off", UP)] {
        let set = format!("ALTER SYSTEM SET default_transaction_read_only = {on}");
        admin.simple_query(&set).await.expect("it is set");
        let reload = admin.simple_query("SELECT pg_reload_conf()").await;
        reload.expect("it is read");
        all_eventually(all(), &format!("read-only {on}"), wanted).await;
        for pool in &pools {
            assert_eq!(seen(&pool.reading).await, UP, "{}", pool.name);
        }
        let reading = tokio_postgres::postgres_read_only(&client).await;
        assert_eq!(reading.status(), health_core::Status::Pass);
    }

    server.freeze();
    all_eventually(all(), "frozen", failing(FailureClass::TimedOut)).await;
    server.thaw();
    all_eventually(all(), "thawed", UP).await;
    all_work(&pools).await;

    server.stop();
    let stopped = failing(FailureClass::Unreachable);
    all_eventually(all(), "stopped", stopped).await;
    for (name, health) in all() {
        assert_eq!(seen(health).await, stopped, "{name}");
    }
    server.spawn();
    server.wait_until_it_listens();
    all_eventually(writing(&pools), "back", UP).await;
    // A client never reconnects.
    assert_eq!(seen(&of_client).await, failing(FailureClass::Unreachable));
    all_work(&pools).await;

    the_wrong_credentials_and_databases(&server).await;
    a_standby(&server).await;
    a_server_that_starts(&server).await;
}

async fn the_wrong_credentials_and_databases(server: &Server) {
    let wrong = Login {
        password: "wrong-hunter2",
        ..login(server)
    };
    let missing = Login {
        database: "missing",
        ..login(server)
    };
    for (login, class) in [
        (wrong, FailureClass::Unauthorized),
        (missing, FailureClass::Misconfigured),
    ] {
        let pools = every_pool(&login);
        all_eventually(writing(&pools), &format!("{class:?}"), failing(class)).await;
        for pool in pools {
            let public = public_bytes(&pool.writing);
            for secret in ["hunter2", "127.0.0.1", "orders", "missing"] {
                assert!(!public.contains(secret), "{}: {public}", pool.name);
            }
        }
    }
}

/// A standby answers queries and takes no writes.
async fn a_standby(primary: &Server) {
    let standby = standby(primary);
    for pool in every_pool(&login(&standby)) {
        eventually(&pool.reading, UP).await;
        let seen = seen(&pool.writing).await;
        assert_eq!(seen, failing(FailureClass::WrongRole), "{}", pool.name);
    }
}

async fn a_server_that_starts(primary: &Server) {
    let standby = cold_standby(primary);
    let pools = every_pool(&login(&standby));
    let starting = failing(FailureClass::Starting);
    all_eventually(writing(&pools), "starting", starting).await;
}
