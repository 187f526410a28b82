//! Instructions per run of a check and per answer, counted by callgrind: `cargo bench
//! -p benches --bench instructions [-- --json]`
//!
//! With `--guard` only scenarios with a recorded count run, and the program fails if
//! a count is exceeded.
//!
//! Each scenario runs twice, with few and with many repetitions, so that one-time
//! costs cancel out. The clock is paused and the jitter has a fixed seed, so the
//! counts repeat to well within 1 %, except for hash seeds and addresses.

use std::env;
use std::error::Error;
use std::process::Command;
use std::time::Duration;

use benches::report::{self, Row};
use benches::workload;
use health_core::HealthBuilder;
use health_core::config::HttpOptions;
use health_core::http::{Endpoint, Page};
use http::Request;
use serde::Serialize;
use tokio::time::{Instant, sleep, sleep_until};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// The argument that selects the counted part of this program.
const ROLE: &str = "--scenario";
const INTERVAL: Duration = Duration::from_secs(10);
/// The tolerance above a recorded count, in percent. Other compilers and allocators
/// differ by less.
const TOLERANCE: u64 = 5;

struct Scenario {
    name: &'static str,
    what: &'static str,
    /// The baseline without the framework, whose count is subtracted.
    beyond: Option<&'static str>,
    /// The budget of the difference.
    budget: Option<u64>,
    /// The recorded count: CI fails if a count, or the difference, is more than
    /// [`TOLERANCE`] above it.
    recorded: Option<u64>,
    /// The smaller number of repetitions; the larger one is three times as many.
    times: u32,
    run: fn(u32) -> Result<u64>,
}

const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "sleep-1",
        what: "tokio alone: a task that wakes once an interval",
        beyond: None,
        budget: None,
        recorded: None,
        times: 2_000,
        run: |times| sleeps(1, times),
    },
    Scenario {
        name: "run-1",
        what: "one run of an immediately ready check",
        beyond: Some("sleep-1"),
        budget: Some(4_000),
        recorded: Some(3_630),
        times: 2_000,
        run: |times| runs(1, times),
    },
    Scenario {
        name: "sleep-1000",
        what: "tokio alone: a task that wakes once an interval, one of 1,000",
        beyond: None,
        budget: None,
        recorded: None,
        times: 4,
        run: |times| sleeps(1_000, times),
    },
    Scenario {
        name: "run-1000",
        what: "one run of an immediately ready check, one of 1,000",
        beyond: Some("sleep-1000"),
        budget: Some(4_000),
        recorded: None,
        times: 4,
        run: |times| runs(1_000, times),
    },
    Scenario {
        name: "sleep-10000",
        what: "tokio alone: a task that wakes once an interval, one of 10,000",
        beyond: None,
        budget: None,
        recorded: None,
        times: 2,
        run: |times| sleeps(10_000, times),
    },
    Scenario {
        name: "run-10000",
        what: "one run of an immediately ready check, one of 10,000",
        beyond: Some("sleep-10000"),
        budget: Some(4_000),
        recorded: None,
        times: 2,
        run: |times| runs(10_000, times),
    },
    Scenario {
        name: "status-5",
        what: "one answer of `/readyz`, 5 checks",
        beyond: None,
        budget: None,
        recorded: Some(2_150),
        times: 5_000,
        run: |times| answers(5, "/readyz", times),
    },
    Scenario {
        name: "status-1000",
        what: "one answer of `/readyz`, 1,000 checks",
        beyond: None,
        budget: None,
        recorded: None,
        times: 5_000,
        run: |times| answers(1_000, "/readyz", times),
    },
    Scenario {
        name: "full-5",
        what: "one answer of `/health`, 5 checks, none changed",
        beyond: None,
        budget: None,
        recorded: Some(4_845),
        times: 5_000,
        run: |times| answers(5, "/health", times),
    },
    Scenario {
        name: "full-1000",
        what: "one answer of `/health`, 1,000 checks, none changed",
        beyond: None,
        budget: None,
        recorded: None,
        times: 500,
        run: |times| answers(1_000, "/health", times),
    },
    Scenario {
        name: "changed-1000",
        what: "the same, ten changed (their runs included)",
        beyond: None,
        budget: None,
        recorded: Some(918_000),
        times: 50,
        run: |times| answers_after_changes(1_000, times),
    },
    Scenario {
        name: "metrics-1000",
        what: "one answer of `/metrics`, 1,000 checks, 28,006 series",
        beyond: None,
        budget: None,
        recorded: None,
        times: 20,
        run: |times| scrapes(1_000, times),
    },
    Scenario {
        name: "page-129",
        what: "one status page, 129 checks with a past of 6 h and failures in it",
        beyond: None,
        budget: None,
        recorded: Some(6_927_000),
        times: 20,
        run: |times| pages(129, times),
    },
];

fn main() -> Result<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    match &arguments[..] {
        [role, name, times] if role == ROLE => repeat(name, times),
        // `cargo test --all-targets` must not wait for valgrind.
        _ if arguments.iter().any(|argument| argument == "--guard") => guard(),
        _ if arguments.iter().any(|argument| argument == "--bench") => {
            report::print("instructions", &measured(|_| true)?);
            Ok(())
        }
        _ => Ok(()),
    }
}

// The side that counts.

fn measured(wanted: impl Fn(&Scenario) -> bool) -> Result<Vec<Counted>> {
    let mut rows: Vec<Counted> = Vec::new();
    for scenario in SCENARIOS.iter().filter(|scenario| wanted(scenario)) {
        let instructions = per_repetition(scenario)?;
        let base = rows.iter().find(|row| scenario.beyond == Some(row.name));
        rows.push(Counted {
            name: scenario.name,
            what: scenario.what,
            instructions,
            beyond: base.map(|base| instructions.saturating_sub(base.instructions)),
            budget: scenario.budget,
            recorded: scenario.recorded,
        });
    }
    Ok(rows)
}

/// Counts are reproducible, so they can fail a build; times cannot.
fn guard() -> Result<()> {
    let is_guarded = |scenario: &Scenario| scenario.recorded.is_some();
    let is_base = |scenario: &Scenario| {
        let mut guarded = SCENARIOS.iter().filter(|scenario| is_guarded(scenario));
        guarded.any(|guarded| guarded.beyond == Some(scenario.name))
    };
    let rows = measured(|scenario| is_guarded(scenario) || is_base(scenario))?;
    let mut dearer = Vec::new();
    for row in &rows {
        let (Some(recorded), count) = (row.recorded, row.beyond.unwrap_or(row.instructions)) else {
            continue;
        };
        println!("{}: {count} instructions, recorded {recorded}", row.what);
        if count > recorded * (100 + TOLERANCE) / 100 {
            dearer.push(row.what);
        }
    }
    if dearer.is_empty() {
        return Ok(());
    }
    let what = dearer.join("; ");
    Err(format!("dearer by more than {TOLERANCE} %: {what}. Find out why, or record the new count in `SCENARIOS`").into())
}

#[derive(Serialize)]
struct Counted {
    name: &'static str,
    what: &'static str,
    instructions: u64,
    /// More than the baseline without the framework.
    beyond: Option<u64>,
    budget: Option<u64>,
    recorded: Option<u64>,
}

impl Row for Counted {
    const HEADINGS: &'static [&'static str] =
        &["what", "instructions", "beyond tokio alone", "budget"];

    fn cells(&self) -> Vec<String> {
        let beyond = self.beyond.map(|count| count.to_string());
        let budget = self.budget.map(|count| format!("≤ {count}"));
        vec![
            self.what.into(),
            self.instructions.to_string(),
            beyond.unwrap_or_default(),
            budget.unwrap_or_default(),
        ]
    }
}

fn per_repetition(scenario: &Scenario) -> Result<u64> {
    eprintln!("{}", scenario.what);
    let (few, instructions_of_few) = count(scenario.name, scenario.times)?;
    let (many, instructions_of_many) = count(scenario.name, scenario.times * 3)?;
    Ok((instructions_of_many - instructions_of_few) / (many - few))
}

/// The number of repetitions, and the instructions of the whole process.
fn count(name: &str, times: u32) -> Result<(u64, u64)> {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(env::current_exe()?)
        .args([ROLE, name, &times.to_string()])
        .output()
        .map_err(|error| format!("valgrind cannot be run: {error}"))?;
    let log = String::from_utf8_lossy(&output.stderr);
    let collected = log
        .lines()
        .find_map(|line| line.split_once("Collected : "))
        .ok_or_else(|| format!("callgrind did not count: {log}"))?;
    let repetitions = String::from_utf8_lossy(&output.stdout);
    Ok((repetitions.trim().parse()?, collected.1.trim().parse()?))
}

// The counted side.

fn repeat(name: &str, times: &str) -> Result<()> {
    let scenario = SCENARIOS.iter().find(|scenario| scenario.name == name);
    let scenario = scenario.ok_or("no such scenario")?;
    fastrand::seed(7);
    let repetitions = (scenario.run)(times.parse()?)?;
    println!("{repetitions}");
    Ok(())
}

fn on_paused_clock<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()?;
    runtime.block_on(work)
}

/// The cost in tokio of tasks that wake when checks would run.
fn sleeps(tasks: usize, times: u32) -> Result<u64> {
    on_paused_clock(async {
        for _ in 0..tasks {
            tokio::spawn(async {
                let mut due = Instant::now();
                loop {
                    due += INTERVAL.mul_f64(1.0 - 0.1 * fastrand::f64());
                    sleep_until(due).await;
                }
            });
        }
        sleep(INTERVAL * times).await;
        Ok(u64::from(times) * u64::try_from(tasks)?)
    })
}

/// Counts the actual runs: jitter moves some beyond the end.
fn runs(checks: usize, times: u32) -> Result<u64> {
    on_paused_clock(async {
        let health = workload::passing_every(INTERVAL, checks).start()?;
        sleep(INTERVAL * times).await;
        Ok(workload::runs(&health))
    })
}

fn answers(checks: usize, path: &str, times: u32) -> Result<u64> {
    answers_of(workload::passing(checks), path, times)
}

fn scrapes(checks: usize, times: u32) -> Result<u64> {
    let builder =
        workload::passing(checks).http(HttpOptions::new().path("/metrics", Page::Metrics));
    answers_of(builder, "/metrics", times)
}

/// Every check has a time axis over hours, with outages of each in turn.
fn pages(checks: usize, times: u32) -> Result<u64> {
    on_paused_clock(async {
        let http = HttpOptions::new().path("/status", Page::StatusPage);
        let health = workload::with_outages(checks).http(http).start()?;
        sleep(Duration::from_secs(6 * 3_600)).await;
        let endpoint = health.internal_endpoint();
        let request = Request::get("/status").body(())?;
        for _ in 0..times {
            answer(&endpoint, &request);
        }
        Ok(u64::from(times))
    })
}

fn answers_of(builder: HealthBuilder, path: &str, times: u32) -> Result<u64> {
    on_paused_clock(async {
        let health = builder.start()?;
        workload::settled(&health).await;
        let endpoint = health.internal_endpoint();
        let request = Request::get(path).body(())?;
        for _ in 0..times {
            answer(&endpoint, &request);
        }
        Ok(u64::from(times))
    })
}

/// Ten checks run between two answers on average, so that an answer rarely finds
/// cached text.
fn answers_after_changes(checks: u32, times: u32) -> Result<u64> {
    on_paused_clock(async {
        let health = workload::passing(usize::try_from(checks)?).start()?;
        // By then jitter has spread the runs over the whole interval.
        sleep(INTERVAL * 100).await;
        let endpoint = health.internal_endpoint();
        let request = Request::get("/health").body(())?;
        for _ in 0..times {
            sleep(INTERVAL * 10 / checks).await;
            answer(&endpoint, &request);
        }
        Ok(u64::from(times))
    })
}

fn answer(endpoint: &Endpoint, request: &Request<()>) {
    let response = endpoint.respond_cached(std::hint::black_box(request));
    drop(std::hint::black_box(response));
}
