//! Comparison with alternatives: CPU per probe relative to a static axum route, and
//! the behaviour when checks misbehave.
//!
//! `cargo run --release -p benches --bin peers [-- --quick] [-- --json]`, after
//! `scripts/peers.sh`, which installs the peers into `target/peers`.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use benches::load::{Client, Connections};
use benches::peer::{Peer, Service};
use benches::report::{self, Row, Spread};
use benches::usage::{self, CpuMeter};
use serde::Serialize;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const CALLERS: usize = 500;
/// No prober waits longer.
const PATIENCE: Duration = Duration::from_secs(30);
/// The CPU time of a slice, so that short answers are requested often.
const SLICE: Duration = Duration::from_millis(200);

fn main() -> Result<()> {
    let quick = std::env::args().any(|argument| argument == "--quick");
    let pairs = if quick { 3 } else { 10 };
    let target = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/peers");
    let installed = std::env::var_os("PEERS").map_or(target, PathBuf::from);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let mut costs = Vec::new();
    let mut harms = Vec::new();
    for peer in Peer::ALL {
        eprintln!("{}", peer.name);
        for checks in [5, 1_000] {
            let compared = runtime.block_on(compare(&installed, peer, checks, pairs));
            costs.push(Cost::new(peer, checks, compared));
        }
        harms.push(runtime.block_on(Harm::of(&installed, peer)));
    }
    report::print("peers", &costs);
    report::print("harm", &harms);
    Ok(())
}

// CPU per probe.

#[derive(Serialize)]
struct Cost {
    peer: &'static str,
    checks: usize,
    /// Or the reason why there is none.
    measured: std::result::Result<Compared, String>,
}

#[derive(Serialize)]
struct Compared {
    bytes: usize,
    static_us: Spread,
    probe_us: Spread,
    ratio: Spread,
}

impl Cost {
    fn new(peer: Peer, checks: usize, compared: Result<Compared>) -> Self {
        Cost {
            peer: peer.name,
            checks,
            measured: compared.map_err(|error| error.to_string()),
        }
    }
}

impl Row for Cost {
    const HEADINGS: &'static [&'static str] = &[
        "peer",
        "checks",
        "bytes",
        "static route of axum µs",
        "probe µs",
        "ratio min / median / max",
    ];

    fn cells(&self) -> Vec<String> {
        let mut cells = vec![self.peer.into(), self.checks.to_string()];
        cells.extend(match &self.measured {
            Ok(measured) => [
                measured.bytes.to_string(),
                report::number(measured.static_us.median),
                report::number(measured.probe_us.median),
                measured.ratio.to_string(),
            ],
            Err(error) => [String::new(), String::new(), String::new(), error.clone()],
        });
        cells
    }
}

/// A new connection per request, as the kubelet does, since not all peers keep
/// connections alive.
async fn compare(installed: &Path, peer: Peer, checks: usize, pairs: usize) -> Result<Compared> {
    let reference = Side::start(installed, Peer::STATIC, 1).await?;
    let probe = Side::start(installed, peer, checks).await?;
    let mut costs = Vec::with_capacity(pairs);
    for _ in 0..pairs {
        let probe_first = fastrand::bool();
        let first = if probe_first { &probe } else { &reference };
        let second = if probe_first { &reference } else { &probe };
        let mut pair = [first.slice().await?, second.slice().await?].map(microseconds);
        if probe_first {
            pair.reverse();
        }
        costs.push(pair);
    }
    Ok(Compared {
        bytes: probe.bytes,
        static_us: Spread::of(costs.iter().map(|[fixed, _]| *fixed)),
        probe_us: Spread::of(costs.iter().map(|[_, probe]| *probe)),
        ratio: Spread::of(costs.iter().map(|[fixed, probe]| probe / fixed)),
    })
}

/// A service, and the number of requests per slice.
struct Side {
    service: Service,
    path: &'static str,
    bytes: usize,
    requests: u32,
}

impl Side {
    async fn start(installed: &Path, peer: Peer, checks: usize) -> Result<Self> {
        let service = peer.start(installed, "ready", checks)?;
        let mut side = Side {
            bytes: healthy(&service, peer.path).await?,
            service,
            path: peer.path,
            requests: 20,
        };
        // Twice, since the first run may compile code or fill caches.
        for _ in 0..2 {
            let enough = SLICE.as_nanos() / side.slice().await?.as_nanos().max(1);
            side.requests = u32::try_from(enough)?.clamp(5, 10_000);
        }
        Ok(side)
    }

    /// The CPU time of a request.
    async fn slice(&self) -> Result<Duration> {
        let mut client = Client::connect(self.service.address(), Connections::New).await?;
        let meter = CpuMeter::start(self.service.process())?;
        client
            .ask(self.path, usize::try_from(self.requests)?)
            .await?;
        Ok(meter.spent()? / self.requests)
    }
}

/// Waits until the service reports that it is healthy. Returns the length of the
/// answer.
async fn healthy(service: &Service, path: &str) -> Result<usize> {
    let end = Instant::now() + PATIENCE;
    loop {
        match Client::once(service.address(), path).await {
            Ok((200, body)) => return Ok(body.len()),
            _ if Instant::now() < end => sleep(Duration::from_millis(20)).await,
            Ok((status, _)) => return Err(format!("it answers {status}").into()),
            Err(error) => return Err(error.into()),
        }
    }
}

// Behaviour with faulty checks.

#[derive(Serialize)]
struct Harm {
    peer: &'static str,
    crowd: String,
    hung: String,
    blocking: String,
    panicking: String,
    many: String,
}

impl Row for Harm {
    const HEADINGS: &'static [&'static str] = &[
        "peer",
        "500 callers while a check takes 1 s: runs; p50, p99; memory",
        "a check that never returns",
        "a check that blocks its thread for 5 s: the probe; others wait at most",
        "a check that panics: the probe; others",
        "10,000 checks: memory; one answer",
    ];

    fn cells(&self) -> Vec<String> {
        [
            self.peer,
            &self.crowd,
            &self.hung,
            &self.blocking,
            &self.panicking,
            &self.many,
        ]
        .map(str::to_owned)
        .into()
    }
}

impl Harm {
    async fn of(installed: &Path, peer: Peer) -> Self {
        let words = |result: Result<String>| result.unwrap_or_else(|error| error.to_string());
        Harm {
            peer: peer.name,
            crowd: words(crowd(installed, peer).await),
            hung: words(hung(installed, peer).await),
            blocking: words(blocking(installed, peer).await),
            panicking: words(panicking(installed, peer).await),
            many: words(many(installed, peer).await),
        }
    }
}

async fn runs(service: &Service) -> Result<u64> {
    let (_, runs) = Client::once(service.address(), "/runs").await?;
    Ok(runs.trim().parse()?)
}

/// An answer and its duration, or that no prober would have waited for it.
async fn probed(service: &Service, path: &str) -> String {
    let start = Instant::now();
    let answer = timeout(PATIENCE / 3, Client::once(service.address(), path)).await;
    let took = start.elapsed();
    match answer {
        Ok(Ok((status, _))) => format!("{status} after {}", milliseconds(took)),
        Ok(Err(error)) => format!("{error} after {}", milliseconds(took)),
        Err(_) => format!("no answer within {} s", took.as_secs()),
    }
}

fn microseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e6
}

fn milliseconds(duration: Duration) -> String {
    format!("{} ms", report::number(duration.as_secs_f64() * 1e3))
}

/// Callers with one connection each, or as many as the service accepts: how the
/// kernel handles 500 simultaneous connections is not compared.
async fn connected(service: &Service) -> Vec<Client> {
    let address = service.address();
    let mut connecting = JoinSet::new();
    for _ in 0..CALLERS {
        let connection = Client::connect(address, Connections::Kept(1));
        connecting.spawn(timeout(PATIENCE / 10, connection));
    }
    let connections = connecting.join_all().await;
    connections.into_iter().flatten().flatten().collect()
}

async fn crowd(installed: &Path, peer: Peer) -> Result<String> {
    let service = peer.start(installed, "slow", 5)?;
    let before = usage::peak_memory(service.process())?;
    let callers = connected(&service).await;
    let start = Instant::now();
    let mut asking = JoinSet::new();
    for mut caller in callers {
        asking.spawn(async move {
            let answer = timeout(PATIENCE, caller.look_once(peer.path)).await;
            answer
                .is_ok_and(|answer| answer.is_ok())
                .then(|| start.elapsed())
        });
    }
    let mut took: Vec<Duration> = asking.join_all().await.into_iter().flatten().collect();
    took.sort();
    let runs = timeout(PATIENCE, runs(&service))
        .await
        .map(|runs| runs.map_or(0, |runs| runs));
    let runs = runs.map_or("?".into(), |runs| runs.to_string());
    let memory = usage::peak_memory(service.process())?.saturating_sub(before);
    let quantile = |part: usize| took.get(took.len() * part / 100).copied();
    let times = match (quantile(50), quantile(99)) {
        (Some(half), Some(most)) => format!("{}, {}", milliseconds(half), milliseconds(most)),
        _ => "nobody was answered".into(),
    };
    let lost = CALLERS - took.len();
    let lost = if lost > 0 {
        format!(" ({lost} not answered)")
    } else {
        String::new()
    };
    Ok(format!("{runs}; {times}{lost}; {} MB", memory / 1_000_000))
}

async fn hung(installed: &Path, peer: Peer) -> Result<String> {
    let service = peer.start(installed, "hung", 5)?;
    // Long enough for a background check to exceed its timeout.
    sleep(Duration::from_millis(2_500)).await;
    Ok(probed(&service, peer.path).await)
}

async fn blocking(installed: &Path, peer: Peer) -> Result<String> {
    let service = peer.start(installed, "blocking", 5)?;
    let address = service.address();
    let others = tokio::spawn(async move {
        let mut longest = Duration::ZERO;
        for _ in 0..30 {
            let start = Instant::now();
            let answer = timeout(PATIENCE, Client::once(address, Peer::STATIC.path)).await;
            let waited = answer.map_or(PATIENCE, |_| start.elapsed());
            longest = longest.max(waited);
            sleep(Duration::from_millis(50)).await;
        }
        longest
    });
    sleep(Duration::from_millis(200)).await;
    let probe = probed(&service, peer.path).await;
    Ok(format!("{probe}; {}", milliseconds(others.await?)))
}

async fn panicking(installed: &Path, peer: Peer) -> Result<String> {
    let service = peer.start(installed, "panicking", 5)?;
    sleep(Duration::from_millis(500)).await;
    let probe = probed(&service, peer.path).await;
    let others = probed(&service, Peer::STATIC.path).await;
    Ok(format!("{probe}; {others}"))
}

async fn many(installed: &Path, peer: Peer) -> Result<String> {
    let service = peer.start(installed, "ready", 10_000)?;
    healthy(&service, peer.path).await?;
    let meter = CpuMeter::start(service.process())?;
    let answer = probed(&service, peer.path).await;
    let cpu = milliseconds(meter.spent()?);
    let memory = usage::peak_memory(service.process())?;
    let memory = memory / 1_000_000;
    Ok(format!("{memory} MB; {answer}, CPU {cpu}"))
}
