//! TLS, for servers that are given a certificate and its key.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::pem::{Error as PemError, PemObject};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{Error, ServerConfig};

/// Why TLS cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file that cannot be read.
    #[error("{}: {}", .0.display(), .1)]
    File(PathBuf, io::Error),
    /// A file that is not what it should be.
    #[error("{} holds no {} in PEM", .0.display(), .1)]
    NotPem(PathBuf, &'static str),
    /// A key that others may read.
    #[error("{} can be read by other users: run `chmod 600` on it, and make a new key if another user may have read it", .0.display())]
    Open(PathBuf),
    /// A certificate and a key that do not belong together, or that clients would not accept.
    #[error("the certificate in {} cannot be used with the key: {}", .0.display(), .1)]
    Unusable(PathBuf, Error),
    /// A Unix socket needs no TLS: its bytes do not leave the machine.
    #[error("TLS is not available on a Unix socket: leave out --tls-cert and --tls-key")]
    OnUnixSocket,
}

/// TLS with the certificate and key of two files.
pub(crate) struct Tls {
    cert: PathBuf,
    key: PathBuf,
    acceptor: RwLock<TlsAcceptor>,
}

impl Tls {
    /// Reads the files.
    pub(crate) fn open(cert: &Path, key: &Path) -> Result<Self, TlsError> {
        let acceptor = RwLock::new(acceptor(cert, key)?);
        Ok(Self { cert: cert.to_owned(), key: key.to_owned(), acceptor })
    }

    /// Reads the files anew, for the handshakes from here on; where that fails, what was read before stays in use.
    pub(crate) fn reload(&self) -> Result<(), TlsError> {
        let acceptor = acceptor(&self.cert, &self.key)?;
        *self.acceptor.write().unwrap_or_else(PoisonError::into_inner) = acceptor;
        Ok(())
    }

    /// Returns the acceptor of TLS handshakes.
    pub(crate) fn acceptor(&self) -> TlsAcceptor {
        self.acceptor.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn acceptor(cert: &Path, key: &Path) -> Result<TlsAcceptor, TlsError> {
    let chain = CertificateDer::pem_slice_iter(&read(cert)?).collect::<Result<Vec<_>, PemError>>();
    let chain = chain.ok().filter(|chain| !chain.is_empty());
    let chain = chain.ok_or_else(|| TlsError::NotPem(cert.to_owned(), "certificate"))?;
    let secret = read(key)?;
    let mode = fs::metadata(key).map_err(|error| TlsError::File(key.to_owned(), error))?.permissions().mode();
    if mode & 0o077 != 0 {
        return Err(TlsError::Open(key.to_owned()));
    }
    let secret = PrivateKeyDer::from_pem_slice(&secret).map_err(|_| TlsError::NotPem(key.to_owned(), "private key"))?;
    let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .and_then(|config| config.with_no_client_auth().with_single_cert(chain, secret));
    let mut config = config.map_err(|error| TlsError::Unusable(cert.to_owned(), error))?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

fn read(path: &Path) -> Result<zeroize::Zeroizing<Vec<u8>>, TlsError> {
    fs::read(path).map(zeroize::Zeroizing::new).map_err(|error| TlsError::File(path.to_owned(), error))
}
