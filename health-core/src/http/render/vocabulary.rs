//! The status words of the default format, which monitors match literally.

use crate::check::outcome::Status;
use crate::verdict::Verdict;

/// The status words of the default JSON.
///
/// | | passing | degraded | failing | other states of a check |
/// |---|---|---|---|---|
/// | `Healthy` | `healthy`, of a check `ok` | `degraded` | `unhealthy`, of a check `error` | `unknown`, `skipped` |
/// | `Pass` | `pass` | `warn` | `fail` | `unknown`, `skipped` |
/// | `Up` | `UP` | `DEGRADED` | `DOWN` | `UNKNOWN`, `SKIPPED` |
/// | `Ok` | `ok` | `degraded` | `error` | `unknown`, `skipped` |
///
/// `Up` matches monitors of Spring Boot Actuator and the examples of Gatus;
/// `Ok` matches Terminus. The text of kube-apiserver and
/// `application/health+json` have their own words.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Vocabulary {
    /// `healthy`, `degraded`, `unhealthy`.
    #[default]
    Healthy,
    /// `pass`, `warn`, `fail`.
    Pass,
    /// `UP`, `DEGRADED`, `DOWN`.
    Up,
    /// `ok`, `degraded`, `error`.
    Ok,
}

impl Vocabulary {
    pub(crate) const ALL: [Vocabulary; 4] = [
        Vocabulary::Healthy,
        Vocabulary::Pass,
        Vocabulary::Up,
        Vocabulary::Ok,
    ];

    pub(crate) const fn status(self, status: Status) -> &'static str {
        let words = match self {
            Vocabulary::Healthy => return status.word(),
            Vocabulary::Pass => ["pass", "warn", "fail"],
            Vocabulary::Up => ["UP", "DEGRADED", "DOWN"],
            Vocabulary::Ok => ["ok", "degraded", "error"],
        };
        words[status as usize]
    }

    pub(crate) const fn verdict(self, verdict: Verdict) -> &'static str {
        match (self, verdict) {
            (Vocabulary::Healthy, verdict) => verdict.as_str(),
            (_, Verdict::Pass) => self.status(Status::Pass),
            (_, Verdict::Warn) => self.status(Status::Warn),
            (_, Verdict::Fail) => self.status(Status::Fail),
            (Vocabulary::Up, Verdict::Unknown) => "UNKNOWN",
            (Vocabulary::Up, Verdict::Skipped) => "SKIPPED",
            (_, verdict) => verdict.as_str(),
        }
    }
}
