//! The days that a TLS certificate is still valid.
//!
//! ```standalone_crate
//! use health_core::{Outcome, health_check};
//! use health_indicators::tls;
//!
//! /// The certificate of the payment service, as it is served.
//! #[health_check(timeout = "5s", interval = "1h")]
//! async fn payment_certificate() -> Outcome {
//!     tls::served("pay.example:443").check().await
//! }
//!
//! /// The service's own certificate.
//! #[health_check(interval = "1h")]
//! fn certificate() -> Outcome {
//!     tls::file("/etc/orders/tls.crt").warn_below_days(21).check()
//! }
//! ```
//!
//! The certificate of a chain that expires first counts.
//!
//! | the run | verdict | class |
//! |---|---|---|
//! | finds fewer than 14 days left | degraded | none |
//! | finds an expired certificate, or one that is not valid yet | failing | `misconfigured` |
//! | cannot read the file, or finds no certificate in it | failing | `misconfigured` |
//! | cannot connect | failing | `unreachable` |
//! | gets no TLS handshake done | failing | `refused` |
//! | gets no answer before the timeout of the check | failing | `timed_out` |
//!
//! Nothing but the time is judged: neither the name nor the issuer. Clients of the
//! server do that.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use health_core::Outcome;
use health_core::check::{BlockingIndicator, FailureClass, Indicator};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::client::danger::{
    HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier,
};
use tokio_rustls::rustls::crypto::{self, CryptoProvider};
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use tokio_rustls::rustls::{
    ClientConfig, DigitallySignedStruct, Error as TlsError, SignatureScheme,
};
use x509_parser::parse_x509_certificate;

use crate::failure::{because, class_of_io, failure};

/// Seconds of a day.
const DAY: i64 = 24 * 60 * 60;

/// Creates a check of the certificates that a server serves at this address, as in
/// `pay.example:443`.
///
/// A run opens a connection, does the handshake and closes it.
pub fn served(address: impl Into<String>) -> Certificate<Served> {
    Certificate::of(Served {
        address: address.into(),
        name: None,
    })
}

/// Creates a check of the certificates in a PEM file.
pub fn file(path: impl Into<PathBuf>) -> Certificate<InFile> {
    Certificate::of(InFile { path: path.into() })
}

/// A check of how long certificates are still valid; created by [`served`] and
/// [`file()`].
#[derive(Clone, Debug)]
#[must_use = "a check does nothing until its `check` runs"]
pub struct Certificate<From> {
    from: From,
    warn_below: u32,
    fail_below: u32,
}

/// The source of the certificates of [`served`].
#[derive(Clone, Debug)]
pub struct Served {
    address: String,
    name: Option<String>,
}

/// The source of the certificates of [`file()`].
#[derive(Clone, Debug)]
pub struct InFile {
    path: PathBuf,
}

impl<From> Certificate<From> {
    fn of(from: From) -> Self {
        Certificate {
            from,
            warn_below: 14,
            fail_below: 0,
        }
    }

    /// Sets the number of days below which the check degrades; by default 14.
    pub fn warn_below_days(mut self, days: u32) -> Self {
        self.warn_below = days;
        self
    }

    /// Sets the number of days below which the check fails; by default 0, so that
    /// only an expired certificate fails.
    pub fn fail_below_days(mut self, days: u32) -> Self {
        self.fail_below = days;
        self
    }

    fn judge(&self, chain: &[CertificateDer<'_>]) -> Outcome {
        match validity(chain) {
            Ok(validity) => self.judge_validity(validity, now()),
            Err(error) => because(FailureClass::Misconfigured, error),
        }
    }

    fn judge_validity(&self, validity: Validity, now: i64) -> Outcome {
        let left = validity.until - now;
        let days = left.div_euclid(DAY);
        let outcome = if now < validity.from {
            invalid("the certificate is not valid yet")
        } else if left <= 0 {
            invalid("the certificate has expired")
        } else if days < i64::from(self.fail_below) {
            invalid("the certificate expires soon")
        } else if days < i64::from(self.warn_below) {
            Outcome::warn("the certificate expires soon")
        } else {
            Outcome::pass()
        };
        outcome.observe(days, "days")
    }
}

fn invalid(text: &'static str) -> Outcome {
    Outcome::fail(text).class(FailureClass::Misconfigured)
}

impl Certificate<Served> {
    /// Sets the name that the server is asked for (SNI). By default it is the host
    /// of the address.
    pub fn server_name(mut self, name: impl Into<String>) -> Self {
        self.from.name = Some(name.into());
        self
    }

    /// Runs the check once, for use in a function or a closure on the builder.
    pub async fn check(&self) -> Outcome {
        let Some(name) = self.from.server_name() else {
            return failure(FailureClass::Misconfigured).because("this is not a valid server name");
        };
        let socket = match TcpStream::connect(&self.from.address).await {
            Ok(socket) => socket,
            Err(error) => return because(class_of_io(&error), error),
        };
        let config = match config() {
            Ok(config) => config,
            Err(error) => return because(FailureClass::Misconfigured, error),
        };
        match TlsConnector::from(Arc::new(config))
            .connect(name, socket)
            .await
        {
            Ok(stream) => {
                let (_, session) = stream.get_ref();
                self.judge(session.peer_certificates().unwrap_or_default())
            }
            Err(error) => because(class_of_io(&error), error),
        }
    }
}

impl Served {
    fn server_name(&self) -> Option<ServerName<'static>> {
        let host = || self.address.rsplit_once(':').map(|(host, _)| host);
        let name = self.name.as_deref().or_else(host)?;
        let name = name.trim_start_matches('[').trim_end_matches(']');
        ServerName::try_from(name.to_owned()).ok()
    }
}

impl<T: Sync + ?Sized> Indicator<T> for Certificate<Served> {
    async fn check(&self, _: &T) -> Outcome {
        Certificate::<Served>::check(self).await
    }
}

impl Certificate<InFile> {
    /// Runs the check once and blocks its thread, for use in a plain `fn`.
    pub fn check(&self) -> Outcome {
        let certificates = CertificateDer::pem_file_iter(&self.from.path);
        match certificates.and_then(Iterator::collect::<Result<Vec<_>, _>>) {
            Ok(chain) => self.judge(&chain),
            Err(error) => because(FailureClass::Misconfigured, error),
        }
    }
}

impl<T: ?Sized> BlockingIndicator<T> for Certificate<InFile> {
    fn check(&self, _: &T) -> Outcome {
        Certificate::<InFile>::check(self)
    }
}

/// When a chain is valid, in seconds since 1970.
#[derive(Clone, Copy)]
struct Validity {
    from: i64,
    until: i64,
}

fn validity(chain: &[CertificateDer<'_>]) -> io::Result<Validity> {
    let mut all = chain.iter().map(|certificate| {
        let (_, certificate) = parse_x509_certificate(certificate).map_err(io::Error::other)?;
        let validity = certificate.validity();
        Ok(Validity {
            from: validity.not_before.timestamp(),
            until: validity.not_after.timestamp(),
        })
    });
    let first = all.next();
    let first = first.unwrap_or_else(|| Err(io::Error::other("there is no certificate")))?;
    all.try_fold(first, |narrowest, next: io::Result<Validity>| {
        let next = next?;
        Ok(Validity {
            from: narrowest.from.max(next.from),
            until: narrowest.until.min(next.until),
        })
    })
}

fn now() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    i64::try_from(now.map_or(0, |now: Duration| now.as_secs())).unwrap_or(i64::MAX)
}

/// A client that accepts every certificate: it is read, and nothing is sent.
fn config() -> Result<ClientConfig, TlsError> {
    let provider = Arc::new(crypto::ring::default_provider());
    let verifier = Arc::new(AnyCertificate(Arc::clone(&provider)));
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth();
    Ok(config)
}

/// Accepts every certificate, and the signature of who has its key.
#[derive(Debug)]
struct AnyCertificate(Arc<CryptoProvider>);

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, TlsError> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        let algorithms = &self.0.signature_verification_algorithms;
        crypto::verify_tls12_signature(message, certificate, signed, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        let algorithms = &self.0.signature_verification_algorithms;
        crypto::verify_tls13_signature(message, certificate, signed, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
