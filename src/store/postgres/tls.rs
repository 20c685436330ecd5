//! TLS to PostgreSQL. Where it is used, the certificate of the server and its name are verified, whatever word the URL has for it.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;

use tokio_postgres_rustls::MakeRustlsConnect;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};
use zeroize::Zeroizing;

use crate::config::PostgresUrl;

/// What makes connections encrypted; `None` where they are not to be. What is wrong with a file is said as a sentence goes on.
pub(super) fn encryption(url: &PostgresUrl) -> Result<Option<MakeRustlsConnect>, String> {
    if !url.is_encrypted() {
        return Ok(None);
    }
    let config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_root_certificates(roots(url.file("sslrootcert"))?);
    let config = match (url.file("sslcert"), url.file("sslkey")) {
        (None, None) => config.with_no_client_auth(),
        (Some(certificate), Some(key)) => {
            let unusable =
                |error| format!("the certificate in {} cannot be used with the key: {error}", certificate.display());
            config.with_client_auth_cert(certificates(certificate)?, private_key(key)?).map_err(unusable)?
        }
        (Some(_), None) | (None, Some(_)) => {
            return Err("its URL names one of sslcert and sslkey, and the two belong together".to_owned());
        }
    };
    Ok(Some(MakeRustlsConnect::new(config)))
}

/// Whom TLS trusts: the authorities of a file alone, or the public ones.
fn roots(path: Option<&Path>) -> Result<RootCertStore, String> {
    let Some(path) = path.filter(|path| path.as_os_str() != "system") else {
        return Ok(RootCertStore::from_iter(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()));
    };
    let mut roots = RootCertStore::empty();
    for certificate in certificates(path)? {
        roots.add(certificate).map_err(|error| format!("{}: {error}", path.display()))?;
    }
    Ok(roots)
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let certificates = CertificateDer::pem_slice_iter(&read(path)?).collect::<Result<Vec<_>, _>>();
    let certificates = certificates.ok().filter(|certificates| !certificates.is_empty());
    certificates.ok_or_else(|| format!("{} holds no certificate in PEM", path.display()))
}

fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, String> {
    let pem = read(path)?;
    let mode = fs::metadata(path).map_err(|error| format!("{}: {error}", path.display()))?.permissions().mode();
    if mode & 0o077 != 0 {
        return Err(format!("{} can be read by other users: run `chmod 600` on it", path.display()));
    }
    PrivateKeyDer::from_pem_slice(&pem)
        .map_err(|_| format!("{} holds no private key in PEM, or an encrypted one", path.display()))
}

fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>, String> {
    fs::read(path).map(Zeroizing::new).map_err(|error| format!("{}: {error}", path.display()))
}
