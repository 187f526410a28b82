//! The environment variables.

use std::env::{self, VarError};
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

const DEFAULT_PORT: u16 = 3000;
const DEFAULT_INTERNAL_PORT: u16 = 9090;
const DEFAULT_DATABASE_URL: &str = "sqlite:orders.db?mode=rwc";
const DEFAULT_DISK_MIN_FREE: u64 = 100 * 1024 * 1024;

/// The settings of the service.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The address: `HOST` (127.0.0.1) and `PORT` (3000; 0 takes a free one).
    pub address: SocketAddr,
    /// The address for operators, with the checks, the metrics and the status page:
    /// `INTERNAL_HOST` (127.0.0.1) and `INTERNAL_PORT` (9090; 0 takes a free one).
    pub internal_address: SocketAddr,
    /// The port of `grpc.health.v1` on the same `HOST`: `GRPC_PORT`; without it gRPC
    /// is not served.
    pub grpc_address: Option<SocketAddr>,
    /// `DATABASE_URL`: a file (`sqlite:orders.db?mode=rwc`), `sqlite::memory:` or
    /// `postgres://…`.
    pub database_url: String,
    /// `REDIS_URL`: the cache of orders that no longer change.
    pub redis_url: Option<String>,
    /// `PAYMENT_URL`: the service that authorizes each order before it is placed,
    /// with `POST /payments`, and that answers `GET /up`.
    pub payment_url: Option<String>,
    /// `DISK_MIN_FREE`: with fewer free bytes (100 MiB) the service is degraded.
    pub disk_min_free: u64,
}

impl Settings {
    /// Reads the environment.
    ///
    /// # Errors
    ///
    /// The first invalid variable. The message contains its value, except for
    /// `DATABASE_URL`, which can contain a password.
    pub fn from_env() -> Result<Self, InvalidSetting> {
        Settings::read(|name| match env::var(name) {
            Ok(value) => Some(value),
            Err(VarError::NotPresent) => None,
            // Not UTF-8: no rule below accepts it.
            Err(VarError::NotUnicode(value)) => Some(value.to_string_lossy().into_owned()),
        })
    }

    /// Returns the address at which the service answers a probe of its own container.
    pub fn probe_url(&self) -> String {
        let mut address = self.address;
        match address.ip() {
            IpAddr::V4(any) if any.is_unspecified() => address.set_ip(Ipv4Addr::LOCALHOST.into()),
            IpAddr::V6(any) if any.is_unspecified() => address.set_ip(Ipv6Addr::LOCALHOST.into()),
            _ => {}
        }
        format!("http://{address}/readyz")
    }

    fn read(variable: impl Fn(&str) -> Option<String>) -> Result<Self, InvalidSetting> {
        let host = parse(
            variable("HOST"),
            IpAddr::V4(Ipv4Addr::LOCALHOST),
            "HOST must be an IP address such as 127.0.0.1 or 0.0.0.0",
        )?;
        let port = parse(
            variable("PORT"),
            DEFAULT_PORT,
            "PORT must be a number from 0 (any free port) to 65535",
        )?;
        let internal_host = parse(
            variable("INTERNAL_HOST"),
            IpAddr::V4(Ipv4Addr::LOCALHOST),
            "INTERNAL_HOST must be an IP address such as 127.0.0.1 or 0.0.0.0",
        )?;
        let internal_port = parse(
            variable("INTERNAL_PORT"),
            DEFAULT_INTERNAL_PORT,
            "INTERNAL_PORT must be a number from 0 (any free port) to 65535",
        )?;
        let grpc_port = variable("GRPC_PORT").map(|port| {
            parse(
                Some(port),
                0,
                "GRPC_PORT must be a number from 0 (any free port) to 65535",
            )
        });
        let disk_min_free = parse(
            variable("DISK_MIN_FREE"),
            DEFAULT_DISK_MIN_FREE,
            "DISK_MIN_FREE must be a number of bytes",
        )?;
        let database_url = variable("DATABASE_URL").unwrap_or_else(|| DEFAULT_DATABASE_URL.into());
        let schemes = ["sqlite:", "postgres:", "postgresql:"];
        if !schemes
            .iter()
            .any(|scheme| database_url.starts_with(scheme))
        {
            let rule = "DATABASE_URL must begin with `sqlite:`, as in sqlite:orders.db or \
                sqlite::memory:, or with `postgres:`";
            return Err(InvalidSetting { rule, value: None });
        }
        Ok(Settings {
            address: SocketAddr::new(host, port),
            internal_address: SocketAddr::new(internal_host, internal_port),
            grpc_address: grpc_port
                .transpose()?
                .map(|port| SocketAddr::new(host, port)),
            database_url,
            redis_url: variable("REDIS_URL"),
            payment_url: variable("PAYMENT_URL"),
            disk_min_free,
        })
    }
}

fn parse<T: std::str::FromStr>(
    value: Option<String>,
    default: T,
    rule: &'static str,
) -> Result<T, InvalidSetting> {
    let Some(value) = value else {
        return Ok(default);
    };
    value.parse().map_err(|_| InvalidSetting {
        rule,
        value: Some(value),
    })
}

/// An invalid environment variable.
#[derive(Clone, Debug)]
pub struct InvalidSetting {
    rule: &'static str,
    value: Option<String>,
}

impl fmt::Display for InvalidSetting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.rule)?;
        match &self.value {
            Some(value) => write!(f, ", not {value:?}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for InvalidSetting {}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(name: &'static str, value: &'static str) -> Result<Settings, InvalidSetting> {
        Settings::read(move |asked| (asked == name).then(|| value.into()))
    }

    #[test]
    fn every_setting_has_a_default() {
        let settings = Settings::read(|_| None).unwrap();
        assert_eq!(settings.address.to_string(), "127.0.0.1:3000");
        assert_eq!(settings.internal_address.to_string(), "127.0.0.1:9090");
        assert_eq!(settings.database_url, "sqlite:orders.db?mode=rwc");
        assert_eq!(settings.grpc_address, None);
    }

    #[test]
    fn settings_override_the_defaults() {
        assert_eq!(with("PORT", "0").unwrap().address.port(), 0);
        let anywhere = with("HOST", "::").unwrap().address;
        assert_eq!(anywhere.to_string(), "[::]:3000");
        let internal = with("INTERNAL_PORT", "9091").unwrap().internal_address;
        assert_eq!(internal.to_string(), "127.0.0.1:9091");
        let internal = with("HOST", "0.0.0.0").unwrap().internal_address;
        assert_eq!(internal.to_string(), "127.0.0.1:9090", "not for everyone");
        let internal = with("INTERNAL_HOST", "0.0.0.0").unwrap().internal_address;
        assert_eq!(internal.to_string(), "0.0.0.0:9090");
        let grpc = with("GRPC_PORT", "50051").unwrap().grpc_address;
        assert_eq!(grpc.unwrap().to_string(), "127.0.0.1:50051");
        assert_eq!(with("DISK_MIN_FREE", "7").unwrap().disk_min_free, 7);
        let memory = with("DATABASE_URL", "sqlite::memory:").unwrap();
        assert_eq!(memory.database_url, "sqlite::memory:");
        assert!(with("DATABASE_URL", "postgres://db/orders").is_ok());
    }

    #[test]
    fn the_probe_command_connects_to_the_loopback_address() {
        for (host, url) in [
            ("0.0.0.0", "http://127.0.0.1:3000/readyz"),
            ("::", "http://[::1]:3000/readyz"),
            ("10.1.2.3", "http://10.1.2.3:3000/readyz"),
        ] {
            assert_eq!(with("HOST", host).unwrap().probe_url(), url);
        }
    }

    #[test]
    fn invalid_settings_are_refused() {
        let error = with("PORT", "65536").unwrap_err().to_string();
        assert_eq!(
            error,
            r#"PORT must be a number from 0 (any free port) to 65535, not "65536""#
        );
        assert!(with("GRPC_PORT", "grpc").is_err());
        assert!(with("INTERNAL_PORT", "metrics").is_err());
        assert!(with("HOST", "localhost").is_err());
        assert!(with("DISK_MIN_FREE", "-1").is_err());
        let error = with("DATABASE_URL", "mysql://me:secret@db/orders").unwrap_err();
        assert!(!error.to_string().contains("secret"));
    }
}
