//! Agents that wait, and ask again wherever the server comes back.

use std::sync::{Arc, Condvar, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::harness::{Client, Process, confirmation};
use crate::ledger::{Ledger, Promise};
use crate::load::Tokens;

/// Where the server is now, told to those who wait; `None` before it has come back.
#[derive(Default)]
struct Address {
    url: Mutex<Option<String>>,
    told: Condvar,
}

/// Agents, each of which waits for an interaction of its own.
pub(super) struct Waiters {
    address: Arc<Address>,
    threads: Vec<(String, JoinHandle<Instant>)>,
}

/// Registers `name-0` and so on, to be waited for.
pub(super) fn registered(
    process: &Process,
    tokens: &Tokens,
    name: &str,
    count: usize,
    ledger: &mut Ledger,
) -> Vec<String> {
    let agent = Client::new(&process.url, &tokens.agent);
    let ids = (0..count).map(|number| format!("{name}-{number}"));
    let register = |id: &String| {
        agent.register(&confirmation(id));
        ledger.add(Promise::Registered(id.clone()));
    };
    ids.inspect(register).collect()
}

impl Waiters {
    /// Starts a waiter for each of these.
    pub(super) fn for_each(ids: &[String], process: &Process, tokens: &Tokens) -> Self {
        let agent = Client::new(&process.url, &tokens.agent);
        let address = Arc::new(Address::default());
        let threads = ids.iter().map(|id| {
            let (agent, address, waits_for) = (agent.clone(), Arc::clone(&address), id.clone());
            (id.clone(), thread::spawn(move || wait(&agent, &waits_for, &address)))
        });
        Self { threads: threads.collect(), address }
    }

    /// Tells them where the server has come back, approves what they wait for, and gives back how long after `restart`
    /// each had its answer.
    pub(super) fn answered(
        self,
        process: &Process,
        tokens: &Tokens,
        restart: Instant,
        ledger: &mut Ledger,
    ) -> Vec<Duration> {
        *self.address.url.lock().unwrap() = Some(process.url.clone());
        self.address.told.notify_all();
        let approver = Client::new(&process.url, &tokens.approver);
        for (id, _) in &self.threads {
            let body = json!({"requestId": id, "decision": "allow"});
            approver.post("/v1/confirm", &body).expect(200);
            ledger.add(Promise::Resolved(id.clone(), "approved"));
        }
        self.threads.into_iter().map(|(_, thread)| thread.join().unwrap().duration_since(restart)).collect()
    }
}

/// Waits until it is resolved, at whichever address; when that was.
fn wait(agent: &Client, id: &str, address: &Address) -> Instant {
    let path = format!("/v1/interactions/{id}?waitMs=60000");
    let mut agent = agent.clone();
    loop {
        if let Ok(answer) = agent.try_send("GET", &path, &[], None) {
            if answer.expect(200).body["status"] == "approved" {
                return Instant::now();
            }
            continue;
        }
        let url = address.told.wait_while(address.url.lock().unwrap(), |url| url.is_none()).unwrap();
        agent = Client::new(url.as_ref().unwrap(), agent.token.as_deref().unwrap());
    }
}
