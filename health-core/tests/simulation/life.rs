//! Runs a case on a clock that advances only when the runtime is idle.

use std::cell::RefCell;
use std::future::poll_fn;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use health_core::event::{Event as HealthEvent, Events};
use health_core::report::Verdict;
use health_core::{Health, testing};
use tokio::runtime::Builder;
use tokio::task::{unconstrained, yield_now};
use tokio::time::{Instant, sleep, sleep_until};

use crate::coverage::reached;
use crate::oracle::{Report, Turn};
use crate::readers::{self, Format, Request, Target};
use crate::record::{self, Line, Mode};
use crate::schedule::{Case, Event, What};
use crate::service::{Kind, NAMES, Service};
use crate::systemd;
use crate::world::{State, World};

thread_local! {
    /// The simulated service of this thread.
    static CURRENT: RefCell<Option<World>> = const { RefCell::new(None) };
}

/// Runs a case. Returns a hash of all events, or the failure.
pub(crate) fn run(case: &Case) -> Result<u64, String> {
    // Jitter and incident IDs repeat with the seed.
    fastrand::seed(case.seed);
    let runtime = Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        // Called whenever the runtime is idle and the clock is about to advance.
        .on_thread_park(|| {
            let world = CURRENT.with_borrow(Clone::clone);
            if let Some(world) = world {
                world.idle();
            }
        })
        .build()
        .expect("a runtime can be built");
    let result = runtime.block_on(lives(case));
    record::set_log(Mode::Fine);
    record::set_hook(Mode::Fine);
    if let Some(world) = CURRENT.take() {
        world.close();
    }
    drop(runtime);
    let (_, _, faults) = record::take();
    match faults.into_iter().next() {
        Some(fault) => Err(fault),
        None => result,
    }
}

async fn lives(case: &Case) -> Result<u64, String> {
    let is_end = |event: &Event| matches!(event.what, What::StartAgain);
    let lives = case.events.split_inclusive(is_end);
    let mut lives: Vec<&[Event]> = lives.collect();
    if lives
        .last()
        .is_none_or(|last| last.last().is_some_and(is_end))
    {
        lives.push(&[]);
    }
    let mut trace = 0;
    let mut begins = 0;
    for (nth, events) in lives.iter().enumerate() {
        if nth > 0 {
            reached("start again");
        }
        let life = Life {
            case,
            begins,
            is_last: nth + 1 == lives.len(),
        };
        trace ^= life
            .live(events)
            .await?
            .rotate_left(u32::try_from(nth).unwrap_or(0));
        begins = events.last().map_or(0, |event| event.at);
    }
    Ok(trace)
}

struct Life<'a> {
    case: &'a Case,
    /// The times of the events are relative to this moment.
    begins: u64,
    is_last: bool,
}

impl Life<'_> {
    async fn live(&self, events: &[Event]) -> Result<u64, String> {
        record::begin();
        drop(systemd::messages());
        let service = &self.case.service;
        let world = World::new(service);
        CURRENT.set(Some(world.clone()));
        let origin = Instant::now();
        for event in &self.case.before {
            sleep_until(origin + Duration::from_millis(event.at)).await;
            apply(&world, &event.what);
        }
        sleep_until(origin + Duration::from_millis(self.case.start)).await;
        let health = match (service.start(&world), service.is_refused()) {
            (Err(_), true) => {
                reached("stale_after refused");
                return Ok(0);
            }
            (Ok(_), true) => return Err("rule 3: such a stale_after must be refused".to_owned()),
            (Err(error), false) => return Err(format!("it must start: {error}")),
            (Ok(health), false) => health,
        };
        let mut told = Told {
            health: health.clone(),
            events: health.subscribe(),
            turns: Vec::new(),
            flushed: 0,
        };
        world.started(&health);
        declared(service);
        readers::look(&world);
        for event in events {
            let at = (event.at - self.begins).max(world.clock());
            self.watch_until(&world, at).await;
            apply(&world, &event.what);
            readers::look(&world);
            told.listen()?;
            failed(&world)?;
        }
        if self.is_last {
            self.settle(&world, &mut told).await?;
        }
        self.stop(&world, &health).await?;
        told.listen()?;
        let trace = world.trace();
        let Told { turns, .. } = told;
        world.close();
        drop(health);
        tell_one_story(&world, &turns)?;
        Ok(trace)
    }

    /// Sleeps, and reads at each moment at which only time changes a status.
    async fn watch_until(&self, world: &World, at: u64) {
        while let Some(next) = self.next_look(world).filter(|&next| next < at) {
            sleep_for(world, next - 1).await;
            readers::look(world);
            sleep_for(world, next).await;
            reached("read at a deadline");
            readers::look(world);
        }
        sleep_for(world, at).await;
        readers::look(world);
    }

    /// In milliseconds of the clock.
    fn next_look(&self, world: &World) -> Option<u64> {
        let state = world.observe();
        let next = state.oracle.next_deadline()?;
        self.case.is_watched.then(|| state.clock_at(next))
    }

    /// Rule 14: after the last fault every verdict is right in time.
    async fn settle(&self, world: &World, told: &mut Told) -> Result<(), String> {
        record::set_log(Mode::Fine);
        record::set_hook(Mode::Fine);
        let service = &self.case.service;
        for (index, mood) in self.case.finally.iter().enumerate() {
            world.set_mood(index, *mood);
        }
        let longest = (0..service.checks.len())
            .map(|index| bound(service, index))
            .max();
        let end = world.clock() + longest.unwrap_or_default();
        while world.clock() < end {
            let all = Request {
                page: Target::Health,
                format: Format::Json,
            };
            readers::answer(world, all);
            self.watch_until(world, (world.clock() + ASK_EVERY).min(end))
                .await;
            told.listen()?;
            failed(world)?;
        }
        let mut state = world.observe();
        for (index, check) in service.checks.iter().enumerate() {
            if !check.is_run() || state.oracle.is_over(index) {
                continue;
            }
            // Rule 8: a check that ended in a drain without a result stays unknown.
            let waits_for_ever = check
                .after
                .iter()
                .any(|&first| state.verdict(first) == Verdict::Unknown);
            if waits_for_ever {
                continue;
            }
            let is_blocked = check
                .after
                .iter()
                .any(|&first| matches!(state.verdict(first), Verdict::Fail | Verdict::Skipped));
            let expected = match self.case.finally[index] {
                _ if is_blocked => Verdict::Skipped,
                mood => Verdict::from(mood.status()),
            };
            let verdict = state.verdict(index);
            reached("right in the end");
            if verdict != expected {
                let name = NAMES[index];
                state.fail(|| format!("rule 14: {name} is {verdict}, and must be {expected}"));
            }
        }
        let clock = world.clock();
        let State { oracle, claims, .. } = &mut *state;
        if let Some(broken) = claims.at_end(oracle, clock) {
            state.fail(|| broken);
        }
        drop(state);
        failed(world)
    }

    /// Rule 8: no status changes any more, however much time passes.
    async fn stop(&self, world: &World, health: &Health) -> Result<(), String> {
        reached("stop");
        world.meet_threads();
        // The engine takes the available results, and so does the oracle.
        yield_now().await;
        record::set_log(Mode::Fine);
        record::set_hook(Mode::Fine);
        testing::flush(health);
        let mut stop = pin!(health.stop());
        let mut stopped = poll_fn(|cx| Poll::Ready(stop.as_mut().poll(cx).is_ready())).await;
        {
            let mut state = world.observe();
            let now = state.oracle.now();
            state.oracle.stop(now);
        }
        // A stop waits this long for a blocking check that holds its thread.
        if self.case.service.checks.iter().any(|check| check.plain) {
            world.wait_for_threads(1_001);
        }
        // The clock does not advance while this waits for real threads.
        while !stopped {
            yield_now().await;
            stopped = poll_fn(|cx| Poll::Ready(stop.as_mut().poll(cx).is_ready())).await;
        }
        readers::look(world);
        sleep(Duration::from_secs(60)).await;
        readers::look(world);
        failed(world)
    }
}

/// Applies one event.
fn apply(world: &World, what: &What) {
    match *what {
        What::Mood(index, mood) => world.set_mood(index, mood),
        What::Report(index, Report::Off(Some(time))) => {
            world.report(index, Report::Off(Some(world.now_and(time))));
        }
        What::Report(index, report) => world.report(index, report),
        What::Refresh(index) => readers::refresh(world, index),
        What::Pause(ms) => world.pause(ms),
        What::Log(mode) => {
            match mode {
                Mode::Blocked => reached("log blocked"),
                Mode::Panics => reached("log panics"),
                Mode::Fine => {}
            }
            record::set_log(mode);
        }
        What::Hook(mode) => {
            match mode {
                Mode::Blocked => reached("hook blocked"),
                Mode::Panics => reached("hook panics"),
                Mode::Fine => {}
            }
            record::set_hook(mode);
        }
        What::Drain => drain(world),
        What::Look | What::StartAgain => {}
        What::Snapshot => readers::snapshot(world),
        What::Respond(request) => readers::respond(world, request),
        What::Answer(request) => readers::answer(world, request),
    }
}

/// The number of records in the queue of a listener before it merges them.
const BACKLOG: usize = 256;
/// Changes between two waits for the log and the hook.
const FLUSH_EVERY: usize = 50;
/// How often the checks on demand are requested at the end.
const ASK_EVERY: u64 = 500;
/// The longest time that a slow or held run may take after the last fault.
const LAST_RUN: u64 = 4_000;

/// Rule 14: when the verdict on a check must be right, after the last fault.
fn bound(service: &Service, index: usize) -> u64 {
    let check = &service.checks[index];
    let runs = u64::from(check.failure_threshold.max(check.success_threshold));
    let period = match check.kind {
        Kind::OnDemand => check.interval + ASK_EVERY,
        _ => check.interval,
    };
    let own = (period + check.timeout + 2) * runs + check.initial_delay + LAST_RUN;
    let first = check.after.iter().map(|&first| bound(service, first)).max();
    own + first.unwrap_or_default()
}

async fn sleep_for(world: &World, until: u64) {
    let now = world.clock();
    sleep(Duration::from_millis(until.saturating_sub(now))).await;
}

fn failed(world: &World) -> Result<(), String> {
    world.failure().map_or(Ok(()), Err)
}

fn drain(world: &World) {
    let mut state = world.observe();
    let Some(health) = state.health.clone() else {
        return;
    };
    reached("drain");
    let now = state.oracle.now();
    state.oracle.drain(now);
    drop(state);
    drop(health.drain());
}

/// Records which features the service has.
fn declared(service: &Service) {
    for check in &service.checks {
        reached(match check.kind {
            Kind::Background => "background check",
            Kind::OnDemand => "check on demand",
            Kind::Gate => "gate",
            Kind::Heartbeat => "heartbeat",
            Kind::Task => "supervised task",
            Kind::Switch => "switch",
        });
        if check.plain {
            reached("plain function");
        }
        if !check.after.is_empty() {
            reached("check after others");
        }
        if check.by_settings && check.is_run() {
            reached("numbers from settings");
        }
    }
    if service.has_disabled {
        reached("check left out by settings");
    }
    if service.checks.iter().filter(|check| check.is_run()).count() > 8 {
        reached("more first runs than may start at once");
    }
}

/// The changes that a subscriber has received.
struct Told {
    health: Health,
    events: Events,
    turns: Vec<Line>,
    /// The number of changes that the log and the hook have received.
    flushed: usize,
}

impl Told {
    /// Receives pending changes. Must be called before a queue is full: the log and
    /// the hook have threads of their own, and the simulation is faster.
    fn listen(&mut self) -> Result<(), String> {
        if self.turns.len() >= self.flushed + FLUSH_EVERY && !record::is_blocked() {
            testing::flush(&self.health);
            self.flushed = self.turns.len();
        }
        loop {
            let next = pin!(unconstrained(self.events.next()));
            match next.poll(&mut Context::from_waker(Waker::noop())) {
                Poll::Ready(Some(HealthEvent::Transition(turned))) => {
                    let to = turned.report.verdict().as_str().to_owned();
                    let name = turned.report.name().to_owned();
                    let from = turned.from.as_str().to_owned();
                    self.turns.push((name, from, to));
                }
                Poll::Ready(Some(HealthEvent::Lagged(missed))) => {
                    return Err(format!("a subscriber missed {missed} events"));
                }
                Poll::Ready(Some(_)) => {}
                Poll::Ready(None) | Poll::Pending => return Ok(()),
            }
        }
    }
}

/// Whether these changes lead from the first verdict to the last without a gap.
fn is_merged(told: &[&Line], expected: &[Line]) -> bool {
    let ends = |lines: &[&Line]| {
        let (first, last) = (lines.first()?, lines.last()?);
        Some((first.1.clone(), last.2.clone()))
    };
    let has_no_gap = told.windows(2).all(|pair| pair[0].2 == pair[1].1);
    let expected: Vec<&Line> = expected.iter().collect();
    has_no_gap && told.len() < expected.len() && ends(told) == ends(&expected)
}

/// Rule 12: the log, the events and the hooks get the transitions of the oracle in
/// the same order.
fn tell_one_story(world: &World, events: &[Line]) -> Result<(), String> {
    let log_lines = record::log_lines();
    let (log, hook, _) = record::take();
    let state = world.lock();
    // A listener that was blocked for that long gets merged changes. The log gets
    // other lines as well.
    let (log_merges, hook_merges) = (log_lines > BACKLOG, state.oracle.turns.len() > BACKLOG);
    for (index, name) in NAMES.iter().enumerate().take(world.service().checks.len()) {
        let turns = state.oracle.turns.iter().filter(|turn| turn.check == index);
        let line = |turn: &Turn| {
            let [from, to] = [turn.from, turn.to].map(|verdict| verdict.as_str().to_owned());
            ((*name).to_owned(), from, to)
        };
        let expected: Vec<Line> = turns.map(line).collect();
        for (who, told, may_merge) in [
            ("events", events, false),
            ("hook", &hook[..], hook_merges),
            ("log", &log[..], log_merges),
        ] {
            let told: Vec<&Line> = told.iter().filter(|(check, ..)| check == name).collect();
            let is_exact = told.iter().copied().eq(&expected);
            let is_merged = may_merge && is_merged(&told, &expected);
            if is_merged && !is_exact {
                reached("turns merged");
            }
            if !is_exact && !is_merged {
                let words = |lines: Vec<&Line>| {
                    let words = lines
                        .into_iter()
                        .map(|(_, from, to)| format!("{from}>{to}"));
                    words.collect::<Vec<_>>().join(" ")
                };
                return Err(format!(
                    "rule 12: the turns of {name} are [{}], and the {who} told [{}]",
                    words(expected.iter().collect()),
                    words(told),
                ));
            }
        }
    }
    Ok(())
}
