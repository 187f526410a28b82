//! The endpoint as a tower service, and a layer that answers probes before the
//! application.

use std::convert::Infallible;
use std::net::IpAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::header::CONTENT_LENGTH;
use http::{Request, Response};
use http_body::Body;
use http_body_util::{Either, Full};
use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;

use crate::http::endpoint::{Endpoint, ResponseFuture};
use crate::http::paths::ProbePaths;
use crate::http::request::RequestHead;

/// The address of the peer of a connection, as a request extension for
/// [`Guard::addresses`](crate::http::Guard::addresses).
///
/// A server that knows the address inserts it. Without it, a guard by address
/// recognizes no client.
///
/// ```
/// use health_core::http::Peer;
///
/// let mut request = http::Request::get("/health").body(())?;
/// request.extensions_mut().insert(Peer([127, 0, 0, 1].into()));
/// # Ok::<_, http::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer(pub IpAddr);

/// Returns the response to a request with any body type.
fn answer<B>(endpoint: &Endpoint, request: &Request<B>) -> ResponseFuture {
    let peer = request.extensions().get::<Peer>();
    let head = RequestHead::from(request).with_peer(peer.map(|Peer(address)| *address));
    endpoint.respond(head)
}

/// Sets the content length, since some frameworks box the body, lose its size and
/// would send it chunked.
fn with_length(mut answer: Response<Bytes>) -> Response<Full<Bytes>> {
    let length = answer.body().len();
    answer
        .headers_mut()
        .entry(CONTENT_LENGTH)
        .or_insert(length.into());
    answer.map(Full::new)
}

/// A tower service for axum 0.7 and 0.8, hyper, the router of tonic and any other
/// framework that takes one (feature `tower`). A path that is not among
/// [`paths`](Self::paths) gets 404.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use health_core::Health;
/// use http::Request;
/// use tower_service::Service;
///
/// let mut endpoint = Health::builder().start()?.endpoint();
/// let response = endpoint.call(Request::get("/readyz").body(())?).await?;
/// assert_eq!(response.status(), 200);
/// # Ok(())
/// # }
/// ```
impl<B> Service<Request<B>> for Endpoint {
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = EndpointFuture;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> EndpointFuture {
        EndpointFuture(answer(self, &request))
    }
}

/// The future of the [`Endpoint`] service.
#[derive(Debug)]
#[must_use = "an answer must be awaited and sent"]
pub struct EndpointFuture(ResponseFuture);

impl Future for EndpointFuture {
    type Output = Result<Response<Full<Bytes>>, Infallible>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let answer = Pin::new(&mut self.0).poll(cx);
        answer.map(|answer| Ok(with_length(answer)))
    }
}

/// Answers probes before the application; created by
/// [`Health::layer`](crate::Health::layer).
#[derive(Clone, Debug)]
pub struct HealthLayer {
    endpoint: Endpoint,
    paths: ProbePaths,
}

impl HealthLayer {
    pub(crate) fn new(endpoint: Endpoint) -> Self {
        HealthLayer {
            paths: endpoint.probe_paths(""),
            endpoint,
        }
    }
}

impl<S> Layer<S> for HealthLayer {
    type Service = HealthService<S>;

    fn layer(&self, application: S) -> HealthService<S> {
        HealthService {
            health: self.clone(),
            application,
        }
    }
}

/// An application behind a [`HealthLayer`].
///
/// It is always ready, so that a concurrency limit of the application does not delay
/// probes. A request to the application waits until the application is ready.
#[derive(Clone, Debug)]
pub struct HealthService<S> {
    health: HealthLayer,
    application: S,
}

impl<S, B, A> Service<Request<B>> for HealthService<S>
where
    S: Service<Request<B>, Response = Response<A>> + Clone,
    A: Body<Data = Bytes>,
{
    type Response = Response<Either<Full<Bytes>, A>>;
    type Error = S::Error;
    type Future = HealthServiceFuture<S, B>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> HealthServiceFuture<S, B> {
        let HealthLayer { endpoint, paths } = &self.health;
        let state = if paths.contains(request.uri().path()) {
            State::Health {
                answer: answer(endpoint, &request),
            }
        } else {
            State::Waiting {
                application: self.application.clone(),
                request: Some(request),
            }
        };
        HealthServiceFuture { state }
    }
}

pin_project! {
    /// The future of [`HealthService`].
    #[must_use = "an answer must be awaited and sent"]
    pub struct HealthServiceFuture<S, B>
    where
        S: Service<Request<B>>,
    {
        #[pin]
        state: State<S, B>,
    }
}

pin_project! {
    #[project = StateProjection]
    enum State<S, B>
    where
        S: Service<Request<B>>,
    {
        Health { answer: ResponseFuture },
        Waiting { application: S, request: Option<Request<B>> },
        Called { #[pin] response: S::Future },
    }
}

impl<S, B, A> Future for HealthServiceFuture<S, B>
where
    S: Service<Request<B>, Response = Response<A>>,
    A: Body<Data = Bytes>,
{
    type Output = Result<Response<Either<Full<Bytes>, A>>, S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = self.project().state;
        loop {
            let response = match state.as_mut().project() {
                StateProjection::Health { answer } => {
                    let answer = ready!(Pin::new(answer).poll(cx));
                    return Poll::Ready(Ok(with_length(answer).map(Either::Left)));
                }
                StateProjection::Waiting {
                    application,
                    request,
                } => {
                    ready!(application.poll_ready(cx))?;
                    let Some(request) = request.take() else {
                        return Poll::Pending; // It failed before, and was polled again.
                    };
                    application.call(request)
                }
                StateProjection::Called { response } => {
                    let response = ready!(response.poll(cx))?;
                    return Poll::Ready(Ok(response.map(Either::Right)));
                }
            };
            state.set(State::Called { response });
        }
    }
}

impl<S: Service<Request<B>>, B> std::fmt::Debug for HealthServiceFuture<S, B> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HealthServiceFuture")
            .finish_non_exhaustive()
    }
}
