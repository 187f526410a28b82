//! The types of MQTT 3.1.1 and of MQTT 5, which rumqttc has twice.

use std::time::Duration;

use health_core::check::FailureClass;
use rumqttc::v5;
use rumqttc::v5::mqttbytes::v5 as codes;
use rumqttc::{ConnectReturnCode, ConnectionError, Event, MqttOptions, StateError};

use self::sealed::Sealed;
use crate::failure::class_of_io;

mod sealed {
    /// Only this crate can implement the traits that require it.
    pub trait Sealed {}
}

/// The options of an event loop: `rumqttc::MqttOptions` or
/// `rumqttc::v5::MqttOptions`.
///
/// This trait is sealed.
pub trait Options: Sealed {
    #[doc(hidden)]
    fn keep_alive(&self) -> Duration;
}

impl Sealed for MqttOptions {}
impl Sealed for v5::MqttOptions {}

impl Options for MqttOptions {
    fn keep_alive(&self) -> Duration {
        MqttOptions::keep_alive(self)
    }
}

impl Options for v5::MqttOptions {
    fn keep_alive(&self) -> Duration {
        v5::MqttOptions::keep_alive(self)
    }
}

/// The result of `poll` of an event loop, of `rumqttc` or of `rumqttc::v5`.
///
/// This trait is sealed.
pub trait Polled: Sealed {
    #[doc(hidden)]
    fn news(&self) -> News;
}

impl Sealed for Result<Event, ConnectionError> {}
impl Sealed for Result<v5::Event, v5::ConnectionError> {}

/// What an event tells about the broker.
#[derive(Debug)]
pub enum News {
    /// The broker accepts the connection, and may ask for another interval.
    Connected {
        keep_alive: Option<Duration>,
    },
    Received,
    Sent,
    Lost(FailureClass, String),
}

impl Polled for Result<Event, ConnectionError> {
    fn news(&self) -> News {
        match self {
            Ok(Event::Incoming(_)) => News::Received,
            Ok(Event::Outgoing(_)) => News::Sent,
            Err(error) => News::Lost(class(error), error.to_string()),
        }
    }
}

impl Polled for Result<v5::Event, v5::ConnectionError> {
    fn news(&self) -> News {
        match self {
            Ok(v5::Event::Incoming(v5::Incoming::ConnAck(answer))) => News::Connected {
                keep_alive: keep_alive(answer),
            },
            Ok(v5::Event::Incoming(_)) => News::Received,
            Ok(v5::Event::Outgoing(_)) => News::Sent,
            Err(error) => News::Lost(class_of_v5(error), error.to_string()),
        }
    }
}

/// The interval that the broker asks for.
fn keep_alive(answer: &codes::ConnAck) -> Option<Duration> {
    let seconds = answer.properties.as_ref()?.server_keep_alive?;
    Some(Duration::from_secs(seconds.into()))
}

fn class(error: &ConnectionError) -> FailureClass {
    match error {
        ConnectionError::Io(error) | ConnectionError::MqttState(StateError::Io(error)) => {
            class_of_io(error)
        }
        ConnectionError::MqttState(StateError::AwaitPingResp)
        | ConnectionError::NetworkTimeout
        | ConnectionError::FlushTimeout => FailureClass::TimedOut,
        ConnectionError::ConnectionRefused(
            ConnectReturnCode::BadUserNamePassword | ConnectReturnCode::NotAuthorized,
        ) => FailureClass::Unauthorized,
        ConnectionError::ConnectionRefused(ConnectReturnCode::ServiceUnavailable) => {
            FailureClass::Unreachable
        }
        ConnectionError::ConnectionRefused(_) => FailureClass::Refused,
        _ => FailureClass::Unreachable,
    }
}

fn class_of_v5(error: &v5::ConnectionError) -> FailureClass {
    use v5::mqttbytes::Error;
    use v5::{ConnectionError, StateError};

    match error {
        ConnectionError::Io(error)
        | ConnectionError::MqttState(
            StateError::Io(error) | StateError::Deserialization(Error::Io(error)),
        ) => class_of_io(error),
        ConnectionError::MqttState(StateError::AwaitPingResp) | ConnectionError::Timeout(_) => {
            FailureClass::TimedOut
        }
        ConnectionError::ConnectionRefused(code) => class_of_refusal(*code),
        _ => FailureClass::Unreachable,
    }
}

fn class_of_refusal(code: codes::ConnectReturnCode) -> FailureClass {
    use codes::ConnectReturnCode::{
        BadUserNamePassword, NotAuthorized, ServerUnavailable, ServiceUnavailable,
    };

    match code {
        BadUserNamePassword | NotAuthorized => FailureClass::Unauthorized,
        ServerUnavailable | ServiceUnavailable => FailureClass::Unreachable,
        _ => FailureClass::Refused,
    }
}
