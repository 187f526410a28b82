//! What the builder says about answers.

use std::borrow::Cow;

use super::Details;
use super::codes::Codes;
use super::paths::Paths;
use crate::guard::Guard;
use crate::problem::Problem;
use crate::render::Vocabulary;

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
        }
    }
}

impl EndpointSettings {
    /// Everything about the answers that would keep health from starting.
    pub(crate) fn problems(&self) -> impl Iterator<Item = &Problem> {
        let of_all = [
            self.guard.problems(),
            self.paths.problems(),
            self.codes.problems(),
        ];
        of_all.into_iter().flatten()
    }
}
