//! The events and readers of a service, drawn from the seed.

use fastrand::Rng;
use health_core::Probe;

use crate::oracle::Report;
use crate::readers::{Format, Request, Target};
use crate::record::Mode;
use crate::service::{Check, Kind, Service};
use crate::world::Mood;

/// An event, with its time in milliseconds after the start.
#[derive(Clone, Debug)]
pub(crate) struct Event {
    pub(crate) at: u64,
    pub(crate) what: What,
}

#[derive(Clone, Debug)]
pub(crate) enum What {
    Mood(usize, Mood),
    /// The time of `Report::Off` is relative to now.
    Report(usize, Report),
    Refresh(usize),
    Pause(u64),
    Log(Mode),
    Hook(Mode),
    Drain,
    /// Stops health and starts it again.
    StartAgain,
    Look,
    Snapshot,
    Respond(Request),
    Answer(Request),
}

/// Everything that a seed generates.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub(crate) seed: u64,
    pub(crate) service: Service,
    /// Reports before the start.
    pub(crate) before: Vec<Event>,
    pub(crate) start: u64,
    pub(crate) events: Vec<Event>,
    /// The behaviour of the runs after the last fault.
    pub(crate) finally: Vec<Mood>,
    /// A reader reads at each moment at which only time changes a status.
    pub(crate) is_watched: bool,
}

impl Case {
    pub(crate) fn new(seed: u64) -> Self {
        let rng = &mut Rng::with_seed(seed);
        let service = Service::new(rng);
        let start = rng.u64(..3) * rng.u64(..50);
        let count = service.checks.len();
        let events = events(rng, &service);
        let mut finally = |_| match rng.u8(..6) {
            0 => Mood::Fails,
            1 => Mood::Warns,
            _ => Mood::Passes,
        };
        let finally = (0..count).map(&mut finally).collect();
        Case {
            seed,
            before: before(rng, &service, start),
            start,
            finally,
            is_watched: rng.u8(..3) > 0,
            events,
            service,
        }
    }
}

fn before(rng: &mut Rng, service: &Service, start: u64) -> Vec<Event> {
    let mut events = Vec::new();
    for (index, check) in service.checks.iter().enumerate() {
        if !check.is_run() && rng.u8(..4) == 0 {
            let report = report(rng, check);
            // What was dropped before the start is refused.
            if report != Report::Drop {
                events.push(Event {
                    at: start / 2,
                    what: What::Report(index, report),
                });
            }
        }
    }
    events
}

fn events(rng: &mut Rng, service: &Service) -> Vec<Event> {
    let length = rng.u64(2_000..25_000);
    let count = rng.usize(3..50);
    let mut events: Vec<Event> = (0..count)
        .map(|_| Event {
            at: rng.u64(..length),
            what: what(rng, service),
        })
        .collect();
    // Most services have open gates and beating heartbeats.
    for (index, check) in service.checks.iter().enumerate() {
        let report = |report| What::Report(index, report);
        match check.kind {
            Kind::Gate if rng.u8(..6) > 0 => {
                events.push(Event {
                    at: rng.u64(..2_000),
                    what: report(Report::Open),
                });
            }
            Kind::Heartbeat if rng.u8(..4) > 0 => {
                let every = check.interval * rng.u64(5..12) / 10;
                let beats = (1..)
                    .map(|nth| nth * every.max(1))
                    .take_while(|&at| at < length);
                events.extend(beats.map(|at| Event {
                    at,
                    what: report(Report::Beat),
                }));
            }
            _ => {}
        }
    }
    if rng.u8(..4) == 0 {
        events.push(Event {
            at: rng.u64(..length),
            what: What::Drain,
        });
    }
    if rng.u8(..8) == 0 {
        events.push(Event {
            at: rng.u64(..length),
            what: What::StartAgain,
        });
    }
    // Events at the same time keep the order in which they were drawn.
    events.sort_by_key(|event| event.at);
    events
}

fn what(rng: &mut Rng, service: &Service) -> What {
    let index = rng.usize(..service.checks.len());
    let check = &service.checks[index];
    match rng.u8(..20) {
        0..=7 if check.is_run() => What::Mood(index, mood(rng, check)),
        0..=7 => What::Report(index, report(rng, check)),
        8 => What::Refresh(index),
        9 if rng.bool() => What::Pause(rng.u64(1..20_000)),
        10 => What::Log(mode(rng)),
        11 => What::Hook(mode(rng)),
        12 | 13 => What::Look,
        9 | 14 => What::Snapshot,
        15 | 16 => What::Respond(request(rng, service)),
        _ => What::Answer(request(rng, service)),
    }
}

fn mode(rng: &mut Rng) -> Mode {
    *rng.choice(&[Mode::Fine, Mode::Blocked, Mode::Panics])
        .expect("some")
}

fn mood(rng: &mut Rng, check: &Check) -> Mood {
    match rng.u8(..16) {
        0..=3 => Mood::Passes,
        4 => Mood::Warns,
        5 | 6 => Mood::Fails,
        7 => Mood::ReturnsError,
        8 => Mood::Panics,
        9 => Mood::Flaps,
        10 => Mood::Hangs,
        // At the deadline, around it, and far from it.
        11 => Mood::IsSlow(check.timeout, rng.bool()),
        12 => Mood::IsSlow(check.timeout + rng.u64(..3) - 1, rng.bool()),
        13 => Mood::IsSlow(rng.u64(1..2 * check.timeout), rng.bool()),
        14 => Mood::IsSlow(rng.u64(1..check.timeout), true),
        _ => Mood::Holds(rng.u64(4..2 * check.timeout + 10)),
    }
}

fn report(rng: &mut Rng, check: &Check) -> Report {
    match check.kind {
        Kind::Gate if rng.u8(..3) == 0 => Report::Drop,
        Kind::Gate => Report::Open,
        Kind::Heartbeat if rng.u8(..6) == 0 => Report::Drop,
        Kind::Heartbeat => Report::Beat,
        Kind::Task => *rng
            .choice(&[Report::End, Report::Cancel, Report::Panic])
            .expect("some"),
        _ => match rng.u8(..4) {
            0 => Report::Off(None),
            1 | 2 => Report::Off(Some(rng.u64(..6_000))),
            _ => Report::On,
        },
    }
}

fn request(rng: &mut Rng, service: &Service) -> Request {
    let groups: Vec<&'static str> = service.groups().collect();
    let page = match rng.u8(..12) {
        0..=3 => Target::Probe(Probe::Readiness),
        4 => Target::Probe(Probe::Liveness),
        5 => Target::Probe(Probe::Startup),
        6 => Target::Check(rng.usize(..service.checks.len())),
        7 => Target::StatusPage,
        8 => Target::Metrics,
        9 if !groups.is_empty() => Target::Group(rng.choice(groups).expect("some")),
        _ => Target::Health,
    };
    let format = match rng.u8(..4) {
        _ if page == Target::Metrics => Format::Json,
        0 => Format::HealthJson,
        1 => Format::Text,
        _ => Format::Json,
    };
    Request { page, format }
}
