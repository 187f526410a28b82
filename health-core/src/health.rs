//! [`Health`]: the running health of one service.

use std::future::{Future, IntoFuture, poll_fn};
#[cfg(feature = "serve")]
use std::io;
#[cfg(feature = "serve")]
use std::net::ToSocketAddrs;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::time::sleep;

use crate::check::outcome::Status;
use crate::check::probe::Probe;
use crate::engine::monitor::Monitor;
use crate::engine::schedule::Supervisors;
use crate::http::endpoint::Endpoint;
#[cfg(feature = "serve")]
use crate::http::server::{HealthServer, Limits, Speech};
use crate::lifecycle::drain::Drain;
#[cfg(feature = "signal")]
use crate::lifecycle::signal::Requests;
use crate::telemetry::event::Events;
use crate::telemetry::log;
use crate::telemetry::log::line::Line;
use crate::verdict::snapshot::{CheckReport, Snapshot};

/// The running health of one service.
///
/// Cheap to clone; all clones are one. The checks run in the background, on
/// the runtime on which [`start`](crate::HealthBuilder::start) was called, until the
/// last clone is dropped (the mounted routes hold one).
///
/// ```
/// use health_core::{Health, health_check};
///
/// #[health_check(timeout = "2s", critical)]
/// async fn database() -> Result<(), std::io::Error> {
///     Ok(())
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let health = Health::builder().require(["database"]).start()?;
/// # let _ = health;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use = "the checks stop when the last `Health` is dropped"]
pub struct Health {
    shared: Arc<Shared>,
}

#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) monitor: Arc<Monitor>,
    pub(crate) supervisors: Arc<Supervisors>,
    pub(crate) endpoint: Endpoint,
    pub(crate) drain: Drain,
    pub(crate) drain_readiness: bool,
}

impl Health {
    pub(crate) fn new(shared: Shared) -> Self {
        Health {
            shared: Arc::new(shared),
        }
    }

    /// The answer to one probe, now: a few loads, whatever the number of checks.
    pub fn status(&self, probe: Probe) -> Status {
        self.shared.monitor.status(probe)
    }

    /// What is held of one check now, or `None` if no check has this name.
    pub fn check(&self, name: &str) -> Option<CheckReport> {
        let index = self.shared.monitor.index_of(name)?;
        Some(self.shared.monitor.report(index))
    }

    /// What is held of every check now.
    pub fn snapshot(&self) -> Snapshot {
        self.shared.monitor.snapshot()
    }

    /// Watches one more runtime beside that on which health was started; without
    /// effect unless [`crate::HealthBuilder::watch_runtime`] asked for it.
    ///
    /// Once for each is enough, since a second call costs a second look.
    /// `health_actix` does it for the workers of the server.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use std::time::Duration;
    /// use health_core::config::RuntimeOptions;
    /// use health_core::Health;
    ///
    /// let jobs = tokio::runtime::Builder::new_multi_thread().build()?;
    /// let health = Health::builder().runtime(RuntimeOptions::new().watchdog(Duration::from_secs(5))).start()?;
    /// health.watch_runtime(jobs.handle());
    /// # jobs.shutdown_background();
    /// # Ok(())
    /// # }
    /// ```
    pub fn watch_runtime(&self, runtime: &Handle) {
        self.shared.supervisors.watch(runtime);
    }

    #[cfg(feature = "watch")]
    pub(crate) fn endpoint_ref(&self) -> &Endpoint {
        &self.shared.endpoint
    }

    /// Returns once the drain is over.
    #[cfg(feature = "watch")]
    pub(crate) fn drained(&self) -> impl Future<Output = ()> + Send + use<> {
        self.shared.drain.watch().over()
    }

    pub(crate) fn monitor(&self) -> &Arc<Monitor> {
        &self.shared.monitor
    }

    /// Every run and every turn of a verdict from now on, for hooks, metrics
    /// and tests of your own.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), health_core::StartError> {
    /// use health_core::event::Event;
    /// use health_core::report::Verdict;
    /// use health_core::{CheckOptions, Health};
    ///
    /// let health = Health::builder()
    ///     .check("queue", CheckOptions::new(), || async { false })
    ///     .start()?;
    /// let mut events = health.subscribe();
    /// # let watching = async move {
    /// while let Some(event) = events.next().await {
    ///     if let Event::Transition(turn) = event {
    ///         println!("{}: {} → {}", turn.report.name(), turn.from, turn.report.verdict());
    ///         # break;
    ///     }
    /// }
    /// # };
    /// # watching.await;
    /// # Ok(())
    /// # }
    /// ```
    pub fn subscribe(&self) -> Events {
        self.shared.monitor.subscribe()
    }

    /// Runs a check out of turn and says how it stands then, or `None` if no
    /// check has this name.
    ///
    /// Joins a run that is under way. If a run is in flight whose timeout has
    /// passed, no other may start, and the report says so at once. So it does
    /// where no run will come: for what is reported and never run (a gate, a
    /// heartbeat), for a startup check once startup has passed, and when the
    /// runtime of the checks is gone.
    ///
    /// # Panics
    ///
    /// As tokio's timers do, if it is awaited outside a runtime.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), health_core::StartError> {
    /// use health_core::report::Verdict;
    /// use health_core::{CheckOptions, Health};
    ///
    /// let health = Health::builder()
    ///     .check("queue", CheckOptions::new(), || async { true })
    ///     .start()?;
    /// let queue = health.refresh("queue").await.expect("there is such a check");
    /// assert_eq!(queue.verdict(), Verdict::Pass);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn refresh(&self, name: &str) -> Option<CheckReport> {
        let monitor = &self.shared.monitor;
        let index = monitor.index_of(name)?;
        if let Some(asked) = monitor.ask(index) {
            monitor.answered(asked).await;
        }
        Some(monitor.report(index))
    }

    /// The HTTP answers, for an adapter or a framework of your own.
    pub fn endpoint(&self) -> Endpoint {
        self.shared.endpoint.clone()
    }

    /// Returns a layer of tower that answers probes in front of an application,
    /// whatever the order of its routes: before authentication, limits, redirects,
    /// compression and traces. Add it last, so that it is the outermost.
    ///
    /// It answers [`Endpoint::paths`] and passes everything else on. Where routes
    /// can be mounted outside the application's layers, it is not needed.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use std::convert::Infallible;
    /// use health_core::Health;
    /// use http::{Request, Response};
    /// use tower::{ServiceBuilder, ServiceExt, service_fn};
    ///
    /// let health = Health::builder().start()?;
    /// let application = ServiceBuilder::new()
    ///     .layer(health.layer())
    ///     .concurrency_limit(1)
    ///     .service(service_fn(|_: Request<String>| async {
    ///         Ok::<_, Infallible>(Response::new(String::from("hello")))
    ///     }));
    /// let response = application.oneshot(Request::get("/readyz").body(String::new())?).await?;
    /// assert_eq!(response.status(), 200);
    /// # Ok(())
    /// # }
    /// ```
    #[cfg(feature = "tower")]
    pub fn layer(&self) -> crate::http::tower::HealthLayer {
        crate::http::tower::HealthLayer::new(self.endpoint())
    }

    /// Serves the same answers on a port of their own until the [`HealthServer`] is
    /// dropped, beside the application's routes or instead of them.
    ///
    /// They come from a thread with a runtime of its own, so probers hear what
    /// is known even while every worker of the application is blocked, and the
    /// port can be closed to the public. Liveness fails then where the runtime is
    /// [watched](crate::HealthBuilder::watch_runtime); nothing else that runs there
    /// would notice.
    ///
    /// It speaks HTTP/1.1 without TLS and, with the feature `serve-http2`, HTTP/2
    /// by prior knowledge on the same port. A head has at most 16 KiB and arrives
    /// within 75 s. Of 256 connections at once the one that has been idle for
    /// longest makes room for the next; one that waits for its answer is kept.
    /// A name such as `localhost` is served on every address that it stands for.
    /// The port is free again when the drop of the [`HealthServer`] returns.
    ///
    /// It answers on through a [drain](Self::drain). Keep it until `main` ends:
    /// `let _ = health.serve(..)` would close the port in the same line.
    ///
    /// A rule of the application's ([`Guard::when`](crate::http::Guard::when)) runs on
    /// that thread, and so does the log of what an answer finds out; if they
    /// block, it waits for them.
    ///
    /// # Errors
    ///
    /// If the address is none, is in use or may not be used (one of several is
    /// enough), or the system has no thread left.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use std::time::Duration;
    /// use health_core::config::RuntimeOptions;
    /// use health_core::Health;
    ///
    /// let health = Health::builder().runtime(RuntimeOptions::new().watchdog(Duration::from_secs(5))).start()?;
    /// let served = health.serve("127.0.0.1:0")?; // in production "0.0.0.0:9090"
    /// println!("probes are answered on http://{}/readyz", served.address());
    /// # Ok(())
    /// # }
    /// ```
    #[cfg(feature = "serve")]
    pub fn serve(&self, address: impl ToSocketAddrs) -> io::Result<HealthServer> {
        let speech = Speech::Http(self.endpoint());
        HealthServer::start(speech, address, Limits::default())
    }

    /// Answers the agent checks of HAProxy on a port and a thread of their own,
    /// until the [`HealthServer`] is dropped: `up` while the service is ready, with
    /// `degraded_weight` percent of its weight while it is degraded, `down` with
    /// the names of the failing checks, and `drain` from the beginning of a drain
    /// on.
    ///
    /// Unlike a failing health check, `drain` keeps the sessions that are open. A
    /// port that is closed changes nothing for HAProxy, so use it beside `check`.
    ///
    /// # Errors
    ///
    /// As [`serve`](Self::serve), or if `degraded_weight` is 0 or above 100.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use health_core::Health;
    ///
    /// let health = Health::builder().start()?;
    /// // server one 10.0.0.7:3000 check agent-check agent-port 9091 agent-inter 2s
    /// let agent = health.serve_haproxy_agent("127.0.0.1:0", 50)?; // in production port 9091
    /// # let mut line = String::new();
    /// # std::io::Read::read_to_string(&mut std::net::TcpStream::connect(agent.address())?, &mut line)?;
    /// # assert_eq!(line, "up ready 100%\n");
    /// # Ok(())
    /// # }
    /// ```
    #[cfg(feature = "serve")]
    pub fn serve_haproxy_agent(
        &self,
        address: impl ToSocketAddrs,
        degraded_weight: u8,
    ) -> io::Result<HealthServer> {
        if !(1..=100).contains(&degraded_weight) {
            let text = format!("a weight of {degraded_weight} % is not from 1 to 100");
            return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
        }
        let speech = Speech::Agent {
            endpoint: self.endpoint(),
            degraded_weight,
        };
        HealthServer::start(speech, address, Limits::default())
    }

    /// Takes the service out of rotation: readiness fails from this call on,
    /// liveness goes on passing, and the future ends after the
    /// [drain delay](crate::HealthBuilder::drain_delay), when callers have noticed and
    /// the server may stop accepting.
    ///
    /// Nothing flips back during a drain, and a second call joins the first. The
    /// drain begins with the call, whether or not the future is awaited. Whether
    /// readiness fails can be [set](crate::HealthBuilder::drain_readiness).
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), health_core::StartError> {
    /// use std::time::Duration;
    /// use health_core::config::LifecycleOptions;
    /// use health_core::{Health, Probe, Status};
    ///
    /// let health = Health::builder().lifecycle(LifecycleOptions::new().drain_delay(Duration::from_millis(10))).start()?;
    /// let drained = health.drain();
    /// assert_eq!(health.status(Probe::Readiness), Status::Fail);
    /// assert_eq!(health.status(Probe::Liveness), Status::Pass);
    /// drained.await;
    /// # Ok(())
    /// # }
    /// ```
    pub fn drain(&self) -> impl Future<Output = ()> + Send + use<> {
        let Shared {
            monitor,
            drain,
            drain_readiness,
            ..
        } = &*self.shared;
        monitor.start_drain();
        if *drain_readiness {
            monitor.close();
        }
        if drain.begin() {
            monitor.outlet().log(Line::Draining {
                delay: drain.delay(),
                readiness_fails: *drain_readiness,
            });
        }
        drain.watch().over()
    }

    /// Whether a drain has begun: a load, for every response.
    ///
    /// A client that keeps its connection goes on using it, whatever readiness
    /// says, until it is told `Connection: close`. The guide `shutdown.md` shows
    /// that for axum and actix-web.
    pub fn is_draining(&self) -> bool {
        self.shared.monitor.is_draining()
    }

    /// Waits for a server, but from the end of the drain on at most this long:
    /// `None` if it had not ended by then. It is dropped, and the requests that
    /// hang end with the runtime; so `main` returns in a bounded time.
    ///
    /// axum waits for a request that never ends as long as it likes, actix-web
    /// 30 s. What is given is what is awaited: put what comes after the server,
    /// such as closing a pool, into the same future, and it is bounded too.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), health_core::StartError> {
    /// use std::time::Duration;
    /// use health_core::config::LifecycleOptions;
    /// use health_core::Health;
    ///
    /// let health = Health::builder().lifecycle(LifecycleOptions::new().drain_delay(Duration::ZERO)).start()?;
    /// # drop(health.drain());
    /// let server = std::future::pending::<()>(); // one whose requests hang
    /// let ended = health.shutdown_timeout(Duration::from_millis(10), server).await;
    /// assert_eq!(ended, None);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// A thread cannot be dropped: one of `spawn_blocking`, or a task that never
    /// gives its thread back, keeps `#[tokio::main]` from returning. Where that
    /// can happen, end `main` with [`std::process::exit`].
    pub async fn shutdown_timeout<F: IntoFuture>(
        &self,
        limit: Duration,
        server: F,
    ) -> Option<F::Output> {
        self.shared.drain.set_limit(limit);
        let drained = self.shared.drain.watch().over();
        let mut server = pin!(server.into_future());
        let mut too_late = pin!(async {
            drained.await;
            sleep(limit).await;
        });
        let ended = poll_fn(|cx| match server.as_mut().poll(cx) {
            Poll::Ready(output) => Poll::Ready(Some(output)),
            Poll::Pending => too_late.as_mut().poll(cx).map(|()| None),
        })
        .await;
        if ended.is_none() {
            log::cut_off(limit);
        }
        ended
    }

    /// Ends every check and waits until they are gone: for tests, and for
    /// applications that start health again. Readiness fails from this call on.
    ///
    /// A run that holds its thread cannot be interrupted; it is left to itself
    /// after 1 s. Hooks and webhooks get 2 s for the turns that they have not heard of. Without this, the checks end when the last `Health` is dropped,
    /// and nobody waits.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), health_core::StartError> {
    /// use health_core::{Health, Probe, Status};
    ///
    /// let health = Health::builder().start()?;
    /// health.stop().await;
    /// assert_eq!(health.status(Probe::Readiness), Status::Fail);
    ///
    /// let again = Health::builder().start()?;
    /// assert_eq!(again.status(Probe::Readiness), Status::Pass);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn stop(&self) {
        self.shared.monitor.start_drain();
        self.shared.monitor.close();
        self.shared.supervisors.stop().await;
        self.shared.monitor.outlet().stop().await;
        #[cfg(feature = "watch")]
        self.shared.monitor.end_watches();
    }

    /// [Drains](Self::drain) when the process is asked to stop: SIGTERM or
    /// SIGINT, Ctrl-C and Ctrl-Break on Windows.
    ///
    /// | signal | effect |
    /// |---|---|
    /// | first | the drain begins |
    /// | second | ends the drain delay at once |
    /// | third | ends the process at once, with the exit code 128 + the number of the signal (143 for SIGTERM, 130 for SIGINT; 1 on Windows), after a line in the log |
    ///
    /// Made for `axum::serve(..).with_graceful_shutdown(health.drain_on_signal())`
    /// and `HttpServer::shutdown_signal`; see also [`shutdown_timeout`](Self::shutdown_timeout).
    /// The signals are caught from this call on, by a thread of their own: the
    /// third ends the process even if a request hangs, every worker is blocked,
    /// or the runtime waits for a thread of `spawn_blocking`. Signals that arrive
    /// together count as one. Where they cannot be caught the reason is logged
    /// and the future never ends.
    #[cfg(feature = "signal")]
    pub fn drain_on_signal(&self) -> impl Future<Output = ()> + Send + use<> {
        let requests = Requests::listen();
        let health = self.clone();
        async move {
            match requests {
                Ok(mut requests) => {
                    requests.reach(1).await;
                    let mut drained = pin!(health.drain());
                    let mut hurried = pin!(async {
                        requests.reach(2).await;
                        health.shared.drain.hurry();
                        std::future::pending::<()>().await;
                    });
                    poll_fn(|cx| {
                        let _ = hurried.as_mut().poll(cx);
                        drained.as_mut().poll(cx)
                    })
                    .await;
                }
                Err(error) => {
                    log::no_signals(&error);
                    std::future::pending::<()>().await;
                }
            }
        }
    }
}
