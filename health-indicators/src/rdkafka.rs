//! Kafka, over a producer or a consumer of rdkafka 0.39.
//!
//! ```no_run,standalone_crate
//! use std::sync::Arc;
//! use health_core::HealthState;
//! use health_indicators::rdkafka;
//! use ::rdkafka::consumer::StreamConsumer;
//! use ::rdkafka::producer::FutureProducer;
//!
//! #[derive(Clone, HealthState)]
//! struct AppState {
//!     /// Every partition of the orders has a leader.
//!     #[health(check = rdkafka::topic("orders"), timeout = "2s", critical)]
//!     producer: FutureProducer,
//!     #[health(check = rdkafka::topic("payments"), timeout = "2s")]
//!     consumer: Arc<StreamConsumer>,
//! }
//! ```
//!
//! A run asks one broker for the metadata of one topic, over a connection that
//! the client has, and waits at most three quarters of the timeout of the check.
//! A new connection is opened only if the client has none, as for the next
//! message. The call blocks, so each run has a thread of its own. librdkafka
//! refreshes what it knows of this topic from then on, as of each topic that the
//! application uses.
//!
//! | the run | verdict | class |
//! |---|---|---|
//! | finds no broker, or loses the connection | failing | `unreachable` |
//! | finds that no partition of the topic has a leader | failing | `unreachable` |
//! | finds that some partitions have no leader | degraded | `unreachable` |
//! | may not see the topic | failing | `unauthorized` |
//! | finds no such topic | failing | `misconfigured` |
//! | gets another error, or finds that the client has failed for good, such as a producer that is fenced | failing | `refused` |
//! | gets no answer before the timeout of the check | failing | `timed_out` |
//!
//! A broker that is frozen is `timed_out`, and `unreachable` once the client gives
//! its connection up (`socket.timeout.ms`, 60 s). A topic that was missing accepts
//! messages of a client only some time after the check passes
//! (`topic.metadata.propagation.max.ms`, 30 s).
//!
//! librdkafka keeps the reason why it cannot connect, so wrong credentials of
//! SASL and TLS are `unreachable`, too. A producer that asks for a topic creates
//! it, if the broker permits that (`auto.create.topics.enable`), so this check of
//! a producer does as well. A consumer creates none.
//!
//! The lag of a consumer is not observed: it would take a request for each
//! partition.

use std::sync::Arc;
use std::time::Duration;

use health_core::Outcome;
use health_core::check::{BlockingIndicator, FailureClass, time_left};
use rdkafka::ClientContext;
use rdkafka::admin::AdminClient;
use rdkafka::client::Client;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext, StreamConsumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::metadata::{Metadata, MetadataBroker, MetadataPartition};
use rdkafka::producer::future_producer::FutureProducerContext;
use rdkafka::producer::{
    BaseProducer, FutureProducer, Partitioner, Producer, ProducerContext, ThreadedProducer,
};
use rdkafka::util::AsyncRuntime;

use crate::failure::{because, failure};

/// How long a run outside of a health check waits.
const PATIENCE: Duration = Duration::from_secs(1);
/// Kafka's own limit. rdkafka panics if a name has more than 512 bytes.
const LONGEST_NAME: usize = 249;

/// Creates a check that every partition of this topic has a leader, so that it
/// accepts messages.
pub fn topic(name: impl Into<String>) -> Topic {
    Topic { name: name.into() }
}

/// A check of the leaders of a topic; created by [`topic`].
#[derive(Clone, Debug)]
#[must_use = "a check does nothing until its `check` runs"]
pub struct Topic {
    name: String,
}

impl Topic {
    /// Runs the check once and blocks its thread, for use in a plain `fn`. Outside
    /// of a run of a health check it waits for at most 1 s.
    pub fn check(&self, client: &impl AsClient) -> Outcome {
        if self.name.len() > LONGEST_NAME {
            return failure(FailureClass::Misconfigured)
                .because("the name of the topic is too long");
        }
        let client = client.as_client();
        if let Some((code, text)) = client.fatal_error() {
            return failure(class_of_code(code)).because(text);
        }
        // The verdict is then known before the check is over its timeout.
        let patience = time_left().map_or(PATIENCE, |left| left / 4 * 3);
        match client.fetch_metadata(Some(&self.name), patience) {
            Ok(metadata) => judge(&metadata),
            Err(error) => because(class(&error), error),
        }
    }
}

impl<T: AsClient> BlockingIndicator<T> for Topic {
    fn check(&self, client: &T) -> Outcome {
        Topic::check(self, client)
    }
}

/// A type with a client of librdkafka: producers, consumers and `Arc`s of them.
///
/// Implement it for a type of your own that holds one of them:
///
/// ```
/// use health_indicators::rdkafka::AsClient;
/// use rdkafka::client::Client;
/// use rdkafka::producer::{DefaultProducerContext, ThreadedProducer};
///
/// struct Orders {
///     producer: ThreadedProducer<DefaultProducerContext>,
/// }
///
/// impl AsClient for Orders {
///     type Context = DefaultProducerContext;
///
///     fn as_client(&self) -> &Client<DefaultProducerContext> {
///         self.producer.as_client()
///     }
/// }
/// ```
pub trait AsClient {
    /// The context of the client.
    type Context: ClientContext;

    /// Returns the client.
    fn as_client(&self) -> &Client<Self::Context>;
}

impl<C: ClientContext> AsClient for Client<C> {
    type Context = C;

    fn as_client(&self) -> &Client<C> {
        self
    }
}

impl<C: ClientContext> AsClient for AdminClient<C> {
    type Context = C;

    fn as_client(&self) -> &Client<C> {
        self.inner()
    }
}

impl<C: ConsumerContext> AsClient for BaseConsumer<C> {
    type Context = C;

    fn as_client(&self) -> &Client<C> {
        self.client()
    }
}

impl<C: ConsumerContext, R> AsClient for StreamConsumer<C, R> {
    type Context = C;

    fn as_client(&self) -> &Client<C> {
        self.client()
    }
}

impl<C: ProducerContext<P>, P: Partitioner> AsClient for BaseProducer<C, P> {
    type Context = C;

    fn as_client(&self) -> &Client<C> {
        self.client()
    }
}

impl<C: ProducerContext<P> + 'static, P: Partitioner> AsClient for ThreadedProducer<C, P> {
    type Context = C;

    fn as_client(&self) -> &Client<C> {
        self.client()
    }
}

impl<C, R, P> AsClient for FutureProducer<C, R, P>
where
    C: ClientContext + 'static,
    R: AsyncRuntime,
    P: Partitioner,
{
    type Context = FutureProducerContext<C>;

    fn as_client(&self) -> &Client<FutureProducerContext<C>> {
        self.client()
    }
}

impl<T: AsClient + ?Sized> AsClient for Arc<T> {
    type Context = T::Context;

    fn as_client(&self) -> &Client<T::Context> {
        (**self).as_client()
    }
}

fn judge(metadata: &Metadata) -> Outcome {
    let brokers = metadata.brokers().len();
    let Some(topic) = metadata.topics().first() else {
        return failure(FailureClass::Misconfigured).observe(brokers, "brokers");
    };
    if let Some(error) = topic.error() {
        let error = KafkaError::MetadataFetch(error.into());
        return because(class(&error), error).observe(brokers, "brokers");
    }
    let partitions = topic.partitions();
    let has_no_leader = |one: &&MetadataPartition| !has_leader(one, metadata.brokers());
    let leaderless = partitions.iter().filter(has_no_leader).count();
    by_leaders(partitions.len(), leaderless)
        .observe(brokers, "brokers")
        .detail(serde_json::json!({
            "partitions": partitions.len(),
            "partitions_without_leader": leaderless,
        }))
}

/// The metadata names the brokers that are up. The leader is -1 if there is none.
fn has_leader(partition: &MetadataPartition, brokers: &[MetadataBroker]) -> bool {
    brokers
        .iter()
        .any(|broker| broker.id() == partition.leader())
}

fn by_leaders(partitions: usize, leaderless: usize) -> Outcome {
    if leaderless == 0 {
        Outcome::pass()
    } else if leaderless < partitions {
        Outcome::warn("some partitions have no leader").class(FailureClass::Unreachable)
    } else {
        Outcome::fail("no partition has a leader").class(FailureClass::Unreachable)
    }
}

fn class(error: &KafkaError) -> FailureClass {
    match error.rdkafka_error_code() {
        Some(code) => class_of_code(code),
        // The name of the topic has a zero byte.
        None => FailureClass::Misconfigured,
    }
}

fn class_of_code(code: RDKafkaErrorCode) -> FailureClass {
    use RDKafkaErrorCode as Code;

    match code {
        Code::AllBrokersDown
        | Code::BrokerNotAvailable
        | Code::BrokerTransportFailure
        | Code::LeaderNotAvailable
        | Code::NetworkException
        | Code::Resolve => FailureClass::Unreachable,
        Code::Authentication
        | Code::ClusterAuthorizationFailed
        | Code::SaslAuthenticationFailed
        | Code::TopicAuthorizationFailed
        | Code::TransactionalIdAuthorizationFailed => FailureClass::Unauthorized,
        Code::InvalidArgument
        | Code::InvalidTopic
        | Code::UnknownTopic
        | Code::UnknownTopicOrPartition => FailureClass::Misconfigured,
        Code::OperationTimedOut | Code::RequestTimedOut | Code::TimedOutQueue => {
            FailureClass::TimedOut
        }
        _ => FailureClass::Refused,
    }
}
