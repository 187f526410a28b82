//! Distributes seeds over processes. Each process runs one seed at a time, so that
//! the log, the panic hook and the environment belong to that seed, and a process
//! without progress can be killed.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::coverage::{self, WANTED};
use crate::life;
use crate::record;
use crate::schedule::Case;
use crate::shrink;
use crate::systemd;

/// Seeds that one process runs.
const CHUNK: u64 = 250;
/// One seed of this many runs twice, to verify that replays are deterministic.
const REPEATED: u64 = 64;
/// From this number of seeds on, everything must have been reached.
const ENOUGH: u64 = 2_000;
/// A seed that takes longer has hung.
const LONGEST: Duration = Duration::from_secs(60);

/// Runs seeds for another process, and reports their results.
pub(crate) fn work(first: u64, count: u64, is_survey: bool) -> ExitCode {
    record::install();
    for seed in first..first + count {
        println!("seed {seed}");
        let case = Case::new(seed);
        let result = life::run(&case);
        let result = match result {
            Ok(trace) if seed % REPEATED == 0 && life::run(&case) != Ok(trace) => {
                Err("a replay is another one".to_owned())
            }
            other => other,
        };
        match result {
            Ok(_) => {}
            Err(wrong) if is_survey => println!("wrong {seed} {}", shrink::kind_of(&wrong)),
            Err(wrong) => {
                shrink::report(seed, &wrong);
                return ExitCode::FAILURE;
            }
        }
    }
    for (what, times) in coverage::take() {
        println!("reached {times} {what}");
    }
    ExitCode::SUCCESS
}

/// The results of all processes.
struct Progress {
    first: u64,
    count: u64,
    next: AtomicU64,
    done: AtomicU64,
    failed: AtomicBool,
    reached: Mutex<BTreeMap<String, u64>>,
    /// For a survey: the failing seeds, by kind of failure.
    wrong: Mutex<BTreeMap<String, Vec<String>>>,
    is_survey: bool,
    began: Instant,
}

/// Runs many seeds. Fails at the first failing seed, and if something was never
/// reached.
pub(crate) fn distribute(first: u64, count: u64, jobs: usize, is_survey: bool) -> ExitCode {
    let progress = Progress {
        first,
        count,
        next: AtomicU64::new(first),
        done: AtomicU64::new(0),
        failed: AtomicBool::new(false),
        reached: Mutex::default(),
        wrong: Mutex::default(),
        is_survey,
        began: Instant::now(),
    };
    thread::scope(|scope| {
        for _ in 0..jobs {
            scope.spawn(|| progress.run_chunks());
        }
    });
    if progress.failed.load(Ordering::Relaxed) {
        return ExitCode::FAILURE;
    }
    progress.sum_up()
}

impl Progress {
    fn run_chunks(&self) {
        let end = self.first + self.count;
        loop {
            let from = self.next.fetch_add(CHUNK, Ordering::Relaxed);
            if from >= end || self.failed.load(Ordering::Relaxed) {
                return;
            }
            let seeds = CHUNK.min(end - from);
            if !self.run_chunk(from, seeds) {
                self.failed.store(true, Ordering::Relaxed);
            }
            let done = self.done.fetch_add(seeds, Ordering::Relaxed) + seeds;
            let millis = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
            let a_second = done * 1_000 / millis.max(1);
            eprint!("\r{done} of {} seeds, {a_second} a second", self.count);
            let _ = std::io::stderr().flush();
        }
    }

    /// Whether all seeds of a chunk hold.
    fn run_chunk(&self, from: u64, seeds: u64) -> bool {
        let mut child = worker()
            .args(["--from", &from.to_string(), "--seeds", &seeds.to_string()])
            .args(self.is_survey.then_some("--survey"))
            .stdout(Stdio::piped())
            .spawn()
            .expect("another process can be started");
        let lines = BufReader::new(child.stdout.take().expect("it is piped")).lines();
        let (tell, told) = std::sync::mpsc::channel();
        thread::scope(|scope| {
            scope.spawn(move || {
                for line in lines.map_while(Result::ok) {
                    let _ = tell.send(line);
                }
            });
            let mut seed = String::new();
            loop {
                match told.recv_timeout(LONGEST) {
                    Ok(line) => self.hear(line, &mut seed),
                    Err(std::sync::mpsc::RecvTimeoutError::Disconnected) => break,
                    Err(std::sync::mpsc::RecvTimeoutError::Timeout) => {
                        println!("\n{seed} stands still; replay: ./scripts/simulate.sh --{seed}");
                        end(&mut child);
                        return false;
                    }
                }
            }
            let status = child.wait().expect("the process is a child of this one");
            if !status.success() {
                println!("{seed}: the process ended with {status}");
            }
            status.success()
        })
    }

    fn hear(&self, line: String, seed: &mut String) {
        let wrong = line.strip_prefix("wrong ");
        if let Some((seed, kind)) = wrong.and_then(|wrong| wrong.split_once(' ')) {
            let mut all = self.wrong.lock().unwrap_or_else(PoisonError::into_inner);
            all.entry(kind.to_owned())
                .or_default()
                .push(seed.to_owned());
            return;
        }

        let Some(reached) = line.strip_prefix("reached ") else {
            if line.starts_with("seed ") && !line.contains("fails") {
                *seed = line;
            } else {
                println!("{line}");
            }
            return;
        };
        let Some((times, what)) = reached.split_once(' ') else {
            return;
        };
        let mut all = self.reached.lock().unwrap_or_else(PoisonError::into_inner);
        *all.entry(what.to_owned()).or_default() += times.parse::<u64>().unwrap_or_default();
    }

    fn sum_up(&self) -> ExitCode {
        let reached = self.reached.lock().unwrap_or_else(PoisonError::into_inner);
        eprintln!();
        let missing: Vec<&str> = WANTED
            .iter()
            .copied()
            .filter(|what| !reached.contains_key(*what))
            .collect();
        for (what, times) in &*reached {
            println!("{times:>12} {what}");
        }
        let wrong = self.wrong.lock().unwrap_or_else(PoisonError::into_inner);
        for (kind, seeds) in &*wrong {
            let some = seeds.iter().take(5).cloned().collect::<Vec<_>>().join(" ");
            println!("{:>12} fail: {kind} (seeds {some})", seeds.len());
        }
        if !wrong.is_empty() {
            return ExitCode::FAILURE;
        }
        let seconds = self.began.elapsed().as_secs_f64();
        println!("{} seeds hold, in {seconds:.1} s", self.count);
        if missing.is_empty() || self.count < ENOUGH {
            return ExitCode::SUCCESS;
        }
        println!("never reached: {}", missing.join(", "));
        ExitCode::FAILURE
    }
}

/// Runs the seed of the command line in a process of its own.
pub(crate) fn run_one() -> ExitCode {
    let status = worker().args(std::env::args().skip(1)).status();
    if status.is_ok_and(|status| status.success()) {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// This program in another process, which has its own environment.
fn worker() -> Command {
    let program = std::env::current_exe().expect("this program has a path");
    let mut command = Command::new(program);
    command.arg("--worker");
    systemd::name_socket(&mut command);
    command
}

fn end(child: &mut Child) {
    let _ = child.kill();
    let _ = child.wait();
}
