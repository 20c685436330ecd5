//! A receiver of notices: a server of HTTP of the test's own, which keeps what it is sent and answers as it is told.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use rcgen::{CertificateParams, KeyPair};
use serde_json::Value;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{ServerConfig, ServerConnection, StreamOwned};

use super::until;

/// A request that came.
#[derive(Clone, Debug)]
pub(crate) struct Received {
    pub(crate) method: String,
    pub(crate) path: String,
    /// By their names in lower case.
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Vec<u8>,
    /// When all of it was here.
    pub(crate) at: Instant,
}

impl Received {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }
}

/// What a receiver does with a request.
#[derive(Clone)]
pub(crate) enum Reply {
    /// Answers with this status and no body.
    Status(u16),
    /// Answers with these bytes, to the letter.
    Raw(Vec<u8>),
    /// Does not answer, and keeps the connection open until the receiver is dropped.
    Never,
}

type Answering = dyn Fn(usize, &Received) -> Reply + Send + Sync;

#[derive(Default)]
struct State {
    received: Vec<Received>,
    connections: usize,
    /// Those that are not answered.
    held: Vec<Box<dyn Send>>,
}

/// A server that receives.
pub(crate) struct Receiver {
    pub(crate) address: SocketAddr,
    state: Arc<Mutex<State>>,
}

impl Receiver {
    /// Answers 204 to everything.
    pub(crate) fn start() -> Self {
        Self::answering(|_, _| Reply::Status(204))
    }

    /// Answers by what `answer` says of the how manieth request, from 0 on.
    pub(crate) fn answering(answer: impl Fn(usize, &Received) -> Reply + Send + Sync + 'static) -> Self {
        Self::on("127.0.0.1:0", answer)
    }

    /// The same, at a certain address.
    pub(crate) fn on(address: &str, answer: impl Fn(usize, &Received) -> Reply + Send + Sync + 'static) -> Self {
        Self::listening(address, None, answer)
    }

    /// Answers 204 over TLS, with a certificate for `name` that it has made itself; the certificate, in PEM.
    pub(crate) fn over_tls(name: &str) -> (Self, String) {
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new(vec![name.to_owned()]).unwrap().self_signed(&key).unwrap();
        let chain = vec![CertificateDer::from(certificate.der().to_vec())];
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(default_provider()));
        let config = config.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
        let config = config.with_single_cert(chain, key).unwrap();
        let receiver = Self::listening("127.0.0.1:0", Some(Arc::new(config)), |_, _| Reply::Status(204));
        (receiver, certificate.pem())
    }

    fn listening(
        address: &str,
        tls: Option<Arc<ServerConfig>>,
        answer: impl Fn(usize, &Received) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind(address).unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(Mutex::new(State::default()));
        let (shared, answer): (_, Arc<Answering>) = (Arc::clone(&state), Arc::new(answer));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(stream) = stream else { return };
                let (state, answer, tls) = (Arc::clone(&shared), Arc::clone(&answer), tls.clone());
                state.lock().unwrap().connections += 1;
                std::thread::spawn(move || match tls {
                    Some(tls) => {
                        serve(StreamOwned::new(ServerConnection::new(tls).unwrap(), stream), &state, &*answer);
                    }
                    None => serve(stream, &state, &*answer),
                });
            }
        });
        Self { address, state }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/hook", self.address)
    }

    /// How many connections there were.
    pub(crate) fn connections(&self) -> usize {
        self.state.lock().unwrap().connections
    }

    /// All that was received so far.
    pub(crate) fn received(&self) -> Vec<Received> {
        self.state.lock().unwrap().received.clone()
    }

    /// Ends once so many requests were received; all of them.
    #[track_caller]
    pub(crate) fn until_received(&self, count: usize) -> Vec<Received> {
        until(|| self.received().len() >= count);
        let received = self.received();
        assert_eq!(received.len(), count, "{received:#?}");
        received
    }
}

fn serve(mut stream: impl Read + Write + Send + 'static, state: &Mutex<State>, answer: &Answering) {
    let Some(received) = read(&mut stream) else { return };
    let reply = {
        let mut state = state.lock().unwrap();
        let reply = answer(state.received.len(), &received);
        state.received.push(received);
        reply
    };
    let bytes = match reply {
        Reply::Status(status) => {
            format!("HTTP/1.1 {status} Said\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").into_bytes()
        }
        Reply::Raw(bytes) => bytes,
        Reply::Never => return state.lock().unwrap().held.push(Box::new(stream)),
    };
    // The sender may have gone away.
    let _ = stream.write_all(&bytes).and_then(|()| stream.flush());
}

/// A request with its body; `None` where the connection ends before it does.
fn read(stream: &mut impl Read) -> Option<Received> {
    let mut reader = BufReader::new(stream);
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        match line.trim_end() {
            "" => break,
            line => lines.push(line.to_owned()),
        }
    }
    let mut first = lines.first()?.split(' ');
    let (method, path) = (first.next()?.to_owned(), first.next()?.to_owned());
    let headers: BTreeMap<String, String> = lines
        .iter()
        .skip(1)
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let length = headers.get("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(Received { method, path, headers, body, at: Instant::now() })
}
