//! The pools that an application may have, each of two connections and with the
//! checks over it.

#[cfg(feature = "_libmariadb")]
pub(crate) mod diesel_mysql;
#[cfg(feature = "_libpq")]
pub(crate) mod diesel_postgres;
#[cfg(feature = "_libpq")]
pub(crate) mod postgres;
pub(crate) mod r2d2;

use std::any::Any;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use health_core::check::FailureClass;
use health_core::report::Verdict;
use health_core::{Health, Outcome};
use tokio::task::JoinSet;

use crate::support;

/// The timeout of the checks.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(3);

/// What a pool connects with.
#[derive(Clone, Copy)]
pub(crate) struct Login<'a> {
    /// The scheme of the URL.
    pub(crate) server: &'a str,
    pub(crate) port: u16,
    pub(crate) user: &'a str,
    pub(crate) password: &'a str,
    pub(crate) database: &'a str,
}

impl Login<'_> {
    pub(crate) fn url(&self) -> String {
        let Login {
            server,
            port,
            user,
            password,
            database,
        } = self;
        format!("{server}://{user}:{password}@127.0.0.1:{port}/{database}")
    }
}

pub(crate) struct Pool {
    pub(crate) name: &'static str,
    pub(crate) writing: Health,
    pub(crate) reading: Health,
    take_all: Box<dyn Fn() -> Taking + Send + Sync>,
}

type Taking = Pin<Box<dyn Future<Output = Box<dyn Any>> + Send>>;

impl Pool {
    /// Takes every connection and queries it, as the application does. They are in
    /// use until the result is dropped.
    pub(crate) async fn take_all(&self) -> Box<dyn Any> {
        (self.take_all)().await
    }

    pub(crate) fn new<P, T>(
        name: &'static str,
        pool: P,
        [writing, reading]: [Health; 2],
        take_all: impl Fn(P) -> T + Send + Sync + 'static,
    ) -> Self
    where
        P: Clone + Send + Sync + 'static,
        T: Future<Output: Any> + Send + 'static,
    {
        let take_all = move || -> Taking {
            let taken = take_all(pool.clone());
            Box::pin(async move { Box::new(taken.await) as Box<dyn Any> })
        };
        Pool {
            name,
            writing,
            reading,
            take_all: Box::new(take_all),
        }
    }
}

/// A `Health` with this check over the pool.
pub(crate) fn health<P, F>(pool: &P, check: impl Fn(P) -> F + Send + Sync + 'static) -> Health
where
    P: Clone + Send + Sync + 'static,
    F: Future<Output = Outcome> + Send + 'static,
{
    let pool = pool.clone();
    support::health(TIMEOUT, move || check(pool.clone()))
}

/// Waits until every check is seen like this, all at once.
pub(crate) async fn all_eventually<'a>(
    checks: impl IntoIterator<Item = (&'static str, &'a Health)>,
    state: &str,
    wanted: (Verdict, Option<FailureClass>),
) {
    let mut waiting = JoinSet::new();
    for (name, health) in checks {
        let health = health.clone();
        waiting.spawn(async move { (name, support::eventually(&health, wanted).await) });
    }
    while let Some(seen) = waiting.join_next().await {
        let (name, after) = seen.expect("it is seen");
        println!("{name}, {state}: {after:?}");
    }
}

pub(crate) fn writing(pools: &[Pool]) -> impl Iterator<Item = (&'static str, &Health)> {
    pools.iter().map(|pool| (pool.name, &pool.writing))
}

/// Degraded, and nothing is sent.
pub(crate) async fn every_connection_in_use(pools: &[Pool]) {
    for pool in pools {
        let taken = pool.take_all().await;
        let saturated = support::look(&pool.writing).await;
        assert_eq!(saturated.verdict(), Verdict::Warn, "{}", pool.name);
        assert_eq!(saturated.failure_class(), Some(FailureClass::Saturated));
        println!("{}, saturated: {:?}", pool.name, saturated.response_time());
        drop(taken);
        support::eventually(&pool.writing, (Verdict::Pass, None)).await;
    }
}

/// The application's own use of the pools.
pub(crate) async fn all_work(pools: &[Pool]) {
    for pool in pools {
        drop(pool.take_all().await);
    }
}
