//! The checks over real clients, against real servers. In one program, since most
//! tests wait for a server.

#![cfg(unix)]

#[cfg(any(feature = "http", feature = "object-store"))]
mod socket;
mod support;

#[cfg(feature = "etcd-client")]
mod etcd;
#[cfg(feature = "http")]
mod http;
#[cfg(feature = "rdkafka")]
mod kafka;
#[cfg(feature = "_libmariadb")]
mod mariadb;
#[cfg(feature = "memcache")]
mod memcached;
#[cfg(feature = "rumqttc")]
mod mosquitto;
#[cfg(feature = "async-nats")]
mod nats;
#[cfg(all(feature = "dns", feature = "tcp", feature = "tls"))]
mod network;
#[cfg(feature = "object-store")]
mod object_store;
#[cfg(any(feature = "_libmariadb", feature = "_libpq"))]
mod pools;
#[cfg(all(feature = "sqlx-postgres", feature = "sea-orm"))]
mod postgres;
#[cfg(feature = "_libpq")]
mod postgres_clients;
#[cfg(feature = "lapin")]
mod rabbitmq;
#[cfg(all(feature = "redis", feature = "deadpool-redis"))]
mod redis;
#[cfg(feature = "http")]
mod service;
#[cfg(feature = "sqlx-sqlite")]
mod sqlite;
#[cfg(feature = "tonic")]
mod tonic;
