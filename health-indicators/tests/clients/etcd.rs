//! The checks of etcd, against a real cluster.

use std::future::Future;
use std::process::Command;
use std::time::{Duration, Instant};

use etcd_client::{
    AlarmAction, AlarmOptions, AlarmResponse, AlarmType, Client, ConnectOptions, Error,
    MemberAddOptions,
};
use health_core::check::FailureClass;
use health_core::report::Verdict;
use health_core::{Health, Outcome};
use health_indicators::etcd_client::{get, status};

use crate::support::{self, Seen, Server, UP, eventually, failing, free_port, public_bytes};

const PASSWORD: &str = "hunter2hunter2";
const NEW_PASSWORD: &str = "new-hunter2";
const PATIENCE: Duration = Duration::from_secs(120);

const UNREACHABLE: Seen = failing(FailureClass::Unreachable);
const NO_WRITES: Seen = failing(FailureClass::WrongRole);
const TIMED_OUT: Seen = failing(FailureClass::TimedOut);
const UNAUTHORIZED: Seen = failing(FailureClass::Unauthorized);

fn url(port: u16) -> String {
    format!("http://127.0.0.1:{port}")
}

/// The member with this name and this port for its peers, in a cluster of the
/// members `cluster`.
fn member(name: &'static str, peer: u16, cluster: &[(&str, u16)], state: &'static str) -> Server {
    let of_member = |(name, port): &(&str, u16)| format!("{name}={}", url(*port));
    let cluster = cluster.iter().map(of_member).collect::<Vec<_>>().join(",");
    let directory = tempfile::tempdir().expect("a directory");
    Server::start(directory, move |directory, port| {
        let mut command = Command::new("etcd");
        command
            .args(["--name", name, "--initial-cluster", &cluster])
            .args(["--initial-cluster-state", state])
            .args(["--listen-client-urls", &url(port)])
            .args(["--advertise-client-urls", &url(port)])
            .args(["--listen-peer-urls", &url(peer)])
            .args(["--initial-advertise-peer-urls", &url(peer)])
            // Patient, for a machine whose cores are all busy.
            .args(["--heartbeat-interval", "200", "--election-timeout", "2000"])
            .args(["--quota-backend-bytes", "1048576"])
            .arg("--data-dir")
            .arg(directory.join("data"));
        command
    })
}

async fn connect(server: &Server, options: ConnectOptions) -> Result<Client, Error> {
    Client::connect([url(server.port)], Some(options)).await
}

async fn connect_as(user: &str, password: &str, server: &Server) -> Client {
    let options = ConnectOptions::new().with_user(user, password);
    retry("a token", async || connect(server, options.clone()).await).await
}

/// Repeats a request: the cluster may elect a leader meanwhile.
async fn retry<T>(name: &str, request: impl AsyncFn() -> Result<T, Error>) -> T {
    let until = Instant::now() + PATIENCE;
    loop {
        match request().await {
            Ok(answer) => return answer,
            Err(error) => assert!(Instant::now() < until, "{name}: {error}"),
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// The application's own use of the client.
async fn works(client: &Client) {
    retry("a write", async || {
        client.kv_client().put("orders", "tea", None).await
    })
    .await;
    let answer = retry("a read", async || {
        client.kv_client().get("orders", None).await
    })
    .await;
    assert_eq!(answer.kvs()[0].value(), b"tea");
}

/// Both checks of one client.
struct Checks {
    status: Health,
    get: Health,
}

impl Checks {
    fn of(client: &Client) -> Self {
        Checks {
            status: health(client, async |client| status(&client).await),
            get: health(client, async |client| get("orders").check(&client).await),
        }
    }

    /// Waits for these states, and prints how long it took.
    async fn become_as(&self, phase: &str, of_status: Seen, of_get: Seen) {
        let (status, get) = tokio::join!(
            eventually(&self.status, of_status),
            eventually(&self.get, of_get)
        );
        println!("{phase}: status {status:?}, get {get:?}");
        for health in [&self.status, &self.get] {
            let public = public_bytes(health);
            for secret in ["hunter2", "127.0.0.1", "orders", "root"] {
                assert!(!public.contains(secret), "{public}");
            }
        }
    }
}

fn health<F, Fut>(client: &Client, check: F) -> Health
where
    F: Fn(Client) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Outcome> + Send + 'static,
{
    let client = client.clone();
    support::health(Duration::from_secs(2), move || check(client.clone()))
}

/// Returns the number of open connections of this process to a server.
fn connections(server: &Server) -> usize {
    let table = std::fs::read_to_string("/proc/self/net/tcp").expect("the connections");
    let remote = format!("0100007F:{:04X}", server.port);
    let own = own_sockets();
    let is_open = |line: &&str| {
        let words: Vec<_> = line.split_whitespace().collect();
        words[2] == remote && words[3] == "01" && own.contains(&format!("socket:[{}]", words[9]))
    };
    table.lines().skip(1).filter(is_open).count()
}

fn own_sockets() -> Vec<String> {
    let files = std::fs::read_dir("/proc/self/fd").expect("the files");
    let target = |file: std::io::Result<std::fs::DirEntry>| {
        let target = std::fs::read_link(file.ok()?.path()).ok()?;
        Some(target.to_str()?.to_owned())
    };
    files.filter_map(target).collect()
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "starts etcd; scripts/test.sh runs it"]
async fn each_state_of_a_cluster_has_its_class() {
    let peers = [("a", free_port()), ("b", free_port()), ("c", free_port())];
    let mut server = member("a", peers[0].1, &peers[..2], "new");
    let client = connect(&server, ConnectOptions::new()).await;
    let client = client.expect("it connects in the background");
    let checks = Checks::of(&client);
    checks.become_as("alone", TIMED_OUT, TIMED_OUT).await;
    let mut other = member("b", peers[1].1, &peers[..2], "new");
    checks.become_as("up", UP, UP).await;
    works(&client).await;

    let before = connections(&server);
    assert_eq!(before, 1, "that of the application");
    for _ in 0..20 {
        eventually(&checks.status, UP).await;
        eventually(&checks.get, UP).await;
    }
    assert_eq!(connections(&server), before, "a run opens no connection");

    no_space(&client, &checks).await;
    a_learner(&client, &peers).await;
    no_leader(&server, &mut other, &client, &checks).await;

    server.freeze();
    checks.become_as("frozen", TIMED_OUT, TIMED_OUT).await;
    server.thaw();
    checks.become_as("thawed", UP, UP).await;
    works(&client).await;

    server.stop();
    checks.become_as("stopped", UNREACHABLE, UNREACHABLE).await;
    server.spawn();
    checks.become_as("back", UP, UP).await;
    works(&client).await;

    Box::pin(credentials(&server, &client, &checks)).await;
}

async fn no_space(client: &Client, checks: &Checks) {
    retry("no space", async || exceed_the_quota(client).await).await;
    checks.become_as("no space", NO_WRITES, UP).await;
    let error = client.kv_client().put("orders", "tea", None).await;
    assert!(error.is_err(), "{error:?}");
    retry("no alarm", async || end_alarm(client).await).await;
    checks.become_as("space again", UP, UP).await;
    works(client).await;
}

async fn exceed_the_quota(client: &Client) -> Result<(), Error> {
    let value = vec![0; 1_200_000];
    match client.kv_client().put("orders", value, None).await {
        Err(error) if error.to_string().contains("space exceeded") => Ok(()),
        Err(error) => Err(error),
        Ok(_) => panic!("the value fits into the quota"),
    }
}

async fn end_alarm(client: &Client) -> Result<AlarmResponse, Error> {
    let mut client = client.maintenance_client();
    let status = client.status().await?;
    let mut of_member = AlarmOptions::new();
    of_member.with_member(status.header().expect("a header").member_id());
    let (end, kind) = (AlarmAction::Deactivate, AlarmType::Nospace);
    client.alarm(end, kind, Some(of_member)).await
}

/// A member that is not in use yet serves no requests.
async fn a_learner(client: &Client, peers: &[(&'static str, u16); 3]) {
    let (name, peer) = peers[2];
    retry("a learner", async || {
        let learner = MemberAddOptions::new().with_is_learner();
        let mut client = client.cluster_client();
        client.member_add([url(peer)], Some(learner)).await
    })
    .await;
    let learner = member(name, peer, peers, "existing");
    let client = connect(&learner, ConnectOptions::new()).await;
    let checks = Checks::of(&client.expect("it connects in the background"));
    checks.become_as("a learner", NO_WRITES, NO_WRITES).await;
}

async fn no_leader(server: &Server, other: &mut Server, client: &Client, checks: &Checks) {
    other.stop();
    checks.become_as("no leader", NO_WRITES, TIMED_OUT).await;
    let strict = ConnectOptions::new().with_require_leader(true);
    let strict = connect(server, strict).await.expect("a client");
    Checks::of(&strict)
        .become_as("no leader, which is required", NO_WRITES, NO_WRITES)
        .await;
    other.spawn();
    checks.become_as("a leader again", UP, UP).await;
    works(client).await;
}

/// A token is not accepted after a change of the password.
async fn credentials(server: &Server, client: &Client, checks: &Checks) {
    enable_authentication(client).await;
    checks.become_as("no credentials", UP, UNAUTHORIZED).await;
    let wrong = ConnectOptions::new().with_user("root", "wrong-hunter2");
    assert!(connect(server, wrong).await.is_err());

    let without_role = Checks::of(&connect_as("orders", PASSWORD, server).await);
    let forbidden = (Verdict::Warn, Some(FailureClass::Unauthorized));
    without_role
        .become_as("without a role", UP, forbidden)
        .await;

    let client = connect_as("root", PASSWORD, server).await;
    let by_itself = ConnectOptions::new()
        .with_user("root", PASSWORD)
        .with_auto_token_refresh(true);
    let refreshing = connect(server, by_itself).await.expect("a token");
    let checks = [Checks::of(&client), Checks::of(&refreshing)];
    for checks in &checks {
        checks.become_as("credentials", UP, UP).await;
    }

    change_password(&client, NEW_PASSWORD).await;
    for checks in &checks {
        let phase = "the password has changed";
        checks.become_as(phase, UP, UNAUTHORIZED).await;
    }
    let admin = connect_as("root", NEW_PASSWORD, server).await;
    change_password(&admin, PASSWORD).await;
    checks[1].become_as("a token by itself", UP, UP).await;
    works(&refreshing).await;
    retry("a token", async || client.refresh_token().await).await;
    checks[0].become_as("a new token", UP, UP).await;
    works(&client).await;
}

async fn enable_authentication(client: &Client) {
    let mut client = client.auth_client();
    for user in ["root", "orders"] {
        let added = client.user_add(user, PASSWORD, None).await;
        added.expect("a user");
    }
    let granted = client.user_grant_role("root", "root").await;
    granted.expect("a role");
    client.auth_enable().await.expect("authentication");
}

async fn change_password(client: &Client, password: &str) {
    let mut client = client.auth_client();
    let changed = client.user_change_password("root", password).await;
    changed.expect("the password has changed");
}
