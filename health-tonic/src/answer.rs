//! The calls of `grpc.health.v1`.

use std::collections::BTreeMap;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use health_core::event::StatusWatch;
use health_core::http::Subject;
use health_core::{Health, Status as Verdict};
use tonic::codegen::tokio_stream::Stream;
use tonic::{Request, Response, Status, async_trait};

use crate::pb::health_check_response::ServingStatus;
use crate::pb::health_server::Health as HealthCalls;
use crate::pb::{HealthCheckRequest, HealthCheckResponse, HealthListRequest, HealthListResponse};

/// The same limit as in grpc-go.
const MOST_LISTED: usize = 100;

/// The service of one [`Health`]; created by
/// [`Services::build`](crate::Services::build).
#[derive(Clone, Debug)]
pub struct Answers {
    health: Health,
    subjects: Arc<BTreeMap<String, Subject>>,
}

impl Answers {
    pub(crate) fn new(health: Health, subjects: BTreeMap<String, Subject>) -> Self {
        Answers {
            health,
            subjects: Arc::new(subjects),
        }
    }

    fn changes(&self, service: &str) -> Changes {
        let subject = self.subjects.get(service);
        match subject.and_then(|subject| self.health.watch(subject)) {
            Some(watch) => Changes::of(watch),
            None => Changes::unknown(self.health.clone()),
        }
    }
}

#[async_trait]
impl HealthCalls for Answers {
    type WatchStream = Changes;

    async fn check(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<HealthCheckResponse>, Status> {
        let service = &request.get_ref().service;
        let subject = self.subjects.get(service);
        let subject = subject.ok_or_else(|| Status::not_found("there is no such service"))?;
        let statuses = self.health.fresh_statuses(std::slice::from_ref(subject));
        let status = serving(statuses.await[0]);
        Ok(Response::new(response(status)))
    }

    async fn list(
        &self,
        _: Request<HealthListRequest>,
    ) -> Result<Response<HealthListResponse>, Status> {
        if self.subjects.len() > MOST_LISTED {
            let text = format!("there are more than {MOST_LISTED} services");
            return Err(Status::resource_exhausted(text));
        }
        let subjects: Vec<Subject> = self.subjects.values().cloned().collect();
        let statuses = self.health.fresh_statuses(&subjects).await;
        let statuses = statuses.into_iter().map(|it| response(serving(it)));
        Ok(Response::new(HealthListResponse {
            statuses: self.subjects.keys().cloned().zip(statuses).collect(),
        }))
    }

    async fn watch(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<Changes>, Status> {
        Ok(Response::new(self.changes(&request.get_ref().service)))
    }
}

/// A warning is for people; the service keeps its traffic.
fn serving(status: Option<Verdict>) -> ServingStatus {
    match status {
        Some(Verdict::Pass | Verdict::Warn) => ServingStatus::Serving,
        Some(_) => ServingStatus::NotServing,
        None => ServingStatus::ServiceUnknown,
    }
}

fn response(status: ServingStatus) -> HealthCheckResponse {
    HealthCheckResponse {
        status: status.into(),
    }
}

/// The messages of one `Watch`.
pub struct Changes {
    next: Pin<Box<dyn Future<Output = Next> + Send>>,
    last: Option<ServingStatus>,
    is_over: bool,
}

/// The next message, and the source of the following ones.
enum Next {
    Status(ServingStatus, Source),
    End,
}

enum Source {
    Watch(StatusWatch),
    /// The service is unknown permanently.
    End(Health),
}

impl Source {
    async fn next(self) -> Next {
        match self {
            Source::Watch(mut watch) => match watch.next().await {
                Some(status) => Next::Status(serving(Some(status)), Source::Watch(watch)),
                None => Next::End,
            },
            Source::End(health) => {
                health.ended().await;
                Next::End
            }
        }
    }
}

impl Changes {
    fn of(watch: StatusWatch) -> Self {
        Changes::after(Box::pin(Source::Watch(watch).next()))
    }

    fn unknown(health: Health) -> Self {
        let first = Next::Status(ServingStatus::ServiceUnknown, Source::End(health));
        Changes::after(Box::pin(std::future::ready(first)))
    }

    fn after(next: Pin<Box<dyn Future<Output = Next> + Send>>) -> Self {
        Changes {
            next,
            last: None,
            is_over: false,
        }
    }
}

impl Stream for Changes {
    type Item = Result<HealthCheckResponse, Status>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            if self.is_over {
                return Poll::Ready(None);
            }
            match ready!(self.next.as_mut().poll(cx)) {
                Next::Status(status, source) => {
                    self.next = Box::pin(source.next());
                    // Pass and warn are the same here.
                    if self.last.replace(status) != Some(status) {
                        return Poll::Ready(Some(Ok(response(status))));
                    }
                }
                Next::End => {
                    self.is_over = true;
                    let end = Status::unavailable("the service is shutting down");
                    return Poll::Ready(Some(Err(end)));
                }
            }
        }
    }
}

impl fmt::Debug for Changes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Changes")
            .field("last", &self.last)
            .finish_non_exhaustive()
    }
}
