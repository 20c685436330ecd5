//! What every test stands on: a real server on a free port with a temporary database and a clock that stands still, and
//! the real binary as a process of its own, to be killed.

pub(crate) mod feed;
pub(crate) mod outside;
mod together;
mod unchanged;
mod unswept;

pub(crate) use self::together::{Act, together};
use self::unswept::{Sweeper, serve_unswept};

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use clap::Parser;
use countersign::clock::{Clock, ManualClock};
use countersign::config::Config;
use countersign::domain::id::TokenId;
use countersign::domain::principal::Principal;
use countersign::domain::words::Role;
use countersign::server::{Error, Server};
use countersign::service::Service;
use countersign::store::{self, Holder, write_beside};
use countersign::tokens;
use rusqlite::types::Value as SqlValue;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::oneshot;

/// The time at which every manual clock starts: 2030-01-01T00:00:00.000Z.
pub(crate) const START: &str = "2030-01-01T00:00:00.000Z";

#[derive(Parser)]
struct Flags {
    #[command(flatten)]
    config: Config,
}

/// A server inside the test's process.
pub(crate) struct TestServer {
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) service: Arc<Service>,
    pub(crate) url: String,
    directory: TempDir,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<Result<(), Error>>>,
}

impl TestServer {
    pub(crate) fn start() -> Self {
        Self::with(&[])
    }

    /// With flags as on the command line.
    pub(crate) fn with(flags: &[&str]) -> Self {
        let clock = Arc::new(ManualClock::new(START.parse().unwrap()));
        Self::on(TempDir::new().unwrap(), clock, flags, Sweeper::Runs)
    }

    fn on(directory: TempDir, clock: Arc<ManualClock>, flags: &[&str], sweeper: Sweeper) -> Self {
        let db = directory.path().join("test.db");
        let fixed = ["countersign", "--listen", "127.0.0.1:0", "--db", db.to_str().unwrap()];
        let config = Flags::try_parse_from(fixed.iter().chain(flags)).unwrap().config;
        let (started, ready) = std::sync::mpsc::channel();
        let (stop, stopped) = oneshot::channel::<()>();
        let thread = std::thread::spawn({
            let clock: Arc<dyn Clock> = clock.clone();
            move || {
                let runtime =
                    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
                runtime.block_on(async {
                    let stop = async { stopped.await.unwrap_or(()) };
                    if sweeper == Sweeper::Never {
                        return serve_unswept(config, clock, started, stop).await;
                    }
                    let server = Server::open(config, clock).await?;
                    started.send((server.address().unwrap(), server.service())).unwrap();
                    server.serve(stop).await
                })
            }
        });
        let (address, service) = ready.recv().unwrap();
        let url = format!("http://{address}");
        Self { clock, service, url, directory, stop: Some(stop), thread: Some(thread) }
    }

    /// Stops, as SIGTERM would, and starts again on the same database and clock.
    pub(crate) fn restart(self, flags: &[&str]) -> Self {
        let clock = self.clock.clone();
        self.restart_at(clock, flags)
    }

    /// The same, but the clock has been set meanwhile, forward or back.
    pub(crate) fn restart_at(mut self, clock: Arc<ManualClock>, flags: &[&str]) -> Self {
        self.stop_and_join().unwrap();
        let directory = std::mem::replace(&mut self.directory, TempDir::new().unwrap());
        // With the service goes the lock on the database.
        drop(self);
        Self::on(directory, clock, flags, Sweeper::Runs)
    }

    /// Asks the server to stop, without waiting until it has.
    pub(crate) fn begin_stop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
    }

    fn stop_and_join(&mut self) -> Result<(), Error> {
        self.begin_stop();
        self.thread.take().map_or(Ok(()), |thread| thread.join().unwrap())
    }

    pub(crate) fn db(&self) -> PathBuf {
        self.directory.path().join("test.db")
    }

    /// Moves time forward.
    pub(crate) fn advance(&self, by: Duration) {
        self.clock.advance(by);
    }

    /// A client that speaks as a new principal, or with a new token of one that is there.
    pub(crate) fn client(&self, name: &str, role: Role) -> Client {
        Client { url: self.url.clone(), token: Some(create_token(&self.db(), &*self.clock, name, role)), agent: http() }
    }

    pub(crate) fn agent(&self, name: &str) -> Client {
        self.client(name, Role::Agent)
    }

    pub(crate) fn approver(&self, name: &str) -> Client {
        self.client(name, Role::Approver)
    }

    /// A client without a token.
    pub(crate) fn stranger(&self) -> Client {
        Client { url: self.url.clone(), token: None, agent: http() }
    }

    /// What a query says of the database, as its own reader beside the server.
    pub(crate) fn sql(&self, query: &str) -> Vec<Vec<Value>> {
        sql(&self.db(), query)
    }

    /// Ends once so many requests wait: the event to await before whatever is to wake them.
    pub(crate) fn until_waiting(&self, count: usize) {
        until(|| self.service.waiting() == count);
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        let ended = self.stop_and_join();
        if !std::thread::panicking() {
            ended.unwrap();
        }
    }
}

/// Makes a token as `countersign token create` does.
pub(crate) fn create_token(db: &Path, clock: &dyn Clock, name: &str, role: Role) -> String {
    let token = tokens::generate().unwrap();
    let principal = Principal { name: name.parse().unwrap(), role };
    let holder = Holder { token_sha256: tokens::digest(&token), principal };
    let made: Result<(), store::OpenError> =
        write_beside(db, clock, |tx| Ok(tx.insert_token(&TokenId::generate(), &holder)?));
    made.unwrap();
    token.to_string()
}

/// Asks again and again, giving way in between, until it is so; gives up after a time in which anything has happened
/// that will.
pub(crate) fn until(mut so: impl FnMut() -> bool) {
    let begun = std::time::Instant::now();
    while !so() {
        assert!(begun.elapsed() < Duration::from_secs(20), "it did not come to pass");
        std::thread::yield_now();
    }
}

/// The rows of a query, by a read-only connection of its own.
pub(crate) fn sql(db: &Path, query: &str) -> Vec<Vec<Value>> {
    let conn = rusqlite::Connection::open_with_flags(db, rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    let mut statement = conn.prepare(query).unwrap();
    let columns = statement.column_count();
    let rows = statement.query_map([], |row| (0..columns).map(|column| row.get::<_, SqlValue>(column)).collect());
    let rows: Vec<Vec<SqlValue>> = rows.unwrap().collect::<Result<_, _>>().unwrap();
    rows.into_iter().map(|row| row.into_iter().map(json_of).collect()).collect()
}

fn json_of(value: SqlValue) -> Value {
    match value {
        SqlValue::Null => Value::Null,
        SqlValue::Integer(number) => number.into(),
        SqlValue::Real(number) => number.into(),
        SqlValue::Text(text) => text.into(),
        SqlValue::Blob(bytes) => hex::encode(bytes).into(),
    }
}

fn http() -> ureq::Agent {
    let config =
        ureq::Agent::config_builder().http_status_as_error(false).timeout_global(Some(Duration::from_secs(60)));
    config.build().into()
}

/// Speaks HTTP with one token. A clone shares its connections.
#[derive(Clone)]
pub(crate) struct Client {
    pub(crate) url: String,
    pub(crate) token: Option<String>,
    agent: ureq::Agent,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// The body; null when it was empty.
    pub(crate) body: Value,
    /// The body, to the letter.
    pub(crate) text: String,
    pub(crate) headers: ureq::http::HeaderMap,
}

impl Answer {
    /// The stable code of a refusal; panics with the whole answer when there is none.
    pub(crate) fn code(&self) -> &str {
        assert!(self.body["error"].as_str().is_some_and(|sentence| !sentence.is_empty()), "no sentence: {self:?}");
        self.body["code"].as_str().unwrap_or_else(|| panic!("no code: {self:?}"))
    }

    /// Status and code of a refusal.
    pub(crate) fn refusal(&self) -> (u16, &str) {
        (self.status, self.code())
    }

    /// This very answer, if its status is `status`; panics with the whole of it otherwise.
    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{self:?}");
        self
    }
}

impl Client {
    /// A client of the server at `url`.
    pub(crate) fn new(url: &str, token: &str) -> Self {
        Self { url: url.to_owned(), token: Some(token.to_owned()), agent: http() }
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.try_send("GET", path, &[], None).unwrap()
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> Answer {
        self.post_text(path, &body.to_string())
    }

    /// A JSON body to the letter.
    pub(crate) fn post_text(&self, path: &str, body: &str) -> Answer {
        self.try_send("POST", path, &[("content-type", "application/json")], Some(body.as_bytes())).unwrap()
    }

    /// A POST without a body.
    pub(crate) fn post_nothing(&self, path: &str) -> Answer {
        self.try_send("POST", path, &[], Some(b"")).unwrap()
    }

    pub(crate) fn delete(&self, path: &str) -> Answer {
        self.try_send("DELETE", path, &[], None).unwrap()
    }

    /// Anything at all; an error where no whole answer came.
    pub(crate) fn try_send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&[u8]>,
    ) -> Result<Answer, ureq::Error> {
        let mut request = ureq::http::Request::builder().method(method).uri(format!("{}{path}", self.url));
        if let Some(token) = &self.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut response = match body {
            Some(body) => self.agent.run(request.body(body)?)?,
            None => self.agent.run(request.body(())?)?,
        };
        let text = response.body_mut().read_to_string()?;
        let body = if text.is_empty() { Value::Null } else { serde_json::from_str(&text).unwrap_or(Value::Null) };
        Ok(Answer { status: response.status().as_u16(), body, text, headers: response.headers().clone() })
    }

    /// Registers what [`confirmation`], [`secret`] or [`question`] made; 201.
    #[track_caller]
    pub(crate) fn register(&self, registration: &Value) -> Value {
        self.post("/v1/interactions", registration).expect(201).body
    }

    /// The interaction as it stands.
    #[track_caller]
    pub(crate) fn look(&self, request_id: &str) -> Value {
        self.get(&format!("/v1/interactions/{request_id}")).expect(200).body
    }

    #[track_caller]
    pub(crate) fn confirm(&self, request_id: &str, decision: &str) -> Answer {
        self.post("/v1/confirm", &json!({"requestId": request_id, "decision": decision}))
    }

    /// Waits for the resolution in a thread of its own: longer than a client has patience for, so that nothing but a
    /// resolution ends it well.
    pub(crate) fn wait_in_background(&self, request_id: &str) -> JoinHandle<Answer> {
        let (client, path) = (self.clone(), format!("/v1/interactions/{request_id}?waitMs=300000"));
        std::thread::spawn(move || client.get(&path))
    }
}

/// A registration, or any JSON object, with these members in place of its own, objects member by member.
pub(crate) fn altered(mut value: Value, changes: &Value) -> Value {
    for (name, change) in changes.as_object().unwrap() {
        let old = value[name].take();
        value[name] = if old.is_object() && change.is_object() { altered(old, change) } else { change.clone() };
    }
    value
}

/// A confirmation of the tool `shell` that offers the pattern `make *` and the scopes `everywhere` and `/repo`.
pub(crate) fn confirmation(request_id: &str) -> Value {
    json!({
        "requestId": request_id,
        "kind": "confirmation",
        "conversationId": "conversation",
        "confirmation": {
            "toolName": "shell",
            "input": {"command": "make deploy"},
            "workingDir": "/repo",
            "allowlistOptions": [{"label": "any make", "pattern": "make *"}],
            "scopeOptions": [{"label": "everywhere", "scope": "everywhere"}, {"label": "here", "scope": "/repo"}],
        },
    })
}

pub(crate) fn secret(request_id: &str) -> Value {
    json!({
        "requestId": request_id,
        "kind": "secret",
        "conversationId": "conversation",
        "secret": {"service": "forge", "field": "token", "label": "The forge's token"},
    })
}

/// A question with the entries `colour` (red or blue) and `why` (free text).
pub(crate) fn question(request_id: &str) -> Value {
    json!({
        "requestId": request_id,
        "kind": "question",
        "conversationId": "conversation",
        "question": {"entries": [
            {"questionId": "colour", "text": "Which?", "options": [
                {"optionId": "red", "label": "Red"}, {"optionId": "blue", "label": "Blue"}]},
            {"questionId": "why", "text": "Why?", "options": [], "freeTextAllowed": true},
        ]},
    })
}

/// Responses that answer [`question`].
pub(crate) fn responses() -> Value {
    json!([{"questionId": "colour", "optionId": "red"}, {"questionId": "why", "text": "I like it"}])
}

/// The real binary, serving, as a process of its own. Killed when dropped.
pub(crate) struct Process {
    child: Child,
    stdout: BufReader<ChildStdout>,
    pub(crate) url: String,
}

/// The command line of the real binary.
pub(crate) fn countersign() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_countersign"));
    command.env_clear().stdin(Stdio::null());
    command
}

impl Process {
    /// Starts `serve` on `db` and reads the line that says where it listens; panics if there is none.
    pub(crate) fn serve(db: &Path, flags: &[&str]) -> Self {
        Self::serve_on("127.0.0.1:0", db, flags)
    }

    /// The same, where it is to listen at a certain address.
    pub(crate) fn serve_on(address: &str, db: &Path, flags: &[&str]) -> Self {
        let mut command = countersign();
        command.args(["serve", "--listen", address, "--db"]).arg(db).args(flags);
        Self::spawn(command.stdout(Stdio::piped()).stderr(Stdio::piped()))
    }

    pub(crate) fn spawn(command: &mut Command) -> Self {
        let mut child = command.spawn().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        let url = line.strip_prefix("listening on ").map(|url| url.trim_end().to_owned());
        Self { child, stdout, url: url.unwrap_or_else(|| panic!("it said {line:?}")) }
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// SIGKILL.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// SIGTERM; how it ended, what else it said on stdout, and what it said on stderr.
    pub(crate) fn terminate(mut self) -> (ExitStatus, String, String) {
        signal(self.child.id(), "TERM");
        self.ended()
    }

    /// Waits for its end.
    pub(crate) fn ended(&mut self) -> (ExitStatus, String, String) {
        let (mut out, mut err) = (String::new(), String::new());
        self.stdout.read_to_string(&mut out).unwrap();
        if let Some(mut stderr) = self.child.stderr.take() {
            stderr.read_to_string(&mut err).unwrap();
        }
        (self.child.wait().unwrap(), out, err)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Sends a signal by its name.
pub(crate) fn signal(process: u32, name: &str) {
    let sent = Command::new("kill").args([format!("-{name}"), process.to_string()]).status().unwrap();
    assert!(sent.success());
}

/// A token made by the real binary.
pub(crate) fn token(db: &Path, name: &str, role: &str) -> String {
    let made =
        countersign().args(["token", "create", "--name", name, "--role", role, "--db"]).arg(db).output().unwrap();
    assert!(made.status.success(), "{made:?}");
    String::from_utf8(made.stdout).unwrap().trim_end().to_owned()
}
