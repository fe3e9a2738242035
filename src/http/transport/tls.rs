//! Certificate and key from files, and their replacement while the server runs.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use arc_swap::ArcSwap;
use rustls::ServerConfig;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use thiserror::Error;
use tokio::signal::unix::Signal;
use tokio_rustls::TlsAcceptor;

use crate::error::{Kind, Report};

/// How often the files are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// Why certificate and key cannot be used.
#[derive(Debug, Error)]
pub enum TlsError {
    /// A file cannot be read, or holds nothing of its kind.
    #[error("cannot read the {what} in `{}`", path.display())]
    Read {
        /// `certificate` or `private key`.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: pem::Error,
    },
    /// They are no pair, or of a kind that is not supported.
    #[error("the certificate in `{}` and the key in `{}` cannot be used together", cert.display(), key.display())]
    Pair {
        /// The certificate's file.
        cert: PathBuf,
        /// The key's file.
        key: PathBuf,
        /// What is wrong.
        #[source]
        source: rustls::Error,
    },
}

impl Report for TlsError {
    fn kind(&self) -> Kind {
        Kind::Invalid
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Read { .. } => "tls_file_unreadable",
            Self::Pair { .. } => "tls_pair_unusable",
        }
    }

    fn hint(&self) -> Option<String> {
        Some(
            "server.tls_cert is a PEM file with the certificate and its chain, server.tls_key one with its private key"
                .into(),
        )
    }
}

/// A certificate with its key, in use.
#[derive(Clone)]
pub struct Tls(Arc<Inner>);

struct Inner {
    cert: PathBuf,
    key: PathBuf,
    current: ArcSwap<ServerConfig>,
}

impl Tls {
    /// Reads both files.
    ///
    /// # Errors
    /// A file is unreadable, or the two are no pair.
    pub fn load(cert: &Path, key: &Path) -> Result<Self, TlsError> {
        let current = ArcSwap::from_pointee(read(cert, key)?);
        Ok(Self(Arc::new(Inner { cert: cert.to_path_buf(), key: key.to_path_buf(), current })))
    }

    pub(super) fn acceptor(&self) -> TlsAcceptor {
        self.0.current.load_full().into()
    }

    /// Reads the files again whenever they change, or `asked` comes (SIGHUP); what cannot be used is
    /// told, and the old pair kept.
    pub async fn keep_fresh(self, mut asked: Signal) {
        let mut seen = self.changed_at();
        loop {
            let is_asked = tokio::select! {
                Some(()) = asked.recv() => true,
                () = tokio::time::sleep(LOOK_EVERY) => false,
            };
            let now = self.changed_at();
            if is_asked || now != seen {
                seen = now;
                self.reload();
            }
        }
    }

    fn reload(&self) {
        match read(&self.0.cert, &self.0.key) {
            Ok(config) => {
                self.0.current.store(Arc::new(config));
                tracing::info!(cert = %self.0.cert.display(), "the certificate was read again");
            }
            Err(error) => {
                let cause = std::error::Error::source(&error).map(ToString::to_string);
                tracing::error!(%error, cause, "the new certificate cannot be used; the old one stays in use");
            }
        }
    }

    fn changed_at(&self) -> [Option<SystemTime>; 2] {
        let of = |path: &Path| -> io::Result<SystemTime> { std::fs::metadata(path)?.modified() };
        [of(&self.0.cert).ok(), of(&self.0.key).ok()]
    }
}

fn read(cert: &Path, key: &Path) -> Result<ServerConfig, TlsError> {
    let failed = |what, path: &Path| {
        let path = path.to_path_buf();
        move |source| TlsError::Read { what, path, source }
    };
    let certs = CertificateDer::pem_file_iter(cert)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .and_then(|certs| if certs.is_empty() { Err(pem::Error::NoItemsFound) } else { Ok(certs) })
        .map_err(failed("certificate", cert))?;
    let private = PrivateKeyDer::from_pem_file(key).map_err(failed("private key", key))?;
    let pair = |source| TlsError::Pair { cert: cert.to_path_buf(), key: key.to_path_buf(), source };
    let mut config = ServerConfig::builder().with_no_client_auth().with_single_cert(certs, private).map_err(pair)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}
