//! What the builder says about answers.

use std::borrow::Cow;

use super::Details;
use super::codes::Codes;
use super::paths::Paths;
use crate::about::About;
use crate::guard::Guard;
use crate::problem::Problem;
use crate::render::{Vocabulary, cut};

/// In bytes; the description of a commit has room in it.
const LONGEST_VERSION: usize = 128;

/// What the builder says about answers.
#[derive(Debug)]
pub(crate) struct EndpointSettings {
    pub(crate) version: Option<Cow<'static, str>>,
    pub(crate) details: Details,
    pub(crate) probe_details: Details,
    pub(crate) guard: Guard,
    pub(crate) paths: Paths,
    pub(crate) words: Vocabulary,
    pub(crate) codes: Codes,
    pub(crate) about: About,
    /// Every client may leave checks out of an answer, and not only one that the
    /// guard recognizes.
    pub(crate) anyone_excludes: bool,
    /// Readiness has the header fields that Envoy reads.
    pub(crate) signals_envoy: bool,
}

impl Default for EndpointSettings {
    fn default() -> Self {
        EndpointSettings {
            version: None,
            details: Details::Checks,
            probe_details: Details::Status,
            guard: Guard::new(),
            paths: Paths::default(),
            words: Vocabulary::default(),
            codes: Codes::default(),
            about: About::default(),
            anyone_excludes: false,
            signals_envoy: false,
        }
    }
}

impl EndpointSettings {
    /// As much of the version as an answer has room for.
    pub(crate) fn version(&self) -> Option<&str> {
        let version = self.version.as_deref()?;
        Some(cut(version, LONGEST_VERSION))
    }

    /// Everything about the answers that would keep health from starting.
    pub(crate) fn problems(&self) -> impl Iterator<Item = &Problem> {
        let of_all = [
            self.guard.problems(),
            self.paths.problems(),
            self.codes.problems(),
            self.about.problems(),
        ];
        of_all.into_iter().flatten()
    }
}
