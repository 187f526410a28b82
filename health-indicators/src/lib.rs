#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod failure;

#[cfg(feature = "deadpool-redis")]
pub mod deadpool_redis;
#[cfg(feature = "http")]
pub mod http;
#[cfg(all(feature = "machine", unix))]
pub mod machine;
#[cfg(feature = "redis")]
pub mod redis;
#[cfg(any(
    feature = "sqlx-mysql",
    feature = "sqlx-postgres",
    feature = "sqlx-sqlite"
))]
pub mod sqlx;
