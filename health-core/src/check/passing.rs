//! A source that always passes, in place of every check in the tests of an
//! application.

use std::sync::Arc;

use crate::check::function::ResultSource;
use crate::check::outcome::Outcome;
use crate::check::source::{Reading, Source, Subscribers, View};
use crate::time::clock::Moment;

#[derive(Debug, Default)]
struct Passing {
    subscribers: Subscribers,
}

impl Source for Passing {
    fn read(&self, _: Moment, _: Moment, _: &View<'_>) -> Reading {
        Reading::of(Outcome::pass())
    }

    fn subscribers(&self) -> &Subscribers {
        &self.subscribers
    }
}

impl ResultSource {
    /// Creates a source that always passes.
    pub(crate) fn passing() -> Self {
        ResultSource::Reports(Arc::new(Passing::default()))
    }
}
