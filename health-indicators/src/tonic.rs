//! Other services over gRPC, by a channel of tonic 0.14.
//!
//! ```no_run,standalone_crate
//! use health_core::HealthState;
//! use tonic::transport::Channel;
//!
//! #[derive(Clone, HealthState)]
//! struct AppState {
//!     /// The payment service serves requests.
//!     #[health(check = health_indicators::tonic::serving, timeout = "2s")]
//!     payments: Channel,
//! }
//! ```
//!
//! A run calls `Check` of `grpc.health.v1` over the application's own channel,
//! with its TLS, its interceptors and its balancing. It opens a connection only
//! if the channel has none, as the next request would.
//!
//! | the run | verdict | class |
//! |---|---|---|
//! | cannot connect, loses the connection, or gets `UNAVAILABLE` | failing | `unreachable` |
//! | gets another status than `SERVING` | failing | `refused` |
//! | gets `UNAUTHENTICATED` or `PERMISSION_DENIED` | failing | `unauthorized` |
//! | gets `RESOURCE_EXHAUSTED` | failing | `saturated` |
//! | gets `NOT_FOUND` or `UNIMPLEMENTED`: the service is unknown, or has no health | failing | `misconfigured` |
//! | gets another error | failing | `refused` |
//! | gets no answer before the timeout of the channel or of the check | failing | `timed_out` |

use health_core::Outcome;
use health_core::check::{FailureClass, Indicator};
use tonic::Request;
use tonic::body::Body;
use tonic::client::{Grpc, GrpcService};
use tonic::codegen::http::uri::PathAndQuery;
use tonic::codegen::{Body as HttpBody, Bytes, StdError};
use tonic_prost::ProstCodec;

use crate::failure::{because, failure};
use crate::grpc::class;

/// The value of `SERVING` in `grpc.health.v1`.
const SERVING: i32 = 1;

/// `HealthCheckRequest`
#[derive(Clone, PartialEq, prost::Message)]
struct CheckRequest {
    #[prost(string, tag = "1")]
    service: String,
}

/// `HealthCheckResponse`
#[derive(Clone, PartialEq, prost::Message)]
struct CheckResponse {
    #[prost(int32, tag = "1")]
    status: i32,
}

/// Checks that the server as a whole, the service `""`, is `SERVING`.
pub async fn serving<S>(channel: &S) -> Outcome
where
    S: GrpcService<Body, Error: Into<StdError>, Future: Send> + Clone + Send + Sync,
    S::ResponseBody: HttpBody<Data = Bytes, Error: Into<StdError> + Send> + Send + 'static,
{
    ask(channel, "").await
}

/// Creates a check that a service of the server is `SERVING`, as in
/// `service("payments.v1.Payments")`.
pub fn service(name: impl Into<String>) -> Service {
    Service { name: name.into() }
}

/// A check of a service of a server; created by [`service`].
#[derive(Clone, Debug)]
#[must_use = "a check does nothing until its `check` runs"]
pub struct Service {
    name: String,
}

impl Service {
    /// Runs the check once, for use in a function or a closure on the builder.
    pub async fn check<S>(&self, channel: &S) -> Outcome
    where
        S: GrpcService<Body, Error: Into<StdError>, Future: Send> + Clone + Send + Sync,
        S::ResponseBody: HttpBody<Data = Bytes, Error: Into<StdError> + Send> + Send + 'static,
    {
        ask(channel, &self.name).await
    }
}

impl<S> Indicator<S> for Service
where
    S: GrpcService<Body, Error: Into<StdError>, Future: Send> + Clone + Send + Sync,
    S::ResponseBody: HttpBody<Data = Bytes, Error: Into<StdError> + Send> + Send + 'static,
{
    async fn check(&self, channel: &S) -> Outcome {
        Service::check(self, channel).await
    }
}

async fn ask<S>(channel: &S, service: &str) -> Outcome
where
    S: GrpcService<Body, Error: Into<StdError>, Future: Send> + Clone + Send + Sync,
    S::ResponseBody: HttpBody<Data = Bytes, Error: Into<StdError> + Send> + Send + 'static,
{
    let mut client = Grpc::new(channel.clone());
    if let Err(error) = client.ready().await {
        let error: StdError = error.into();
        return failure(FailureClass::Unreachable).because(error);
    }
    let request = Request::new(CheckRequest {
        service: service.to_owned(),
    });
    let path = PathAndQuery::from_static("/grpc.health.v1.Health/Check");
    let codec: ProstCodec<CheckRequest, CheckResponse> = ProstCodec::default();
    match client.unary(request, path, codec).await {
        Ok(answer) if answer.get_ref().status == SERVING => Outcome::pass(),
        Ok(_) => failure(FailureClass::Refused).because("its status is not SERVING"),
        Err(status) => because(class(&status), status),
    }
}
