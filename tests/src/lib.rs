//! Helpers of the tests of this package.

pub mod programs;
pub mod wire;

/// The guides: each Rust code block compiles and runs.
#[cfg(doctest)]
mod guides {
    #[doc = include_str!("../../docs/answers.md")]
    mod answers {}
    #[doc = include_str!("../../docs/behaviour.md")]
    mod behaviour {}
    #[doc = include_str!("../../docs/checks.md")]
    mod checks {}
    #[doc = include_str!("../../docs/comparison.md")]
    mod comparison {}
    #[doc = include_str!("../../docs/deployment.md")]
    mod deployment {}
    #[doc = include_str!("../../docs/errors.md")]
    mod errors {}
    #[doc = include_str!("../../docs/frameworks.md")]
    mod frameworks {}
    #[doc = include_str!("../../docs/guards.md")]
    mod guards {}
    #[doc = include_str!("../../docs/logging.md")]
    mod logging {}
    #[doc = include_str!("../../docs/metrics.md")]
    mod metrics {}
    #[doc = include_str!("../../docs/notifications.md")]
    mod notifications {}
    #[doc = include_str!("../../docs/options.md")]
    mod options {}
    #[doc = include_str!("../../docs/testing.md")]
    mod testing {}
}
