//! The checks of MySQL by sqlx and diesel, against a real MariaDB server.

use std::time::Duration;

use diesel::MysqlConnection;
use health_core::Health;
use health_core::check::FailureClass;
use health_core::report::Verdict;
use health_indicators::diesel_r2d2 as in_r2d2;
use health_indicators::sqlx::{mysql, mysql_read_only};
use sqlx::MySqlPool;
use sqlx::mysql::{MySqlConnectOptions, MySqlPoolOptions};

use crate::pools::{self, Login, Pool, all_eventually, all_work, every_connection_in_use, writing};
use crate::support::{
    self, Server, UP, as_user, directory_of, eventually, failing, look, public_bytes, run, seen,
};

const PASSWORD: &str = "hunter2hunter2";

fn server() -> Server {
    let directory = directory_of("mysql");
    let data = directory.path().join("data");
    run(as_user("mariadb-install-db", "mysql")
        .args(["--no-defaults", "--auth-root-authentication-method=normal"])
        .arg("--skip-test-db")
        .arg(format!("--datadir={}", data.display())));
    let users = directory.path().join("users.sql");
    let user = format!("'orders'@'%' IDENTIFIED BY '{PASSWORD}'");
    // A user with SUPER could write to a server that is read-only.
    let sql = format!(
        "CREATE OR REPLACE USER {user};\nCREATE DATABASE IF NOT EXISTS shop;\nGRANT ALL ON shop.* TO 'orders'@'%';\n\
         CREATE OR REPLACE USER 'admin'@'%' IDENTIFIED BY '{PASSWORD}';\nGRANT ALL ON *.* TO 'admin'@'%';\n"
    );
    std::fs::write(users, sql).expect("a file");
    Server::start(directory, |directory, port| {
        let file = |name: &str| directory.join(name).display().to_string();
        let mut command = as_user("mariadbd", "mysql");
        command
            .args([
                "--no-defaults",
                "--bind-address=127.0.0.1",
                "--skip-name-resolve",
            ])
            .arg(format!("--port={port}"))
            .arg(format!("--datadir={}", file("data")))
            .arg(format!("--socket={}", file("socket")))
            .arg(format!("--pid-file={}", file("pid")))
            .arg(format!("--init-file={}", file("users.sql")));
        command
    })
}

fn options(server: &Server, user: &str, password: &str) -> MySqlConnectOptions {
    MySqlConnectOptions::new()
        .host("127.0.0.1")
        .port(server.port)
        .username(user)
        .password(password)
        .database("shop")
}

fn pool(server: &Server, user: &str) -> MySqlPool {
    MySqlPoolOptions::new()
        .max_connections(2)
        .acquire_timeout(Duration::from_secs(5))
        .connect_lazy_with(options(server, user, PASSWORD))
}

fn health(pool: &MySqlPool) -> Health {
    let pool = pool.clone();
    support::health(Duration::from_secs(3), move || {
        let pool = pool.clone();
        async move { mysql(&pool).await }
    })
}

fn login(server: &Server) -> Login<'static> {
    Login {
        server: "mysql",
        port: server.port,
        user: "orders",
        password: PASSWORD,
        database: "shop",
    }
}

fn pools_of_diesel(login: &Login<'_>) -> Vec<Pool> {
    vec![
        pools::r2d2::diesel_r2d2::<MysqlConnection>(
            login,
            in_r2d2::mysql,
            in_r2d2::mysql_read_only,
        ),
        pools::diesel_mysql::diesel_async_deadpool(login),
    ]
}

async fn connections_of_orders(admin: &MySqlPool) -> i64 {
    let count = "SELECT count(*) FROM information_schema.processlist WHERE user = 'orders'";
    let count = sqlx::query_scalar(count).fetch_one(admin).await;
    count.expect("an answer")
}

/// sqlx tests a connection before it is idle again. One that is frozen in this
/// test is still in use.
async fn all_idle(pool: &MySqlPool) {
    while pool.num_idle() < pool.size() as usize {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

async fn works(pool: &MySqlPool) {
    let one: i64 = sqlx::query_scalar("SELECT 1")
        .fetch_one(pool)
        .await
        .expect("an answer");
    assert_eq!(one, 1);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "starts a MariaDB server; scripts/test.sh runs it"]
async fn each_state_of_a_server_has_its_class() {
    let mut server = server();
    let pool = pool(&server, "orders");
    let health = health(&pool);
    let pools = pools_of_diesel(&login(&server));
    let all = || writing(&pools).chain([("sqlx", &health)]);
    all_eventually(all(), "up", UP).await;

    #[cfg(feature = "sqlx-migrate")]
    support::migrations::migrations_are_told_apart!(&pool);

    let held = [pool.acquire().await, pool.acquire().await];
    let saturated = look(&health).await;
    assert_eq!(saturated.verdict(), Verdict::Warn);
    assert_eq!(saturated.failure_class(), Some(FailureClass::Saturated));
    drop(held);
    eventually(&health, UP).await;

    every_connection_in_use(&pools).await;

    let admin = self::pool(&server, "admin");
    a_run_opens_no_connection(&pools, &admin).await;
    for (sql, expected) in [
        (
            "SET GLOBAL read_only = ON",
            failing(FailureClass::WrongRole),
        ),
        ("SET GLOBAL read_only = OFF", UP),
    ] {
        sqlx::raw_sql(sql).execute(&admin).await.expect("it is set");
        assert_eq!(seen(&health).await, expected);
        let reading = mysql_read_only(&pool).await;
        assert_eq!(reading.status(), health_core::Status::Pass);
        #[cfg(feature = "sea-orm")]
        the_same_by_sea_orm(&pool, expected.1).await;
        for pool in &pools {
            assert_eq!(seen(&pool.writing).await, expected, "{}", pool.name);
            assert_eq!(seen(&pool.reading).await, UP, "{}", pool.name);
        }
    }
    admin.close().await;

    all_idle(&pool).await;
    server.freeze();
    all_eventually(all(), "frozen", failing(FailureClass::TimedOut)).await;
    server.thaw();
    all_eventually(all(), "thawed", UP).await;
    works(&pool).await;
    all_work(&pools).await;
    pools::diesel_mysql::a_cancelled_run_leaves_no_answer(&login(&server), &server).await;

    server.stop();
    all_eventually(all(), "stopped", failing(FailureClass::Unreachable)).await;
    server.spawn();
    server.wait_until_it_listens();
    all_eventually(all(), "back", UP).await;
    all_work(&pools).await;
    let all = [pool.acquire().await, pool.acquire().await];
    assert!(all.iter().all(Result::is_ok), "no connection is lost");
    drop(all);

    the_wrong_credentials_and_databases(&server).await;
}

/// No pool of diesel has more connections after 20 runs.
async fn a_run_opens_no_connection(pools: &[Pool], admin: &MySqlPool) {
    let before = connections_of_orders(admin).await;
    for _ in 0..20 {
        for pool in pools {
            assert_eq!(seen(&pool.writing).await, UP, "{}", pool.name);
        }
    }
    assert_eq!(connections_of_orders(admin).await, before);
}

async fn the_wrong_credentials_and_databases(server: &Server) {
    let wrong = Login {
        password: "wrong-hunter2",
        ..login(server)
    };
    let missing = Login {
        user: "admin",
        database: "missing",
        ..login(server)
    };
    for (login, class) in [
        (wrong, FailureClass::Unauthorized),
        (missing, FailureClass::Misconfigured),
    ] {
        let options = options(server, login.user, login.password).database(login.database);
        let pool = MySqlPoolOptions::new().connect_lazy_with(options);
        let (by_sqlx, pools) = (self::health(&pool), pools_of_diesel(&login));
        let all = || writing(&pools).chain([("sqlx", &by_sqlx)]);
        all_eventually(all(), "misconfigured", failing(class)).await;
        for (name, health) in all() {
            tells_no_secret(name, health);
        }
    }
}

fn tells_no_secret(name: &str, health: &Health) {
    let public = public_bytes(health);
    for secret in ["hunter2", "127.0.0.1", "orders", "missing"] {
        assert!(!public.contains(secret), "{name}: {public}");
    }
}

#[cfg(feature = "sea-orm")]
async fn the_same_by_sea_orm(pool: &MySqlPool, class: Option<FailureClass>) {
    use health_indicators::sea_orm::{readable, writable};

    let database = sea_orm::SqlxMySqlConnector::from_sqlx_mysql_pool(pool.clone());
    assert_eq!(writable(&database).await.failure_class(), class);
    let reading = readable(&database).await;
    assert_eq!(reading.status(), health_core::Status::Pass);
}
