//! A simulation of whole services. A seed generates a service, its faults and its
//! readers, and an oracle computes the answer that each reader must get. See
//! README.md in this directory.
//!
//! ```text
//! cargo test -p health-core --all-features --test simulation -- --seed 17
//! ```

mod claims;
mod coverage;
mod life;
mod oracle;
mod readers;
mod record;
mod reports;
mod schedule;
mod service;
mod shrink;
mod standing;
mod systemd;
mod threads;
mod workers;
mod world;

use std::process::ExitCode;

/// The options of the command line. Options of the test harness are ignored.
#[derive(Debug)]
struct Arguments {
    first: u64,
    seeds: u64,
    jobs: usize,
    /// Only these events of the seed are applied.
    keep: Option<Vec<usize>>,
    /// This process runs seeds for another one.
    is_worker: bool,
    is_one: bool,
    /// Continues after a failing seed, and summarizes the failures.
    is_survey: bool,
}

impl Arguments {
    fn new(mut words: impl Iterator<Item = String>) -> Self {
        let mut arguments = Arguments {
            first: 0,
            // A debug build is slow, and `cargo test` runs it each time.
            seeds: if cfg!(debug_assertions) { 100 } else { 2_000 },
            jobs: 2,
            keep: None,
            is_worker: false,
            is_one: false,
            is_survey: false,
        };
        while let Some(word) = words.next() {
            let mut number = || {
                let value = words.next().unwrap_or_default();
                value
                    .parse::<u64>()
                    .unwrap_or_else(|_| panic!("{word} needs a number"))
            };
            match &*word {
                "--worker" => arguments.is_worker = true,
                "--survey" => arguments.is_survey = true,
                "--seeds" => arguments.seeds = number(),
                "--from" => arguments.first = number(),
                "--jobs" => arguments.jobs = usize::try_from(number()).unwrap_or(1).max(1),
                "--seed" => {
                    arguments.first = number();
                    arguments.seeds = 1;
                    arguments.is_one = true;
                }
                "--keep" => {
                    let list = words.next().unwrap_or_default();
                    let numbers = list.split(',').filter_map(|number| number.parse().ok());
                    arguments.keep = Some(numbers.collect());
                }
                "--list" => arguments.seeds = 0,
                _ => {}
            }
        }
        arguments
    }
}

fn main() -> ExitCode {
    let arguments = Arguments::new(std::env::args().skip(1));
    if arguments.seeds == 0 {
        return ExitCode::SUCCESS;
    }
    if arguments.is_worker && arguments.is_one {
        return shrink::replay(arguments.first, arguments.keep.as_deref());
    }
    if arguments.is_worker {
        return workers::work(arguments.first, arguments.seeds, arguments.is_survey);
    }
    if arguments.is_one {
        return workers::run_one();
    }
    workers::distribute(
        arguments.first,
        arguments.seeds,
        arguments.jobs,
        arguments.is_survey,
    )
}
