#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod failure;

#[cfg(feature = "async-nats")]
pub mod async_nats;
#[cfg(any(feature = "bb8-postgres", feature = "diesel-async-bb8"))]
mod bb8;
#[cfg(feature = "bb8-postgres")]
pub mod bb8_postgres;
#[cfg(any(
    feature = "deadpool-postgres",
    feature = "deadpool-redis",
    feature = "diesel-async-deadpool"
))]
mod deadpool;
#[cfg(feature = "deadpool-postgres")]
pub mod deadpool_postgres;
#[cfg(feature = "deadpool-redis")]
pub mod deadpool_redis;
#[cfg(any(
    feature = "diesel-mysql",
    feature = "diesel-postgres",
    feature = "diesel-sqlite"
))]
mod diesel;
#[cfg(any(
    all(feature = "diesel-async-bb8", feature = "diesel-postgres"),
    all(feature = "diesel-async-deadpool", feature = "diesel-mysql"),
    all(feature = "diesel-async-deadpool", feature = "diesel-postgres")
))]
pub mod diesel_async;
#[cfg(all(
    feature = "diesel-r2d2",
    any(
        feature = "diesel-mysql",
        feature = "diesel-postgres",
        feature = "diesel-sqlite"
    )
))]
pub mod diesel_r2d2;
#[cfg(feature = "dns")]
pub mod dns;
#[cfg(feature = "etcd-client")]
pub mod etcd_client;
#[cfg(any(feature = "etcd-client", feature = "tonic"))]
mod grpc;
#[cfg(feature = "http")]
pub mod http;
#[cfg(feature = "lapin")]
pub mod lapin;
#[cfg(all(feature = "machine", unix))]
pub mod machine;
#[cfg(feature = "memcache")]
pub mod memcache;
#[cfg(any(feature = "diesel-mysql", feature = "sqlx-mysql"))]
mod mysql;
#[cfg(feature = "object-store")]
pub mod object_store;
#[cfg(any(
    feature = "sqlx-mysql",
    feature = "sqlx-postgres",
    feature = "sqlx-sqlite",
    feature = "tokio-postgres"
))]
mod postgres;
#[cfg(feature = "rdkafka")]
pub mod rdkafka;
#[cfg(feature = "redis")]
pub mod redis;
#[cfg(feature = "rumqttc")]
pub mod rumqttc;
#[cfg(all(
    feature = "sea-orm",
    any(
        feature = "sqlx-mysql",
        feature = "sqlx-postgres",
        feature = "sqlx-sqlite"
    )
))]
pub mod sea_orm;
#[cfg(any(
    feature = "sqlx-mysql",
    feature = "sqlx-postgres",
    feature = "sqlx-sqlite"
))]
pub mod sqlx;
#[cfg(feature = "tcp")]
pub mod tcp;
#[cfg(feature = "tls")]
pub mod tls;
#[cfg(feature = "tokio-postgres")]
pub mod tokio_postgres;
#[cfg(feature = "tonic")]
pub mod tonic;
