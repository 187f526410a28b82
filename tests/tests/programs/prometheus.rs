//! The metrics, rules and dashboard in Prometheus and its Alertmanager. Most tests
//! need programs that `scripts/test.sh` installs, so plain `cargo test` ignores them.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::routing::post;
use health_core::check::{FailureClass, Unit};
use health_core::config::HttpOptions;
use health_core::config::ServiceInfo;
use health_core::http::Page;
use health_core::testing::Fake;
use health_core::{CheckOptions, Health, HealthBuilder, Outcome};
use serde_json::{Value, json};
use test_support::eventually;
use tests::programs::{Running, curl, free_port};
use tests::wire::{Framework, Server};
use tokio::net::TcpListener;

const RULES: &str = include_str!("../../../monitoring/alerts.yml");
/// One that the observed disk is below.
const THRESHOLDS: &str = "
groups:
  - name: health-thresholds
    rules:
      - record: health:observed:min
        expr: vector(3 * 1024 * 1024 * 1024)
        labels: {job: orders, check: disk, severity: critical}
";
const DASHBOARD: &str = include_str!("../../../monitoring/dashboard.json");
const GUIDE: &str = include_str!("../../../docs/metrics.md");

fn monitoring(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../monitoring")
        .join(file)
}

fn builder() -> HealthBuilder {
    let often = Duration::from_millis(50);
    Health::builder()
        .http(HttpOptions::new().path("/metrics", Page::Metrics))
        .service_info(ServiceInfo::new().version("1.2.3"))
        .check(
            "database",
            CheckOptions::new().interval(often).critical(),
            || async {},
        )
        .check("cache", CheckOptions::new().after(["database"]), || async {
            Outcome::warn("cold")
        })
}

/// Includes a check for each unit of observed values.
fn observing() -> HealthBuilder {
    let often = || CheckOptions::new().interval(Duration::from_millis(50));
    let observes = |unit| often().observes(unit);
    builder()
        .check("uploads", observes(Unit::Ratio), || async {
            Outcome::pass().observe(81, "percent full")
        })
        .check("disk", observes(Unit::Bytes), || async {
            Outcome::pass().observe(2, "GiB free")
        })
        .check("lag", observes(Unit::Seconds), || async {
            Outcome::pass().observe(250, "ms behind")
        })
        .check("pool", observes(Unit::Count), || async {
            Outcome::pass().observe(5, "connections")
        })
}

/// A service with faults: one check fails, one hangs, one flaps.
fn troubled() -> HealthBuilder {
    let often = CheckOptions::new().interval(Duration::from_millis(50));
    let hour = Duration::from_hours(1);
    let turns = AtomicU32::new(0);
    observing()
        .check("payments", often.clone(), || async {
            Outcome::fail("down").class(FailureClass::Refused)
        })
        .check("flapping", often, move || {
            let turn = turns.fetch_add(1, SeqCst);
            async move { turn.is_multiple_of(2) }
        })
        .check(
            "hung",
            CheckOptions::new().timeout(hour).interval(hour),
            std::future::pending::<()>,
        )
}

async fn serve(builder: HealthBuilder) -> Server {
    Server::start(Framework::Axum, builder.start().expect("it starts")).await
}

/// The expressions of every panel.
fn expressions() -> Vec<String> {
    let dashboard: Value = serde_json::from_str(DASHBOARD).expect("the text is valid JSON");
    let panels = dashboard["panels"].as_array().expect("panels");
    let targets = panels.iter().flat_map(|panel| {
        let targets = panel["targets"].as_array().expect("targets");
        assert_eq!(panel["datasource"]["uid"], "${datasource}", "{panel}");
        targets.iter()
    });
    let expressions = targets.map(|target| target["expr"].as_str().expect("an expression"));
    expressions.map(str::to_owned).collect()
}

/// Names that start like our metrics, but are a crate or the attribute.
fn metrics_in(text: &str) -> BTreeSet<String> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let words = text.split(|c| !is_part(c));
    words
        .filter(|word| word.starts_with("health_"))
        .filter(|word| !["health_axum", "health_check", "health_opentelemetry"].contains(word))
        .map(str::to_owned)
        .collect()
}

/// All scraped series, by metric.
async fn exposed() -> BTreeSet<String> {
    let server = serve(observing()).await;
    // The failures of a class have a series from the first failure on.
    let refused = Outcome::fail("down").class(FailureClass::Refused);
    Fake::of(server.health(), "database").set(refused);
    let page = server.get("/metrics").await.body;
    let lines = page.lines().filter(|line| !line.starts_with('#'));
    lines
        .filter_map(|line| Some(line.split(['{', ' ']).next()?.to_owned()))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_metric_in_the_rules_exists_and_is_used() {
    let exposed = exposed().await;
    let family = |name: &String| {
        let suffixes = ["_bucket", "_sum", "_count"];
        let histogram = suffixes.iter().find_map(|suffix| name.strip_suffix(suffix));
        histogram.unwrap_or(name).to_owned()
    };
    let families: BTreeSet<String> = exposed.iter().map(family).collect();
    let dashboard = expressions().join("\n");
    for (file, text) in [
        ("alerts.yml", RULES),
        ("dashboard.json", &dashboard),
        ("docs/metrics.md", GUIDE),
    ] {
        for name in metrics_in(text) {
            let exists = exposed.contains(&name) || families.contains(&name);
            assert!(exists, "{file} names {name}, which is not there");
        }
    }
    for (file, text) in [("dashboard.json", &*dashboard), ("docs/metrics.md", GUIDE)] {
        let named: BTreeSet<String> = metrics_in(text).iter().map(family).collect();
        let missing: Vec<_> = families.difference(&named).collect();
        assert!(missing.is_empty(), "{file} lacks {missing:?}");
    }
    let alerts = RULES
        .lines()
        .filter_map(|line| line.trim().strip_prefix("- alert: "));
    for alert in alerts {
        assert!(
            GUIDE.contains(&format!("`{alert}`")),
            "the guide lacks {alert}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_scrapes_run_no_check() {
    for framework in [Framework::Axum, Framework::Actix] {
        let runs = Arc::new(AtomicU32::new(0));
        let counted = Arc::clone(&runs);
        let on_demand = CheckOptions::new().cache(Duration::from_millis(1));
        let builder = builder().check("licence", on_demand, move || {
            counted.fetch_add(1, SeqCst);
            async {}
        });
        let server = Server::start(framework, builder.start().expect("it starts")).await;
        for _ in 0..1_000 {
            assert_eq!(server.get("/metrics").await.status, 200);
        }
        assert_eq!(runs.load(SeqCst), 0);
        server.get("/health").await;
        assert_eq!(runs.load(SeqCst), 1, "a reader of /health does");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn both_adapters_serve_the_requested_exposition_format() {
    for framework in [Framework::Axum, Framework::Actix] {
        let server = Server::start(framework, builder().start().expect("it starts")).await;
        let head = "GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n";
        for (accept, content_type) in [
            ("*/*", "text/plain; version=0.0.4"),
            (
                "application/openmetrics-text;version=1.0.0;q=0.8,text/plain;q=0.5",
                "application/openmetrics-text; version=1.0.0; charset=utf-8",
            ),
        ] {
            let request = format!("{head}Accept: {accept}\r\n\r\n");
            let answer = server.raw(request.as_bytes()).await;
            assert_eq!(answer.status, 200);
            assert_eq!(answer.header("content-type"), Some(content_type));
        }
    }
}

/// Returns the output of promtool, or fails the test.
fn promtool(arguments: &[&str], input: &str) -> String {
    let mut promtool = Command::new("promtool")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("promtool is installed: scripts/test.sh does it");
    let mut stdin = promtool.stdin.take().expect("its input");
    stdin.write_all(input.as_bytes()).expect("it reads");
    drop(stdin);
    let output = promtool.wait_with_output().expect("it ends");
    let said =
        [output.stdout, output.stderr].map(|said| String::from_utf8_lossy(&said).into_owned());
    assert!(output.status.success(), "{arguments:?}: {said:?}");
    said.concat()
}

#[test]
#[ignore = "needs prometheus"]
fn the_alerting_rules_pass_their_tests() {
    let [rules, thresholds, tests] =
        ["alerts.yml", "thresholds.yml", "alerts.test.yml"].map(monitoring);
    for rules in [rules, thresholds] {
        promtool(&["check", "rules", rules.to_str().expect("a path")], "");
    }
    promtool(&["test", "rules", tests.to_str().expect("a path")], "");
    let tests = fs::read_to_string(tests).expect("the tests");
    let alerts = RULES
        .lines()
        .filter_map(|line| line.trim().strip_prefix("- alert: "));
    for alert in alerts {
        let fires = format!("alertname: {alert}\n        exp_alerts:\n");
        assert!(tests.contains(&fires), "no test in which {alert} fires");
        let is_silent = format!("alertname: {alert}\n        exp_alerts: []\n");
        assert!(
            tests.contains(&is_silent),
            "no test in which {alert} is silent"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs prometheus"]
async fn the_exposition_passes_the_lint() {
    // One of the metrics has values, the other has none yet.
    let observed = serve(troubled()).await;
    eventually("a value", || async {
        let page = observed.get("/metrics").await.body;
        page.contains("health_check_observed_ratio{check=\"uploads\"} 0.81\n")
            && page.contains("health_check_observed_seconds{check=\"lag\"} 0.25\n")
            && page.contains("health_check_observed_bytes{check=\"disk\"} 2147483648\n")
            && page.contains("health_check_observed{check=\"pool\"} 5\n")
    })
    .await;
    let delay = CheckOptions::new().initial_delay(Duration::from_hours(1));
    let options = delay.observes(Unit::Ratio);
    let later = serve(builder().check("uploads", options, || async {})).await;
    for server in [observed, later] {
        let page = server.get("/metrics?format=prometheus").await.body;
        let said = promtool(&["check", "metrics"], &page);
        assert_eq!(said, "", "nothing to complain about");
    }
}

/// What an Alertmanager posts to its webhook.
type Notifications = Arc<Mutex<Vec<Value>>>;

/// A receiver of webhooks that keeps what it gets.
async fn receiver() -> (SocketAddr, Notifications) {
    let received = Notifications::default();
    let kept = Arc::clone(&received);
    let keep = post(move |body: String| {
        let notification = serde_json::from_str(&body).expect("the Alertmanager posts JSON");
        kept.lock().expect("no test panics here").push(notification);
        async {}
    });
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(axum::serve(listener, Router::new().route("/", keep)).into_future());
    (address, received)
}

/// Whether this alert has been notified with this status and these labels.
fn notified(received: &Notifications, status: &str, labels: &Value) -> bool {
    let received = received.lock().expect("no test panics here");
    let labels = labels.as_object().expect("labels");
    received
        .iter()
        .filter_map(|notification| notification["alerts"].as_array())
        .flatten()
        .filter(|alert| alert["status"] == status)
        .any(|alert| {
            labels
                .iter()
                .all(|(name, value)| alert["labels"][name] == *value)
        })
}

/// A Prometheus that scrapes these addresses often, with an Alertmanager.
struct Prometheus {
    port: u16,
    _programs: [Running; 2],
    _folder: tempfile::TempDir,
}

impl Prometheus {
    /// The rules with short durations. The Alertmanager posts to the receiver.
    fn start(targets: &[SocketAddr], receiver: SocketAddr) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let at = |name: &str| folder.path().join(name);
        let [port, alertmanager] = [free_port(), free_port()];
        let targets: Vec<String> = targets.iter().map(|target| format!("'{target}'")).collect();
        let targets = targets.join(", ");
        let impatient = RULES.lines().map(|line| match line.split_once("for: ") {
            Some((indent, _)) if indent.trim().is_empty() => format!("{indent}for: 1s\n"),
            _ => format!("{line}\n"),
        });
        let config = format!(
            "global: {{scrape_interval: 500ms, scrape_timeout: 500ms, evaluation_interval: 500ms}}\n\
             rule_files: [alerts.yml, thresholds.yml]\n\
             alerting: {{alertmanagers: [{{static_configs: [{{targets: ['127.0.0.1:{alertmanager}']}}]}}]}}\n\
             scrape_configs: [{{job_name: orders, static_configs: [{{targets: [{targets}]}}]}}]\n"
        );
        let receiver = format!(
            "route: {{receiver: webhook, group_by: [alertname], group_wait: 0s, group_interval: 1s}}\n\
             receivers: [{{name: webhook, webhook_configs: [{{url: 'http://{receiver}/'}}]}}]\n"
        );
        for (file, text) in [
            ("alerts.yml", &*impatient.collect::<String>()),
            ("prometheus.yml", &config),
            ("thresholds.yml", THRESHOLDS),
            ("alertmanager.yml", &receiver),
        ] {
            fs::write(at(file), text).expect("written");
        }
        let start = |program: &str, config: &str, storage: &str, port: u16, more: &[&str]| {
            let mut command = Command::new(program);
            command
                .arg(format!("--config.file={}", at(config).display()))
                .arg(format!("--{storage}={}", at(program).display()))
                .arg(format!("--web.listen-address=127.0.0.1:{port}"))
                .args(more);
            command.stdout(Stdio::null()).stderr(Stdio::null());
            Running::start(&mut command)
        };
        let programs = [
            start(
                "prometheus",
                "prometheus.yml",
                "storage.tsdb.path",
                port,
                &[],
            ),
            start(
                "prometheus-alertmanager",
                "alertmanager.yml",
                "storage.path",
                alertmanager,
                &["--cluster.listen-address="],
            ),
        ];
        Prometheus {
            port,
            _programs: programs,
            _folder: folder,
        }
    }

    /// Returns the answer of the API, or `Null` without one.
    async fn api(&self, path: &str, parameters: &[(&str, &str)]) -> Value {
        let url = format!("http://127.0.0.1:{}/api/v1/{path}", self.port);
        let mut arguments = vec!["--get".to_owned(), url];
        for (name, value) in parameters {
            arguments.push("--data-urlencode".into());
            arguments.push(format!("{name}={value}"));
        }
        fetched(arguments).await
    }

    /// Returns the results of a query, none without an answer.
    async fn query(&self, expression: &str) -> Vec<Value> {
        let answer = self.api("query", &[("query", expression)]).await;
        let results = answer["data"]["result"].as_array();
        results.cloned().unwrap_or_default()
    }
}

async fn fetched(arguments: Vec<String>) -> Value {
    let fetch = move || {
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        serde_json::from_str(&curl(&arguments)).unwrap_or_default()
    };
    tokio::task::spawn_blocking(fetch).await.expect("curl ran")
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs prometheus, prometheus-alertmanager and curl"]
async fn a_failing_check_and_its_recovery_are_notified() {
    let server = serve(observing()).await;
    let (address, received) = receiver().await;
    let prometheus = Prometheus::start(&[server.address()], address);
    eventually("a scrape of a healthy service", || async {
        let ready = prometheus.query(r#"health_status{kind="readiness"} == 1"#);
        !ready.await.is_empty()
    })
    .await;
    let not_ready = json!({
        "alertname": "HealthNotReady", "job": "orders", "severity": "warning",
        "instance": server.address().to_string(),
    });
    // The disk has 2 GiB, which the check takes for enough.
    let low = json!({ "alertname": "HealthValueLow", "check": "disk", "severity": "critical" });
    eventually("a value below its threshold", async || {
        notified(&received, "firing", &low)
    })
    .await;
    assert!(!notified(&received, "firing", &not_ready), "it is healthy");

    Fake::of(server.health(), "database").fail("drill");
    eventually("the failure", async || {
        notified(&received, "firing", &not_ready)
    })
    .await;
    Fake::of(server.health(), "database").release();
    eventually("the recovery", async || {
        notified(&received, "resolved", &not_ready)
    })
    .await;
    assert!(!notified(&received, "resolved", &low), "it is still low");
    let enough = Outcome::pass().observe(4, "GiB free");
    Fake::of(server.health(), "disk").set(enough);
    eventually("enough space", async || {
        notified(&received, "resolved", &low)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs prometheus, prometheus-alertmanager and curl"]
async fn prometheus_scrapes_every_series_and_every_panel_has_data() {
    let server = serve(observing()).await;
    let troubled = serve(troubled()).await;
    let drained = troubled.health().drain();
    let (address, _) = receiver().await;
    let prometheus = Prometheus::start(&[server.address(), troubled.address()], address);
    eventually("a scrape of both", || async {
        prometheus.query("health_start_time_seconds").await.len() == 2
    })
    .await;

    // Prometheus negotiated OpenMetrics: the older format has no state sets.
    let metadata = prometheus
        .api("targets/metadata", &[("metric", "health_check_state")])
        .await;
    assert_eq!(metadata["data"][0]["type"], "stateset", "{metadata}");
    let own = format!(
        "scrape_samples_scraped{{instance=\"{}\"}}",
        server.address()
    );
    let scraped = prometheus.query(&own).await;
    let (checks, observed) = (6, 4);
    let series = 6 + 26 * checks + 4 * checks + observed;
    assert_eq!(scraped[0]["value"][1], series.to_string(), "{scraped:?}");

    // Until two scrapes of a run have been seen, rates are empty.
    for expression in expressions() {
        let concrete = [
            ("$job", "orders"),
            ("$instance", ".*"),
            ("$check", ".*"),
            ("$__rate_interval", "30s"),
        ];
        let query = concrete
            .iter()
            .fold(expression.clone(), |query, (variable, value)| {
                query.replace(variable, value)
            });
        assert!(!query.contains('$'), "a variable without a value: {query}");
        let answer = prometheus.api("query", &[("query", &query)]).await;
        assert_eq!(answer["status"], "success", "{query}: {answer}");
        eventually(&query, || async {
            !prometheus.query(&query).await.is_empty()
        })
        .await;
    }
    drop(drained);
}
