//! Which addresses are called, and that there is no other way of writing one that is not.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use countersign::clock::Timestamp;
use countersign::config::NoticeConfig;
use countersign::domain::channel::{ChannelAddress, ChannelKind};
use countersign::domain::id::NoticeId;
use countersign::domain::notice::{Notice, Said};
use countersign::notify::{Compose, Delivery, Failure, Links, Outbound, Resolve, Resolving, TargetError};
use serde_json::json;
use tempfile::TempDir;

use super::add;
use crate::harness::receiver::{Receiver, Reply};
use crate::harness::{Client, Database, Named as _, Process, TestServer, confirmation, countersign, token};

/// Ways to write an address that may not be called; `PORT` is where a receiver of the test listens on this machine.
const SPELLINGS: [&str; 76] = [
    "http://127.0.0.1:PORT/",
    "https://127.0.0.1:PORT/",
    "https://localhost:PORT/",
    "https://LOCALHOST:PORT/",
    "https://localhost.:PORT/",
    "https://127.1:PORT/",
    "https://127.0.1:PORT/",
    "https://127.0.0.1.:PORT/",
    "https://2130706433:PORT/",
    "https://017700000001:PORT/",
    "https://0177.0.0.1:PORT/",
    "https://0177.0.0.01:PORT/",
    "https://00000177.0.0.1:PORT/",
    "https://0x7f000001:PORT/",
    "https://0x7f.0.0.1:PORT/",
    "https://0x7f.1:PORT/",
    "https://0X7F.0X0.0X0.0X1:PORT/",
    "https://0x7f.0.1:PORT/",
    "https://127.0x000001:PORT/",
    "https://%31%32%37.0.0.1:PORT/",
    "https://127%2e0%2e0%2e1:PORT/",
    "https://１２７.０.０.１:PORT/",
    "https://①②⑦.⓪.⓪.①:PORT/",
    "https://127。0。0。1:PORT/",
    "https://127.0.0.1\t:PORT/",
    "https:\\\\127.0.0.1:PORT/",
    "https:/127.0.0.1:PORT/",
    "https:127.0.0.1:PORT/",
    "https://127.0.0.1:PORT\\@example.com/",
    "https://example.com@127.0.0.1:PORT/",
    "https://example.com:443@127.0.0.1:PORT/",
    "https://127.0.0.1:PORT#@example.com/",
    "https://127.0.0.1:PORT?@example.com/",
    "https://0:PORT/",
    "https://0.0.0.0:PORT/",
    "https://00000:PORT/",
    "https://127.255.255.254:PORT/",
    "https://[::1]:PORT/",
    "https://[0:0:0:0:0:0:0:1]:PORT/",
    "https://[0000:0000:0000:0000:0000:0000:0000:0001]:PORT/",
    "https://[::]:PORT/",
    "https://[::ffff:127.0.0.1]:PORT/",
    "https://[::ffff:7f00:1]:PORT/",
    "https://[0:0:0:0:0:ffff:127.0.0.1]:PORT/",
    "https://[::127.0.0.1]:PORT/",
    "https://[::7f00:1]:PORT/",
    "https://[::ffff:0:127.0.0.1]:PORT/",
    "https://[64:ff9b::127.0.0.1]:PORT/",
    "https://[64:ff9b::7f00:1]:PORT/",
    "https://[64:ff9b:1::127.0.0.1]:PORT/",
    "https://[2002:7f00:1::]:PORT/",
    "https://[2002:7f00:0001::1]:PORT/",
    "https://[2001:0:7f00:1::]:PORT/",
    "https://[fe80::1]:PORT/",
    "https://[fe80::1%25lo]:PORT/",
    "https://[fec0::1]:PORT/",
    "https://[fc00::1]:PORT/",
    "https://[fd00:ec2::254]:PORT/",
    "https://[ff02::1]:PORT/",
    "https://[::ffff:a9fe:a9fe]:PORT/",
    "https://169.254.169.254:PORT/latest/meta-data",
    "https://0xa9fea9fe:PORT/",
    "https://2852039166:PORT/",
    "https://0251.0376.0251.0376:PORT/",
    "https://10.0.0.1:PORT/",
    "https://012.0.0.1:PORT/",
    "https://172.16.0.1:PORT/",
    "https://192.168.0.1:PORT/",
    "https://100.64.0.1:PORT/",
    "https://198.18.0.1:PORT/",
    "https://224.0.0.1:PORT/",
    "https://255.255.255.255:PORT/",
    "ftp://127.0.0.1:PORT/",
    "file:///etc/passwd",
    "gopher://127.0.0.1:PORT/",
    "unix:/run/docker.sock",
];

#[test]
fn no_spelling_of_an_address_that_may_not_be_called_leads_there() {
    let server = TestServer::start();
    let ada = server.approver("ada");
    let receiver = Receiver::start();
    let port = receiver.address.port().to_string();
    let mut refused_at_once = 0;
    for (number, spelling) in SPELLINGS.iter().enumerate() {
        let url = spelling.replace("PORT", &port);
        let body = json!({"name": format!("n{number}"), "kind": "webhook", "url": url});
        let answer = ada.post("/v1/channels", &body);
        if answer.status != 201 {
            assert_eq!(answer.refusal(), (422, "channel_refused"), "{url}");
            refused_at_once += 1;
            continue;
        }
        let id = answer.body["channel"]["channelId"].as_str().unwrap();
        let tested = ada.post_nothing(&format!("/v1/channels/{id}/test")).expect(200).body;
        assert_eq!(tested["delivered"], json!(false), "{url}: {tested}");
        assert_eq!(tested["status"], json!(null), "{url}: {tested}");
        ada.delete(&format!("/v1/channels/{id}")).expect(200);
    }
    assert_eq!(receiver.connections(), 0);
    // An address is refused where it is written, a name where it is called.
    assert!(refused_at_once > 60, "{refused_at_once}");
}

/// The receiver of the test above can be reached where it is allowed: it is not for another reason that nothing came.
#[test]
fn the_same_spellings_lead_there_where_the_network_is_allowed() {
    let server = TestServer::with(&["--allow-notice-net", "127.0.0.0/8,::1"]);
    let ada = server.approver("ada");
    let receiver = Receiver::start();
    let port = receiver.address.port();
    for (number, host) in ["127.0.0.1", "localhost", "0x7f.1", "2130706433", "0177.0.0.01"].iter().enumerate() {
        let url = format!("http://{host}:{port}/hook");
        let added = add(&ada, &json!({"name": format!("n{number}"), "kind": "webhook", "url": url}));
        let id = added["channel"]["channelId"].as_str().unwrap();
        let tested = ada.post_nothing(&format!("/v1/channels/{id}/test")).expect(200).body;
        assert_eq!(tested["delivered"], json!(true), "{url}: {tested}");
        assert_eq!(added["channel"]["host"].as_str().unwrap().rsplit_once(':').unwrap().1, port.to_string());
    }
}

#[test]
fn http_is_for_what_is_allowed_alone() {
    let ada = TestServer::start();
    let refused =
        ada.approver("ada").post("/v1/channels", &json!({"name": "a", "kind": "webhook", "url": "http://1.1.1.1/"}));
    assert_eq!(refused.refusal(), (422, "channel_refused"));
    assert!(refused.body["error"].as_str().unwrap().contains("it has to be https"), "{refused:?}");
}

/// Where nothing is allowed no name leads there; where something is, that is looked at as often as the name is called.
#[test]
fn a_name_is_taken_with_http_only_where_a_network_is_allowed() {
    let body = json!({"name": "a", "kind": "webhook", "url": "http://localhost:9/"});
    let refused = TestServer::start().approver("ada").post("/v1/channels", &body);
    assert_eq!(refused.refusal(), (422, "channel_refused"));
    let server = TestServer::with(&["--allow-notice-net", "10.0.0.0/8"]);
    let ada = server.approver("ada");
    let id = add(&ada, &body)["channel"]["channelId"].as_str().unwrap().to_owned();
    let tested = ada.post_nothing(&format!("/v1/channels/{id}/test")).expect(200).body;
    let error = tested["error"].as_str().unwrap();
    assert!(error.contains("is no public address"), "{tested}");
    assert!(
        ["127.0.0.0/8`", "::1`"].iter().any(|net| error.contains(&format!("--allow-notice-net {net}"))),
        "{tested}"
    );
}

#[test]
fn a_refused_address_is_told_with_the_flag_that_allows_it() {
    let server = TestServer::start();
    let ada = server.approver("ada");
    for (host, net) in
        [("127.0.0.1:9", "127.0.0.0/8"), ("10.1.2.3", "10.1.2.3"), ("[::1]:9", "::1"), ("[fd00::7]", "fd00::7")]
    {
        let body = json!({"name": "a", "kind": "webhook", "url": format!("http://{host}/")});
        let refused = ada.post("/v1/channels", &body);
        let sentence = refused.body["error"].as_str().unwrap();
        assert!(sentence.contains(&format!("--allow-notice-net {net}`")), "{sentence}");
        // What it names does allow it.
        let server = TestServer::with(&["--allow-notice-net", net]);
        add(&server.approver("ada"), &body);
    }
}

/// A name server that says another address each time.
struct Changing {
    answers: Vec<IpAddr>,
    asked: AtomicUsize,
}

impl Resolve for Changing {
    fn resolve<'r>(&'r self, _: &'r str, port: u16) -> Resolving<'r> {
        let turn = self.asked.fetch_add(1, Ordering::SeqCst);
        let address = self.answers[turn.min(self.answers.len() - 1)];
        Box::pin(async move { io::Result::Ok(vec![SocketAddr::from((address, port))]) })
    }
}

struct Says(Notice);

impl Compose for Says {
    async fn compose(&self) -> Result<Option<(Notice, Timestamp)>, Failure> {
        Ok(Some((self.0.clone(), self.0.at)))
    }
}

fn outbound(allowed: &[&str], resolver: Arc<dyn Resolve>) -> Outbound {
    let config = NoticeConfig {
        allow_notice_net: allowed.iter().map(|network| network.parse().unwrap()).collect(),
        notice_ca_file: None,
        smtp_url: None,
        smtp_password_file: None,
        mail_from: None,
    };
    Outbound::new(&config, resolver).unwrap()
}

fn send(outbound: &Outbound, url: &str) -> Result<u16, Failure> {
    let at = "2030-01-01T00:00:00Z".parse().unwrap();
    let notice = Notice { notice_id: NoticeId::generate(), at, said: Said::Test };
    let address = ChannelAddress { token: None, ..ChannelAddress::new(url.to_owned()) };
    let links = Links::new(None);
    let delivery = Delivery { kind: ChannelKind::Slack, address: &address, links: &links, push_key: None };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(outbound.deliver(&delivery, &Says(notice))).map(|answered| answered.status)
}

#[test]
fn a_name_is_resolved_once_and_what_was_looked_at_is_what_is_connected_to() {
    let allowed = Receiver::on("127.0.0.2:0", |_, _| Reply::Status(200));
    let port = allowed.address.port();
    let forbidden = Receiver::on(&format!("127.0.0.1:{port}"), |_, _| Reply::Status(200));
    let answers = ["127.0.0.2", "127.0.0.1"].map(|address| address.parse().unwrap()).to_vec();
    let resolver = Arc::new(Changing { answers, asked: AtomicUsize::new(0) });
    let outbound = outbound(&["127.0.0.2"], resolver.clone());
    let url = format!("http://rebinding.example:{port}/");
    assert_eq!(send(&outbound, &url), Ok(200));
    assert_eq!(resolver.asked.load(Ordering::SeqCst), 1);
    // The next attempt looks again.
    let refused = Err(Failure::Target(TargetError::NotAllowed("127.0.0.1".parse().unwrap())));
    assert_eq!(send(&outbound, &url), refused);
    assert_eq!((allowed.connections(), forbidden.connections()), (1, 0));
}

#[test]
fn of_several_addresses_of_a_name_only_those_are_called_that_may_be() {
    struct Both;
    impl Resolve for Both {
        fn resolve<'r>(&'r self, _: &'r str, port: u16) -> Resolving<'r> {
            let both = ["127.0.0.1", "127.0.0.2"].map(|address| (address.parse::<IpAddr>().unwrap(), port).into());
            Box::pin(async move { io::Result::Ok(both.to_vec()) })
        }
    }
    let allowed = Receiver::on("127.0.0.2:0", |_, _| Reply::Status(200));
    let port = allowed.address.port();
    let forbidden = Receiver::on(&format!("127.0.0.1:{port}"), |_, _| Reply::Status(200));
    let outbound = outbound(&["127.0.0.2"], Arc::new(Both));
    assert_eq!(send(&outbound, &format!("http://both.example:{port}/")), Ok(200));
    assert_eq!(forbidden.connections(), 0);
}

#[test]
fn this_machines_own_addresses_are_not_called_however_public_they_are() {
    // The address from which this machine would call: where there is a network at all.
    let socket = std::net::UdpSocket::bind("0.0.0.0:0").unwrap();
    let own = socket.connect("1.1.1.1:9").and_then(|()| socket.local_addr());
    let Ok(own) = own.map(|own| own.ip()) else { return };
    let receiver = Receiver::on(&format!("{own}:0"), |_, _| Reply::Status(200));
    let url = format!("https://{own}:{}/", receiver.address.port());
    let refused = send(&outbound(&[], Arc::new(countersign::notify::SystemResolver::default())), &url);
    assert_eq!(refused, Err(Failure::Target(TargetError::NotAllowed(own))));
    assert_eq!(receiver.connections(), 0);
}

#[test]
fn no_proxy_of_the_environment_is_used() {
    let db = Database::new();
    let [agent, ada] = [("builder", "agent"), ("ada", "approver")].map(|(name, role)| token(&db, name, role));
    let (proxy, receiver) = (Receiver::start(), Receiver::start());
    let mut command = countersign();
    for variable in ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"] {
        command.env(variable, format!("http://{}", proxy.address));
    }
    command.args(["serve", "--listen", "127.0.0.1:0"]).named(&db).args(super::LOOPBACK);
    let process = Process::spawn(command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped()));
    add(&Client::new(&process.url, &ada), &super::channel("webhook", &receiver));
    Client::new(&process.url, &agent).register(&confirmation("a"));
    receiver.until_received(1);
    assert_eq!(proxy.connections(), 0);
}

#[test]
fn over_tls_the_receivers_certificate_counts() {
    let directory = TempDir::new().unwrap();
    let (receiver, certificate) = Receiver::over_tls("localhost");
    let ca = directory.path().join("ca.pem");
    std::fs::write(&ca, &certificate).unwrap();
    let tested = |flags: &[&str], host: &str| {
        let server = TestServer::with(&[&super::LOOPBACK, flags].concat());
        let ada = server.approver("ada");
        let url = format!("https://{host}:{}/hook", receiver.address.port());
        let added = add(&ada, &json!({"name": "a", "kind": "webhook", "url": url}));
        let id = added["channel"]["channelId"].as_str().unwrap();
        ada.post_nothing(&format!("/v1/channels/{id}/test")).expect(200).body
    };
    let trusting = ["--notice-ca-file", ca.to_str().unwrap()];
    assert_eq!(tested(&trusting, "localhost")["delivered"], json!(true));
    // The certificate is for another name.
    let other = tested(&trusting, "127.0.0.1");
    assert!(other["error"].as_str().unwrap().starts_with("TLS failed"), "{other}");
    let unknown = tested(&[], "localhost");
    assert!(unknown["error"].as_str().unwrap().starts_with("TLS failed"), "{unknown}");
    assert_eq!(receiver.received().len(), 1);
}
