//! HTTP responses to probes, independent of any framework.
//!
//! An [`Endpoint`] turns the head of a request into a complete response.
//! [`HttpOptions`](crate::config::HttpOptions) sets the paths, the level of
//! detail and who sees private details.

pub(crate) mod codes;
pub(crate) mod deserialize;
pub(crate) mod endpoint;
pub(crate) mod exclude;
pub(crate) mod forwarded;
pub(crate) mod guard;
#[cfg(feature = "openapi")]
pub(crate) mod openapi;
pub(crate) mod options;
pub(crate) mod paths;
pub(crate) mod render;
pub(crate) mod request;
pub(crate) mod response;
pub(crate) mod route;
#[cfg(feature = "serve")]
pub(crate) mod server;
pub(crate) mod service_info;
#[cfg(feature = "tower")]
pub(crate) mod tower;

#[cfg(feature = "watch")]
pub use self::endpoint::subject::Subject;
pub use self::endpoint::{Endpoint, ResponseFuture};
pub use self::guard::Guard;
pub use self::paths::ProbePaths;
pub use self::render::vocabulary::Vocabulary;
pub use self::request::{Headers, RequestHead};
#[cfg(feature = "serve")]
pub use self::server::HealthServer;
#[cfg(feature = "tower")]
pub use self::tower::{EndpointFuture, HealthLayer, HealthService, HealthServiceFuture, Peer};
pub use crate::registry::details::Details;
pub use crate::registry::page::Page;
