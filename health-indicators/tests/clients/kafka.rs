//! The check of Kafka, against the mock cluster of librdkafka.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use health_core::Health;
use health_core::check::FailureClass;
use health_core::report::Verdict;
use health_indicators::rdkafka::{AsClient, topic};
use rdkafka::ClientConfig;
use rdkafka::admin::AdminClient;
use rdkafka::client::{ClientContext, DefaultClientContext};
use rdkafka::config::{FromClientConfig, FromClientConfigAndContext};
use rdkafka::consumer::{BaseConsumer, StreamConsumer};
use rdkafka::mocking::MockCluster;
use rdkafka::producer::{
    BaseProducer, DefaultProducerContext, FutureProducer, FutureRecord, ThreadedProducer,
};
use rdkafka::statistics::Statistics;
use rdkafka::types::{RDKafkaApiKey, RDKafkaRespErr};

use crate::support::{self, UP, eventually, failing, look, public_bytes, seen};

const TOPIC: &str = "orders";
const PARTITIONS: i32 = 2;
const TIMEOUT: Duration = Duration::from_secs(4);
const ALL_BROKERS: i32 = -1;

type Cluster = MockCluster<'static, DefaultProducerContext>;

/// Two brokers. Each leads one of the two partitions of the topic.
fn cluster() -> Cluster {
    let cluster = MockCluster::new(2).expect("a cluster");
    let created = cluster.create_topic(TOPIC, PARTITIONS, 2);
    created.expect("a topic");
    for partition in 0..PARTITIONS {
        lead(&cluster, partition, Some(partition + 1));
    }
    cluster
}

fn lead(cluster: &Cluster, partition: i32, broker: Option<i32>) {
    let led = cluster.partition_leader(TOPIC, partition, broker);
    led.expect("a leader");
}

/// Its connections stay open and nothing answers.
fn freeze(cluster: &Cluster) {
    let frozen = cluster.broker_round_trip_time(ALL_BROKERS, Duration::from_secs(600));
    frozen.expect("slow brokers");
}

fn thaw(cluster: &Cluster) {
    let thawed = cluster.broker_round_trip_time(ALL_BROKERS, Duration::ZERO);
    thawed.expect("fast brokers");
}

fn config(cluster: &Cluster) -> ClientConfig {
    let mut config = ClientConfig::new();
    config
        .set("bootstrap.servers", cluster.bootstrap_servers())
        .set("reconnect.backoff.max.ms", "200")
        // Otherwise a topic that exists again takes messages only after 30 s.
        .set("topic.metadata.propagation.max.ms", "0");
    config
}

fn client<T: FromClientConfig>(cluster: &Cluster) -> T {
    config(cluster).create().expect("a client")
}

/// The check of a topic, over this client.
fn health_of<T>(name: &'static str, client: T) -> Health
where
    T: AsClient + Send + Sync + 'static,
{
    let topic = topic(name);
    support::blocking_health(TIMEOUT, move || topic.check(&client))
}

/// What librdkafka counts.
#[derive(Clone, Default)]
struct Counters(Arc<Mutex<Counted>>);

#[derive(Clone, Copy, Default)]
struct Counted {
    reports: usize,
    metadata_requests: i64,
    connects: i64,
}

impl ClientContext for Counters {
    fn stats(&self, statistics: Statistics) {
        let brokers = || statistics.brokers.values();
        let mut counted = self.0.lock().expect("no panic");
        counted.reports += 1;
        counted.metadata_requests = brokers().filter_map(|one| one.req.get("Metadata")).sum();
        counted.connects = brokers().filter_map(|one| one.connects).sum();
    }
}

impl Counters {
    /// What a report counts that begins from now on.
    async fn now(&self) -> Counted {
        let read = || *self.0.lock().expect("no panic");
        let before = read().reports;
        let until = Instant::now() + Duration::from_secs(30);
        while read().reports < before + 2 {
            assert!(Instant::now() < until, "no statistics");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        read()
    }
}

fn producer(cluster: &Cluster) -> (FutureProducer<Counters>, Counters) {
    let counters = Counters::default();
    let mut config = config(cluster);
    config.set("statistics.interval.ms", "100");
    let producer = FutureProducer::from_config_and_context(&config, counters.clone());
    (producer.expect("a producer"), counters)
}

/// The application uses the same client.
async fn works<C: ClientContext>(producer: &FutureProducer<C>) {
    for partition in 0..PARTITIONS {
        let order = FutureRecord::<str, str>::to(TOPIC);
        let order = order.partition(partition).payload("tea");
        let sent = producer.send(order, Duration::from_secs(30)).await;
        sent.expect("it is delivered");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_state_of_a_cluster_is_told_apart() {
    let cluster = cluster();
    let (producer, counters) = producer(&cluster);
    let health = health_of(TOPIC, producer.clone());
    println!("up: {:?}", eventually(&health, UP).await);
    works(&producer).await;

    let before = counters.now().await;
    for _ in 0..20 {
        assert_eq!(seen(&health).await, UP);
    }
    let after = counters.now().await;
    assert_eq!(after.connects, before.connects, "a run opens no connection");
    let requests = after.metadata_requests - before.metadata_requests;
    assert_eq!(requests, 20, "a run sends one request");

    freeze(&cluster);
    let frozen = failing(FailureClass::TimedOut);
    println!("frozen: {:?}", eventually(&health, frozen).await);
    thaw(&cluster);
    println!("thawed: {:?}", eventually(&health, UP).await);
    works(&producer).await;

    cluster.broker_down(ALL_BROKERS).expect("no broker");
    let unreachable = failing(FailureClass::Unreachable);
    println!("stopped: {:?}", eventually(&health, unreachable).await);
    cluster.broker_up(ALL_BROKERS).expect("brokers");
    println!("back: {:?}", eventually(&health, UP).await);
    works(&producer).await;
}

/// Nothing can end a run that blocks, so it ends by itself before the timeout of
/// the check, and tells what is wrong.
#[tokio::test(flavor = "multi_thread")]
async fn a_run_ends_before_the_timeout_of_the_check() {
    let cluster = cluster();
    let (producer, _) = producer(&cluster);
    let health = health_of(TOPIC, producer.clone());
    works(&producer).await;
    freeze(&cluster);
    let until = Instant::now() + Duration::from_secs(120);
    loop {
        // `timed out` is the text of a run that the framework has given up.
        let report = look(&health).await;
        if report.message() == Some("no answer in time") {
            let took = report.response_time().expect("it has run");
            assert!(took >= TIMEOUT / 2, "{took:?} is not of this timeout");
            break;
        }
        assert!(Instant::now() < until, "{report:?}");
    }
}

/// It closes the connection, and a new one gets no answer either.
#[tokio::test(flavor = "multi_thread")]
async fn a_frozen_broker_is_unreachable_once_the_client_gives_it_up() {
    let cluster = cluster();
    let mut config = config(&cluster);
    config.set("socket.timeout.ms", "1000");
    let producer: FutureProducer = config.create().expect("a producer");
    let health = health_of(TOPIC, producer.clone());
    works(&producer).await;
    eventually(&health, UP).await;
    freeze(&cluster);
    let unreachable = failing(FailureClass::Unreachable);
    println!("given up: {:?}", eventually(&health, unreachable).await);
    thaw(&cluster);
    println!("thawed: {:?}", eventually(&health, UP).await);
    works(&producer).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn partitions_without_a_leader_are_counted() {
    let cluster = cluster();
    let (producer, _) = producer(&cluster);
    let health = health_of(TOPIC, producer.clone());
    eventually(&health, UP).await;
    let report = serde_json::json!(look(&health).await);
    let expected = serde_json::json!({ "value": 2, "unit": "brokers" });
    assert_eq!(report["observed"], expected, "{report}");

    let some = (Verdict::Warn, Some(FailureClass::Unreachable));
    lead(&cluster, 0, None);
    eventually(&health, some).await;
    let report = serde_json::json!(look(&health).await);
    let expected = serde_json::json!({ "partitions": 2, "partitions_without_leader": 1 });
    assert_eq!(report["detail"], expected, "{report}");
    lead(&cluster, 1, None);
    eventually(&health, failing(FailureClass::Unreachable)).await;

    lead(&cluster, 0, Some(1));
    lead(&cluster, 1, Some(2));
    eventually(&health, UP).await;
    works(&producer).await;

    // The mock cluster leaves the partition with its leader that is gone.
    cluster.broker_down(2).expect("one broker");
    eventually(&health, some).await;
    cluster.broker_up(2).expect("two brokers");
    eventually(&health, UP).await;
    works(&producer).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_of_the_topic_are_classified() {
    use RDKafkaRespErr as Error;

    let cluster = cluster();
    let (producer, _) = producer(&cluster);
    let health = health_of(TOPIC, producer.clone());
    eventually(&health, UP).await;
    for (error, class) in [
        (
            Error::RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED,
            FailureClass::Unauthorized,
        ),
        (
            Error::RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART,
            FailureClass::Misconfigured,
        ),
        (
            Error::RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION,
            FailureClass::Misconfigured,
        ),
        (
            Error::RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE,
            FailureClass::Unreachable,
        ),
        (
            Error::RD_KAFKA_RESP_ERR_KAFKA_STORAGE_ERROR,
            FailureClass::Refused,
        ),
    ] {
        cluster.topic_error(TOPIC, error).expect("an error");
        eventually(&health, failing(class)).await;
        let fine = cluster.topic_error(TOPIC, Error::RD_KAFKA_RESP_ERR_NO_ERROR);
        fine.expect("no error");
        eventually(&health, UP).await;
    }
    works(&producer).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_that_is_missing_is_misconfigured() {
    let cluster = cluster();
    let consumer: Arc<StreamConsumer> = Arc::new(client(&cluster));
    let orders = health_of(TOPIC, Arc::clone(&consumer));
    eventually(&orders, UP).await;
    let wrong = failing(FailureClass::Misconfigured);
    eventually(&health_of("missing", Arc::clone(&consumer)), wrong).await;
    // A producer that asks for a topic creates it.
    let producer: FutureProducer = client(&cluster);
    eventually(&health_of("new", producer), UP).await;
    eventually(&health_of("new", Arc::clone(&consumer)), UP).await;
    for name in ["o".repeat(250), "nul\0".to_owned(), String::new()] {
        let topic = topic(name);
        let outcome = tokio::task::block_in_place(|| topic.check(&consumer));
        assert_eq!(outcome.failure_class(), Some(FailureClass::Misconfigured));
    }
}

/// The metadata is fine, and yet the producer sends nothing any more.
#[tokio::test(flavor = "multi_thread")]
async fn a_producer_that_is_fenced_fails() {
    let cluster = cluster();
    let fenced = [RDKafkaRespErr::RD_KAFKA_RESP_ERR_PRODUCER_FENCED; 5];
    cluster.request_errors(RDKafkaApiKey::InitProducerId, &fenced);
    let mut config = config(&cluster);
    config.set("enable.idempotence", "true");
    let producer: FutureProducer = config.create().expect("a producer");
    let health = health_of(TOPIC, producer);
    eventually(&health, failing(FailureClass::Refused)).await;
}

/// The mock cluster knows no SASL, so it closes the connection, as a broker does
/// that does not accept the credentials.
#[tokio::test(flavor = "multi_thread")]
async fn no_secret_is_public() {
    let cluster = cluster();
    let mut config = config(&cluster);
    config
        .set("security.protocol", "sasl_plaintext")
        .set("sasl.mechanisms", "PLAIN")
        .set("sasl.username", TOPIC)
        .set("sasl.password", "hunter2hunter2");
    let producer: FutureProducer = config.create().expect("a producer");
    let health = health_of(TOPIC, producer);
    eventually(&health, failing(FailureClass::Unreachable)).await;
    let public = public_bytes(&health);
    for secret in ["hunter2", "127.0.0.1", TOPIC] {
        assert!(!public.contains(secret), "{public}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_kind_of_client_can_be_checked() {
    async fn assert_up<T>(cluster: &Cluster)
    where
        T: AsClient + FromClientConfig + Send + Sync + 'static,
    {
        let client: T = client(cluster);
        println!("{}", std::any::type_name::<T>());
        eventually(&health_of(TOPIC, client), UP).await;
    }

    let cluster = cluster();
    assert_up::<FutureProducer>(&cluster).await;
    assert_up::<BaseProducer>(&cluster).await;
    assert_up::<ThreadedProducer<DefaultProducerContext>>(&cluster).await;
    assert_up::<StreamConsumer>(&cluster).await;
    assert_up::<BaseConsumer>(&cluster).await;
    assert_up::<AdminClient<DefaultClientContext>>(&cluster).await;
}
