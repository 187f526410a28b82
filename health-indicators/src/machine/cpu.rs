use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use health_core::Outcome;
use health_core::check::{BlockingIndicator, FailureClass};

use super::Share;
use super::system::{Cgroup, System};
use crate::failure::failure;

/// A check of how long this process waits for the CPU. For Linux.
///
/// Degrades where some task waited for a CPU in 50 % of the last minute (the
/// pressure that the kernel measures, of the cgroup, else of the host), and where
/// the cgroup was throttled in 25 % of the periods since the last run. It never
/// fails: a busy instance that gets no requests makes the others busier.
///
/// The value keeps what it measured in the last run. Write it on a field or
/// into a `static`; in the first run throttling does not count.
#[derive(Debug)]
#[must_use = "a check does nothing until its `check` runs"]
pub struct Cpu {
    max_pressure: u8,
    max_throttled: u8,
    system: System,
    last: Mutex<Option<Usage>>,
}

impl Default for Cpu {
    fn default() -> Self {
        Cpu::new()
    }
}

impl Cpu {
    /// Creates a check of the CPU of this process.
    pub const fn new() -> Self {
        Cpu {
            max_pressure: 50,
            max_throttled: 25,
            system: System::this(),
            last: Mutex::new(None),
        }
    }

    /// Sets the share of the last minute, in percent, from which on the check
    /// degrades because some task waited; by default 50. With 101 it never does.
    pub const fn max_pressure(mut self, percent: u8) -> Self {
        self.max_pressure = percent;
        self
    }

    /// Sets the share of the periods since the last run, in percent, from which on
    /// the check degrades because the cgroup was throttled; by default 25. With 101
    /// it never does.
    pub const fn max_throttled(mut self, percent: u8) -> Self {
        self.max_throttled = percent;
        self
    }

    /// Runs the check once and blocks its thread, for use in a plain `fn`.
    pub fn check(&self) -> Outcome {
        let pressure = self.system.pressure("cpu");
        let since_last = self.since_last();
        if pressure.is_none() && since_last.is_none() {
            return failure(FailureClass::Misconfigured)
                .because("the kernel measures neither pressure nor the CPU time of a cgroup");
        }
        let (throttled, cores) = since_last.unwrap_or_default();
        let outcome = if throttled.is_some_and(|share| share >= f64::from(self.max_throttled)) {
            Outcome::warn("the CPU is throttled").class(FailureClass::Saturated)
        } else if pressure.is_some_and(|share| share >= f64::from(self.max_pressure)) {
            Outcome::warn("tasks wait for the CPU").class(FailureClass::Saturated)
        } else {
            Outcome::pass()
        };
        outcome
            .observe(pressure, "percent waited")
            .detail(serde_json::json!({ "percent_throttled": throttled, "cores_used": cores }))
    }

    /// The percentage of throttled periods, and the cores that were used, since
    /// the last run; `None` if no cgroup counts them.
    fn since_last(&self) -> Option<(Option<f64>, Option<f64>)> {
        let groups = self.system.cgroups();
        let now = groups.iter().find_map(Usage::of)?;
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(before) = last.replace(now) else {
            return Some((None, None));
        };
        Some(now.since(before))
    }
}

impl<T> BlockingIndicator<T> for Cpu {
    fn check(&self, _: &T) -> Outcome {
        Cpu::check(self)
    }
}

/// The counters of a cgroup.
#[derive(Clone, Copy, Debug)]
struct Usage {
    at: Instant,
    used_micros: u64,
    /// Where the cgroup has a limit: periods, and those in which it was reached.
    periods: Option<(u64, u64)>,
}

impl Usage {
    fn of(group: &Cgroup) -> Option<Self> {
        const FILE: &str = "cpu.stat";
        let number = |key| group.value(FILE, key);
        Some(Usage {
            at: Instant::now(),
            used_micros: number("usage_usec")?,
            periods: number("nr_periods").zip(number("nr_throttled")),
        })
    }

    fn since(self, before: Usage) -> (Option<f64>, Option<f64>) {
        let periods = self.periods.zip(before.periods).map(|(now, before)| {
            Share::new(
                now.1.saturating_sub(before.1),
                now.0.saturating_sub(before.0),
            )
        });
        let throttled = periods.filter(|periods| periods.all > 0);
        let elapsed = self.at.duration_since(before.at).as_secs_f64();
        #[expect(clippy::cast_precision_loss, reason = "it is shown to people")]
        let used = self.used_micros.saturating_sub(before.used_micros) as f64 / 1e6;
        let cores = (elapsed > 0.0).then(|| (used / elapsed * 100.0).round() / 100.0);
        (throttled.map(Share::exact_percent), cores)
    }
}

#[cfg(test)]
mod tests {
    use super::super::system::tree;
    use super::*;
    use health_core::Status;
    use std::fs;

    const STAT: &str = "sys/fs/cgroup/orders/cpu.stat";

    fn stat(periods: u64, throttled: u64) -> String {
        format!("usage_usec 5\nuser_usec 5\nnr_periods {periods}\nnr_throttled {throttled}\n")
    }

    fn cpu(root: &tempfile::TempDir) -> Cpu {
        Cpu {
            system: System::at(root.path()),
            ..Cpu::new()
        }
    }

    #[test]
    fn throttling_counts_since_the_last_run() {
        let root = tree(&[
            ("proc/self/cgroup", "0::/orders\n"),
            (STAT, &stat(1000, 900)),
        ]);
        let cpu = cpu(&root);
        assert_eq!(
            cpu.check().status(),
            Status::Pass,
            "nothing to compare with"
        );
        for (periods, throttled, status) in [
            (1100, 924, Status::Pass),
            (1200, 949, Status::Warn),
            (1200, 949, Status::Pass), // idle: no period has passed
        ] {
            fs::write(root.path().join(STAT), stat(periods, throttled)).expect("a file");
            let outcome = cpu.check();
            assert_eq!(outcome.status(), status, "{outcome:?}");
        }
    }

    #[test]
    fn pressure_degrades() {
        for (waited, status) in [("49.99", Status::Pass), ("50.00", Status::Warn)] {
            let pressure = format!("some avg10=0.00 avg60={waited} avg300=0.00 total=1\n");
            let root = tree(&[("proc/pressure/cpu", &pressure)]);
            assert_eq!(cpu(&root).check().status(), status);
        }
    }

    #[test]
    fn a_kernel_without_cpu_pressure_and_throttling_is_misconfigured() {
        let outcome = cpu(&tree(&[])).check();
        assert_eq!(outcome.failure_class(), Some(FailureClass::Misconfigured));
    }
}
