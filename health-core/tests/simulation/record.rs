//! What the log and the hooks receive, with a subscriber or a hook that blocks or
//! panics.
//!
//! One process runs one seed at a time, so one record serves it.

use std::fmt;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, ThreadId};

use health_core::event::Transition;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record as SpanRecord};
use tracing::{Event, Metadata, Subscriber};

/// A change of a verdict: the check, and the words for before and after.
pub(crate) type Line = (String, String, String);

/// The behaviour of the subscriber or the hook.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Mode {
    #[default]
    Fine,
    Blocked,
    Panics,
}

#[derive(Default)]
struct Record {
    log: Vec<Line>,
    hook: Vec<Line>,
    /// The number of lines that the log has received, including merged ones.
    log_lines: usize,
    log_mode: Mode,
    hook_mode: Mode,
    /// The thread of the runtime, which must not be blocked.
    runtime: Option<ThreadId>,
    faults: Vec<String>,
}

static RECORD: Mutex<Option<Record>> = Mutex::new(None);
static CHANGED: Condvar = Condvar::new();

fn record() -> MutexGuard<'static, Option<Record>> {
    RECORD.lock().unwrap_or_else(PoisonError::into_inner)
}

fn with<T>(use_it: impl FnOnce(&mut Record) -> T) -> T {
    use_it(record().get_or_insert_default())
}

/// Starts a new record, on the thread of the runtime.
pub(crate) fn begin() {
    *record() = Some(Record {
        runtime: Some(thread::current().id()),
        ..Record::default()
    });
    CHANGED.notify_all();
}

pub(crate) fn set_log(mode: Mode) {
    with(|record| record.log_mode = mode);
    CHANGED.notify_all();
}

pub(crate) fn set_hook(mode: Mode) {
    with(|record| record.hook_mode = mode);
    CHANGED.notify_all();
}

/// Whether the log or the hook is blocked, so that the test cannot wait for them.
pub(crate) fn is_blocked() -> bool {
    with(|record| [record.log_mode, record.hook_mode].contains(&Mode::Blocked))
}

/// The number of lines so far: of changes, and of everything else.
pub(crate) fn log_lines() -> usize {
    with(|record| record.log_lines)
}

/// The changes in the log, those of the hook, and all faults.
pub(crate) fn take() -> (Vec<Line>, Vec<Line>, Vec<String>) {
    with(|record| {
        let log = std::mem::take(&mut record.log);
        (
            log,
            std::mem::take(&mut record.hook),
            std::mem::take(&mut record.faults),
        )
    })
}

/// Records a failure, on any thread.
pub(crate) fn fault(text: String) {
    with(|record| record.faults.push(text));
}

/// The hook of every service.
pub(crate) fn hook(turned: &Transition) {
    let to = turned.report.verdict().as_str().to_owned();
    let line = (
        turned.report.name().to_owned(),
        turned.from.as_str().to_owned(),
        to,
    );
    with(|record| record.hook.push(line));
    misbehave("hook", |record| record.hook_mode);
}

/// Blocks or panics, if configured.
fn misbehave(who: &str, mode: impl Fn(&Record) -> Mode) {
    let is_runtime = with(|record| record.runtime == Some(thread::current().id()));
    let mut guard = record();
    while guard
        .as_ref()
        .is_some_and(|record| mode(record) == Mode::Blocked)
    {
        if is_runtime {
            drop(guard);
            fault(format!("a blocked {who} would hold a reader or a run"));
            return;
        }
        guard = CHANGED.wait(guard).unwrap_or_else(PoisonError::into_inner);
    }
    let panics = guard
        .as_ref()
        .is_some_and(|record| mode(record) == Mode::Panics);
    drop(guard);
    if panics && is_runtime {
        fault(format!("a panicking {who} would end a reader or a run"));
    }
    assert!(!panics || is_runtime, "simulated panic of a {who}");
}

/// Captures the changes in the log.
struct Log;

/// The fields of one event.
#[derive(Default)]
struct Fields {
    check: Option<String>,
    from: Option<String>,
    to: Option<String>,
    /// The number of lines that were merged into this one.
    missed: Option<u64>,
    is_of_hook: bool,
}

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        let slot = match field.name() {
            "check" => &mut self.check,
            "from" => &mut self.from,
            "to" => &mut self.to,
            "hook" => {
                self.is_of_hook = true;
                return;
            }
            _ => return,
        };
        *slot = Some(value.to_owned());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        if field.name() == "missed" {
            self.missed = Some(value);
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn fmt::Debug) {}
}

impl Subscriber for Log {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("health") && metadata.is_event()
    }

    fn event(&self, event: &Event<'_>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        if !fields.is_of_hook {
            let lines = fields
                .missed
                .map_or(1, |missed| usize::try_from(missed).unwrap_or(usize::MAX));
            with(|record| record.log_lines += lines);
        }
        let Fields {
            check: Some(check),
            from: Some(from),
            to: Some(to),
            ..
        } = fields
        else {
            return;
        };
        with(|record| record.log.push((check, from, to)));
        misbehave("log", |record| record.log_mode);
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &SpanRecord<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

/// The text of every expected panic.
pub(crate) const SIMULATED: &str = "simulated";

/// Captures the log and the panics of this process.
pub(crate) fn install() {
    let installed = tracing::subscriber::set_global_default(Log);
    installed.expect("nothing else in this process listens");
    let default = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        let payload = info.payload();
        let text = payload.downcast_ref::<&str>().copied();
        let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
        if !text.is_some_and(|text| text.contains(SIMULATED)) {
            default(info);
            fault(format!("panicked: {info}"));
        }
    }));
}
