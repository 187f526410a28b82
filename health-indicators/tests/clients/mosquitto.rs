//! The check of MQTT, against a real broker.

use std::future::Future;
use std::process::Command;
use std::time::{Duration, Instant};

use health_core::Health;
use health_core::check::FailureClass;
use health_indicators::rumqttc::{ConnectionState, connection};
use rumqttc::{AsyncClient, Event, MqttOptions, Packet, QoS, v5};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use crate::support::{
    self, Seen, Server, UP, as_user, directory_of, eventually, failing, public_bytes, run, seen,
};

const PASSWORD: &str = "hunter2hunter2";

fn broker() -> Server {
    let directory = directory_of("mosquitto");
    let file = |name: &str| directory.path().join(name);
    run(as_user("mosquitto_passwd", "mosquitto")
        .args(["-b", "-c"])
        .arg(file("passwords"))
        .args(["orders", PASSWORD]));
    Server::start(directory, |directory, port| -> Command {
        let passwords = directory.join("passwords");
        let settings = format!(
            "listener {port} 127.0.0.1\nallow_anonymous false\npassword_file {}\n",
            passwords.display()
        );
        let file = directory.join("settings");
        std::fs::write(&file, settings).expect("it is written");
        let mut command = as_user("mosquitto", "mosquitto");
        command.arg("-c").arg(file);
        command
    })
}

/// The application, with its client, its received messages and its health.
struct Application {
    client: Client,
    messages: UnboundedReceiver<Vec<u8>>,
    health: Health,
}

enum Client {
    V3(AsyncClient),
    V5(v5::AsyncClient),
}

impl Application {
    fn v3(broker: &Server, id: &str, password: &str) -> Self {
        let mut options = MqttOptions::new(id, "127.0.0.1", broker.port);
        options
            .set_credentials("orders", password)
            .set_keep_alive(Duration::from_secs(1));
        let state = ConnectionState::new(&options);
        let (client, event_loop) = AsyncClient::new(options, 10);
        Application::start(Client::V3(client), event_loop, state)
    }

    /// With the shortest interval that the client allows.
    fn v5(broker: &Server, id: &str, password: &str) -> Self {
        let mut options = v5::MqttOptions::new(id, "127.0.0.1", broker.port);
        options
            .set_credentials("orders", password)
            .set_keep_alive(Duration::from_secs(5));
        let state = ConnectionState::new(&options);
        let (client, event_loop) = v5::AsyncClient::new(options, 10);
        Application::start(Client::V5(client), event_loop, state)
    }

    fn start(client: Client, mut event_loop: impl EventLoop, state: ConnectionState) -> Self {
        let health = health(&state);
        let (sender, messages) = unbounded_channel();
        tokio::spawn(async move {
            while !sender.is_closed() {
                match event_loop.next(&state).await {
                    Ok(Some(message)) => drop(sender.send(message)),
                    Ok(None) => {}
                    Err(NotConnected) => tokio::time::sleep(Duration::from_millis(50)).await,
                }
            }
        });
        Application {
            client,
            messages,
            health,
        }
    }

    /// The application publishes and receives through the same client.
    async fn works(&mut self) {
        let sent = async {
            self.client.publish_to_itself().await;
            self.messages.recv().await
        };
        let message = tokio::time::timeout(Duration::from_secs(60), sent).await;
        assert_eq!(message.expect("in time"), Some(b"tea".to_vec()));
    }
}

impl Client {
    async fn publish_to_itself(&self) {
        match self {
            Client::V3(client) => {
                let topic = "orders/3";
                let subscribed = client.subscribe(topic, QoS::AtLeastOnce).await;
                subscribed.expect("it is sent");
                let published = client.publish(topic, QoS::AtLeastOnce, false, "tea").await;
                published.expect("it is sent");
            }
            Client::V5(client) => {
                let (topic, quality) = ("orders/5", v5::mqttbytes::QoS::AtLeastOnce);
                let subscribed = client.subscribe(topic, quality).await;
                subscribed.expect("it is sent");
                let published = client.publish(topic, quality, false, "tea").await;
                published.expect("it is sent");
            }
        }
    }
}

struct NotConnected;

trait EventLoop: Send + 'static {
    /// Hands the next event to the state, and returns a received message.
    fn next(
        &mut self,
        state: &ConnectionState,
    ) -> impl Future<Output = Result<Option<Vec<u8>>, NotConnected>> + Send;
}

impl EventLoop for rumqttc::EventLoop {
    async fn next(&mut self, state: &ConnectionState) -> Result<Option<Vec<u8>>, NotConnected> {
        let event = self.poll().await;
        state.observe(&event);
        match event {
            Ok(Event::Incoming(Packet::Publish(message))) => Ok(Some(message.payload.to_vec())),
            Ok(_) => Ok(None),
            Err(_) => Err(NotConnected),
        }
    }
}

impl EventLoop for v5::EventLoop {
    async fn next(&mut self, state: &ConnectionState) -> Result<Option<Vec<u8>>, NotConnected> {
        let event = self.poll().await;
        state.observe(&event);
        match event {
            Ok(v5::Event::Incoming(v5::Incoming::Publish(message))) => {
                Ok(Some(message.payload.to_vec()))
            }
            Ok(_) => Ok(None),
            Err(_) => Err(NotConnected),
        }
    }
}

fn health(state: &ConnectionState) -> Health {
    let state = state.clone();
    support::health(Duration::from_secs(2), move || {
        let state = state.clone();
        async move { connection(&state).await }
    })
}

/// Waits until every application is in this state, and prints how long it took.
async fn become_as(applications: &[Application], phase: &str, state: Seen) {
    let began = Instant::now();
    for application in applications {
        eventually(&application.health, state).await;
        let version = match application.client {
            Client::V3(_) => "MQTT 3.1.1",
            Client::V5(_) => "MQTT 5",
        };
        println!("{phase}, {version}: {:?}", began.elapsed());
    }
}

async fn work(applications: &mut [Application]) {
    for application in applications {
        application.works().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "starts mosquitto; scripts/test.sh runs it"]
async fn each_state_of_a_broker_has_its_class() {
    let mut broker = broker();
    let mut applications = [
        Application::v3(&broker, "orders-3", PASSWORD),
        Application::v5(&broker, "orders-5", PASSWORD),
    ];
    become_as(&applications, "up", UP).await;
    work(&mut applications).await;

    broker.freeze();
    become_as(&applications, "frozen", failing(FailureClass::TimedOut)).await;
    broker.thaw();
    become_as(&applications, "thawed", UP).await;
    work(&mut applications).await;

    broker.stop();
    let stopped = failing(FailureClass::Unreachable);
    become_as(&applications, "stopped", stopped).await;
    broker.spawn();
    broker.wait_until_it_listens();
    become_as(&applications, "back", UP).await;
    work(&mut applications).await;

    let wrong = [
        Application::v3(&broker, "wrong-3", "wrong-hunter2"),
        Application::v5(&broker, "wrong-5", "wrong-hunter2"),
    ];
    let refused = failing(FailureClass::Unauthorized);
    become_as(&wrong, "wrong password", refused).await;
    for application in &wrong {
        let public = public_bytes(&application.health);
        for secret in ["hunter2", "127.0.0.1", "orders"] {
            assert!(!public.contains(secret), "{public}");
        }
    }
}

/// Without calls of `poll` the event loop receives nothing.
#[tokio::test]
async fn an_event_loop_that_is_not_polled_fails() {
    let mut options = MqttOptions::new("orders", "127.0.0.1", 1883);
    options.set_keep_alive(Duration::from_secs(1));
    let v3 = ConnectionState::new(&options);
    // The broker asks for a shorter interval.
    let v5 = ConnectionState::new(&v5::MqttOptions::new("orders", "127.0.0.1", 1883));
    let healths = [health(&v3), health(&v5)];
    for health in &healths {
        assert_eq!(seen(health).await, failing(FailureClass::Starting));
    }
    v3.observe(&Ok(Event::Incoming(Packet::PingResp)));
    v5.observe(&Ok(v5::Event::Incoming(connected(1))));
    for health in &healths {
        assert_eq!(seen(health).await, UP);
    }
    for health in &healths {
        let silent = failing(FailureClass::TimedOut);
        println!("not polled: {:?}", eventually(health, silent).await);
    }
}

/// The answer of a broker that asks for an interval in seconds.
fn connected(keep_alive: u8) -> v5::Incoming {
    // The property 19 of a `CONNACK` without other properties.
    let answer = [0x20, 6, 0, 0, 3, 19, 0, keep_alive];
    v5::Incoming::read(&mut answer.as_slice().into(), None).expect("a packet")
}
