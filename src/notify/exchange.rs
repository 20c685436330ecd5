//! One request over HTTP and its answer: to an address that was looked at, over TLS where the scheme says so, without redirects,
//! proxies or anything kept for the next one.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1::{Builder, SendRequest};
use hyper::header::{CONNECTION, HOST, HeaderName, HeaderValue, USER_AGENT};
use hyper::{Method, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use super::places::{Place, Places};
use super::target::Target;
use super::{Answered, Failure, LARGEST_ANSWER};

/// How large the headers of an answer may be, in bytes.
const LARGEST_HEADERS: usize = 64 * 1024;

/// What is sent: always a POST.
pub(super) struct Request {
    pub(super) headers: Vec<(HeaderName, String)>,
    pub(super) body: Vec<u8>,
}

/// Whom TLS trusts: the public authorities, and those in `ca`, in PEM.
pub(super) fn tls(ca: Option<&[u8]>) -> Result<ClientConfig, String> {
    let mut roots = RootCertStore::from_iter(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    for certificate in ca.map(CertificateDer::pem_slice_iter).into_iter().flatten() {
        roots.add(certificate.map_err(|error| error.to_string())?).map_err(|error| error.to_string())?;
    }
    let config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?;
    let mut config = config.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

/// A connection to a receiver, which ends with this.
pub(super) struct Connection {
    sender: SendRequest<Full<Bytes>>,
    /// Drives the connection.
    _driver: JoinSet<()>,
    /// The place that it has at its address.
    _place: Place,
}

/// Connects to the first of these addresses that takes it.
pub(super) async fn connect(
    target: &Target,
    addresses: &[SocketAddr],
    places: &Places,
    tls: &Arc<ClientConfig>,
) -> Result<Connection, Failure> {
    let (stream, place) = connect_to_one(addresses, places).await?;
    if !target.is_tls() {
        return handshake(TokioIo::new(stream), place).await;
    }
    let name = ServerName::try_from(target.host().trim_matches(['[', ']']).to_owned());
    let name = name.map_err(|_| Failure::Unreachable("TLS knows no such name".to_owned()))?;
    let stream = TlsConnector::from(Arc::clone(tls)).connect(name, stream).await;
    let stream = stream.map_err(|error| Failure::Unreachable(format!("TLS failed: {error}")))?;
    handshake(TokioIo::new(stream), place).await
}

async fn connect_to_one(addresses: &[SocketAddr], places: &Places) -> Result<(TcpStream, Place), Failure> {
    let mut failed = "there is no address to connect to".to_owned();
    for address in addresses {
        let Some(place) = places.enter(address.ip()).await else { continue };
        match TcpStream::connect(address).await {
            Ok(stream) => return Ok((stream, place)),
            Err(error) => failed = format!("no connection: {}", error.kind()),
        }
    }
    Err(Failure::Unreachable(failed))
}

async fn handshake<T>(io: TokioIo<T>, place: Place) -> Result<Connection, Failure>
where
    TokioIo<T>: hyper::rt::Read + hyper::rt::Write + Send + Unpin + 'static,
{
    let (sender, connection) =
        Builder::new().max_buf_size(LARGEST_HEADERS).handshake(io).await.map_err(|error| broken(&error))?;
    let mut driver = JoinSet::new();
    driver.spawn(async move {
        // What goes wrong is told to whoever sends.
        let _ = connection.await;
    });
    Ok(Connection { sender, _driver: driver, _place: place })
}

impl Connection {
    /// Sends a request; the answer, whatever it says.
    pub(super) async fn send(mut self, target: &Target, request: Request) -> Result<Answered, Failure> {
        let mut sent = hyper::Request::new(Full::new(Bytes::from(request.body)));
        *sent.method_mut() = Method::POST;
        let malformed = || Failure::Unreachable("the address makes no request".to_owned());
        *sent.uri_mut() = target.path().parse().map_err(|_| malformed())?;
        let headers = sent.headers_mut();
        headers.insert(HOST, HeaderValue::from_str(&target.authority()).map_err(|_| malformed())?);
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
        headers.insert(USER_AGENT, HeaderValue::from_static(concat!("countersign/", env!("CARGO_PKG_VERSION"))));
        for (name, value) in request.headers {
            headers.insert(name, HeaderValue::from_str(&value).map_err(|_| malformed())?);
        }
        let response = self.sender.send_request(sent).await.map_err(|error| broken(&error))?;
        let status = response.status().as_u16();
        Ok(Answered { status, text: read(response).await })
    }
}

/// How long the text of an answer may take once its status is here.
const LONGEST_BODY: Duration = Duration::from_secs(2);

/// As much of an answer as is read, and comes soon. Its status has said all that counts: what goes wrong here is its end.
async fn read(response: Response<Incoming>) -> String {
    let mut body = response.into_body();
    let mut bytes = Vec::new();
    let until = tokio::time::Instant::now() + LONGEST_BODY;
    while let Ok(Some(Ok(frame))) = tokio::time::timeout_at(until, body.frame()).await {
        if let Ok(data) = frame.into_data() {
            let room = LARGEST_ANSWER - bytes.len();
            bytes.extend_from_slice(data.get(..room).unwrap_or(&data));
        }
        if bytes.len() >= LARGEST_ANSWER {
            break;
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn broken(error: &hyper::Error) -> Failure {
    Failure::Unreachable(format!("it does not speak HTTP as it should: {error}"))
}
