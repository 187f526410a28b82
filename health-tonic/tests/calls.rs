//! The calls of the service, over a real connection with the client of tonic.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::{Duration, Instant};

use health_tonic::config::HttpOptions;
use health_tonic::config::LifecycleOptions;
use health_tonic::http::Subject;
use health_tonic::pb::health_check_response::ServingStatus::{
    self, NotServing, ServiceUnknown, Serving,
};
use health_tonic::pb::health_client::HealthClient;
use health_tonic::pb::{HealthCheckRequest, HealthCheckResponse, HealthListRequest};
use health_tonic::testing::Fake;
use health_tonic::{CheckOptions, Health, HealthBuilder, Outcome, Probe, Services, services};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::timeout;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::transport::{Channel, Server};
use tonic::{Code, Streaming};

const BOUND: Duration = Duration::from_secs(20);

fn critical() -> CheckOptions {
    CheckOptions::new().critical()
}

fn storage() -> HealthBuilder {
    Health::builder()
        .check("disk", critical().tags(["storage"]), || async {})
        .check("mail", CheckOptions::new(), || async {})
        .http(HttpOptions::new().group("storage"))
}

async fn started(builder: HealthBuilder) -> Health {
    let health = builder.start().expect("it starts");
    for check in health.snapshot().checks() {
        health.refresh(check.name()).await;
    }
    health
}

struct HealthServer {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    serving: JoinHandle<()>,
}

impl HealthServer {
    async fn start(services: Services) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let services = services.build().expect("no two of one name");
        let (stop, stopped) = oneshot::channel::<()>();
        let serving = tokio::spawn(async move {
            Server::builder()
                .add_service(services)
                .serve_with_incoming_shutdown(TcpListenerStream::new(listener), async {
                    drop(stopped.await);
                })
                .await
                .expect("serving");
        });
        HealthServer {
            address,
            stop: Some(stop),
            serving,
        }
    }

    async fn client(&self) -> HealthClient<Channel> {
        let channel = Channel::from_shared(format!("http://{}", self.address));
        let channel = channel.expect("an address").connect().await;
        HealthClient::new(channel.expect("it listens"))
    }
}

fn ask(service: &str) -> HealthCheckRequest {
    HealthCheckRequest {
        service: service.to_owned(),
    }
}

async fn check(client: &mut HealthClient<Channel>, service: &str) -> Result<ServingStatus, Code> {
    match client.check(ask(service)).await {
        Ok(answer) => Ok(answer.get_ref().status()),
        Err(status) => Err(status.code()),
    }
}

async fn watch(
    client: &mut HealthClient<Channel>,
    service: &str,
) -> Streaming<HealthCheckResponse> {
    let answer = client.watch(ask(service)).await;
    answer.expect("watch never refuses").into_inner()
}

/// Returns the next message, or the status with which the call ended.
async fn next(stream: &mut Streaming<HealthCheckResponse>) -> Result<ServingStatus, Code> {
    let message = timeout(BOUND, stream.message()).await.expect("in time");
    match message {
        Ok(Some(message)) => Ok(message.status()),
        Ok(None) => Err(Code::Ok),
        Err(status) => Err(status.code()),
    }
}

#[tokio::test]
async fn check_answers_for_probes_groups_and_custom_names() {
    let health = started(storage()).await;
    let services = services(&health)
        .service("orders.v1.Orders", "storage")
        .service("orders.v1.Mail", Subject::check("mail"))
        .service("orders-liveness", Probe::Liveness);
    let served = HealthServer::start(services).await;
    let mut client = served.client().await;
    for service in [
        "",
        "readiness",
        "liveness",
        "startup",
        "storage",
        "orders.v1.Orders",
        "orders.v1.Mail",
        "orders-liveness",
    ] {
        assert_eq!(check(&mut client, service).await, Ok(Serving), "{service}");
    }
    for service in ["orders", "disk", "readyz", "STORAGE"] {
        let unknown = check(&mut client, service).await;
        assert_eq!(unknown, Err(Code::NotFound), "{service}");
    }
    Fake::of(&health, "disk").fail("full");
    Fake::of(&health, "mail").warn("slow");
    for (service, status) in [
        ("", NotServing),
        ("liveness", Serving),
        ("startup", Serving),
        ("storage", NotServing),
        ("orders.v1.Orders", NotServing),
        ("orders.v1.Mail", Serving),
    ] {
        assert_eq!(check(&mut client, service).await, Ok(status), "{service}");
    }
}

#[tokio::test]
async fn list_returns_at_most_one_hundred_services() {
    let health = started(storage()).await;
    let served = HealthServer::start(services(&health).with_checks()).await;
    let answer = served.client().await.list(HealthListRequest {}).await;
    let statuses = answer.expect("a list").into_inner().statuses;
    let mut names: Vec<&str> = statuses.keys().map(String::as_str).collect();
    names.sort_unstable();
    let expected = [
        "",
        "disk",
        "liveness",
        "mail",
        "readiness",
        "startup",
        "storage",
    ];
    assert_eq!(names, expected);
    assert!(statuses.values().all(|it| it.status() == Serving));

    let many = (0..97).fold(services(&health), |services, number| {
        services.service(format!("orders.v{number}"), "storage")
    });
    let served = HealthServer::start(many).await;
    let answer = served.client().await.list(HealthListRequest {}).await;
    let refused = answer.expect_err("there are too many");
    assert_eq!(refused.code(), Code::ResourceExhausted);
}

#[tokio::test]
async fn unknown_and_duplicate_service_names_are_refused() {
    let health = started(storage()).await;
    let refused = services(&health)
        .service("orders.v1.Orders", "storrage")
        .service("storage", "storage")
        .service("x", Subject::check("tape"))
        .build()
        .expect_err("three mistakes");
    let text = refused.to_string();
    for part in [
        "the service \"orders.v1.Orders\" depends on the group \"storrage\", which does not exist",
        "there are two services named \"storage\"",
        "the service \"x\" depends on the check \"tape\", which does not exist",
    ] {
        assert!(text.contains(part), "{text}");
    }
    // `main` prints the `Debug` of its error.
    assert_eq!(format!("{refused:?}"), text);
}

#[tokio::test]
async fn watch_sends_the_status_and_then_each_change_once() {
    let health = started(storage()).await;
    let served = HealthServer::start(services(&health)).await;
    let mut client = served.client().await;
    let mut ready = watch(&mut client, "").await;
    assert_eq!(next(&mut ready).await, Ok(Serving));
    for outcome in [Outcome::fail("full"), Outcome::fail("fuller")] {
        Fake::of(&health, "disk").set(outcome);
    }
    assert_eq!(next(&mut ready).await, Ok(NotServing));
    // Degraded is `SERVING` as well.
    Fake::of(&health, "disk").pass();
    assert_eq!(next(&mut ready).await, Ok(Serving));
    Fake::of(&health, "mail").warn("slow");
    Fake::of(&health, "disk").fail("full");
    assert_eq!(next(&mut ready).await, Ok(NotServing));
}

#[tokio::test]
async fn an_unknown_service_is_watched_until_the_end_of_the_drain() {
    let health =
        started(storage().lifecycle(LifecycleOptions::new().drain_delay(Duration::from_millis(1))))
            .await;
    let served = HealthServer::start(services(&health)).await;
    let mut client = served.client().await;
    let mut unknown = watch(&mut client, "nobody").await;
    assert_eq!(next(&mut unknown).await, Ok(ServiceUnknown));
    let more = timeout(Duration::from_millis(50), unknown.message()).await;
    assert!(more.is_err(), "the call goes on");
    health.drain().await;
    assert_eq!(next(&mut unknown).await, Err(Code::Unavailable));
}

/// A graceful shutdown waits for calls, so it would never end otherwise.
#[tokio::test]
async fn every_watch_ends_with_the_drain_and_before_the_server() {
    let health = started(
        storage().lifecycle(LifecycleOptions::new().drain_delay(Duration::from_millis(50))),
    )
    .await;
    let services = services(&health).service("orders.v1.Orders", "storage");
    let mut served = HealthServer::start(services).await;
    let mut client = served.client().await;
    let mut ready = watch(&mut client, "").await;
    let mut orders = watch(&mut client, "orders.v1.Orders").await;
    let mut storage = watch(&mut client, "storage").await;
    let mut alive = watch(&mut client, "liveness").await;
    for stream in [&mut ready, &mut orders, &mut storage, &mut alive] {
        assert_eq!(next(stream).await, Ok(Serving));
    }
    let drained = health.drain();
    for stream in [&mut ready, &mut orders] {
        assert_eq!(next(stream).await, Ok(NotServing));
    }
    // As over HTTP: the process is live, and the disk passes.
    for service in ["liveness", "storage"] {
        assert_eq!(check(&mut client, service).await, Ok(Serving), "{service}");
    }
    // What comes later changes nothing.
    Fake::of(&health, "disk").pass();
    assert_eq!(check(&mut client, "").await, Ok(NotServing));
    drained.await;
    for stream in [&mut ready, &mut orders, &mut storage, &mut alive] {
        assert_eq!(next(stream).await, Err(Code::Unavailable));
    }
    drop(served.stop.take());
    let ended = timeout(BOUND, served.serving).await;
    ended.expect("the server ends").expect("no panic");
}

#[tokio::test]
async fn a_stop_ends_every_watch() {
    let health = started(storage()).await;
    let served = HealthServer::start(services(&health)).await;
    let mut client = served.client().await;
    let mut ready = watch(&mut client, "").await;
    assert_eq!(next(&mut ready).await, Ok(Serving));
    health.stop().await;
    assert_eq!(next(&mut ready).await, Ok(NotServing));
    assert_eq!(next(&mut ready).await, Err(Code::Unavailable));
}

/// A check that counts its runs.
#[tokio::test]
async fn only_its_probe_runs_a_check_on_demand() {
    let runs = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&runs);
    let dear = critical().cache(Duration::from_secs(3600));
    let health = Health::builder()
        .check("dear", dear, move || {
            counter.fetch_add(1, SeqCst);
            async {}
        })
        .start()
        .expect("it starts");
    let served = HealthServer::start(services(&health)).await;
    let mut client = served.client().await;
    assert_eq!(check(&mut client, "liveness").await, Ok(Serving));
    assert_eq!(runs.load(SeqCst), 0);
    let mut ready = watch(&mut client, "").await;
    assert_eq!(next(&mut ready).await, Ok(Serving));
    assert_eq!(check(&mut client, "").await, Ok(Serving));
    assert_eq!(runs.load(SeqCst), 1, "the result is recent enough");
}

#[tokio::test]
async fn a_hanging_check_does_not_block_an_answer() {
    let hour = Duration::from_secs(3_600);
    let hangs = critical().cache(Duration::ZERO).timeout(hour);
    let health = Health::builder()
        .check("hangs", hangs, std::future::pending::<()>)
        .start()
        .expect("it starts");
    let served = HealthServer::start(services(&health)).await;
    let mut client = served.client().await;
    let answer = timeout(BOUND, check(&mut client, "")).await;
    assert_eq!(answer.expect("the run is not awaited"), Ok(NotServing));
    let mut ready = watch(&mut client, "").await;
    assert_eq!(next(&mut ready).await, Ok(NotServing));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_watches_get_each_change() {
    const CONNECTIONS: usize = 100;
    const STREAMS: usize = 100;
    let health = started(storage()).await;
    let served = HealthServer::start(services(&health)).await;
    let mut connections = JoinSet::new();
    for _ in 0..CONNECTIONS {
        let mut client = served.client().await;
        connections.spawn(async move {
            let mut streams = Vec::new();
            for _ in 0..STREAMS {
                streams.push(watch(&mut client, "").await);
            }
            streams
        });
    }
    let mut streams: Vec<_> = connections.join_all().await.into_iter().flatten().collect();
    for stream in &mut streams {
        assert_eq!(next(stream).await, Ok(Serving));
    }
    for (outcome, status) in [
        (Outcome::fail("full"), NotServing),
        (Outcome::pass(), Serving),
    ] {
        let start = Instant::now();
        Fake::of(&health, "disk").set(outcome);
        let turn = start.elapsed();
        for stream in &mut streams {
            assert_eq!(next(stream).await, Ok(status));
        }
        println!(
            "the turn took {turn:?}, all heard after {:?}",
            start.elapsed()
        );
    }
    let probe = Instant::now();
    let mut client = served.client().await;
    assert_eq!(check(&mut client, "").await, Ok(Serving));
    println!("a new client was answered after {:?}", probe.elapsed());
}

/// A client that reads nothing gets the last status, and not all of them.
#[tokio::test]
async fn unread_changes_are_merged() {
    let health = started(storage()).await;
    let mut ready = health.watch(&Probe::Readiness.into()).expect("a probe");
    assert_eq!(ready.next().await, Some(health_tonic::Status::Pass));
    for _ in 0..1_000 {
        Fake::of(&health, "disk").fail("full");
        Fake::of(&health, "disk").pass();
    }
    Fake::of(&health, "disk").fail("full");
    assert_eq!(ready.next().await, Some(health_tonic::Status::Fail));
    let more = timeout(Duration::from_millis(20), ready.next()).await;
    assert!(more.is_err());
}
