//! [`Health`]: the handle of running health checks.

use std::fmt;
use std::future::{Future, IntoFuture};
#[cfg(feature = "serve")]
use std::io;
#[cfg(feature = "serve")]
use std::net::ToSocketAddrs;
#[cfg(feature = "signal")]
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::time::sleep;

use crate::check::outcome::Status;
use crate::check::probe::Probe;
use crate::engine::monitor::Monitor;
use crate::engine::schedule::Supervisors;
use crate::http::endpoint::Endpoint;
#[cfg(feature = "serve")]
use crate::http::server::{HealthServer, Limits, Protocol};
use crate::lifecycle::drain::Drain;
#[cfg(feature = "signal")]
use crate::lifecycle::signal::Requests;
use crate::race::unless;
use crate::telemetry::event::Events;
use crate::telemetry::log;
use crate::telemetry::log::line::Line;
use crate::verdict::causes::Causes;
use crate::verdict::snapshot::{CheckReport, Snapshot};

/// A handle of the running health checks of one service.
///
/// Cloning is cheap, and all clones share one state. The checks run in the
/// background, on the runtime on which [`start`](crate::HealthBuilder::start)
/// was called, until the last clone is dropped. The mounted routes hold a
/// clone.
///
/// ```standalone_crate
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
#[derive(Clone)]
#[must_use = "the checks stop when the last `Health` is dropped"]
pub struct Health {
    shared: Arc<Shared>,
}

impl fmt::Debug for Health {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Health").finish_non_exhaustive()
    }
}

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

    /// Returns the current status of one probe. O(1) in the number of checks.
    pub fn status(&self, probe: Probe) -> Status {
        self.shared.monitor.status(probe)
    }

    /// Returns the current state of one check, or `None` if no check has this
    /// name.
    pub fn check(&self, name: &str) -> Option<CheckReport> {
        let index = self.shared.monitor.index_of(name)?;
        Some(self.shared.monitor.report(index))
    }

    /// Returns the current state of all checks.
    pub fn snapshot(&self) -> Snapshot {
        self.shared.monitor.snapshot()
    }

    /// Returns the checks that do not pass, with the private texts of their errors,
    /// for applications without a log.
    ///
    /// Write them only where operators read them, such as the terminal of an
    /// administrative command. Over HTTP, a [`Guard`](crate::http::Guard) shows the
    /// same to the clients that it recognizes.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), health_core::StartError> {
    /// use health_core::{CheckOptions, Health};
    ///
    /// let health = Health::builder()
    ///     .check("queue", CheckOptions::new(), || async { Err::<(), _>("7 of 9 brokers are down") })
    ///     .start()?;
    /// health.refresh("queue").await;
    /// for check in &health.causes() {
    ///     println!("{}: {}", check.name(), check.cause().join(": "));
    /// #   assert_eq!(check.cause(), ["7 of 9 brokers are down"]);
    /// }
    /// # assert_eq!(health.causes().len(), 1);
    /// # Ok(())
    /// # }
    /// ```
    pub fn causes(&self) -> Causes {
        Causes::of(&self.snapshot())
    }

    /// Adds a runtime to the watchdog, in addition to the one on which health
    /// was started. Has no effect unless
    /// [`RuntimeOptions::watchdog`](crate::config::RuntimeOptions::watchdog) is
    /// set.
    ///
    /// Call once per runtime; a duplicate is sampled twice. `health_actix`
    /// calls it for the workers of the server.
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

    /// Returns a stream of every completed run and every transition from now
    /// on, for hooks, metrics and tests.
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
    ///     if let Event::Transition(transition) = event {
    ///         println!("{}: {} → {}", transition.report.name(), transition.from, transition.report.verdict());
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

    /// Runs a check immediately and returns its state afterwards, or `None` if
    /// no check has this name.
    ///
    /// Joins a run that is in flight. The current state is returned without a
    /// run if a run that already timed out is still in flight, if the check is
    /// reported instead of run (a gate, a heartbeat), if it is a startup check
    /// and startup has passed, or if the runtime of the checks has ended.
    ///
    /// # Panics
    ///
    /// Panics if it is awaited outside a tokio runtime, like tokio's timers.
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
        if let Some(request) = monitor.request_run(index) {
            monitor.wait_for_result(request).await;
        }
        Some(monitor.report(index))
    }

    /// Returns the HTTP endpoint for a [public
    /// mount](Endpoint#public-and-internal-mounts): probes and a `/health` of one
    /// word. For an adapter or another framework.
    pub fn endpoint(&self) -> Endpoint {
        self.shared.endpoint.public()
    }

    /// Returns the HTTP endpoint for an [internal
    /// mount](Endpoint#public-and-internal-mounts): all pages, with the names of
    /// the checks and the metrics. Mount it where only operators and monitors
    /// reach it, or use [`serve`](Self::serve).
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), health_core::StartError> {
    /// use health_core::config::HttpOptions;
    /// use health_core::http::{Page, RequestHead};
    /// use health_core::Health;
    ///
    /// let http = HttpOptions::new().path("/metrics", Page::Metrics);
    /// let health = Health::builder().http(http).start()?;
    /// let metrics = RequestHead::new("GET", "/metrics");
    /// assert_eq!(health.internal_endpoint().respond_cached(metrics).status(), 200);
    /// assert_eq!(health.endpoint().respond_cached(metrics).status(), 404);
    /// # Ok(())
    /// # }
    /// ```
    pub fn internal_endpoint(&self) -> Endpoint {
        self.shared.endpoint.clone()
    }

    /// Returns a tower layer that answers probes before the application: before
    /// authentication, limits, redirects, compression and traces. Add it last, so
    /// that it is the outermost layer.
    ///
    /// It answers the [`paths`](Endpoint::paths) of [`endpoint`](Self::endpoint) and
    /// passes on all other requests. It is not needed if the routes can be mounted
    /// outside of the layers of the application.
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

    /// Returns a layer like [`layer`](Self::layer) that answers the paths of
    /// [`internal_endpoint`](Self::internal_endpoint), for an application that
    /// only operators and monitors reach.
    #[cfg(feature = "tower")]
    pub fn internal_layer(&self) -> crate::http::tower::HealthLayer {
        crate::http::tower::HealthLayer::new(self.internal_endpoint())
    }

    /// Serves all pages of [`internal_endpoint`](Self::internal_endpoint) on
    /// their own port until the [`HealthServer`] is dropped, in addition to the
    /// application's routes or instead of them.
    ///
    /// The server has its own thread and runtime, so probes are answered even
    /// while every worker of the application is blocked, and the port can be
    /// closed to the public. To make liveness fail while the workers are
    /// blocked, set
    /// [`RuntimeOptions::watchdog`](crate::config::RuntimeOptions::watchdog): a
    /// prober would not notice otherwise.
    ///
    /// The server speaks HTTP/1.1 without TLS and, with the feature
    /// `serve-http2`, HTTP/2 by prior knowledge on the same port. A request
    /// head is limited to 16 KiB and 75 s. The server keeps at most 256
    /// connections: a new one replaces the one that has been idle for longest,
    /// never one that waits for its answer. A host name such as `localhost` is
    /// served on all of its addresses. The port is free again when the drop of
    /// the [`HealthServer`] returns.
    ///
    /// The server keeps answering during a [drain](Self::drain). Keep the
    /// [`HealthServer`] until `main` ends: `let _ = health.serve(..)` would
    /// close the port in the same line.
    ///
    /// Conditions of the application
    /// ([`Guard::when`](crate::http::Guard::when)) and the log messages of an
    /// answer run on the server's thread; if they block, the server waits.
    ///
    /// # Errors
    ///
    /// Fails if the address is invalid, in use or not permitted (for one of
    /// several addresses), or if the system cannot start a thread.
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
        let protocol = Protocol::Http(self.internal_endpoint());
        HealthServer::start(protocol, address, Limits::default())
    }

    /// Answers the agent checks of HAProxy on a port and a thread of their own,
    /// until the [`HealthServer`] is dropped: `up` while the service is ready, with
    /// `degraded_weight` percent of its weight while it is degraded, `down` with
    /// the names of the failing checks, and `drain` from the beginning of a drain
    /// on.
    ///
    /// Unlike a failing health check, `drain` keeps open sessions. HAProxy ignores a
    /// closed agent port, so use it in addition to `check`.
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
        let protocol = Protocol::Agent {
            endpoint: self.endpoint(),
            degraded_weight,
        };
        HealthServer::start(protocol, address, Limits::default())
    }

    /// Takes the service out of rotation. Readiness fails from this call on,
    /// and liveness keeps passing. The future completes after the [drain
    /// delay](crate::config::LifecycleOptions::drain_delay), when load
    /// balancers have noticed and the server may stop accepting connections.
    ///
    /// Probes do not recover during a drain, and a second call joins the first.
    /// The drain begins with the call, whether or not the future is awaited.
    /// Readiness can be [kept
    /// passing](crate::config::LifecycleOptions::fail_readiness_while_draining).
    ///
    /// # Panics
    ///
    /// Panics if it is awaited outside a tokio runtime with a timer.
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
        // Logged before readiness changes because of it.
        if drain.begin() {
            monitor.outlet().log(Line::Draining {
                delay: drain.delay(),
                readiness_fails: *drain_readiness,
            });
        }
        if *drain_readiness {
            monitor.close();
        }
        drain.watch().over()
    }

    /// Returns whether a drain has begun. Cheap enough to call for every
    /// response.
    ///
    /// A client with a keep-alive connection keeps using it, regardless of
    /// readiness, until a response has `Connection: close`. The guide [Deployment]
    /// shows how to send it with axum and actix-web.
    ///
    /// [Deployment]: https://docs.rs/health-axum/latest/health_axum/_guides/deployment/index.html#shutdown
    pub fn is_draining(&self) -> bool {
        self.shared.monitor.is_draining()
    }

    /// Awaits a server, but at most this long after the end of the drain.
    /// Returns `None` if the server had not ended by then. The server is
    /// dropped, and its requests end with the runtime, so `main` returns in
    /// bounded time.
    ///
    /// axum waits for open requests without a limit, actix-web for 30 s. The
    /// limit covers the whole future: to include cleanup after the server, such
    /// as closing a pool, put it into the same future.
    ///
    /// # Panics
    ///
    /// Panics if it is awaited outside a tokio runtime with a timer.
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
    /// let server = std::future::pending::<()>(); // its requests hang
    /// let ended = health.shutdown_timeout(Duration::from_millis(10), server).await;
    /// assert_eq!(ended, None);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// A thread cannot be dropped: a thread of `spawn_blocking`, or a task that
    /// blocks its thread, keeps `#[tokio::main]` from returning. If that can
    /// happen, end `main` with [`std::process::exit`].
    pub async fn shutdown_timeout<F: IntoFuture>(
        &self,
        limit: Duration,
        server: F,
    ) -> Option<F::Output> {
        self.shared.drain.set_limit(limit);
        let drained = self.shared.drain.watch().over();
        let too_late = async {
            drained.await;
            sleep(limit).await;
        };
        let ended = unless(too_late, server.into_future()).await;
        if ended.is_none() {
            log::cut_off(limit);
        }
        ended
    }

    /// Stops every check and waits until the runs have ended. Use it in tests,
    /// and in applications that start health again. Readiness fails from this
    /// call on.
    ///
    /// A run that blocks its thread cannot be interrupted; it is abandoned
    /// after 1 s. Hooks and webhooks get 2 s for queued transitions. Without
    /// this call, the checks stop when the last `Health` is dropped, without
    /// waiting.
    ///
    /// # Panics
    ///
    /// Panics if it is awaited outside a tokio runtime with a timer.
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

    /// [Drains](Self::drain) when the process receives a termination signal:
    /// SIGTERM or SIGINT, Ctrl-C or Ctrl-Break on Windows.
    ///
    /// | signal | effect |
    /// |---|---|
    /// | first | the drain begins |
    /// | second | ends the drain delay at once |
    /// | third | ends the process at once, after a line in the log. The exit code is 128 plus the number of the signal (143 for SIGTERM, 130 for SIGINT), or 1 on Windows |
    ///
    /// Use it with
    /// `axum::serve(..).with_graceful_shutdown(health.drain_on_signal())` and
    /// `HttpServer::shutdown_signal`; see also
    /// [`shutdown_timeout`](Self::shutdown_timeout).
    ///
    /// A separate thread receives the signals from this call on. The third
    /// signal ends the process even if a request hangs, every worker is
    /// blocked, or the runtime waits for a thread of `spawn_blocking`. Signals
    /// that arrive together count as one. If the signals cannot be received,
    /// the reason is logged and the future never completes.
    ///
    /// # Panics
    ///
    /// Panics if it is awaited outside a tokio runtime with a timer.
    ///
    /// ```no_run
    /// # async fn serve(shutdown: impl Future<Output = ()>) { shutdown.await }
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), health_core::StartError> {
    /// use health_core::Health;
    ///
    /// let health = Health::builder().start()?;
    /// // The server stops accepting connections when the future completes.
    /// serve(health.drain_on_signal()).await;
    /// # Ok(())
    /// # }
    /// ```
    #[cfg(feature = "signal")]
    pub fn drain_on_signal(&self) -> impl Future<Output = ()> + Send + use<> {
        let requests = Requests::listen();
        let health = self.clone();
        async move {
            match requests {
                Ok(mut requests) => {
                    requests.reach(1).await;
                    let mut drained = pin!(health.drain());
                    if unless(requests.reach(2), drained.as_mut()).await.is_none() {
                        health.shared.drain.end_delay();
                        drained.await;
                    }
                }
                Err(error) => {
                    log::no_signals(&error);
                    std::future::pending::<()>().await;
                }
            }
        }
    }
}
