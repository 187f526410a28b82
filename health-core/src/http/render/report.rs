//! Reports are serialized as `/health` and its checks, in the words of the
//! default vocabulary. Only [`Causes`] has private texts, so that a handler
//! that answers with a snapshot does not publish them.

use serde::ser::{Serialize, SerializeStruct, Serializer};

use crate::http::render::json::CheckBody;
use crate::http::render::shown::Shown;
use crate::http::render::vocabulary::Vocabulary;
use crate::verdict::causes::Causes;
use crate::verdict::snapshot::{CheckReport, Snapshot};

const WORDS: Vocabulary = Vocabulary::Healthy;
const PUBLIC: bool = false;
const FULL: bool = true;

/// Like the answer of `/health`, without what belongs to the answer: the time,
/// the version and the uptime.
impl Serialize for Snapshot {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut body = serializer.serialize_struct("Snapshot", 2)?;
        body.serialize_field("status", WORDS.status(self.overall()))?;
        body.serialize_field("checks", &Checks(self))?;
        body.end()
    }
}

struct Checks<'a>(&'a Snapshot);

impl Serialize for Checks<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let draining = self.0.is_closed().then(|| CheckBody::draining(WORDS));
        let listed = self.0.listed().map(|report| named(report, PUBLIC));
        serializer.collect_map(listed.chain(draining.map(|body| ("shutdown", body))))
    }
}

/// Like `checks` in the answer of `/health` at the full level of detail: the
/// checks by name, with their private causes.
impl Serialize for Causes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter().map(|report| named(report, FULL)))
    }
}

fn named(report: &CheckReport, full: bool) -> (&str, CheckBody<'_>) {
    let shown = Shown::new(report, full);
    (report.name(), CheckBody::new(WORDS, shown))
}

/// Like the page of the check, which does not contain its name.
impl Serialize for CheckReport {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        CheckBody::alone(WORDS, Shown::new(self, PUBLIC)).serialize(serializer)
    }
}
