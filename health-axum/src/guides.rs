//! The guides, each of which answers one question.
//!
//! - [What is served at which path?](answers)
//! - [What happens when?](behaviour)
//! - [How do I write a check?](checks)
//! - [How does it compare with what I use now?](comparison)
//! - [How do I deploy without losing requests?](deployment)
//! - [What does this error mean?](errors)
//! - [How do I mount the answers in my framework?](frameworks)
//! - [How do I show error texts to some clients only?](guards)
//! - [How do I find out why a check failed?](logging)
//! - [How do I scrape metrics and set up alerts?](metrics)
//! - [How do I notify code or another service of a change?](notifications)
//! - [Which options are there?](options)
//! - [How do I test that every check is there and works?](testing)
//!
//! # Files of the repository
//!
//! The guides refer to examples, tests and manifests that are part of the
//! repository, and not of this package. Links to them lead here.

#[doc = include_str!("guide_links.md")]
#[doc = ""]
#[doc = include_str!("../docs/answers.md")]
pub mod answers {}

#[doc = include_str!("guide_links.md")]
#[doc = ""]
#[doc = include_str!("../docs/behaviour.md")]
pub mod behaviour {}

#[doc = include_str!("guide_links.md")]
#[doc = ""]
#[doc = include_str!("../docs/checks.md")]
pub mod checks {}

#[doc = include_str!("guide_links.md")]
#[doc = ""]
#[doc = include_str!("../docs/comparison.md")]
pub mod comparison {}

#[doc = include_str!("guide_links.md")]
#[doc = ""]
#[doc = include_str!("../docs/deployment.md")]
pub mod deployment {}

#[doc = include_str!("guide_links.md")]
#[doc = ""]
#[doc = include_str!("../docs/errors.md")]
pub mod errors {}

#[doc = include_str!("guide_links.md")]
#[doc = ""]
#[doc = include_str!("../docs/frameworks.md")]
pub mod frameworks {}

#[doc = include_str!("guide_links.md")]
#[doc = ""]
#[doc = include_str!("../docs/guards.md")]
pub mod guards {}

#[doc = include_str!("guide_links.md")]
#[doc = ""]
#[doc = include_str!("../docs/logging.md")]
pub mod logging {}

#[doc = include_str!("guide_links.md")]
#[doc = ""]
#[doc = include_str!("../docs/metrics.md")]
pub mod metrics {}

#[doc = include_str!("guide_links.md")]
#[doc = ""]
#[doc = include_str!("../docs/notifications.md")]
pub mod notifications {}

#[doc = include_str!("guide_links.md")]
#[doc = ""]
#[doc = include_str!("../docs/options.md")]
pub mod options {}

#[doc = include_str!("guide_links.md")]
#[doc = ""]
#[doc = include_str!("../docs/testing.md")]
pub mod testing {}
