//! An outage of a database must not exhaust the pool of the application through its
//! checks.
//!
//! A dropped query future costs the pool of sqlx a connection: its return waits,
//! without a limit, for a server that is gone. The second test shows the effect on an
//! application whose probes drop their checks; the first test shows that the engine
//! does not.
//!
//! In real time, over real sockets: every wait is for a condition, with a bound.

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::time::{Duration, SystemTime};

use health_axum::report::Verdict;
use health_axum::{CheckOptions, Health, HealthState, Probe, Status, health_check};
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions, PgSslMode};
use test_support::eventually;
use tests::wire::Server;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

const CONNECTIONS: u32 = 3;
/// How long the application waits for a connection of its own pool.
const PATIENCE: Duration = Duration::from_secs(1);

/// A minimal PostgreSQL server for a client that only sends `SELECT 1`.
#[derive(Clone, Default)]
struct Postgres {
    silent: Arc<AtomicBool>,
}

impl Postgres {
    /// Listens, and returns a pool that is connected to the server.
    async fn start() -> (Self, PgPool) {
        let server = Postgres::default();
        let listener = TcpListener::bind("127.0.0.1:0")
            .await
            .expect("the loopback interface has a free port");
        let port = listener
            .local_addr()
            .expect("a bound socket has an address")
            .port();
        let accepting = server.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(accepting.clone().serve(client));
            }
        });
        let options = PgConnectOptions::new_without_pgpass()
            .host("127.0.0.1")
            .port(port)
            .username("application")
            .database("orders")
            .ssl_mode(PgSslMode::Disable);
        let pool = PgPoolOptions::new()
            .max_connections(CONNECTIONS)
            .min_connections(CONNECTIONS)
            .acquire_timeout(PATIENCE)
            .connect_with(options)
            .await
            .expect("a pool");
        eventually("all connections", async || {
            pool.num_idle() == CONNECTIONS as usize
        })
        .await;
        (server, pool)
    }

    /// Queries get no answer from now on, on any open socket, as for a server that
    /// vanished.
    fn go_silent(&self) {
        self.silent.store(true, SeqCst);
    }

    /// Queries are answered again, on new sockets and on those that were opened
    /// since.
    fn come_back(&self) {
        self.silent.store(false, SeqCst);
    }

    async fn serve(self, mut client: TcpStream) -> Option<()> {
        const READY: &[u8] = b"Z\0\0\0\x05I";
        let startup = client.read_u32().await.ok()?;
        read(&mut client, startup).await?;
        let authenticated = b"R\0\0\0\x08\0\0\0\0";
        client
            .write_all(&[authenticated, READY].concat())
            .await
            .ok()?;
        loop {
            let kind = client.read_u8().await.ok()?;
            let length = client.read_u32().await.ok()?;
            read(&mut client, length).await?;
            let completed: &[u8] = match kind {
                b'Q' if self.silent.load(SeqCst) => pending().await,
                b'Q' => b"C\0\0\0\x0dSELECT 1\0",
                b'S' => b"",
                _ => return None,
            };
            client.write_all(&[completed, READY].concat()).await.ok()?;
        }
    }
}

/// The rest of a message; its length includes the length field.
async fn read(client: &mut TcpStream, length: u32) -> Option<()> {
    let mut rest = vec![0; length.checked_sub(4)? as usize];
    client.read_exact(&mut rest).await.ok().map(drop)
}

async fn select_one(pool: &PgPool) -> Result<(), sqlx::Error> {
    sqlx::raw_sql("SELECT 1").execute(pool).await.map(drop)
}

/// The number of runs that began, and the maximum of concurrent runs.
#[derive(Default)]
struct Runs {
    begun: AtomicUsize,
    now: AtomicUsize,
    most: AtomicUsize,
}

struct OneRun<'a>(&'a Runs);

impl Runs {
    fn begin(&self) -> OneRun<'_> {
        self.begun.fetch_add(1, SeqCst);
        self.most
            .fetch_max(self.now.fetch_add(1, SeqCst) + 1, SeqCst);
        OneRun(self)
    }
}

impl Drop for OneRun<'_> {
    fn drop(&mut self) {
        self.0.now.fetch_sub(1, SeqCst);
    }
}

#[derive(Clone, HealthState)]
struct AppState {
    pool: PgPool,
    runs: Arc<Runs>,
}

#[health_check(timeout = "100ms", interval = "100ms", critical)]
async fn database(pool: &PgPool, runs: &Arc<Runs>) -> Result<(), sqlx::Error> {
    let _run = runs.begin();
    select_one(pool).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_silent_database_does_not_exhaust_the_pool() {
    let (postgres, pool) = Postgres::start().await;
    let runs = Arc::new(Runs::default());
    let state = AppState {
        pool: pool.clone(),
        runs: Arc::clone(&runs),
    };
    let often = Duration::from_millis(100);
    let health = Health::builder()
        .state(state)
        .check("clock", CheckOptions::new().interval(often), || async {})
        .start()
        .expect("it starts");
    let server = Server::axum(health_axum::internal_routes(&health), health.clone()).await;
    eventually("ready", async || {
        health.status(Probe::Readiness) == Status::Pass
    })
    .await;

    let silence = SystemTime::now();
    let before = runs.begun.load(SeqCst);
    postgres.go_silent();
    let database = || health.check("database").expect("it is declared");
    eventually("the deadline", async || {
        database().message() == Some("timed out")
    })
    .await;
    assert_eq!(server.get("/readyz").await.status, 503);
    let at_deadline = runs.begun.load(SeqCst);
    assert!(at_deadline > before, "a run was swallowed");

    // As many intervals as would have exhausted the pool, had a run been dropped and
    // started again in each.
    let clock = || {
        health
            .check("clock")
            .expect("the check is registered")
            .consecutive()
    };
    let ticks = clock();
    eventually("five periods", async || clock() >= ticks + 5).await;
    assert_eq!(database().verdict(), Verdict::Fail);
    assert_eq!(runs.begun.load(SeqCst), at_deadline, "no second run");
    assert_eq!(runs.most.load(SeqCst), 1, "one at a time");
    let since = database().overdue_since().expect("the run is in flight");
    assert!((silence..SystemTime::now()).contains(&since));
    let report: serde_json::Value =
        serde_json::from_str(&server.get("/health").await.body).expect("the text is valid JSON");
    assert!(
        report["checks"]["database"]["overdue_since"].is_string(),
        "{report}"
    );

    postgres.come_back();
    // All connections except the one of the run in flight, each within the limit of
    // the application, and all at once.
    let mut connections = Vec::new();
    for _ in 1..CONNECTIONS {
        connections.push(pool.acquire().await.expect("a connection"));
    }
    for connection in &mut connections {
        let query = sqlx::raw_sql("SELECT 1").execute(&mut **connection);
        query.await.expect("the database is back");
    }
}

/// What the engine must not do. If this fails, sqlx no longer loses a connection for
/// a dropped query, and the engine could abandon runs earlier.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dropped_check_exhausts_the_pool() {
    let (postgres, pool) = Postgres::start().await;
    postgres.go_silent();
    for _ in 0..CONNECTIONS {
        let probe = timeout(Duration::from_millis(100), select_one(&pool));
        assert!(probe.await.is_err(), "it is silent");
    }
    postgres.come_back();
    let error = pool.acquire().await.expect_err("nothing is left");
    assert!(matches!(error, sqlx::Error::PoolTimedOut), "{error}");
    assert_eq!((pool.size(), pool.num_idle()), (CONNECTIONS, 0));
}
