//! A pool of deadpool.

#[cfg(feature = "diesel-mysql")]
mod mysql;
#[cfg(feature = "diesel-postgres")]
mod postgres;

use deadpool::managed::Manager;
use diesel_async::pooled_connection::deadpool::{Object, Pool};
use diesel_async::pooled_connection::{AsyncDieselConnectionManager, PoolError};
use health_core::Outcome;

use super::failed;
use crate::deadpool::{connection, described};

#[cfg(feature = "diesel-mysql")]
pub use self::mysql::{mysql, mysql_read_only};
#[cfg(feature = "diesel-postgres")]
pub use self::postgres::{postgres, postgres_read_only};

async fn take<C>(pool: &Pool<C>) -> Result<Object<C>, Outcome>
where
    AsyncDieselConnectionManager<C>: Manager<Type = C, Error = PoolError>,
{
    connection(pool, failed).await
}
