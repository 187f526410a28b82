//! What the tests share.

pub mod programs;
pub mod wire;

/// The guides: each block of Rust in them compiles, and runs.
#[cfg(doctest)]
mod guides {
    #[doc = include_str!("../../docs/answers.md")]
    mod answers {}
    #[doc = include_str!("../../docs/behaviour.md")]
    mod behaviour {}
    #[doc = include_str!("../../docs/containers.md")]
    mod containers {}
    #[doc = include_str!("../../docs/errors.md")]
    mod errors {}
    #[doc = include_str!("../../docs/guards.md")]
    mod guards {}
    #[doc = include_str!("../../docs/kubernetes.md")]
    mod kubernetes {}
    #[doc = include_str!("../../docs/lifecycle.md")]
    mod lifecycle {}
    #[doc = include_str!("../../docs/hooks.md")]
    mod hooks {}
    #[doc = include_str!("../../docs/logging.md")]
    mod logging {}
    #[doc = include_str!("../../docs/metrics.md")]
    mod metrics {}
    #[doc = include_str!("../../docs/options.md")]
    mod options {}
    #[doc = include_str!("../../docs/other-frameworks.md")]
    mod other_frameworks {}
    #[doc = include_str!("../../docs/platforms.md")]
    mod platforms {}
    #[doc = include_str!("../../docs/porting.md")]
    mod porting {}
    #[doc = include_str!("../../docs/results.md")]
    mod results {}
    #[doc = include_str!("../../docs/several-crates.md")]
    mod several_crates {}
    #[doc = include_str!("../../docs/shutdown.md")]
    mod shutdown {}
    #[doc = include_str!("../../docs/state.md")]
    mod state {}
    #[doc = include_str!("../../docs/status-page.md")]
    mod status_page {}
    #[doc = include_str!("../../docs/testing.md")]
    mod testing {}
    #[doc = include_str!("../../docs/watchdog.md")]
    mod watchdog {}
}
