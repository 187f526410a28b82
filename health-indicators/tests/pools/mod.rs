//! The pools that an application may have, each of two connections and with the
//! checks over it.

use std::any::Any;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use health_core::{Health, Outcome};

use super::support;

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
