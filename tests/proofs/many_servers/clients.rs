//! Clients that ask and decide on whatever server they come to, again and again until they are told that it is done.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::cluster::Cluster;
use crate::harness::{Answer, Client, confirmation};
use crate::seeded_rng::SeededRng;

/// How often a client asks again before it gives up: a failure to be told anything is one, too.
const MOST_TRIES: usize = 300;

/// What clients were told.
#[derive(Default)]
pub(super) struct Told {
    statuses: Mutex<BTreeMap<String, &'static str>>,
    /// How often they asked again.
    pub(super) repeated: Mutex<usize>,
    /// The longest that one of them waited for what it wanted.
    pub(super) longest: Mutex<Duration>,
}

impl Told {
    pub(super) fn len(&self) -> usize {
        self.statuses.lock().unwrap().len()
    }

    /// Whether all that was told is so in the database in this folder.
    pub(super) fn check(&self, folder: &std::path::Path) {
        let rows = Cluster::psql(folder, "SELECT request_id || ' ' || status FROM interactions");
        let found = rows.iter().filter_map(|row| row.split_once(' ')).collect::<BTreeMap<_, _>>();
        for (id, told) in &*self.statuses.lock().unwrap() {
            let found = found.get(id.as_str()).copied();
            // What was registered may have been decided by a client that was not told so.
            let is_kept = found == Some(*told) || (*told == "pending" && found.is_some());
            assert!(is_kept, "{id} was {told} and is {found:?}");
        }
    }

    fn set(&self, id: &str, status: &'static str) {
        self.statuses.lock().unwrap().insert(id.to_owned(), status);
    }
}

/// A crowd of clients, and the servers that they know.
pub(super) struct Crowd<'c> {
    pub(super) urls: Vec<Mutex<String>>,
    pub(super) tokens: [&'c str; 2],
    pub(super) told: Told,
    pub(super) is_over: AtomicBool,
    pub(super) seed: u64,
}

impl<'c> Crowd<'c> {
    pub(super) fn new(urls: &[&str], tokens: [&'c str; 2], seed: u64) -> Self {
        let urls = urls.iter().map(|url| Mutex::new((*url).to_owned())).collect();
        Self { urls, tokens, told: Told::default(), is_over: AtomicBool::new(false), seed }
    }

    /// Lets so many clients ask and decide while `meanwhile` runs.
    pub(super) fn while_running(&self, clients: u64, meanwhile: impl FnOnce()) {
        std::thread::scope(|scope| {
            for client in 0..clients {
                scope.spawn(move || self.ask_and_decide(client));
            }
            let over = Over(&self.is_over);
            meanwhile();
            drop(over);
        });
    }

    fn ask_and_decide(&self, client: u64) {
        let mut rng = SeededRng::of_part(self.seed, client);
        for number in 0.. {
            if self.is_over.load(Ordering::Acquire) {
                return;
            }
            let id = format!("{:x}-{client}-{number}", self.seed);
            let asked = confirmation(&id);
            self.until(&mut rng, 0, "/v1/interactions", &asked);
            self.told.set(&id, "pending");
            let (decision, status) = rng.pick(&[("allow", "approved"), ("deny", "rejected")]);
            let decided = json!({"requestId": id, "decision": decision});
            self.until(&mut rng, 1, "/v1/confirm", &decided);
            self.told.set(&id, status);
        }
    }

    /// Asks one server after another until one of them says that it is done.
    fn until(&self, rng: &mut SeededRng, who: usize, path: &str, body: &Value) {
        let begun = Instant::now();
        for tried in 0..MOST_TRIES {
            let url = self.urls[rng.below(self.urls.len())].lock().unwrap().clone();
            let json = [("content-type", "application/json")];
            let answer =
                Client::new(&url, self.tokens[who]).try_send("POST", path, &json, Some(body.to_string().as_bytes()));
            match answer {
                Ok(answer) if [200, 201].contains(&answer.status) => {
                    *self.told.repeated.lock().unwrap() += tried;
                    let mut longest = self.told.longest.lock().unwrap();
                    *longest = (*longest).max(begun.elapsed());
                    return;
                }
                // Another server may do it, once there is a primary.
                Ok(answer) if answer.status == 503 => wait_as_told(&answer),
                Ok(answer) => panic!("{path} {body}: {answer:?}"),
                Err(_) => std::thread::yield_now(),
            }
        }
        panic!("{path} {body}: nobody says that it is done");
    }
}

/// Lets pass what the server asks a client to let pass before it asks again.
fn wait_as_told(answer: &Answer) {
    let told = answer.body["retryAfterMs"].as_u64().unwrap_or_default();
    #[expect(clippy::disallowed_methods, reason = "the time is what the server has asked for")]
    std::thread::sleep(Duration::from_millis(told));
}

/// Ends the crowd's work, however what runs beside it ends.
struct Over<'o>(&'o AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}
