//! Names, resolved past every cache of the process.
//!
//! ```standalone_crate
//! use health_core::{Outcome, health_check};
//! use health_indicators::dns::{self, Resolve};
//! use std::sync::LazyLock;
//!
//! /// The resolver answers, and knows the database.
//! #[health_check(timeout = "3s", interval = "30s")]
//! async fn resolver() -> Outcome {
//!     static DATABASE: LazyLock<Resolve> = LazyLock::new(|| dns::resolve("db.internal."));
//!     DATABASE.check().await
//! }
//! ```
//!
//! The resolver is hickory-resolver 0.26 with the name servers of the system
//! (`/etc/resolv.conf`) and without a cache: a cached answer hides a name server
//! that is down. The application's own lookups may take other ways, such as
//! `/etc/hosts` or nscd.
//!
//! | the run | verdict | class |
//! |---|---|---|
//! | cannot ask any name server | failing | `unreachable` |
//! | learns that there is no such name, or that the name server failed | failing | `refused` |
//! | finds no name servers configured, or gets an invalid name | failing | `misconfigured` |
//! | gets no answer before the timeout of the check, as from a name server that is down | failing | `timed_out` |

use std::net::SocketAddr;
use std::sync::OnceLock;

use health_core::Outcome;
use health_core::check::{FailureClass, Indicator};
use hickory_resolver::TokioResolver;
use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolveHosts, ResolverConfig};
use hickory_resolver::net::NetError;
use hickory_resolver::net::runtime::TokioRuntimeProvider;

use crate::failure::because;

/// Creates a check that the name has an address.
///
/// A name with a dot at its end is looked up as it is. Without the dot, the search
/// domains of the system apply.
pub fn resolve(name: impl Into<String>) -> Resolve {
    Resolve {
        name: name.into(),
        server: None,
        resolver: OnceLock::new(),
    }
}

/// A check of a name that must have an address; created by [`resolve`].
#[derive(Debug)]
#[must_use = "a check does nothing until its `check` runs"]
pub struct Resolve {
    name: String,
    server: Option<SocketAddr>,
    /// Created by the first run, which has a runtime.
    resolver: OnceLock<TokioResolver>,
}

impl Resolve {
    /// Sets the name server. By default those of the system are asked.
    pub fn at(mut self, server: SocketAddr) -> Self {
        self.server = Some(server);
        self
    }

    /// Runs the check once, for use in a function or a closure on the builder.
    pub async fn check(&self) -> Outcome {
        let resolver = match self.resolver() {
            Ok(resolver) => resolver,
            Err(error) => return because(FailureClass::Misconfigured, error),
        };
        match resolver.lookup_ip(self.name.as_str()).await {
            Ok(found) => Outcome::pass().observe(found.iter().count(), "addresses"),
            Err(error) => because(class(&error), error),
        }
    }

    fn resolver(&self) -> Result<&TokioResolver, NetError> {
        if let Some(resolver) = self.resolver.get() {
            return Ok(resolver);
        }
        let resolver = self.build()?;
        Ok(self.resolver.get_or_init(|| resolver))
    }

    fn build(&self) -> Result<TokioResolver, NetError> {
        let mut builder = match self.server {
            None => TokioResolver::builder_tokio()?,
            Some(server) => {
                let servers = ResolverConfig::from_name_servers(vec![name_server(server)]);
                TokioResolver::builder_with_config(servers, TokioRuntimeProvider::default())
            }
        };
        let options = builder.options_mut();
        options.cache_size = 0;
        options.use_hosts_file = ResolveHosts::Never;
        builder.build()
    }
}

impl<T: Sync + ?Sized> Indicator<T> for Resolve {
    async fn check(&self, _: &T) -> Outcome {
        Resolve::check(self).await
    }
}

fn name_server(server: SocketAddr) -> NameServerConfig {
    let connections = [ConnectionConfig::udp(), ConnectionConfig::tcp()];
    let connections = connections.map(|mut connection| {
        connection.port = server.port();
        connection
    });
    NameServerConfig::new(server.ip(), true, connections.into())
}

fn class(error: &NetError) -> FailureClass {
    match error {
        NetError::Timeout => FailureClass::TimedOut,
        NetError::Dns(_) => FailureClass::Refused,
        NetError::Proto(_) => FailureClass::Misconfigured,
        _ => FailureClass::Unreachable,
    }
}
