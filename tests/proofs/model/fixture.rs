//! The real server and the oracle, side by side: each step is done with both, and both have to say the same.

use std::sync::Arc;
use std::time::{Duration, Instant};

use countersign::clock::{Clock as _, ManualClock, Timestamp};
use serde_json::{Value, json};

use super::actors::{ACTORS, ADMIN};
use super::coverage::Coverage;
use super::generate::Action;
use super::oracle::{Event, Expected, Learnt, Oracle, Settings};
use super::request::{Request, Verb};
use super::tables;
use crate::harness::{Answer, Client, TestServer};
use crate::seeded_rng::SeededRng;

/// How long the server may take to do by itself what is due.
const PATIENCE: Duration = Duration::from_secs(20);

pub(super) struct Fixture {
    /// Always there, but for the moment of a restart.
    server: Option<TestServer>,
    flags: Vec<String>,
    /// Without a sweeper what is over stays in its row until a request reads it: it must not matter.
    sweeps: bool,
    /// One a actor, and the anonymous client's.
    clients: Vec<Client>,
    /// The last event that was read.
    seq: i64,
    pub(super) oracle: Oracle,
}

impl Fixture {
    /// A new server, started with these settings.
    pub(super) fn start(settings: Settings, rng: &mut SeededRng) -> Self {
        let ttl = settings.default_ttl.map_or_else(|| "none".to_owned(), |ms| format!("{}s", ms / 1000));
        let mut flags = vec!["--default-ttl".to_owned(), ttl];
        flags.extend(["--max-pending".to_owned(), settings.max_pending.to_string()]);
        flags.extend(settings.self_approval.then(|| "--allow-self-approval".to_owned()));
        let said: Vec<_> = flags.iter().map(String::as_str).collect();
        let sweeps = rng.percent(50);
        let server = if sweeps { TestServer::with(&said) } else { TestServer::without_sweeper_with(&said) };
        let mut clients: Vec<_> = ACTORS.iter().map(|(name, role)| server.client(name, *role)).collect();
        clients.push(server.anonymous());
        let oracle = Oracle::new(server.clock.now().as_millis(), settings);
        let mut fixture = Self { server: Some(server), flags, sweeps, clients, seq: 0, oracle };
        let tokens_made = fixture.heard();
        fixture.oracle.history.begin(tokens_made);
        fixture
    }

    fn server(&self) -> &TestServer {
        self.server.as_ref().unwrap()
    }

    /// Does it with both; what differs, in words.
    pub(super) fn act(&mut self, action: &Action, coverage: &mut Coverage) -> Result<(), String> {
        match action {
            Action::Ask(request) => self.ask(request, coverage).map(drop),
            Action::Advance { ms, awaited } => {
                self.server().advance(Duration::from_millis(ms.unsigned_abs()));
                self.oracle.it_is(self.oracle.now + ms);
                if *awaited { self.settle() } else { Ok(()) }
            }
            Action::Restart { shift_ms } => self.restart(*shift_ms),
            Action::Compare => {
                self.settle()?;
                tables::compare(self.server(), &self.oracle)
            }
        }
    }

    /// Asks both; says of which kind the answer is.
    pub(super) fn ask(&mut self, request: &Request, coverage: &mut Coverage) -> Result<String, String> {
        // The history is only told whole once everything is in it; whether a value is wiped already is seen by who gives
        // it again; and what is overdue counts as pending until it is swept.
        let is_missing = |event: &str| self.oracle.history.missing().any(|missing| missing.event == event);
        let matters = match request.verb {
            Verb::Audit => true,
            Verb::Secret | Verb::Wipe => is_missing("secret.wiped"),
            Verb::Register => self.oracle.settings.max_pending < 100 && is_missing("interaction.expired"),
            Verb::Look
            | Verb::List
            | Verb::Cancel
            | Verb::Claim
            | Verb::Report
            | Verb::Take
            | Verb::Supersede
            | Verb::Confirm
            | Verb::Question
            | Verb::MakeRule
            | Verb::ListRules
            | Verb::LookRule
            | Verb::Revoke
            | Verb::Pending
            | Verb::Withdraw => false,
        };
        if matters {
            self.settle()?;
        }
        let answer = self.send(request, "");
        let server = self.server.as_ref().unwrap();
        let newest_rule = || {
            let newest = server.sql("SELECT rule_id FROM trust_rules ORDER BY rule_number DESC LIMIT 1").concat();
            newest.first().and_then(Value::as_str).unwrap_or_default().to_owned()
        };
        let expected = self.oracle.answer(request, &Learnt { answer: &answer.body, newest_rule: &newest_rule });
        let kind = coverage.met(request.verb, &expected);
        let said = match &expected {
            Ok((200, body)) => self.whole(request, &answer, body)?,
            Ok(_) | Err(_) => answer.body.clone(),
        };
        if is_as_expected(answer.status, &said, &expected) {
            return Ok(kind);
        }
        Err(format!("the server answers {} {said:#}\nand is to answer {expected:#?}", answer.status))
    }

    fn send(&self, request: &Request, cursor: &str) -> Answer {
        let path = request.path() + cursor;
        let body = match (request.method(), &request.body) {
            ("POST", Value::Null) => Some(String::new()),
            ("POST", body) => Some(body.to_string()),
            _ => None,
        };
        let headers: &[_] = if body.is_some() { &[("content-type", "application/json")] } else { &[] };
        let body = body.as_ref().map(String::as_bytes);
        self.clients[request.who].try_send(request.method(), &path, headers, body).unwrap()
    }

    /// What was answered; of a list, all its pages put together, with those members that the oracle knows.
    fn whole(&self, request: &Request, first: &Answer, expected: &Value) -> Result<Value, String> {
        let list = ["interactions", "trustRules", "auditEvents"].into_iter().find(|list| expected[list].is_array());
        let Some(list) = list.filter(|list| first.body[list].is_array()) else {
            return Ok(first.body.clone());
        };
        let limit = request.asked("limit").map_or(50, |limit| limit.parse().unwrap());
        let (mut items, mut page) = (Vec::new(), first.body.clone());
        loop {
            let found = page[list].as_array().cloned().unwrap_or_default();
            if found.len() > limit {
                return Err(format!("{} on a page of {limit}", found.len()));
            }
            items.extend(found);
            let Some(cursor) = page["nextCursor"].as_str() else {
                break;
            };
            let separator = if request.query.is_empty() { '?' } else { '&' };
            page = self.send(request, &format!("{separator}cursor={cursor}")).body;
        }
        if list == "auditEvents" {
            let known = |event: &Value| {
                json!({"event": event["event"], "requestId": event["requestId"], "ruleId": event["ruleId"],
                    "principal": event["principal"], "at": event["at"]})
            };
            items = items.iter().map(known).collect();
        }
        Ok(json!({ list: items }))
    }

    /// The events that have come since this was asked last.
    fn heard(&mut self) -> Vec<Event> {
        let rows = self.server().sql(&format!(
            "SELECT seq, event, request_id, rule_id, principal, at_ms FROM audit_events WHERE seq > {} ORDER BY seq",
            self.seq
        ));
        self.seq = rows.last().map_or(self.seq, |row| row[0].as_i64().unwrap());
        let event = |row: Vec<Value>| {
            let text = |column: usize| row[column].as_str().map(str::to_owned);
            let (event, at) = (text(1).unwrap(), row[5].as_i64().unwrap());
            Event { event, request: text(2), rule: text(3), principal: text(4), at }
        };
        rows.into_iter().map(event).collect()
    }

    /// Waits until the server has told all that there is to tell, and nothing else.
    fn settle(&mut self) -> Result<(), String> {
        if !self.sweeps {
            // A list has what is due swept first.
            self.clients[ADMIN].get("/v1/interactions?limit=1").expect(200);
        }
        let begun = Instant::now();
        loop {
            for heard in self.heard() {
                self.oracle.history.hear(heard)?;
            }
            if self.oracle.history.is_complete() {
                return Ok(());
            }
            if begun.elapsed() > PATIENCE {
                let missing: Vec<_> = self.oracle.history.missing().collect();
                return Err(format!("the server has not told {missing:#?}"));
            }
            std::thread::yield_now();
        }
    }

    /// Restarts the server while its clock is set; time never runs backwards over that.
    fn restart(&mut self, shift_ms: i64) -> Result<(), String> {
        self.settle()?;
        let clock = ManualClock::new(Timestamp::from_millis(self.oracle.now + shift_ms).unwrap());
        let flags: Vec<_> = self.flags.iter().map(String::as_str).collect();
        let server = self.server.take().unwrap().restart_at(Arc::new(clock), &flags);
        let highest_seen = self.oracle.history.last_at().unwrap_or(self.oracle.now + shift_ms);
        self.oracle.it_is(highest_seen.max(self.oracle.now + shift_ms));
        for client in &mut self.clients {
            *client = match &client.token {
                Some(token) => Client::new(&server.url, token),
                None => Client::anonymous(&server.url),
            };
        }
        let shown = server.clock.now().as_millis();
        self.server = Some(server);
        if shown == self.oracle.now { Ok(()) } else { Err(format!("it is {shown}, and not {}", self.oracle.now)) }
    }
}

/// Whether an answer is the one that was expected: a refusal by its status, its code and what it says of the
/// interaction, anything else to the letter.
fn is_as_expected(status: u16, said: &Value, expected: &Expected) -> bool {
    match expected {
        Ok((expected_status, body)) => status == *expected_status && said == body,
        Err(refusal) => {
            let has_a_sentence = said["error"].as_str().is_some_and(|sentence| !sentence.is_empty());
            let standing = said["status"].as_str() == refusal.standing;
            status == refusal.status && said["code"] == refusal.code && standing && has_a_sentence
        }
    }
}
