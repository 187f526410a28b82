//! Every interface reports the same verdict at the same time, from the same board.

use std::collections::BTreeMap;
use std::time::Duration;

use health_core::config::HttpOptions;
use health_core::reported::Gate;
use health_core::testing::Fake;
use health_core::{CheckOptions, Health, Probe, Status};
use health_probe::Reason;
use health_tonic::Services;
use health_tonic::pb::health_check_response::ServingStatus;
use health_tonic::pb::health_client::HealthClient;
use health_tonic::pb::{HealthCheckRequest, HealthListRequest};
use tests::wire::{Framework, Grpc, Server};
use tonic::transport::Channel;

const BOUND: Duration = Duration::from_secs(20);

/// The checked services: the path over HTTP and the name over gRPC.
const QUESTIONS: [(&str, &str); 7] = [
    ("/readyz", "readiness"),
    ("/livez", "liveness"),
    ("/startupz", "startup"),
    ("/health/groups/storage", "storage"),
    ("/health/alive", "alive"),
    ("/health/disk", "disk"),
    ("/health/mail", "mail"),
];

/// Whether each answer is "healthy" or "degraded".
type Verdicts = [bool; QUESTIONS.len()];

/// Every interface of health.
struct Interfaces {
    health: Health,
    http: Vec<(Framework, Server)>,
    grpc: Grpc,
    client: HealthClient<Channel>,
}

impl Interfaces {
    async fn open(health: Health) -> Self {
        let mut http = Vec::new();
        for framework in Framework::ALL {
            http.push((framework, Server::start(framework, health.clone()).await));
        }
        let services: Services = health_tonic::services(&health).with_checks();
        let grpc = Grpc::start(services).await;
        let channel = Channel::from_shared(format!("http://{}", grpc.address()));
        let channel = channel.expect("an address").connect().await;
        Interfaces {
            client: HealthClient::new(channel.expect("it listens")),
            health,
            http,
            grpc,
        }
    }

    /// The verdicts of every interface, by its name.
    async fn ask(&mut self) -> BTreeMap<String, Verdicts> {
        let mut answers = BTreeMap::new();
        for (framework, server) in &self.http {
            let mut verdicts = Verdicts::default();
            for (verdict, (path, _)) in verdicts.iter_mut().zip(QUESTIONS) {
                *verdict = match server.get(path).await.status {
                    200 => true,
                    503 => false,
                    other => panic!("{framework:?} {path}: {other}"),
                };
            }
            answers.insert(format!("{framework:?}"), verdicts);
        }
        let checked = self.check().await;
        answers.insert("gRPC Check".into(), checked);
        answers.insert("gRPC List".into(), self.list().await);
        let http = self.http[0].1.address();
        let over_http = QUESTIONS.map(|(path, _)| format!("http://{http}{path}"));
        answers.insert("exec HTTP".into(), exec(over_http).await);
        let grpc = self.grpc.address();
        let over_grpc = QUESTIONS.map(|(_, service)| format!("grpc://{grpc}/{service}"));
        answers.insert("exec gRPC".into(), exec(over_grpc).await);
        answers
    }

    async fn check(&mut self) -> Verdicts {
        let mut verdicts = Verdicts::default();
        for (verdict, (_, service)) in verdicts.iter_mut().zip(QUESTIONS) {
            let service = service.to_owned();
            let answer = self.client.check(HealthCheckRequest { service }).await;
            *verdict = is_serving(answer.expect("it is known").get_ref().status());
        }
        verdicts
    }

    async fn list(&mut self) -> Verdicts {
        let answer = self.client.list(HealthListRequest {}).await;
        let statuses = answer.expect("a list").into_inner().statuses;
        assert_eq!(statuses[""], statuses["readiness"]);
        QUESTIONS.map(|(_, service)| is_serving(statuses[service].status()))
    }

    /// Asserts that all interfaces give these verdicts.
    async fn assert_all(&mut self, moment: &str, expected: Verdicts) {
        for (door, verdicts) in self.ask().await {
            assert_eq!(verdicts, expected, "{moment}: {door}");
        }
        for (probe, verdict) in [
            (Probe::Readiness, expected[0]),
            (Probe::Liveness, expected[1]),
            (Probe::Startup, expected[2]),
        ] {
            let status = self.health.status(probe);
            assert_eq!(status != Status::Fail, verdict, "{moment}: {probe}");
        }
    }
}

fn is_serving(status: ServingStatus) -> bool {
    match status {
        ServingStatus::Serving => true,
        ServingStatus::NotServing => false,
        other => panic!("{other:?} is no verdict"),
    }
}

/// As the probe command of a container, which blocks.
async fn exec(urls: [String; QUESTIONS.len()]) -> Verdicts {
    let asking = tokio::task::spawn_blocking(move || {
        urls.map(|url| match health_probe::probe(&url, BOUND) {
            Ok(()) => true,
            Err(error) if error.reason() == Reason::Unhealthy => false,
            Err(error) => panic!("{url}: {error}"),
        })
    });
    asking.await.expect("no panic")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_interface_reports_the_same_verdict_at_the_same_time() {
    let critical = || CheckOptions::new().critical();
    let migrations = Gate::new("migrations");
    let health = Health::builder()
        .check("alive", critical().liveness(), || async {})
        .check("disk", critical().tags(["storage"]), || async {})
        .check("mail", CheckOptions::new().tags(["storage"]), || async {})
        .reported(&migrations, CheckOptions::new().startup().critical())
        .http(HttpOptions::new().group("storage"))
        .start()
        .expect("it starts");
    for name in ["alive", "disk", "mail"] {
        health.refresh(name).await.expect("there is such a check");
    }
    let mut interfaces = Interfaces::open(health.clone()).await;
    //                ready  live   started storage alive disk  mail
    let starting = [false, true, false, true, true, true, true];
    interfaces.assert_all("starting", starting).await;
    migrations.open();
    interfaces.assert_all("healthy", [true; 7]).await;

    Fake::of(&health, "mail").warn("slow");
    interfaces.assert_all("degraded", [true; 7]).await;
    Fake::of(&health, "mail").fail("down");
    let without_mail = [true, true, true, true, true, true, false];
    interfaces.assert_all("mail is down", without_mail).await;
    Fake::of(&health, "disk").fail("full");
    let without_disk = [false, true, true, false, true, false, false];
    interfaces.assert_all("disk is full", without_disk).await;
    Fake::of(&health, "alive").fail("stuck");
    let stuck = [false, false, true, false, false, false, false];
    interfaces.assert_all("stuck", stuck).await;
    for name in ["alive", "disk", "mail"] {
        Fake::of(&health, name).pass();
    }
    interfaces.assert_all("healthy again", [true; 7]).await;

    drop(health.drain());
    let draining = [false, true, true, true, true, true, true];
    interfaces.assert_all("draining", draining).await;
}
