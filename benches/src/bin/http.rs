//! CPU per probe over a static route of the same server, in one run.
//!
//! `cargo run --release -p benches --bin http [-- --quick] [-- --json]`

use std::error::Error;
use std::time::Duration;

use benches::load::{Client, Connections};
use benches::report::{self, Row, Spread};
use benches::server::{self, Framework, Server};
use benches::usage::CpuMeter;
use serde::Serialize;

/// The CPU time of a slice, short enough that other load of the machine affects both
/// sides.
const SLICE: Duration = Duration::from_millis(150);

/// One comparison.
struct Case {
    framework: Framework,
    path: &'static str,
    checks: usize,
    connections: Connections,
    /// The budget of the ratio.
    budget: Option<f64>,
}

/// The result of a comparison. CPU times are microseconds per request.
#[derive(Serialize)]
struct Comparison {
    framework: Framework,
    path: &'static str,
    checks: usize,
    connections: String,
    static_bytes: usize,
    bytes: usize,
    static_us: Spread,
    probe_us: Spread,
    /// Pair by pair.
    ratio: Spread,
    budget: Option<f64>,
}

impl Row for Comparison {
    const HEADINGS: &'static [&'static str] = &[
        "framework",
        "path",
        "checks",
        "connections",
        "bytes (static)",
        "static µs",
        "probe µs",
        "ratio min / median / max",
        "budget",
    ];

    fn cells(&self) -> Vec<String> {
        vec![
            self.framework.name().into(),
            self.path.into(),
            self.checks.to_string(),
            self.connections.clone(),
            format!("{} ({})", self.bytes, self.static_bytes),
            report::number(self.static_us.median),
            report::number(self.probe_us.median),
            self.ratio.to_string(),
            self.budget
                .map(|ratio| format!("≤ {ratio}"))
                .unwrap_or_default(),
        ]
    }
}

fn cases() -> Vec<Case> {
    [Framework::Axum, Framework::Actix]
        .into_iter()
        .flat_map(cases_of)
        .collect()
}

fn cases_of(framework: Framework) -> Vec<Case> {
    let mut cases = Vec::new();
    for (path, checks, budget) in [
        ("/readyz", 5, Some(1.05)),
        ("/readyz", 1_000, Some(1.05)),
        ("/health", 5, None),
        ("/health", 1_000, Some(2.6)),
    ] {
        for connections in [
            Connections::Kept(1),
            Connections::Kept(16),
            Connections::Kept(64),
            Connections::New,
        ] {
            cases.push(Case {
                framework,
                path,
                checks,
                connections,
                budget,
            });
        }
    }
    cases
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let quick = match arguments.next().as_deref() {
        Some(server::ROLE) => return server::serve(arguments),
        first => first == Some("--quick") || arguments.any(|argument| argument == "--quick"),
    };
    let pairs = if quick { 5 } else { 30 };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let mut rows = Vec::new();
    for case in cases() {
        eprintln!(
            "{}: {} of {} checks, {}",
            case.framework.name(),
            case.path,
            case.checks,
            words(case.connections)
        );
        rows.push(runtime.block_on(compare(&case, pairs))?);
    }
    report::print("http", &rows);
    Ok(())
}

fn words(connections: Connections) -> String {
    match connections {
        Connections::Kept(count) => format!("{count} kept"),
        Connections::New => "new each".into(),
    }
}

/// Alternates the two sides, slice by slice. The first side of each pair is random.
async fn compare(case: &Case, pairs: usize) -> Result<Comparison, Box<dyn Error>> {
    let server = Server::spawn(case.framework, case.checks, case.path)?;
    let mut client = Client::connect(server.address(), case.connections).await?;
    let (static_bytes, bytes) = check_alike(&client, case.path).await?;
    let requests = requests_in_a_slice(&server, &mut client, case.path).await?;
    let mut slices = Vec::with_capacity(pairs);
    // The first pair is a warm-up and is discarded.
    for pair in 0..=pairs {
        let probe_first = fastrand::bool();
        let mut sides = [server::STATIC, case.path];
        if probe_first {
            sides.reverse();
        }
        let mut costs = [0.0; 2];
        for (path, cost) in sides.into_iter().zip(&mut costs) {
            let spent = slice(&server, &mut client, path, requests).await?;
            *cost = spent.as_secs_f64() * 1e6 / f64::from(requests);
        }
        if probe_first {
            costs.reverse();
        }
        if pair > 0 {
            slices.push(costs);
        }
    }
    Ok(Comparison {
        framework: case.framework,
        path: case.path,
        checks: case.checks,
        connections: words(case.connections),
        static_bytes,
        bytes,
        static_us: Spread::of(slices.iter().map(|[fixed, _]| *fixed)),
        probe_us: Spread::of(slices.iter().map(|[_, probe]| *probe)),
        ratio: Spread::of(slices.iter().map(|[fixed, probe]| probe / fixed)),
        budget: case.budget,
    })
}

/// The number of requests for a slice of the configured duration on this machine.
async fn requests_in_a_slice(
    server: &Server,
    client: &mut Client,
    path: &str,
) -> Result<u32, Box<dyn Error>> {
    // The same number on each connection, of which there are at most 64.
    const STEP: u32 = 64;
    const TRIED: u32 = 20 * STEP;
    let each = slice(server, client, path, TRIED).await? / TRIED;
    let requests = u32::try_from(SLICE.as_nanos() / each.as_nanos().max(1))?;
    Ok((requests / STEP).max(1) * STEP)
}

/// The CPU time of the server for this number of requests.
async fn slice(
    server: &Server,
    client: &mut Client,
    path: &str,
    requests: u32,
) -> Result<Duration, Box<dyn Error>> {
    let meter = CpuMeter::start(server.process())?;
    client.ask(path, usize::try_from(requests)?).await?;
    Ok(meter.spent()?)
}

/// A comparison is fair only if both sides send the same headers. Returns the lengths
/// of both bodies, which may differ in the digits of a duration.
async fn check_alike(client: &Client, path: &str) -> Result<(usize, usize), Box<dyn Error>> {
    let (static_head, static_bytes) = client.look(server::STATIC).await?;
    let (head, bytes) = client.look(path).await?;
    if comparable(&static_head) != comparable(&head) {
        return Err(format!("the sides differ:\n{static_head}\n{head}").into());
    }
    Ok((static_bytes, bytes))
}

fn comparable(head: &str) -> Vec<&str> {
    let varies = |line: &&str| line.starts_with("date: ") || line.starts_with("content-length: ");
    let mut lines: Vec<&str> = head.lines().filter(|line| !varies(line)).collect();
    lines.sort_unstable();
    lines
}
