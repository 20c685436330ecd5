//! Channels: whose they are, and the commands around them.

use countersign::domain::enums::Role;
use serde_json::json;

use super::{add, channel, fixture};
use crate::cli::{command, says};
use crate::harness::receiver::{Receiver, Reply};
use crate::harness::{TestServer, confirmation, countersign, is_postgres};

#[test]
fn a_channel_is_its_owners_and_admins_see_and_remove_all() {
    let server = TestServer::start();
    let (ada, bob, root) = (server.approver("ada"), server.approver("bob"), server.client("root", Role::Admin));
    let body = json!({"name": "hook", "kind": "webhook", "url": "https://hooks.example/x"});
    let of_ada = add(&ada, &body)["channel"]["channelId"].as_str().unwrap().to_owned();
    add(&bob, &body);
    assert_eq!(ada.post("/v1/channels", &body).refusal(), (409, "channel_name_taken"));
    let count = |client: &crate::harness::Client| {
        client.get("/v1/channels").expect(200).body["channels"].as_array().unwrap().len()
    };
    assert_eq!((count(&ada), count(&bob), count(&root)), (1, 1, 2));
    for verb in ["test", "rotate"] {
        let path = format!("/v1/channels/{of_ada}/{verb}");
        assert_eq!(bob.post_nothing(&path).refusal(), (404, "unknown_channel"));
    }
    assert_eq!(bob.delete(&format!("/v1/channels/{of_ada}")).refusal(), (404, "unknown_channel"));
    root.delete(&format!("/v1/channels/{of_ada}")).expect(200);
    let told = server.sql("SELECT principal FROM audit_events WHERE event = 'channel.removed'");
    assert_eq!(told, [[json!("root")]]);
}

/// What its owner wants is said anew, and where it leads stays where that is not said.
#[test]
fn a_channel_is_changed_by_its_owner_alone_and_goes_on_as_it_was_in_all_else() {
    let (server, agent, ada) = fixture();
    let root = server.client("root", Role::Admin);
    let [first, second] = [0; 2].map(|_| Receiver::start());
    let added = add(&ada, &json!({"name": "hook", "kind": "webhook", "url": first.url(), "paceMs": 0, "risk": "high"}));
    add(&ada, &json!({"name": "taken", "kind": "slack", "url": "https://hooks.example/x"}));
    let path = format!("/v1/channels/{}/change", added["channel"]["channelId"].as_str().unwrap());
    let quiet = json!({"from": "22:00", "until": "07:00", "timeZone": "Europe/Berlin"});
    let body = json!({"name": "mine", "kinds": ["secret"], "quiet": quiet, "paceMs": 60_000, "resolutions": false});
    assert_eq!(root.post(&path, &body).refusal(), (404, "unknown_channel"));
    let changed = ada.post(&path, &body).expect(200).body;
    for (member, value) in body.as_object().unwrap() {
        assert_eq!(&changed[member], value);
    }
    assert_eq!((&changed["risk"], &changed["host"]), (&json!(null), &added["channel"]["host"]));
    assert_eq!(ada.post(&path, &json!({"name": "taken"})).refusal(), (409, "channel_name_taken"));
    for (body, field) in [
        (json!({"name": "mine", "url": "http://10.0.0.1/"}), "url"),
        (json!({"name": "mine", "email": "ada@example.org"}), "email"),
        (json!({"name": "mine", "token": "x"}), "token"),
    ] {
        let refused = ada.post(&path, &body);
        assert_eq!((refused.refusal(), &refused.body["field"]), ((422, "channel_refused"), &json!(field)));
    }
    ada.post(&path, &json!({"name": "hook", "url": second.url(), "paceMs": 0})).expect(200);
    ada.post(&path, &json!({"name": "hook", "paceMs": 0})).expect(200);
    agent.register(&confirmation("a"));
    let received = second.until_received(1).remove(0);
    assert!(crate::notices::webhook::is_signed_by(&received, added["secret"].as_str().unwrap()));
    assert_eq!(first.connections(), 0);
    let events = server
        .sql("SELECT json_extract(detail, '$.changed') FROM audit_events WHERE event = 'channel.changed'")
        .concat();
    assert_eq!(events, [json!(r#"["name","wishes"]"#), json!(r#"["name","address","wishes"]"#)]);
}

/// A token is for the receiver that it was given for: whoever changes the address does not learn it.
#[test]
fn a_channel_that_leads_elsewhere_leaves_its_token_behind() {
    let (_server, agent, ada) = fixture();
    let [first, second] = [0; 2].map(|_| Receiver::start());
    let url = |receiver: &Receiver| format!("http://{}/topic", receiver.address);
    let added = add(&ada, &json!({"name": "phone", "kind": "ntfy", "url": url(&first), "token": "tk_1", "paceMs": 0}));
    let path = format!("/v1/channels/{}/change", added["channel"]["channelId"].as_str().unwrap());
    ada.post(&path, &json!({"name": "renamed", "paceMs": 0})).expect(200);
    agent.register(&confirmation("a"));
    assert_eq!(first.until_received(1)[0].header("authorization"), "Bearer tk_1");
    ada.post(&path, &json!({"name": "renamed", "url": url(&second), "paceMs": 0})).expect(200);
    agent.register(&confirmation("b"));
    assert_eq!(second.until_received(1)[0].header("authorization"), "");
    ada.post(&path, &json!({"name": "renamed", "token": "tk_2", "paceMs": 0})).expect(200);
    agent.register(&confirmation("c"));
    assert_eq!(second.until_received(2)[1].header("authorization"), "Bearer tk_2");
}

#[test]
fn the_command_changes_what_is_said_and_nothing_else() {
    let (_server, _agent, ada) = fixture();
    let add =
        ["channel", "add", "webhook", "http://127.0.0.1:9/x", "--name", "hook", "--risk", "high", "--kind", "secret"];
    says(&ada, &[&add[..], &["--quiet", "22:00-07:00", "--time-zone", "Europe/Berlin"]].concat());
    let set = |flags: &[&str]| {
        says(&ada, &[&["channel", "set", "hook"], flags].concat());
        ada.get("/v1/channels").expect(200).body["channels"][0].clone()
    };
    let changed = set(&["--pace", "5m", "--quiet", "23:00-06:00"]);
    assert_eq!(
        (&changed["paceMs"], &changed["risk"], &changed["kinds"]),
        (&json!(300_000), &json!("high"), &json!(["secret"]))
    );
    assert_eq!(changed["quiet"], json!({"from": "23:00", "until": "06:00", "timeZone": "Europe/Berlin"}));
    assert_eq!((&changed["resolutions"], &changed["host"]), (&json!(true), &json!("127.0.0.1:9")));
    let flags = [
        "--risk",
        "any",
        "--kind",
        "any",
        "--quiet",
        "none",
        "--resolutions",
        "false",
        "--address",
        "http://127.0.0.1:8/",
    ];
    let changed = set(&flags);
    assert_eq!((&changed["paceMs"], &changed["risk"], &changed["kinds"]), (&json!(300_000), &json!(null), &json!([])));
    assert_eq!(
        (&changed["quiet"], &changed["resolutions"], &changed["host"]),
        (&json!(null), &json!(false), &json!("127.0.0.1:8"))
    );
    let zoneless = command(&ada, &["channel", "set", "hook", "--quiet", "22:00-07:00"]).output().unwrap();
    assert_eq!(zoneless.status.code(), Some(2), "{zoneless:?}");
    assert!(says(&ada, &["channel", "list"]).contains("everything; once in 5m"));
}

#[test]
fn two_people_s_channels_of_one_name_are_told_apart_by_their_owners() {
    let server = TestServer::start();
    let (ada, root) = (server.approver("ada"), server.client("root", Role::Admin));
    for client in [&ada, &root] {
        add(client, &json!({"name": "hook", "kind": "webhook", "url": "https://hooks.example/x"}));
    }
    let unclear = command(&root, &["channel", "remove", "hook"]).output().unwrap();
    assert_eq!(unclear.status.code(), Some(2));
    let said = String::from_utf8(unclear.stderr).unwrap();
    assert!(said.contains("hook may be ada/hook or root/hook: say which"), "{said}");
    says(&root, &["channel", "remove", "ada/hook"]);
    assert_eq!(root.get("/v1/channels").expect(200).body["channels"][0]["owner"], "root");
    says(&root, &["channel", "remove", "hook"]);
}

#[test]
fn there_is_an_end_to_the_channels_of_one_person() {
    let server = TestServer::start();
    let ada = server.approver("ada");
    for number in 0..50 {
        add(&ada, &json!({"name": format!("n{number}"), "kind": "slack", "url": "https://hooks.example/x"}));
    }
    let more = ada.post("/v1/channels", &json!({"name": "more", "kind": "slack", "url": "https://hooks.example/x"}));
    assert_eq!(more.refusal(), (422, "too_many_channels"));
}

#[test]
fn addresses_survive_a_rotation_of_the_key() {
    let (server, _agent, ada) = fixture();
    let receiver = Receiver::start();
    add(&ada, &channel("webhook", &receiver));
    ada.browser().submit("/channels/push/key", &[]).expect(200);
    let key = |ada: &crate::harness::Client| ada.browser().submit("/channels/push/key", &[]).expect(200).body;
    let before = key(&ada);
    let directory = tempfile::TempDir::new().unwrap();
    let copy = directory.path().join("test.db");
    // The server has to be stopped while its key is rotated: a copy with its key stands for it.
    let backup = countersign().args(["backup", copy.to_str().unwrap(), "--db"]).arg(server.db()).output().unwrap();
    assert!(backup.status.success(), "{backup:?}");
    std::fs::copy(server.db().with_extension("db.key"), copy.with_extension("db.key")).unwrap();
    let rotated = countersign().args(["key", "rotate", "--db"]).arg(&copy).output().unwrap();
    assert!(rotated.status.success(), "{rotated:?}");
    // The clock of tests is ahead of this machine's.
    let flags = [&super::LOOPBACK[..], &["--accept-clock"]].concat();
    let process = crate::harness::Process::serve(&copy, &flags);
    let ada = crate::harness::Client::new(&process.url, ada.token.as_deref().unwrap());
    let id = ada.get("/v1/channels").expect(200).body["channels"][0]["channelId"].as_str().unwrap().to_owned();
    let tested = ada.post_nothing(&format!("/v1/channels/{id}/test")).expect(200).body;
    assert_eq!(tested["delivered"], json!(true), "{tested}");
    assert_eq!(key(&ada), before, "browsers are bound to the key that they subscribed with");
}

#[test]
fn the_command_makes_tries_lists_and_removes_channels() {
    let (_server, _agent, ada) = fixture();
    let receiver =
        Receiver::answering(|_, _| Reply::Raw(b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nthanks".to_vec()));
    let url = receiver.url();
    let made =
        says(&ada, &["channel", "add", "webhook", &url, "--name", "hook", "--risk", "high", "--kind", "confirmation"]);
    let mut lines = made.lines();
    let host = receiver.address.to_string();
    assert_eq!(lines.next().unwrap(), format!("hook: notices go to {host}; `countersign channel test hook` tries it"));
    assert!(lines.next().unwrap().starts_with("whsec_"), "{made}");
    let tested = says(&ada, &["channel", "test", "hook"]);
    assert!(tested.starts_with(&format!("{host} answered 200 in ")) && tested.ends_with("\n  thanks\n"), "{tested}");
    let listed = says(&ada, &["channel", "list"]);
    assert!(
        listed.contains("webhook") && listed.contains("confirmations; confirmations of high risk and up"),
        "{listed}"
    );
    assert!(!listed.contains("/hook "), "{listed}");
    assert!(says(&ada, &["channel", "rotate", "hook"]).starts_with("whsec_"));
    assert_eq!(says(&ada, &["channel", "remove", "hook"]), "removed hook\n");
    assert_eq!(says(&ada, &["channel", "list"]), "");
}

#[test]
fn an_address_may_come_where_other_users_do_not_see_it() {
    use std::io::Write;
    use std::process::Stdio;
    let (_server, agent, ada) = fixture();
    let receiver = Receiver::start();
    let mut add = command(&ada, &["channel", "add", "slack", "-"]);
    let mut child = add.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    writeln!(child.stdin.take().unwrap(), "{}", receiver.url()).unwrap();
    assert!(child.wait_with_output().unwrap().status.success());
    agent.register(&confirmation("a"));
    receiver.until_received(1);
}

#[test]
fn a_login_link_is_drawn_for_a_phones_camera() {
    let server = TestServer::with(&["--public-url", "http://192.0.2.7:7711"]);
    let said = says(&server.approver("ada"), &["login", "--qr"]);
    let mut lines = said.lines();
    assert!(lines.next().unwrap().contains("/login#"), "{said}");
    let drawn: Vec<&str> = lines.collect();
    assert!(drawn.len() > 15, "{said}");
    let width = drawn[0].chars().count();
    assert!(drawn.iter().all(|line| line.chars().count() == width), "{said}");
    assert!(drawn.iter().flat_map(|line| line.chars()).all(|c| matches!(c, ' ' | '█' | '▀' | '▄')), "{said}");
    // As many modules as rows of half blocks, and a frame that scanners want.
    assert_eq!(width.div_ceil(2), drawn.len());
}

#[test]
fn a_login_link_of_this_machine_alone_is_not_drawn_for_a_phone() {
    let (_server, _agent, ada) = fixture();
    let output = command(&ada, &["login", "--qr"]).output().unwrap();
    let [said, told] = [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap());
    assert!(output.status.success() && said.lines().count() == 1 && said.contains("/login#"), "{said}");
    assert!(told.contains("--listen 0.0.0.0:7711 --public-url http://"), "{told}");
}

#[test]
fn a_time_zone_that_this_machine_does_not_know_takes_nothing_down() {
    let (server, agent, ada) = fixture();
    let receiver = Receiver::start();
    add(&ada, &channel("webhook", &receiver));
    let quiet = r#"{"from":"22:00","until":"07:00","timeZone":"Mars/Base"}"#;
    let moved = if is_postgres() {
        format!("UPDATE channels SET wishes = jsonb_set(wishes::jsonb, '{{quiet}}', '{quiet}')::text")
    } else {
        format!("UPDATE channels SET wishes = json_set(wishes, '$.quiet', json('{quiet}'))")
    };
    crate::harness::outside::write_sql(&server.db(), &moved).unwrap();
    agent.register(&confirmation("asked"));
    assert_eq!(ada.get("/v1/channels").expect(200).body["channels"][0]["name"], "webhook");
    receiver.until_received(1);
}

#[test]
fn a_secret_is_its_owners_and_no_name_is_no_channel() {
    let server = TestServer::start();
    let (ada, root) = (server.approver("ada"), server.client("root", Role::Admin));
    let of_ada = add(&ada, &json!({"name": "hook", "kind": "webhook", "url": "https://hooks.example/x"}));
    let path = format!("/v1/channels/{}/rotate", of_ada["channel"]["channelId"].as_str().unwrap());
    assert_eq!(root.post_nothing(&path).refusal(), (404, "unknown_channel"));
    ada.post_nothing(&path).expect(200);
    let removed = command(&ada, &["channel", "remove", ""]).output().unwrap();
    assert_eq!(removed.status.code(), Some(2), "{removed:?}");
    assert_eq!(ada.get("/v1/channels").expect(200).body["channels"].as_array().unwrap().len(), 1);
}
