//! The status page in a real browser. It needs programs that `scripts/test.sh`
//! installs, so plain `cargo test` ignores these tests.

use std::env;
use std::future::pending;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use health_core::config::HttpOptions;
use health_core::config::ServiceInfo;
use health_core::http::{Details, Page};
use health_core::report::Verdict;
use health_core::reported::Switch;
use health_core::{CheckOptions, Health, HealthBuilder, Outcome};
use tests::wire::{Framework, Server};

const OFTEN: Duration = Duration::from_millis(500);

/// The number of earlier results that a check keeps.
const PAST: usize = 20;

/// The runs of a check that warn, all within the results that it keeps when the browser opens the page.
const WARNINGS: [usize; 3] = [4, 9, 11];

/// Checks in every state.
fn mixed(http: HttpOptions, maintenance: &Switch) -> HealthBuilder {
    let day = Duration::from_hours(24);
    // Generous, since the browser keeps the machine busy.
    let often = || {
        let options = CheckOptions::new().interval(OFTEN).stale_after(day);
        options.failure_threshold(5)
    };
    let runs = AtomicUsize::new(0);
    Health::builder()
        .service_info(
            ServiceInfo::new()
                .name("orders")
                .version("1.4.2")
                .id("orders-7d9f"),
        )
        .http(http.path("/status", Page::StatusPage))
        .reported(maintenance, CheckOptions::new())
        .check("alive", often().critical().liveness(), || async {})
        .check("cache", often().tags(["redis", "eu"]), || async {
            Outcome::warn("nearly full").observe(97, "percent full")
        })
        .check(
            "database",
            often()
                .critical()
                .description("The orders database answers a query.")
                .tags(["storage", "eu"])
                .affects(["/orders/{id}", "/invoices"])
                .links([("runbook", "https://wiki.example.com/orders-db")]),
            || async { Err::<(), _>("connection refused") },
        )
        .check("export", often().initial_delay(day), || async {})
        .check("hostile", often(), || async {
            Outcome::fail(r#"</p><img src=x onerror="alert('1')"><script>alert(2)</script>"#)
        })
        .check("hung", often().critical(), pending::<()>)
        .check("queue", often().critical(), move || {
            let run = runs.fetch_add(1, Ordering::Relaxed);
            async move {
                tokio::time::sleep(Duration::from_millis(fastrand::u64(1..30))).await;
                if WARNINGS.contains(&run) {
                    Outcome::warn("a worker is slow")
                } else {
                    Outcome::pass().observe(59_318_136_832_u64, "bytes free")
                }
            }
        })
        .check("schema", often().after(["database"]), || async {})
}

/// Many checks. The one with this index fails.
fn many(count: usize, failing: usize) -> HealthBuilder {
    const TAGS: [&[&str]; 3] = [&["storage"], &["eu", "storage"], &["mail"]];
    let mut builder = Health::builder()
        .service_info(ServiceInfo::new().name("orders").version("1.4.2"))
        .http(HttpOptions::new().path("/status", Page::StatusPage));
    for nth in 0..count {
        let options = CheckOptions::new()
            .critical()
            .tags(TAGS[nth % TAGS.len()].to_vec())
            .description("Answers a query.");
        builder = builder.check(format!("check-{nth:04}"), options, move || async move {
            nth != failing
        });
    }
    builder
}

async fn served(builder: HealthBuilder) -> Server {
    Server::start(Framework::Axum, builder.start().expect("it starts")).await
}

/// The checks have a history, and each is in its state.
async fn settled(health: &Health) {
    let start = Instant::now();
    let is_settled = || {
        health.snapshot().checks().iter().all(|check| {
            let history = check.history();
            let has_past = history.past().len() == PAST;
            match check.name() {
                "export" => check.verdict() == Verdict::Unknown,
                "maintenance" => check.verdict() == Verdict::Pass,
                "schema" => check.verdict() == Verdict::Skipped,
                "queue" => has_past && check.verdict() == Verdict::Pass,
                _ => has_past,
            }
        })
    };
    while !is_settled() {
        assert!(start.elapsed() < Duration::from_mins(2), "{health:?}");
        tokio::time::sleep(OFTEN / 10).await;
    }
}

async fn all_ran(health: &Health) {
    let start = Instant::now();
    let has_run = || {
        let snapshot = health.snapshot();
        let mut checks = snapshot.checks().iter();
        checks.all(|check| check.last_status().is_some())
    };
    while !has_run() {
        assert!(start.elapsed() < Duration::from_mins(2), "{health:?}");
        tokio::time::sleep(OFTEN / 10).await;
    }
}

/// `STATUS_PAGE_PICTURES=directory` saves screenshots.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs chromium and node"]
async fn the_status_page_is_usable_in_a_browser() {
    let maintenance = Switch::new("maintenance");
    let idle = Switch::new("maintenance");
    let details = HttpOptions::new().details(Details::Status);
    let mixed_server = served(mixed(HttpOptions::new(), &maintenance)).await;
    let terse = served(mixed(details, &idle)).await;
    let draining = served(many(9, 9)).await;
    let one = served(many(1, 0)).await;
    let nine = served(many(9, 4)).await;
    let hundreds = served(many(129, 64)).await;
    let thousand = served(many(1_000, 500)).await;
    settled(mixed_server.health()).await;
    maintenance.off_for("the index is rebuilt", Duration::from_mins(30));
    let drained = draining.health().drain();
    for server in [&one, &nine, &hundreds, &thousand, &draining] {
        all_ran(server.health()).await;
    }

    let url = |server: &Server| format!("http://{}/status", server.address());
    let services = serde_json::json!({
        "mixed": url(&mixed_server),
        "terse": url(&terse),
        "draining": url(&draining),
        "one": url(&one),
        "nine": url(&nine),
        "many": url(&hundreds),
        "thousand": url(&thousand),
    });
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("browser/status-page.mjs");
    let mut browser = Command::new("node");
    browser
        .arg(script)
        .arg(services.to_string())
        .args(env::var_os("STATUS_PAGE_PICTURES"));
    let output = tokio::task::spawn_blocking(move || browser.output())
        .await
        .expect("the check ran within the bound")
        .expect("node is installed: scripts/test.sh does it");
    drop(drained);
    assert!(
        output.status.success(),
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}
