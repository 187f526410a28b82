//! The checks of RabbitMQ, against one real broker.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use health_core::Health;
use health_core::check::FailureClass;
use health_indicators::lapin::{channel, connection};
use lapin::options::{BasicPublishOptions, QueueDeclareOptions};
use lapin::types::FieldTable;
use lapin::{BasicProperties, Channel, Connection, ConnectionProperties};

use crate::support::{
    self, Server, UP, as_user, directory_of, eventually, failing, free_port, public_bytes, seen,
};

/// Debian's own scripts write to fixed directories.
const PROGRAMS: &str = "/usr/lib/rabbitmq/bin";

/// The ports of Erlang and of its port mapper, in addition to that of the broker.
#[derive(Clone, Copy)]
struct Erlang {
    distribution: u16,
    mapper: u16,
}

impl Erlang {
    fn environment(self, command: &mut Command, directory: &Path, port: u16) {
        command
            .env("HOME", directory)
            .env("LANG", "C.UTF-8")
            .env("ERL_EPMD_ADDRESS", "127.0.0.1")
            .env("ERL_EPMD_PORT", self.mapper.to_string())
            .env("RABBITMQ_NODENAME", format!("orders-{port}@localhost"))
            .env("RABBITMQ_NODE_IP_ADDRESS", "127.0.0.1")
            .env("RABBITMQ_NODE_PORT", port.to_string())
            .env("RABBITMQ_DIST_PORT", self.distribution.to_string())
            .env("RABBITMQ_MNESIA_BASE", directory.join("data"))
            .env("RABBITMQ_LOG_BASE", directory.join("logs"))
            .env("RABBITMQ_CONFIG_FILE", directory.join("none"))
            .env("RABBITMQ_ENABLED_PLUGINS_FILE", directory.join("plugins"));
    }
}

fn broker() -> (Server, Erlang) {
    let erlang = Erlang {
        distribution: free_port(),
        mapper: free_port(),
    };
    // The port mapper would otherwise become a daemon and outlive the broker.
    let script = format!("epmd & exec {PROGRAMS}/rabbitmq-server");
    let server = Server::start(directory_of("rabbitmq"), move |directory, port| {
        let mut command = as_user("sh", "rabbitmq");
        command.args(["-c", &script]);
        erlang.environment(&mut command, directory, port);
        command
    });
    (server, erlang)
}

/// Above this share of the memory the broker blocks publishers.
fn limit_memory(server: &Server, erlang: Erlang, share: &str) {
    control(server, erlang, &["set_vm_memory_high_watermark", share]);
}

fn control(server: &Server, erlang: Erlang, words: &[&str]) {
    let program = Path::new(PROGRAMS).join("rabbitmqctl");
    let mut command = as_user(program, "rabbitmq");
    command.arg("-q").args(words);
    erlang.environment(&mut command, server.directory.path(), server.port);
    support::run(&mut command);
}

async fn try_to_connect(server: &Server, password: &str) -> lapin::Result<Connection> {
    let port = server.port;
    let url = format!("amqp://guest:{password}@127.0.0.1:{port}/%2f?heartbeat=2");
    let properties = ConnectionProperties::default().enable_auto_recover();
    Connection::connect(&url, properties).await
}

async fn connect(server: &Server) -> Connection {
    let until = std::time::Instant::now() + Duration::from_secs(300);
    loop {
        match try_to_connect(server, "guest").await {
            Ok(connection) => return connection,
            Err(error) => assert!(std::time::Instant::now() < until, "{error}"),
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

fn health_of_connection(broker: &Arc<Connection>) -> Health {
    let broker = Arc::clone(broker);
    support::health(Duration::from_secs(2), move || {
        let broker = Arc::clone(&broker);
        async move { connection(&broker).await }
    })
}

fn health_of_channel(orders: &Channel) -> Health {
    let orders = orders.clone();
    support::health(Duration::from_secs(2), move || {
        let orders = orders.clone();
        async move { channel(&orders).await }
    })
}

async fn publish(orders: &Channel) -> lapin::Result<()> {
    let options = BasicPublishOptions::default();
    let properties = BasicProperties::default();
    let queue = "orders".into();
    let sent = orders.basic_publish("".into(), queue, options, b"order", properties);
    sent.await.map(drop)
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "starts RabbitMQ; scripts/test.sh runs it"]
async fn each_state_of_a_broker_has_its_class() {
    let (mut server, erlang) = broker();
    let broker = Arc::new(connect(&server).await);
    let orders = broker.create_channel().await.expect("a channel");
    let of_broker = health_of_connection(&broker);
    let of_channel = health_of_channel(&orders);
    assert_eq!(seen(&of_broker).await, UP);
    assert_eq!(seen(&of_channel).await, UP);
    publish(&orders).await.expect("it is sent");

    // An error of a channel closes it, and not the connection.
    let other = broker.create_channel().await.expect("a channel");
    let of_other = health_of_channel(&other);
    assert_eq!(seen(&of_other).await, UP);
    let passive = QueueDeclareOptions {
        passive: true,
        ..QueueDeclareOptions::default()
    };
    let missing = other.queue_declare("missing".into(), passive, FieldTable::default());
    assert!(missing.await.is_err());
    assert_eq!(seen(&of_other).await, failing(FailureClass::Unreachable));
    assert_eq!(seen(&of_broker).await, UP);

    // An alarm blocks publishers: the connection stays open.
    limit_memory(&server, erlang, "0.00001");
    let blocked = failing(FailureClass::Saturated);
    let began = std::time::Instant::now();
    while seen(&of_broker).await != blocked {
        assert!(began.elapsed() < Duration::from_secs(300));
        let _ = tokio::time::timeout(Duration::from_millis(100), publish(&orders)).await;
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    println!("blocked: {:?}", began.elapsed());
    limit_memory(&server, erlang, "0.6");
    println!("unblocked: {:?}", eventually(&of_broker, UP).await);

    let lost = failing(FailureClass::Unreachable);
    server.freeze();
    println!("frozen: {:?}", eventually(&of_broker, lost).await);
    eventually(&of_channel, lost).await;
    server.thaw();
    println!("thawed: {:?}", eventually(&of_broker, UP).await);
    println!("its channel: {:?}", eventually(&of_channel, UP).await);
    publish(&orders).await.expect("it is sent");

    the_wrong_password(&server, erlang, &of_broker).await;

    server.stop();
    println!("stopped: {:?}", eventually(&of_broker, lost).await);
    eventually(&of_channel, lost).await;
    let public = public_bytes(&of_broker);
    for secret in ["guest", "127.0.0.1"] {
        assert!(!public.contains(secret), "{public}");
    }
}

/// With a wrong password there is no connection to check. One that is lost after
/// the password has changed is opened again only when the password is right.
async fn the_wrong_password(server: &Server, erlang: Erlang, of_broker: &Health) {
    let refused = try_to_connect(server, "wrong-hunter2").await;
    let error = refused.expect_err("the password is wrong");
    assert!(error.to_string().contains("ACCESS_REFUSED"), "{error}");

    control(server, erlang, &["change_password", "guest", "other"]);
    control(server, erlang, &["close_all_connections", "rotated"]);
    let lost = failing(FailureClass::Unreachable);
    println!("logged out: {:?}", eventually(of_broker, lost).await);
    control(server, erlang, &["change_password", "guest", "guest"]);
    println!("logged in: {:?}", eventually(of_broker, UP).await);
}
