//! The check of MQTT, against a real broker.
#![cfg(feature = "rumqttc")]

mod support;

use std::process::Command;
use std::time::Duration;

use health_core::Health;
use health_core::check::FailureClass;
use health_core::report::Verdict;
use health_indicators::rumqttc::{ConnectionState, connection};
use rumqttc::{AsyncClient, Event, MqttOptions, Packet, QoS};
use support::{Server, as_user, directory_of, eventually, public_bytes, run, seen};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

const PASSWORD: &str = "hunter2hunter2";
const UP: (Verdict, Option<FailureClass>) = (Verdict::Pass, None);

fn failing(class: FailureClass) -> (Verdict, Option<FailureClass>) {
    (Verdict::Fail, Some(class))
}

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
    client: AsyncClient,
    messages: UnboundedReceiver<Vec<u8>>,
    health: Health,
}

impl Application {
    fn start(broker: &Server, password: &str) -> Self {
        let mut options = MqttOptions::new("orders", "127.0.0.1", broker.port);
        options
            .set_credentials("orders", password)
            .set_keep_alive(Duration::from_secs(1));
        let state = ConnectionState::new(&options);
        let (client, mut event_loop) = AsyncClient::new(options, 10);
        let health = health(&state);
        let (sender, messages) = unbounded_channel();
        tokio::spawn(async move {
            while !sender.is_closed() {
                let event = event_loop.poll().await;
                state.observe(&event);
                match event {
                    Ok(Event::Incoming(Packet::Publish(message))) => {
                        let _ = sender.send(message.payload.to_vec());
                    }
                    Ok(_) => {}
                    Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
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
            let subscribed = self.client.subscribe("orders", QoS::AtLeastOnce).await;
            subscribed.expect("it is sent");
            let published = self
                .client
                .publish("orders", QoS::AtLeastOnce, false, "tea");
            published.await.expect("it is sent");
            self.messages.recv().await
        };
        let message = tokio::time::timeout(Duration::from_secs(30), sent).await;
        assert_eq!(message.expect("in time"), Some(b"tea".to_vec()));
    }
}

fn health(state: &ConnectionState) -> Health {
    let state = state.clone();
    support::health(Duration::from_secs(2), move || {
        let state = state.clone();
        async move { connection(&state).await }
    })
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "starts mosquitto; scripts/test.sh runs it"]
async fn each_state_of_a_broker_has_its_class() {
    let mut broker = broker();
    let mut application = Application::start(&broker, PASSWORD);
    println!("up: {:?}", eventually(&application.health, UP).await);
    application.works().await;

    broker.freeze();
    let frozen = failing(FailureClass::TimedOut);
    println!(
        "frozen: {:?}",
        eventually(&application.health, frozen).await
    );
    broker.thaw();
    println!("thawed: {:?}", eventually(&application.health, UP).await);
    application.works().await;

    broker.stop();
    let stopped = failing(FailureClass::Unreachable);
    println!(
        "stopped: {:?}",
        eventually(&application.health, stopped).await
    );
    broker.spawn();
    broker.wait_until_it_listens();
    println!("back: {:?}", eventually(&application.health, UP).await);
    application.works().await;

    let wrong = Application::start(&broker, "wrong-hunter2");
    eventually(&wrong.health, failing(FailureClass::Unauthorized)).await;
    let public = public_bytes(&wrong.health);
    for secret in ["hunter2", "127.0.0.1", "orders"] {
        assert!(!public.contains(secret), "{public}");
    }
}

/// Without calls of `poll` the event loop receives nothing.
#[tokio::test]
async fn an_event_loop_that_is_not_polled_fails() {
    let mut options = MqttOptions::new("orders", "127.0.0.1", 1883);
    options.set_keep_alive(Duration::from_secs(1));
    let state = ConnectionState::new(&options);
    let health = health(&state);
    assert_eq!(seen(&health).await, failing(FailureClass::Starting));
    state.observe(&Ok(Event::Incoming(Packet::PingResp)));
    assert_eq!(seen(&health).await, UP);
    println!(
        "not polled: {:?}",
        eventually(&health, failing(FailureClass::TimedOut)).await
    );
}
