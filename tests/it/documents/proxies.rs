//! The configurations of nginx and Caddy in the documents: each is run, on other ports and with a certificate of the test's own,
//! and a server is used through it.

use std::fs::{self, Permissions};
use std::io::Write;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use serde_json::json;
use tempfile::TempDir;

use super::document;
use crate::harness::{Client, Named as _, Process, altered, confirmation, countersign, token, until};

/// The largest body that the server takes.
const BODY: usize = 1024 * 1024;

/// A proxy that the test has started; it ends with the test.
struct Proxy(Child);

impl Drop for Proxy {
    fn drop(&mut self) {
        // nginx's workers end with their master only where it is asked.
        let _ = Command::new("kill").args(["-TERM", &self.0.id().to_string()]).status();
        let _ = self.0.wait();
    }
}

/// A server behind a proxy, in a directory that the proxy's user may enter.
struct Site {
    directory: TempDir,
    port: u16,
    base: &'static str,
    certificate: String,
}

impl Site {
    fn new(base: &'static str) -> Self {
        let directory = TempDir::new().unwrap();
        fs::set_permissions(directory.path(), Permissions::from_mode(0o755)).unwrap();
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let certificate = made.cert.pem();
        fs::write(directory.path().join("cert.pem"), &certificate).unwrap();
        fs::write(directory.path().join("key.pem"), made.signing_key.serialize_pem()).unwrap();
        Self { directory, port: free_port(), base, certificate }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn url(&self) -> String {
        format!("https://localhost:{}{}", self.port, self.base)
    }

    /// The server as the documents start it: on a Unix socket, or on TCP.
    fn serve(&self, on_socket: bool, group: Option<&str>) -> Process {
        let listen = match on_socket {
            true => format!("unix:{}", self.path("countersign.sock").display()),
            false => "127.0.0.1:0".to_owned(),
        };
        let mut command = countersign();
        command.args(["serve", "--listen", &listen, "--public-url", &self.url()]).named(&self.path("test.db"));
        match (on_socket, group) {
            (true, Some(group)) => command.args(["--socket-mode", "660", "--socket-group", group]),
            (true, None) => &mut command,
            (false, _) => command.args(["--trusted-proxy", "127.0.0.1"]),
        };
        Process::spawn(command.stdout(Stdio::piped()).stderr(Stdio::piped()))
    }

    /// The configuration of the document, where only names, ports and files are others.
    fn adapted(&self, text: &str, process: &Process) -> String {
        let file = |name: &str| self.path(name).display().to_string();
        [
            ("/etc/ssl/countersign.example.pem", file("cert.pem")),
            ("/etc/ssl/private/countersign.example.key", file("key.pem")),
            ("/run/countersign/countersign.sock", file("countersign.sock")),
            ("127.0.0.1:7711", process.url.replace("http://", "")),
            ("listen 443 ssl", format!("listen 127.0.0.1:{} ssl", self.port)),
            ("countersign.example {", format!("https://localhost:{} {{", self.port)),
            ("server_name countersign.example", "server_name localhost".to_owned()),
        ]
        .iter()
        .fold(text.to_owned(), |text, (documented, used)| text.replace(documented, used))
    }

    fn nginx(&self, text: &str, user: Option<&str>) -> Command {
        let directory = self.directory.path().display();
        let user = user.map_or_else(String::new, |user| format!("user {user};"));
        let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map(|kind| format!("{kind}_temp_path {directory}/{kind};"))
            .concat();
        let whole = format!(
            "{user} daemon off; pid {directory}/nginx.pid; error_log {directory}/nginx.log; events {{}}\n\
             http {{ access_log off; {temporary}\n{text} }}"
        );
        fs::write(self.path("nginx.conf"), whole).unwrap();
        let mut command = Command::new("nginx");
        command.arg("-c").arg(self.path("nginx.conf"));
        command
    }

    fn caddy(&self, text: &str) -> Command {
        let globals = "{\n\tadmin off\n\tauto_https disable_redirects\n\tskip_install_trust\n}\n";
        fs::write(self.path("Caddyfile"), format!("{globals}{text}")).unwrap();
        let mut command = Command::new("caddy");
        command.args(["run", "--adapter", "caddyfile", "--config"]).arg(self.path("Caddyfile"));
        command.env("HOME", self.directory.path()).env("XDG_DATA_HOME", self.directory.path());
        command
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// What is in the way of a configuration of this program; said in a line.
fn is_missing(program: &str) -> bool {
    let found = Command::new(program).arg(if program == "nginx" { "-v" } else { "version" }).output().is_ok();
    if !found {
        writeln!(std::io::stderr().lock(), "skipped: {program} is not here").unwrap();
    }
    !found
}

/// The blocks of the document in this language: a host of its own with a Unix socket, and a path with TCP.
fn documented(language: &str) -> [String; 2] {
    let blocks = document("docs/operations/proxies.md").blocks.into_iter().filter(|block| block.language == language);
    blocks.map(|block| block.text).collect::<Vec<_>>().try_into().unwrap()
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Starts the proxy, and uses the server through it.
fn through(site: &Site, mut command: Command) {
    let log = fs::File::create(site.path("proxy.log")).unwrap();
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
    let _proxy = Proxy(command.spawn().unwrap());
    let db = site.path("test.db");
    let client = |name, role| Client::new(&site.url(), &token(&db, name, role)).trusting(&site.certificate);
    let (agent, ada) = (client("builder", "agent"), client("ada", "approver"));
    until(|| agent.try_send("GET", "/healthz", &[], None).is_ok_and(|answer| answer.status == 200));
    streams(site, &agent);
    waits(&agent, &ada);
    logs_in(site, &agent, &ada);
    bodies(&agent);
    let mut list = countersign();
    list.args(["list", "--url", &site.url(), "--ca-file"]).arg(site.path("cert.pem"));
    let output = list.env("COUNTERSIGN_TOKEN", ada.token.as_deref().unwrap()).output().unwrap();
    assert!(output.status.success(), "{output:?}");
}

/// An event comes through at once: the stream does not end before it.
fn streams(site: &Site, agent: &Client) {
    let mut feed = agent.feed(None);
    let registered = agent.post("/v1/interactions", &confirmation("streamed")).expect(201);
    assert_eq!(registered.headers["location"], format!("{}/v1/interactions/streamed", site.base));
    assert_eq!(feed.next().unwrap().event, "interaction.registered");
}

/// A long-poll is under way, and then is answered by an approval.
fn waits(agent: &Client, ada: &Client) {
    agent.register(&altered(confirmation("waited"), &json!({"confirmation": {"toolName": "other"}})));
    let waiting = agent.wait_in_background("waited");
    until(|| ada.get("/metrics").expect(200).text.contains("countersign_waiters 1\n"));
    ada.confirm("waited", "allow").expect(200);
    assert_eq!(waiting.join().unwrap().expect(200).body["status"], "approved");
}

/// A person logs in by a form, and decides by one.
fn logs_in(site: &Site, agent: &Client, ada: &Client) {
    let link = ada.post_nothing("/v1/login-links").expect(201).body;
    assert!(link["url"].as_str().unwrap().starts_with(&format!("{}/login#", site.url())), "{link}");
    let browser = ada.browser();
    agent.register(&altered(confirmation("formed"), &json!({"confirmation": {"toolName": "other"}})));
    assert!(browser.page("/").contains("data-request-id=\"formed\""));
    let decided = browser.submit("/interactions/formed/decide", &[("decision", "deny")]).expect(303);
    assert_eq!(decided.headers["location"], format!("{}/?done=rejected", site.base));
    assert_eq!(agent.look("formed")["status"], "rejected");
    let headers = browser.stream_headers("/feed");
    assert_eq!(headers["content-type"], "text/event-stream");
}

/// A body of the largest size gets through; of one that is larger the server's own refusal comes back.
fn bodies(agent: &Client) {
    let of_size = |bytes: usize| {
        let mut asked = altered(confirmation("large"), &json!({"metadata": {"notes": ""}}));
        let left = bytes - asked.to_string().len();
        asked["metadata"]["notes"] = "x".repeat(left).into();
        asked
    };
    agent.post("/v1/interactions", &of_size(BODY)).expect(201);
    assert_eq!(agent.post("/v1/interactions", &of_size(BODY + 1)).refusal(), (413, "body_too_large"));
}

#[test]
fn a_server_works_behind_nginx_as_documented() {
    if is_missing("nginx") {
        return;
    }
    let [own_host, under_path] = documented("nginx");
    // Where the proxy may be another user it is, so that the socket's mode and group count.
    let (user, group) = if is_root() { (Some("www-data"), Some("www-data")) } else { (None, None) };
    let site = Site::new("");
    let process = site.serve(true, group);
    through(&site, site.nginx(&site.adapted(&own_host, &process), user));
    for taken_off in [false, true] {
        let site = Site::new("/some/path");
        let process = site.serve(false, None);
        let mut text = site.adapted(&under_path, &process);
        if taken_off {
            text = text.replace(&format!("{};", process.url), &format!("{}/;", process.url));
        }
        through(&site, site.nginx(&text, user));
    }
}

#[test]
fn a_server_works_behind_caddy_as_documented() {
    if is_missing("caddy") {
        return;
    }
    let [own_host, under_path] = documented("caddyfile");
    let site = Site::new("");
    let process = site.serve(true, None);
    through(&site, site.caddy(&site.adapted(&own_host, &process)));
    for passed_on in [false, true] {
        let site = Site::new("/some/path");
        let process = site.serve(false, None);
        let mut text = site.adapted(&under_path, &process);
        if passed_on {
            text = text.replace("handle_path ", "handle ");
        }
        through(&site, site.caddy(&text));
    }
}
