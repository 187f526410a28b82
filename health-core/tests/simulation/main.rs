//! A simulation of whole services: one seed makes a service, everything that
//! happens to it and everybody who reads it, and an oracle says what each reader
//! must be answered. See README.md beside this file.
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

/// What the command line asks for. What is meant for other tests is ignored.
#[derive(Debug)]
struct Arguments {
    first: u64,
    seeds: u64,
    jobs: usize,
    /// Only these events of the one seed happen.
    keep: Option<Vec<usize>>,
    /// This process runs seeds for another.
    is_worker: bool,
    is_one: bool,
    /// Does not stop at the first seed that fails, and sums them up.
    is_survey: bool,
}

impl Arguments {
    fn new(mut words: impl Iterator<Item = String>) -> Self {
        let mut arguments = Arguments {
            first: 0,
            // A debug build is slow, and runs at each `cargo test`.
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
