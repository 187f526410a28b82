//! The deployment files match: the manifest, the unit, the guide and the defaults of
//! the crate.

use std::time::Duration;

use health_core::Health;
use health_core::http::RequestHead;
use orders::GRACE;
use serde_json::json;
use tokio::time::Instant;
use yaml_rust2::{Yaml, YamlLoader};

const MANIFEST: &str = include_str!("../../../deploy/kubernetes.yaml");
const POD_MONITOR: &str = include_str!("../../../deploy/podmonitor.yaml");
const UNIT: &str = include_str!("../../../deploy/orders.service");
const GUIDE: &str = include_str!("../../../docs/deployment.md");

/// Time to close the database, also on a busy machine.
const MARGIN: Duration = Duration::from_secs(5);
/// The longest wait of an answer for checks on demand.
const LONGEST_ANSWER: Duration = Duration::from_millis(800);

fn document(kind: &str) -> Yaml {
    let documents = YamlLoader::load_from_str(MANIFEST).expect("YAML");
    let found = documents
        .into_iter()
        .find(|document| document["kind"].as_str() == Some(kind));
    found.unwrap_or_else(|| panic!("no {kind}"))
}

fn pod() -> Yaml {
    document("Deployment")["spec"]["template"]["spec"].clone()
}

fn container() -> Yaml {
    let containers = &pod()["containers"];
    assert_eq!(containers.as_vec().map(Vec::len), Some(1));
    containers[0].clone()
}

fn seconds(yaml: &Yaml) -> Duration {
    let seconds = yaml.as_i64().and_then(|seconds| seconds.try_into().ok());
    Duration::from_secs(seconds.unwrap_or_else(|| panic!("no seconds: {yaml:?}")))
}

/// How long a probe fails before Kubernetes acts.
fn patience(probe: &Yaml) -> Duration {
    let failures = probe["failureThreshold"].as_i64().expect("a number");
    seconds(&probe["periodSeconds"]) * u32::try_from(failures).expect("a small number")
}

/// The routes and the drain of `orders`, without its checks.
fn health() -> Health {
    let checks = ["cache", "database", "disk", "payments"];
    let off = checks.map(|check| (check, json!({ "enabled": false })));
    let settings = serde_json::from_value(off.into_iter().collect()).expect("they are settings");
    let health = Health::builder().settings(settings).start();
    health.expect("it starts")
}

/// Measured with tokio's paused clock.
async fn drain_delay() -> Duration {
    let start = Instant::now();
    health().drain().await;
    start.elapsed()
}

#[tokio::test(start_paused = true)]
async fn the_manifest_has_consistent_timeouts_and_enough_time_for_the_drain() {
    let container = container();
    let probes = ["startupProbe", "readinessProbe", "livenessProbe"];
    let [startup, readiness, liveness] = probes.map(|name| container[name].clone());
    for probe in [&startup, &readiness, &liveness] {
        assert!(seconds(&probe["timeoutSeconds"]) >= LONGEST_ANSWER);
    }
    let noticed = patience(&readiness) + seconds(&readiness["timeoutSeconds"]);
    let delay = drain_delay().await;
    assert!(noticed <= delay, "{noticed:?} and {delay:?}");
    assert!(patience(&liveness) >= 3 * noticed);
    assert!(patience(&startup) >= patience(&liveness));
    let grace = seconds(&pod()["terminationGracePeriodSeconds"]);
    assert_eq!(grace, delay + GRACE + MARGIN);
}

#[tokio::test]
async fn the_probes_of_the_manifest_are_served() {
    let container = container();
    let port = &container["ports"][0];
    let health = health();
    for (probe, path) in [
        ("startupProbe", "/startupz"),
        ("readinessProbe", "/readyz"),
        ("livenessProbe", "/livez"),
    ] {
        let asked = &container[probe]["httpGet"];
        assert_eq!(asked["path"].as_str(), Some(path));
        assert_eq!(asked["port"], port["name"]);
        let answer = health
            .endpoint()
            .respond_cached(RequestHead::new("GET", path));
        assert_eq!(answer.status(), 200, "{path}");
    }
    let variables = container["env"].as_vec().expect("a list").iter();
    let variable = |name| {
        let mut variables = variables.clone();
        let found = variables.find(|variable| variable["name"].as_str() == Some(name));
        found.expect(name)["value"]
            .as_str()
            .expect("the value is a string")
    };
    assert_eq!(variable("HOST"), "0.0.0.0", "or the probes do not reach it");
    let listens = variable("PORT").parse().ok();
    assert_eq!(port["containerPort"].as_i64(), listens);

    let service = document("Service");
    assert_eq!(service["spec"]["ports"][0]["targetPort"], port["name"]);
    let selected = &service["spec"]["selector"];
    let deployment = document("Deployment");
    assert_eq!(deployment["spec"]["selector"]["matchLabels"], *selected);
    let labels = &deployment["spec"]["template"]["metadata"]["labels"];
    assert_eq!(labels, selected);
}

/// Prometheus scrapes the port for operators, and no Service exposes it.
#[test]
fn the_metrics_are_scraped_where_they_are_served() {
    let monitor = YamlLoader::load_from_str(POD_MONITOR).expect("YAML");
    let monitor = &monitor[0]["spec"];
    let port = &container()["ports"][1];
    let scraped = &monitor["podMetricsEndpoints"][0];
    assert_eq!(scraped["port"], port["name"]);
    let labels = &document("Deployment")["spec"]["template"]["metadata"]["labels"];
    assert_eq!(monitor["selector"]["matchLabels"], *labels);
    let variables = container()["env"].clone();
    let variable = |name: &str| {
        let mut variables = variables.as_vec().expect("a list").iter();
        let found = variables.find(|variable| variable["name"].as_str() == Some(name));
        found.expect(name)["value"]
            .as_str()
            .expect("a string")
            .to_owned()
    };
    let listens = variable("INTERNAL_PORT").parse().ok();
    assert_eq!(port["containerPort"].as_i64(), listens);
    assert_eq!(
        variable("INTERNAL_HOST"),
        "0.0.0.0",
        "or nothing scrapes it"
    );

    let services = document("Service")["spec"]["ports"].clone();
    let mut services = services.as_vec().expect("a list").iter();
    assert!(services.all(|service| service["targetPort"] != port["name"]));
}

#[tokio::test(start_paused = true)]
async fn systemd_waits_for_the_drain() {
    let setting = |name: &str| {
        let mut settings = UNIT.lines().filter_map(|line| line.split_once('='));
        settings.find(|(key, _)| *key == name).expect(name).1
    };
    assert_eq!(setting("Type"), "notify");
    let stop = setting("TimeoutStopSec").parse().map(Duration::from_secs);
    let needed = drain_delay().await + GRACE + MARGIN;
    assert!(stop.expect("seconds") >= needed, "{needed:?}");
}

#[test]
fn the_guide_quotes_the_manifests() {
    let quotes = |guide: &'static str, language: &str| -> Vec<&str> {
        let fence = format!("```{language}\n");
        let blocks = guide.split(&*fence).skip(1);
        let blocks = blocks.filter_map(|block| Some(block.split_once("```")?.0));
        blocks.collect()
    };
    let [probes] = quotes(GUIDE, "yaml")[..] else {
        panic!("one block");
    };
    assert!(MANIFEST.contains(probes), "{probes}");
    let [unit] = quotes(GUIDE, "ini")[..] else {
        panic!("one block");
    };
    for line in unit.lines() {
        assert!(UNIT.lines().any(|said| said == line), "{line}");
    }
}
