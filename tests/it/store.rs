//! The one conditional update itself, without a use case in front of it that looks first: the store is asked to settle what no
//! endpoint would ask it to.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use countersign::clock::{ManualClock, Timestamp};
use countersign::domain::enums::{Kind, Outcome, Role};
use countersign::domain::id::TokenId;
use countersign::domain::interaction::{Body, Interaction, Resolution};
use countersign::domain::json::JsonObject;
use countersign::domain::kinds::Content;
use countersign::domain::principal::Principal;
use countersign::store::{
    BodyColumns, Error, Filter, NewSignature, Page, Priority, Seen, Store, StoreLimits, TokenHash,
};
use serde_json::json;
use tokio::runtime::Runtime;

use crate::harness::{Database, START, location, sql};

/// A store of its own, which no server serves.
struct Open {
    db: Database,
    clock: Arc<ManualClock>,
    runtime: Runtime,
    store: Store,
}

const LIMITS: StoreLimits = StoreLimits {
    readers: 4,
    max_queued_reads: 1000,
    max_own_queued_reads: 1000,
    max_queued_writes: 1000,
    max_own_queued_writes: 1000,
};

fn open() -> Open {
    open_with(LIMITS)
}

fn open_with(limits: StoreLimits) -> Open {
    let db = Database::new();
    let clock = Arc::new(ManualClock::new(START.parse().unwrap()));
    let runtime = Runtime::new().unwrap();
    let (location, seen) = (location(&db), Seen::default());
    let opened = Store::open(&location, &seen, limits, clock.clone(), Arc::new(drop));
    let store = runtime.block_on(opened).unwrap();
    Open { db, clock, runtime, store }
}

/// A pending secret that expires after ten seconds.
fn secret(request_id: &str, by: &Principal, now: Timestamp) -> (Interaction, Body) {
    let interaction = Interaction {
        request_id: request_id.parse().unwrap(),
        kind: Kind::Secret,
        conversation_id: None,
        tool_name: None,
        registered_by: by.name.clone(),
        created_at: now,
        expires_at: now.plus_millis(10_000),
        claim_within_ms: None,
        resolution: None,
    };
    let content = json!({"service": "forge", "field": "token", "label": "The forge's token"});
    let content = Content::Secret(serde_json::from_value(content).unwrap());
    let metadata = JsonObject::default();
    (interaction, Body { content, metadata, origin: None, bytes: 0, content_sha256: [0; 32], traceparent: None })
}

fn columns(content: &str) -> BodyColumns {
    BodyColumns { content: content.to_owned(), origin: None, tool_use_sha256: None }
}

/// Has the store settle a pending secret `s`, which expires after ten seconds, as `asked` says, after `wait`; whether it
/// did. What is refused has to have changed nothing.
fn settles(wait: Duration, asked: impl Fn(&mut Interaction, &mut Resolution)) -> bool {
    let Open { db, clock, runtime, store } = open();
    let builder = Principal { name: "builder".parse().unwrap(), role: Role::Agent };
    let holder = TokenHash { token_sha256: [0; 32], principal: builder.clone() };
    let registered = runtime.block_on(store.write(Priority::Human, move |tx| {
        tx.insert_token(&TokenId::generate(), &holder)?;
        let (interaction, body) = secret("s", &holder.principal, tx.now());
        assert!(tx.insert_interaction(&interaction, &body, &columns("{}"), 1)?);
        Ok::<_, Error>(interaction)
    }));
    clock.advance(wait);
    let (mut interaction, rows) =
        (registered.unwrap(), || sql(&db, "SELECT * FROM interactions, principals, audit_events"));
    let mut resolution = Resolution::by_principal(Outcome::Cancelled, &builder, START.parse().unwrap());
    let before = rows();
    asked(&mut interaction, &mut resolution);
    let settled = runtime.block_on(store.write(Priority::Human, move |tx| {
        let resolution = Resolution { at: tx.now(), ..resolution.clone() };
        tx.resolve(&interaction, &resolution)
    }));
    assert_eq!(settled.is_err(), rows() == before, "{settled:?}");
    runtime.block_on(store.close()).unwrap();
    settled.is_ok()
}

#[test]
fn what_is_pending_of_that_kind_and_in_time_is_settled() {
    assert!(settles(Duration::from_millis(9_999), |_, _| ()));
}

/// Otherwise a caller that forgets to look at the kind could resolve a secret with a confirmation's decision.
#[test]
fn the_update_itself_refuses_another_kind() {
    for kind in [Kind::Confirmation, Kind::Question] {
        assert!(!settles(Duration::ZERO, |interaction, _| interaction.kind = kind), "{kind}");
    }
}

#[test]
fn the_update_itself_refuses_what_is_out_of_time() {
    assert!(!settles(Duration::from_secs(10), |_, _| ()));
}

#[test]
fn the_update_itself_refuses_to_expire_what_is_in_time() {
    let expired = |_: &mut Interaction, resolution: &mut Resolution| *resolution = Resolution::expired(resolution.at);
    assert!(!settles(Duration::from_millis(9_999), expired));
    assert!(settles(Duration::from_secs(10), expired));
}

/// Work that fails after it has written is undone alone, whatever shares its commit.
#[test]
fn work_that_fails_halfway_leaves_nothing_and_disturbs_no_other() {
    let Open { db, runtime, store, .. } = open();
    let store = Arc::new(store);
    let works = (0_u8..64).map(|number| {
        let store = Arc::clone(&store);
        runtime.spawn(async move {
            let principal = Principal { name: format!("p{number:02}").parse().unwrap(), role: Role::Agent };
            let holder = TokenHash { token_sha256: [number; 32], principal };
            let written = store.write(Priority::Human, move |tx| {
                tx.insert_token(&TokenId::generate(), &holder)?;
                if number % 2 == 0 { Ok(()) } else { Err(Error::Busy) }
            });
            assert_eq!(written.await.is_ok(), number % 2 == 0);
        })
    });
    for work in works.collect::<Vec<_>>() {
        runtime.block_on(work).unwrap();
    }
    runtime.block_on(store.close()).unwrap();
    let even = (0..64).step_by(2).map(|number| vec![serde_json::json!(format!("p{number:02}"))]).collect::<Vec<_>>();
    assert_eq!(sql(&db, "SELECT name FROM principals ORDER BY name"), even);
    assert_eq!(sql(&db, "SELECT principal FROM audit_events ORDER BY principal"), even);
}

/// How much is pending, and the first deadline, are remembered: what was undone is not.
#[test]
fn what_fails_halfway_is_not_remembered_as_pending() {
    let Open { db: _db, clock, runtime, store, .. } = open();
    let builder = Principal { name: "builder".parse().unwrap(), role: Role::Agent };
    let holder = TokenHash { token_sha256: [0; 32], principal: builder.clone() };
    runtime.block_on(store.write(Priority::Human, move |tx| tx.insert_token(&TokenId::generate(), &holder))).unwrap();
    let register = |id: &'static str, fails: bool| {
        let builder = builder.clone();
        let written = store.write(Priority::Human, move |tx| {
            let (interaction, body) = secret(id, &builder, tx.now());
            let has_room = tx.insert_interaction(&interaction, &body, &columns("{}"), 1)?;
            if fails { Err(Error::Busy) } else { Ok((has_room, interaction)) }
        });
        runtime.block_on(written)
    };
    let first_deadline = || runtime.block_on(store.next_deadline(Priority::Human)).unwrap();
    assert!(register("fails", true).is_err());
    assert_eq!(first_deadline(), None);
    clock.advance(Duration::from_secs(1));
    let (has_room, kept) = register("kept", false).unwrap();
    assert!(has_room);
    assert_eq!(first_deadline(), kept.expires_at);
    assert!(!register("more", false).unwrap().0);
    let resolution = Resolution::by_principal(Outcome::Cancelled, &builder, kept.created_at);
    let resolves = |fails: bool| {
        let (kept, resolution) = (kept.clone(), resolution.clone());
        let written = store.write(Priority::Human, move |tx| {
            tx.resolve(&kept, &resolution)?;
            if fails { Err(Error::Busy) } else { Ok(()) }
        });
        runtime.block_on(written)
    };
    assert!(resolves(true).is_err());
    assert_eq!(first_deadline(), kept.expires_at);
    assert!(!register("more", false).unwrap().0);
    resolves(false).unwrap();
    assert_eq!(first_deadline(), None);
    assert!(register("more", false).unwrap().0);
    runtime.block_on(store.close()).unwrap();
}

/// Signatures are made beside the writer: what happens to an interaction before its own is written has it made once more.
#[test]
fn a_signature_that_is_out_of_date_when_it_is_written_is_made_once_more() {
    let Open { db, runtime, store, .. } = open();
    let builder = Principal { name: "builder".parse().unwrap(), role: Role::Agent };
    let holder = TokenHash { token_sha256: [0; 32], principal: builder.clone() };
    let first = runtime.block_on(store.write(Priority::Human, move |tx| {
        tx.insert_token(&TokenId::generate(), &holder)?;
        let asked = (0..500).map(|number| secret(&format!("s{number}"), &holder.principal, tx.now()));
        let asked = asked.collect::<Vec<_>>();
        for (interaction, body) in &asked {
            let content = body.content.to_json().unwrap();
            assert!(tx.insert_interaction(interaction, body, &columns(&content), 500)?);
        }
        Ok::<_, Error>(asked[0].0.clone())
    }));
    let make = || runtime.block_on(store.read(Priority::Human, |tx| tx.next_signatures(4))).unwrap();
    let write = |made: Vec<NewSignature>| {
        runtime.block_on(store.write(Priority::Human, move |tx| tx.insert_signatures(&made))).unwrap();
        sql(&db, "SELECT block FROM search_blocks ORDER BY block").len()
    };
    let (first, before) = (first.unwrap(), make());
    let mut resolution = Resolution::by_principal(Outcome::Cancelled, &builder, first.created_at);
    resolution.detail.comment = Some("Meanwhile".to_owned());
    runtime.block_on(store.write(Priority::Human, move |tx| tx.resolve(&first, &resolution))).unwrap();
    assert_eq!(write(before.clone()), 0);
    let mut written = 0;
    while written < 3 {
        let made = make();
        written += made.len();
        assert!(!made.is_empty() && write(made) == written);
    }
    // As if another server had made them, too.
    assert!(make().is_empty() && write(before) == written);
    let filter = Filter { query: "meanwhile".parse().unwrap(), ..Filter::default() };
    let found = store.read(Priority::Human, move |tx| tx.records(&filter, Page { before: None, limit: 20 }));
    assert_eq!(runtime.block_on(found).unwrap().rows.len(), 1);
    runtime.block_on(store.close()).unwrap();
}

/// There is a reader at any moment, so that the log could never begin anew by itself.
#[test]
fn the_log_stays_short_under_a_load_that_never_pauses() {
    let Open { db, runtime, store, .. } = open();
    let store = Arc::new(store);
    let over = Arc::new(AtomicBool::new(false));
    let readers = [(); 4].map(|()| {
        let (store, over) = (Arc::clone(&store), Arc::clone(&over));
        runtime.spawn(async move {
            while !over.load(Ordering::Relaxed) {
                let page = Page { before: None, limit: 20 };
                store.read(Priority::Stranger, move |tx| tx.records(&Filter::default(), page)).await.unwrap();
            }
        })
    });
    let builder = Principal { name: "builder".parse().unwrap(), role: Role::Agent };
    let holder = TokenHash { token_sha256: [0; 32], principal: builder.clone() };
    runtime.block_on(store.write(Priority::Human, move |tx| tx.insert_token(&TokenId::generate(), &holder))).unwrap();
    let large = json!({"service": "forge", "field": "token", "label": "x".repeat(256 * 1024)});
    let content = Arc::new(large.to_string());
    for number in 0..400 {
        let (builder, content) = (builder.clone(), Arc::clone(&content));
        let written = store.write(Priority::Human, move |tx| {
            let (interaction, body) = secret(&format!("s{number}"), &builder, tx.now());
            tx.insert_interaction(&interaction, &body, &columns(&content), 400)
        });
        assert!(runtime.block_on(written).unwrap());
    }
    over.store(true, Ordering::Relaxed);
    for reader in readers {
        runtime.block_on(reader).unwrap();
    }
    let log = std::fs::metadata(db.with_extension("db-wal")).unwrap().len();
    assert!((1..64 * 1024 * 1024).contains(&log), "{log} bytes of log after 100 MiB of writes");
    runtime.block_on(store.close()).unwrap();
}

/// One agent's reads, some of which have no end, and a read of another agent.
#[test]
fn an_agent_that_reads_much_waits_behind_its_own_reads() {
    let Open { db: _db, runtime, store, .. } = open();
    let store = Arc::new(store);
    let agent = |name: &str| Priority::of(&Principal { name: name.parse().unwrap(), role: Role::Agent });
    let (release, ends) = std::sync::mpsc::channel::<()>();
    let ends = Arc::new(std::sync::Mutex::new(ends));
    let eves = [(); 20].map(|()| {
        let (store, eve, ends) = (Arc::clone(&store), agent("eve"), Arc::clone(&ends));
        runtime.spawn(async move {
            store
                .read(eve, move |_| {
                    let _ended = ends.lock().unwrap().recv();
                    Ok::<_, Error>(())
                })
                .await
        })
    });
    for name in ["bob", "carol"] {
        let newest = runtime.block_on(store.read(agent(name), |tx| tx.last_seq()));
        assert_eq!(newest.unwrap(), 0);
    }
    assert!(eves.iter().all(|read| !read.is_finished()));
    drop(release);
    for read in eves {
        runtime.block_on(read).unwrap().unwrap();
    }
}

#[test]
fn an_agent_has_only_so_many_reads_queued() {
    let limits = StoreLimits { max_own_queued_reads: 1, ..LIMITS };
    let Open { db: _db, runtime, store, .. } = open_with(limits);
    let agent = |name: &str| Priority::of(&Principal { name: name.parse().unwrap(), role: Role::Agent });
    let (release, ends) = std::sync::mpsc::channel::<()>();
    let mut first = Box::pin(store.read(agent("eve"), move |_| {
        let _ended = ends.recv();
        Ok::<_, Error>(())
    }));
    runtime.block_on(async {
        // It is begun, up to where it waits.
        tokio::select! {
            biased;
            _ = &mut first => unreachable!("it has no end yet"),
            () = std::future::ready(()) => {}
        }
        let second = store.read(agent("eve"), |tx| tx.last_seq()).await;
        assert!(matches!(second, Err(Error::OverShare { limit: 1 })), "{second:?}");
        store.read(agent("bob"), |tx| tx.last_seq()).await.unwrap();
        drop(release);
        first.await.unwrap();
        store.read(agent("eve"), |tx| tx.last_seq()).await.unwrap();
    });
}
