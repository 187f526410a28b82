//! From the head of a request to a complete answer.

pub(crate) mod codes;
pub(crate) mod config;
pub(crate) mod endpoint;
pub(crate) mod exclude;
pub(crate) mod forwarded;
pub(crate) mod guard;
pub(crate) mod openapi;
pub(crate) mod paths;
pub(crate) mod render;
pub(crate) mod request;
pub(crate) mod response;
pub(crate) mod route;
#[cfg(feature = "serve")]
pub(crate) mod server;
pub(crate) mod service_info;
