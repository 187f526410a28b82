//! The status page in a real browser. It needs programs, which `scripts/test.sh`
//! installs, so plain `cargo test` ignores it.

use std::env;
use std::future::pending;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use health_core::config::HttpOptions;
use health_core::config::ServiceInfo;
use health_core::http::{Details, Page};
use health_core::report::Verdict;
use health_core::{CheckOptions, Health, HealthBuilder, Outcome};
use tests::wire::{Framework, Server};

const OFTEN: Duration = Duration::from_millis(500);

/// Checks in every state.
fn mixed(http: HttpOptions) -> HealthBuilder {
    let day = Duration::from_hours(24);
    // A machine that is busy with the browser turns no verdict.
    let often = || {
        let options = CheckOptions::new().interval(OFTEN).stale_after(day);
        options.failure_threshold(5)
    };
    Health::builder()
        .service_info(ServiceInfo::new().version("1.4.2"))
        .http(http.path("/status", Page::StatusPage))
        .check("alive", often().critical().liveness(), || async {})
        .check("cache", often().tags(&["redis", "eu"]), || async {
            Outcome::warn("nearly full").observe(97, "percent full")
        })
        .check(
            "database",
            often()
                .critical()
                .description("The orders database answers a query."),
            || async { Err::<(), _>("connection refused") },
        )
        .check("export", often().initial_delay(day), || async {})
        .check("hostile", often(), || async {
            Outcome::fail(r#"</p><img src=x onerror="alert('1')"><script>alert(2)</script>"#)
        })
        .check("hung", often().critical(), pending::<()>)
        .check("queue", often().critical(), || async {
            tokio::time::sleep(Duration::from_millis(fastrand::u64(1..30))).await;
            if fastrand::u8(..6) == 0 {
                Outcome::warn("a worker is slow")
            } else {
                Outcome::pass().observe(3, "waiting")
            }
        })
        .check("schema", often().after(&["database"]), || async {})
}

fn thousand() -> HealthBuilder {
    let mut builder = Health::builder().http(HttpOptions::new().path("/status", Page::StatusPage));
    for nth in 0..1_000 {
        let options = CheckOptions::new().critical();
        builder = builder.check(format!("check-{nth:04}"), options, move || async move {
            nth != 500
        });
    }
    builder
}

async fn served(builder: HealthBuilder) -> Server {
    Server::start(Framework::Axum, builder.start().expect("it starts")).await
}

/// The checks have a past, and each is in its state.
async fn settled(health: &Health) {
    let start = Instant::now();
    let is_settled = || {
        health.snapshot().checks().iter().all(|check| {
            let history = check.history();
            let has_past = history.past().len() == 20;
            match check.name() {
                "export" => check.verdict() == Verdict::Unknown,
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

/// `STATUS_PAGE_PICTURES=folder` keeps what it looks like.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs chromium and node"]
async fn a_browser_shows_it_to_everybody() {
    let mixed_server = served(mixed(HttpOptions::new())).await;
    let terse = served(mixed(HttpOptions::new().details(Details::Status))).await;
    let draining = served(mixed(HttpOptions::new())).await;
    let thousand = served(thousand()).await;
    settled(mixed_server.health()).await;
    let drained = draining.health().drain();
    while thousand
        .health()
        .snapshot()
        .checks()
        .iter()
        .any(|check| check.last_status().is_none())
    {
        tokio::time::sleep(OFTEN).await;
    }

    let url = |server: &Server| format!("http://{}/status", server.address());
    let services = serde_json::json!({
        "mixed": url(&mixed_server),
        "terse": url(&terse),
        "draining": url(&draining),
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
