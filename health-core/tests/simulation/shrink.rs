//! Minimizes the events of a failing seed, and prints the command to replay it.

use std::process::ExitCode;

use crate::life;
use crate::record;
use crate::schedule::{Case, Event};

/// Runs one seed and describes its service.
pub(crate) fn replay(seed: u64, keep: Option<&[usize]>) -> ExitCode {
    record::install();
    let case = Case::new(seed);
    let case = match keep {
        Some(keep) => with_events(&case, keep),
        None => case,
    };
    show(&case);
    match life::run(&case) {
        Ok(_) => {
            println!("seed {seed} holds");
            ExitCode::SUCCESS
        }
        Err(wrong) => {
            println!("seed {seed} fails: {wrong}");
            ExitCode::FAILURE
        }
    }
}

/// Reports a failing seed, with as few events as possible.
pub(crate) fn report(seed: u64, wrong: &str) {
    let case = Case::new(seed);
    let keep = shrink(&case, &kind_of(wrong));
    let small = with_events(&case, &keep);
    let wrong = life::run(&small).err().unwrap_or_else(|| wrong.to_owned());
    show(&small);
    println!("seed {seed} fails: {wrong}");
    let keep: Vec<String> = keep.iter().map(ToString::to_string).collect();
    println!("replay: ./scripts/simulate.sh --seed {seed}");
    println!(
        "with the events above only: ./scripts/simulate.sh --seed {seed} --keep {}",
        keep.join(",")
    );
}

fn with_events(case: &Case, keep: &[usize]) -> Case {
    let events = keep.iter().filter_map(|&nth| case.events.get(nth)).cloned();
    Case {
        events: events.collect(),
        ..case.clone()
    }
}

/// The kind of a failure, without its time and its checks.
pub(crate) fn kind_of(wrong: &str) -> String {
    let first_line = wrong.lines().next().unwrap_or_default();
    let text = first_line.split(|c: char| "{[".contains(c)).next();
    text.unwrap_or_default()
        .replace(|c: char| c.is_ascii_digit(), "")
}

/// Removes events, many and then few at a time, while the case still fails in the
/// same way.
fn shrink(case: &Case, kind: &str) -> Vec<usize> {
    let mut keep: Vec<usize> = (0..case.events.len()).collect();
    let mut part = keep.len();
    while part > 0 {
        let mut from = 0;
        while from < keep.len() {
            let to = (from + part).min(keep.len());
            let fewer = [&keep[..from], &keep[to..]].concat();
            let result = life::run(&with_events(case, &fewer));
            if result.is_err_and(|wrong| kind_of(&wrong) == kind) {
                keep = fewer;
            } else {
                from = to;
            }
        }
        part /= 2;
    }
    keep
}

fn show(case: &Case) {
    let Case {
        service,
        before,
        start,
        events,
        finally,
        is_watched,
        ..
    } = case;
    for (index, check) in service.checks.iter().enumerate() {
        println!("{} {check:?}", crate::service::NAMES[index]);
    }
    println!(
        "drain_readiness {}, systemd {}, watched {is_watched}, in the end {finally:?}",
        service.drain_readiness, service.notifies_systemd
    );
    let show = |Event { at, what }: &Event| println!("{at:>7} ms {what:?}");
    before.iter().for_each(show);
    println!("{start:>7} ms start");
    events.iter().for_each(show);
}
