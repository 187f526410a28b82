//! The cost of the engine without requests: memory and CPU of many checks, the
//! duration of a round of waiting checks, and how late a timeout is noticed if the
//! check blocks its thread.
//!
//! `cargo run --release -p benches --bin engine [-- --quick] [-- --json]`

use std::error::Error;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant, SystemTime};
use std::{process, thread};

use benches::report::{self, Figure, Spread};
use benches::usage::{self, CpuMeter};
use benches::workload;
use health_core::report::CheckReport;
use health_core::{CheckOptions, Health, Probe, Status};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc;
use tokio::time::sleep;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const WAIT: Duration = Duration::from_millis(10);
const WAITING: usize = 1_000;
const MANY: u32 = 10_000;

fn main() -> Result<()> {
    let quick = std::env::args().any(|argument| argument == "--quick");
    let (rounds, seconds) = if quick { (3, 10) } else { (20, 60) };
    // The large case first, while the heap has no free memory.
    let mut figures = many(Duration::from_secs(seconds))?;
    figures.extend(waiting(rounds)?);
    figures.push(blocking(rounds)?);
    report::print("engine", &figures);
    Ok(())
}

fn runtime() -> Result<Runtime> {
    Ok(Builder::new_multi_thread().enable_all().build()?)
}

/// 10,000 trivial checks at the default interval.
fn many(watched: Duration) -> Result<Vec<Figure>> {
    eprintln!("{MANY} checks, watched for {watched:?}");
    runtime()?.block_on(async {
        let builder = workload::passing(usize::try_from(MANY)?);
        let declared = usage::resident_memory()?;
        let health = builder.start()?;
        workload::settled(&health).await;
        let memory = usage::resident_memory()?.saturating_sub(declared);
        let memory_each = u32::try_from(memory / u64::from(MANY))?;

        let meter = CpuMeter::start(process::id())?;
        let since = Instant::now();
        sleep(watched).await;
        let share = meter.spent()?.div_duration_f64(since.elapsed());
        drop(health);
        let what = format!("{MANY} checks every 10 s");
        Ok(vec![
            Figure::new(
                format!("{what}: resident memory of each, without its declaration"),
                f64::from(memory_each),
                "B",
            ),
            Figure::new(format!("{what}: share of a core"), share * 100.0, "%").budget(3.0),
        ])
    })
}

/// A round of waiting checks, relative to the slowest of them. The first round is
/// spread, so this measures the next one, which is requested for all of them at once.
fn waiting(rounds: u32) -> Result<Vec<Figure>> {
    eprintln!("{rounds} rounds of {WAITING} checks that wait {WAIT:?}");
    let measured: Vec<Round> = (0..rounds)
        .map(|_| Round::measure())
        .collect::<Result<_>>()?;
    let took = Spread::of(measured.iter().map(|round| round.took.as_secs_f64() * 1e3));
    let cpu = Spread::of(measured.iter().map(|round| round.cpu.as_secs_f64() * 1e3));
    let ratio = |over: fn(&Round) -> Duration| {
        Spread::of(
            measured
                .iter()
                .map(|round| round.took.div_duration_f64(over(round))),
        )
    };
    let round = format!(
        "{WAITING} checks that wait {} ms, one round",
        WAIT.as_millis()
    );
    Ok(vec![
        Figure::new(format!("{round}: time"), took, "ms"),
        Figure::new(
            format!("{round}: over the slowest check"),
            ratio(|round| round.slowest),
            "",
        )
        .budget(1.5),
        Figure::new(
            format!("{round}: over the wait itself"),
            ratio(|_| WAIT),
            "",
        ),
        Figure::new(format!("{round}: CPU"), cpu, "ms"),
    ])
}

struct Round {
    took: Duration,
    /// The longest run of one check, according to its report.
    slowest: Duration,
    cpu: Duration,
}

impl Round {
    fn measure() -> Result<Self> {
        runtime()?.block_on(async {
            let health = workload::waiting(WAIT, WAITING).start()?;
            workload::settled(&health).await;
            let meter = CpuMeter::start(process::id())?;
            let start = SystemTime::now();
            workload::refreshed(&health).await?;
            let cpu = meter.spent()?;
            let end = latest(&health, CheckReport::checked_at)?;
            Ok(Round {
                took: end.duration_since(start)?,
                slowest: latest(&health, CheckReport::response_time)?,
                cpu,
            })
        })
    }
}

fn latest<T: Ord>(health: &Health, of: fn(&CheckReport) -> Option<T>) -> Result<T> {
    let latest = health.snapshot().checks().iter().filter_map(of).max();
    latest.ok_or_else(|| "no check has a result".into())
}

/// How long after its timeout readers learn that a check blocks its thread.
fn blocking(rounds: u32) -> Result<Figure> {
    eprintln!("{rounds} checks that hold their thread");
    let late: Vec<f64> = (0..rounds)
        .map(|_| Ok(lateness()?.as_secs_f64() * 1e3))
        .collect::<Result<_>>()?;
    let what = "a check that holds its thread: seen so long after its timeout";
    Ok(Figure::new(what, Spread::of(late), "ms").budget(50.0))
}

fn lateness() -> Result<Duration> {
    const TIMEOUT: Duration = Duration::from_millis(200);
    runtime()?.block_on(async {
        let (tell, mut starts) = mpsc::unbounded_channel();
        let runs = AtomicU32::new(0);
        let run = move || {
            let is_first = runs.fetch_add(1, Ordering::Relaxed) == 0;
            let tell = tell.clone();
            async move {
                if !is_first {
                    let _ = tell.send(Instant::now());
                    thread::sleep(3 * TIMEOUT);
                }
            }
        };
        let options = CheckOptions::new().interval(Duration::from_secs(1));
        let options = options.timeout(TIMEOUT).critical();
        let health = Health::builder().check("blocking", options, run).start()?;
        workload::settled(&health).await;
        // The reader has a thread of its own: the check may block the one on which
        // tokio waits for its timers.
        let seen = tokio::task::spawn_blocking(move || {
            let start = starts.blocking_recv()?;
            while health.status(Probe::Readiness) == Status::Pass {
                thread::sleep(Duration::from_millis(1));
            }
            Some(start.elapsed())
        });
        let seen = seen.await?.ok_or("the check does not run again")?;
        Ok(seen.saturating_sub(TIMEOUT))
    })
}
