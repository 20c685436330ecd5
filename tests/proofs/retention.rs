//! Retention: one by one and by age, interactions are forgotten while an agent asks and a person decides, and the server is
//! killed meanwhile. Each of them is whole or forgotten, never half; a forgetting that was acknowledged stays one; what was
//! forgotten is in no byte of any file or table, and every word of the rest is; heads of the chain from before prove it afterwards.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use serde_json::{Value, json};

use crate::harness::outside::{stored, write_sql};
use crate::harness::{
    Client, Database, Named as _, Process, altered, confirmation, countersign, is_postgres, secret, sql, token,
};
use crate::ledger::{Ledger, audit};
use crate::load::{Act, By, Pair, Tokens};
use crate::run::{Found, Run};
use crate::seeded_rng::SeededRng;

/// What every word begins with that is to be forgotten.
const CANARY: &[u8] = b"canary-";

/// How the word of an interaction ends, so that none is found in another.
const END: u8 = b'!';

/// The fewest promises of a round before its kill, and how many more there may be.
const PROMISES: (usize, usize) = (30, 120);

/// What was told to the clients so far.
#[derive(Default)]
struct Told {
    ledger: Ledger,
    /// What is over, and can be forgotten.
    over: Vec<String>,
    /// What was acknowledged as forgotten.
    forgotten: BTreeSet<String>,
}

pub(crate) fn prove(run: &Run) -> Found {
    let mut rng = SeededRng::new(run.seed);
    let db = Database::new();
    let (tokens, root) = (Tokens::make(&db), token(&db, "root", "admin"));
    let mut told = Told::default();
    let mut heads = Vec::new();
    let kills = run.amount(6, 60);
    for round in 0..kills {
        told = killed(&db, (&tokens, &root), told, round, &mut rng);
        check(&db, &told, &heads, round);
        heads.push(said(&db, &["audit", "head"]));
    }
    let server = Process::serve(&db, &[]);
    said(&db, &["forget", "--older-than", "1ms"]);
    server.terminate();
    check(&db, &told, &heads, kills);
    let (kept, forgotten) = kept_and_forgotten(&db);
    let words = words_in(&db);
    let traces = forgotten.intersection(&words).collect::<Vec<_>>();
    assert!(traces.is_empty(), "words of what was forgotten are stored: {traces:?}");
    let missing = kept.difference(&words).collect::<Vec<_>>();
    assert!(missing.is_empty(), "words of what was not forgotten are gone: {missing:?}");
    let spoken = sql(
        &db,
        "SELECT request_id FROM forgettings JOIN texts USING (interaction_id) JOIN interactions USING (interaction_id) WHERE about = 'resolution'",
    );
    let spoken = rng.sample(spoken, run.amount(3, 30));
    let planted = spoken.len();
    let caught = spoken.iter().filter(|row| is_missed(&db, row[0].as_str().unwrap())).count();
    assert_eq!(caught, planted, "a word that came back was not seen");
    Found::Held(vec![
        ("kills", kills.to_string()),
        ("acknowledged", told.ledger.len().to_string()),
        ("lost", "0".to_owned()),
        ("forgotten", forgotten.len().to_string()),
        ("acknowledged as forgotten, one by one", told.forgotten.len().to_string()),
        (if is_postgres() { "their words in any row" } else { "their words in any file" }, "0".to_owned()),
        ("whole, with every word", kept.len().to_string()),
        ("heads from before that prove it", heads.len().to_string()),
        ("planted words", planted.to_string()),
        ("caught", caught.to_string()),
    ])
}

/// A round: an agent asks, a person decides, an admin and a command forget, until SIGKILL.
fn killed(db: &Path, (tokens, root): (&Tokens, &str), told: Told, round: usize, rng: &mut SeededRng) -> Told {
    let server = Process::serve(db, &[]);
    let (people, root) = (tokens.at(&server.url), Client::new(&server.url, root));
    let (told, promises) = (Mutex::new(told), AtomicUsize::new(0));
    let wanted = PROMISES.0 + rng.below(PROMISES.1);
    let mut choices = SeededRng::new(rng.seed());
    thread::scope(|scope| {
        let (told, promises) = (&told, &promises);
        scope.spawn(move || ask(&people, round, told, promises));
        scope.spawn(move || while forget(db, &root, told, &mut choices).is_some() {});
        scope.spawn(move || {
            crate::harness::until(|| promises.load(Ordering::Relaxed) >= wanted);
            server.kill();
        });
    });
    told.into_inner().unwrap()
}

/// Asks and decides until the server is gone, and notes what it acknowledged.
fn ask(people: &Pair, round: usize, told: &Mutex<Told>, promises: &AtomicUsize) {
    for number in 0.. {
        let id = format!("i{round}-{number}");
        for act in acts(&id, number) {
            let Some(answer) = people.perform(&act) else { return };
            answer.expect(act.status);
            promises.fetch_add(1, Ordering::Relaxed);
            let mut told = told.lock().unwrap();
            act.promise().into_iter().for_each(|promise| told.ledger.add(promise));
        }
        if number % 4 != PENDING {
            told.lock().unwrap().over.push(id);
        }
    }
}

/// Which of four interactions nobody decides.
const PENDING: usize = 3;

/// All that happens to an interaction.
fn acts(id: &str, number: usize) -> Vec<Act> {
    let word = word(id);
    let asks = |registration: Value| Act::new(By::Agent, "/v1/interactions", registration, 201);
    let asked = json!({"confirmation": {"input": {"command": "make deploy", "note": word}, "reason": word}});
    let ask = asks(altered(confirmation(id), &asked));
    let confirm = |decision| {
        let body = json!({"requestId": id, "decision": decision, "comment": word});
        Act::new(By::Approver, "/v1/confirm", body, 200)
    };
    let of_run = |verb: &str, body| Act::new(By::Agent, format!("/v1/interactions/{id}/{verb}"), body, 200);
    match number % 4 {
        0 => vec![ask, confirm("deny")],
        1 => vec![
            ask,
            confirm("allow"),
            of_run("claim", json!({"claimId": "run"})),
            of_run("outcome", json!({"claimId": "run", "outcome": "failed", "detail": word})),
        ],
        2 => {
            let value = json!({"requestId": id, "value": "v", "delivery": "transient_send"});
            vec![
                asks(altered(secret(id), &json!({"secret": {"purpose": word}}))),
                Act::new(By::Approver, "/v1/secret", value, 200),
                of_run("secret", json!({})),
            ]
        }
        _ => vec![ask],
    }
}

/// Forgets one that is over, or by the command all of them; `None` when the server is gone.
fn forget(db: &Path, root: &Client, told: &Mutex<Told>, rng: &mut SeededRng) -> Option<()> {
    let id = {
        let told = told.lock().unwrap();
        (!told.over.is_empty()).then(|| rng.pick(&told.over))
    };
    let Some(id) = id else {
        thread::yield_now();
        return root.try_send("GET", "/healthz", &[], None).ok().map(|_| ());
    };
    if rng.percent(5) {
        said(db, &["forget", "--older-than", "1ms"]);
        return Some(());
    }
    let json = [("content-type", "application/json")];
    let answer = root.try_send("POST", &format!("/v1/interactions/{id}/forget"), &json, Some(b"{}")).ok()?;
    // While the log cannot be emptied because the command reads, it is forgotten and not yet acknowledged.
    if answer.status == 200 {
        told.lock().unwrap().forgotten.insert(id);
    }
    Some(())
}

/// What has to hold after every kill.
fn check(db: &Path, told: &Told, heads: &[String], round: usize) {
    said(db, &["doctor"]);
    said(db, &["audit", "verify"]);
    heads.iter().for_each(|head| {
        said(db, &["audit", "verify", "--head", head.trim_end()]);
    });
    let (lost, unbalanced) = audit(db, &told.ledger);
    assert_eq!((lost, unbalanced), (Vec::new(), Vec::new()), "round {round}");
    let (_, forgotten) = kept_and_forgotten(db);
    let back = told.forgotten.difference(&forgotten).collect::<Vec<_>>();
    assert!(back.is_empty(), "round {round}: acknowledged as forgotten, and not: {back:?}");
}

/// The interactions that are whole, and those that are forgotten; panics where one is neither.
fn kept_and_forgotten(db: &Path) -> (BTreeSet<String>, BTreeSet<String>) {
    let rows = sql(
        db,
        "SELECT request_id, f.interaction_id IS NOT NULL, b.body LIKE '%canary-%', \
         (SELECT count(*) FROM texts AS t WHERE t.interaction_id = i.interaction_id AND t.text LIKE '%canary-%') \
         FROM interactions AS i JOIN interaction_bodies AS b USING (interaction_id) LEFT JOIN forgettings AS f USING (interaction_id)",
    );
    let (mut kept, mut forgotten) = (BTreeSet::new(), BTreeSet::new());
    for row in rows {
        let id = row[0].as_str().unwrap().to_owned();
        match (row[1] == json!(1), row[2] == json!(1), row[3].as_i64().unwrap()) {
            (true, false, 0) => forgotten.insert(id),
            (false, true, _) => kept.insert(id),
            half => panic!("{id} is neither whole nor forgotten: {half:?}"),
        };
    }
    (kept, forgotten)
}

/// The word of an interaction, which stands in all that is said of it.
fn word(id: &str) -> String {
    format!("canary-{id}!")
}

/// The interactions whose words are in any file of the database, or in any row of PostgreSQL's.
fn words_in(db: &Path) -> BTreeSet<String> {
    let mut words = BTreeSet::new();
    for (_, bytes) in stored(db) {
        for (at, _) in bytes.windows(CANARY.len()).enumerate().filter(|(_, window)| *window == CANARY) {
            let word = &bytes[at + CANARY.len()..];
            let end = word.iter().take(40).position(|byte| *byte == END).unwrap_or(word.len().min(40));
            words.insert(String::from_utf8_lossy(&word[..end]).into_owned());
        }
    }
    words
}

/// The planted fault: whether `doctor` and a look at what is stored find the word of an interaction that comes back. Afterwards
/// it is wiped again.
fn is_missed(db: &Path, id: &str) -> bool {
    let row = format!("(SELECT interaction_id FROM interactions WHERE request_id = '{id}')");
    let restore = format!(
        r#"UPDATE texts SET salt = randomblob(16), text = '{{"comment":"{}"}}' WHERE interaction_id = {row}"#,
        word(id)
    );
    write_sql(db, &unguarded(db, &restore)).unwrap();
    let doctor = countersign().arg("doctor").named(db).output().unwrap();
    let said = String::from_utf8(doctor.stdout).unwrap();
    let is_missed = !doctor.status.success() && said.contains(id) && words_in(db).contains(id);
    write_sql(db, &format!("UPDATE texts SET salt = NULL, text = NULL WHERE interaction_id = {row}")).unwrap();
    is_missed
}

/// The statements by which a text is changed that never changes.
fn unguarded(db: &Path, change: &str) -> String {
    if is_postgres() {
        return format!("SET session_replication_role = replica; {change}; RESET session_replication_role");
    }
    let guard = sql(db, "SELECT sql FROM sqlite_schema WHERE name = 'texts_only_wiped'");
    format!("DROP TRIGGER texts_only_wiped; {change}; {}", guard[0][0].as_str().unwrap())
}

/// What a command says on stdout; panics where it fails.
fn said(db: &Path, arguments: &[&str]) -> String {
    let output = countersign().args(arguments).named(db).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}
