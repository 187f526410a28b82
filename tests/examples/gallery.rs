//! Takes the pictures of the status page that the guide shows, one of each
//! state:
//!
//! ```sh
//! npm ci --prefix tests/browser
//! cargo run -p tests --example gallery -- folder 40
//! pngquant --ext .png --force --speed 1 32 folder/*.png
//! optipng -o2 folder/*.png
//! cp folder/*.png docs/pictures
//! ```
//!
//! The number is the age of the services in minutes: their time axes show as
//! much.

use std::env;
use std::future::pending;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use health_core::check::FailureClass;
use health_core::config::{HttpOptions, ServiceInfo};
use health_core::http::{HealthServer, Page};
use health_core::reported::{Gate, Heartbeat, Switch};
use health_core::{CheckOptions, Health, HealthBuilder, Outcome};

/// When a check does not pass, in tenths of the age of the service.
type Outage = (u32, u32);

#[derive(Clone, Copy)]
struct Clock {
    start: Instant,
    age: Duration,
}

impl Clock {
    fn is_in(self, (from, to): Outage) -> bool {
        let tenth = self.age / 10;
        (tenth * from..tenth * to).contains(&self.start.elapsed())
    }
}

fn often() -> CheckOptions {
    CheckOptions::new()
        .interval(Duration::from_secs(2))
        .timeout(Duration::from_secs(1))
}

async fn answers_within(millis: std::ops::Range<u64>) {
    tokio::time::sleep(Duration::from_millis(fastrand::u64(millis))).await;
}

/// A shop whose checks pass, except in these outages.
fn shop(clock: Clock, [database, cache, payments]: [Outage; 3]) -> HealthBuilder {
    let worker = Heartbeat::new("worker", Duration::from_secs(5));
    let builder = Health::builder()
        .service_info(
            ServiceInfo::new()
                .name("orders")
                .version("1.4.2")
                .id("orders-7d9f4")
                .description("Takes the orders of the shop.")
                .link("dashboard", "https://grafana.example.com/d/health-checks"),
        )
        .http(HttpOptions::new().path("/status", Page::StatusPage))
        .reported(
            &worker,
            CheckOptions::new().description("Ships accepted orders."),
        )
        .check(
            "database",
            often()
                .critical()
                .description("The orders database answers a query.")
                .tags(["storage"])
                .affects(["/orders", "/orders/{id}"])
                .links([("runbook", "https://wiki.example.com/orders-db")]),
            move || async move {
                answers_within(2..9).await;
                if clock.is_in(database) {
                    return Outcome::fail("no connection").class(FailureClass::Unreachable);
                }
                Outcome::pass()
            },
        )
        .check(
            "schema",
            often()
                .after(["database"])
                .description("All migrations are applied."),
            || answers_within(2..6),
        )
        .check(
            "cache",
            often()
                .tags(["storage"])
                .description("Keeps completed orders."),
            move || async move {
                answers_within(1..4).await;
                if clock.is_in(cache) {
                    return Outcome::warn("nearly full").observe(97, "percent full");
                }
                Outcome::pass().observe(fastrand::u64(61..64), "percent full")
            },
        )
        .check(
            "payments",
            often()
                .tags(["external"])
                .affects(["/orders"])
                .description("The payment service is up."),
            move || async move {
                answers_within(40..120).await;
                if clock.is_in(payments) {
                    return Outcome::fail("503 Service Unavailable").class(FailureClass::Saturated);
                }
                Outcome::pass()
            },
        )
        .check(
            "disk",
            often()
                .tags(["storage"])
                .description("Space for new orders."),
            || async { Outcome::pass().observe(59_318_136_832_u64, "bytes free") },
        );
    tokio::spawn(async move {
        loop {
            worker.beat();
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    });
    builder
}

const NEVER: Outage = (0, 0);
const NOW: Outage = (8, 1_000);

fn failing(clock: Clock) -> HealthBuilder {
    shop(clock, [NOW, (2, 3), (4, 5)])
        .check(
            "search",
            often()
                .tags(["external"])
                .description("Finds orders by text."),
            pending::<()>,
        )
        .check(
            "export",
            often()
                .initial_delay(Duration::from_hours(24))
                .description("The nightly export has succeeded."),
            || async {},
        )
}

fn many() -> HealthBuilder {
    const TAGS: [&[&str]; 3] = [&["storage"], &["eu", "storage"], &["mail"]];
    let builder = Health::builder()
        .service_info(ServiceInfo::new().name("gateway").version("2.0.1"))
        .http(HttpOptions::new().path("/status", Page::StatusPage));
    (0..129).fold(builder, |builder, nth| {
        let options = often().tags(TAGS[nth % TAGS.len()].to_vec());
        let options = options.description("The tenant's shard answers.");
        builder.check(format!("shard-{nth:03}"), options, move || async move {
            answers_within(2..30).await;
            nth != 64
        })
    })
}

struct Service {
    name: &'static str,
    health: Health,
    server: HealthServer,
}

impl Service {
    fn start(name: &'static str, builder: HealthBuilder) -> Self {
        let health = builder.start().expect("it starts");
        let address = SocketAddr::from(([127, 0, 0, 1], 0));
        let server = health.serve(address).expect("a free port");
        Service {
            name,
            health,
            server,
        }
    }
}

#[tokio::main]
async fn main() {
    let mut arguments = env::args().skip(1);
    let folder = arguments.next().expect("a folder for the pictures");
    let minutes = arguments
        .next()
        .map_or(1, |it| it.parse().expect("minutes"));
    let clock = Clock {
        start: Instant::now(),
        age: Duration::from_mins(minutes),
    };
    let maintenance = Switch::new("maintenance");
    let warm_up = Gate::new("warm-up");
    let services = [
        ("healthy", shop(clock, [NEVER, (3, 4), (6, 7)])),
        ("degraded", shop(clock, [NEVER, NOW, (2, 3)])),
        ("failing", failing(clock)),
        ("draining", shop(clock, [NEVER, NEVER, (2, 3)])),
        (
            "maintenance",
            shop(clock, [NEVER; 3]).reported(&maintenance, CheckOptions::new()),
        ),
        ("many", many()),
    ];
    let mut services: Vec<Service> = services
        .into_iter()
        .map(|(name, builder)| Service::start(name, builder))
        .collect();
    tokio::time::sleep_until((clock.start + clock.age).into()).await;

    let starting = shop(clock, [NEVER; 3]).reported(
        &warm_up,
        CheckOptions::new()
            .startup()
            .critical()
            .description("The catalogue is loaded."),
    );
    services.push(Service::start("starting", starting));
    maintenance.off_for("the search index is rebuilt", Duration::from_mins(30));
    let draining = services.iter().find(|service| service.name == "draining");
    let drained = draining.expect("it is there").health.drain();
    // Until the new one has results, and the drain has begun.
    tokio::time::sleep(Duration::from_secs(5)).await;

    let addresses: serde_json::Map<String, serde_json::Value> = services
        .iter()
        .map(|Service { name, server, .. }| {
            let url = format!("http://{}/status", server.address());
            ((*name).to_owned(), url.into())
        })
        .collect();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("browser/gallery.mjs");
    let status = Command::new("node")
        .arg(script)
        .arg(serde_json::Value::from(addresses).to_string())
        .arg(folder)
        .status()
        .expect("node is installed: scripts/test.sh does it");
    drop(drained);
    assert!(status.success());
}
