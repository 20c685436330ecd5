//! Rules and requests at the same moment: a rule decides exactly as often as it may, exactly as long as it stands, and
//! whatever it resolves is resolved once.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};

use countersign::domain::enums::Role;
use serde_json::{Value, json};

use crate::harness::{Act, Answer, Client, TestServer, altered, race, until};

const RESOLUTIONS: &str = "event IN ('interaction.approved', 'interaction.rejected')";

/// A confirmation of the tool for a command line, that offers nothing of its own.
fn asking(request_id: &str, tool: &str, line: &str) -> Value {
    let asked = json!({"toolName": tool, "input": {"command": line}, "workingDir": "/repo"});
    json!({"requestId": request_id, "kind": "confirmation", "confirmation": asked})
}

fn rule(tool: &str, decision: &str, pattern: &str) -> Value {
    json!({"toolName": tool, "pattern": pattern, "scope": "everywhere", "decision": decision})
}

#[track_caller]
fn made(approver: &Client, rule: &Value) -> String {
    let body = approver.post("/v1/trust-rules", rule).expect(201).body;
    body["trustRule"]["ruleId"].as_str().unwrap().to_owned()
}

/// How many answers show this status.
fn ended(answers: &[Answer], status: &str) -> usize {
    answers.iter().filter(|answer| answer.status == 201 && answer.body["status"] == status).count()
}

/// Each interaction of the tool that is resolved has one event that says so.
#[track_caller]
fn resolved_once(server: &TestServer, tool: &str) {
    let twice = format!(
        "interactions AS i WHERE i.tool_name = '{tool}' AND CASE WHEN i.status = 'pending' THEN 0 ELSE 1 END <> \
         (SELECT count(*) FROM audit_events AS e WHERE e.request_id = i.request_id AND {RESOLUTIONS})"
    );
    assert_eq!(server.count(&twice), 0, "resolved twice, or without a word");
    let uses = format!(
        "trust_rules AS r WHERE tool_name = '{tool}' AND use_count <> \
         (SELECT count(*) FROM v_rule_hits AS h WHERE h.rule_id = r.rule_id)"
    );
    assert_eq!(server.count(&uses), 0, "a use was counted that was none, or none that was");
}

#[test]
fn with_three_uses_exactly_three_of_a_hundred_at_once_are_approved() {
    let server = TestServer::start();
    let (crowd, ada) = (server.crowd(4, Role::Agent), server.approver("ada"));
    for round in 0..4 {
        let tool = format!("tool{round}");
        let id = made(&ada, &altered(rule(&tool, "allow", "git status *"), &json!({"maxUses": 3})));
        let answers = race((0..112).map(|number| -> Act<'_, Answer> {
            let (client, tool) = (&crowd[number % crowd.len()], &tool);
            // Half of them need the rule for one command of several, and for two: still one use.
            let line = if number % 2 == 0 { "git status" } else { "git status -s; git status" };
            Box::new(move || client.post("/v1/interactions", &asking(&format!("c-{round}-{number}"), tool, line)))
        }));
        assert_eq!((ended(&answers, "approved"), ended(&answers, "pending")), (3, 109));
        let shown = ada.get(&format!("/v1/trust-rules/{id}")).expect(200).body;
        assert_eq!((&shown["status"], &shown["useCount"]), (&json!("exhausted"), &json!(3)));
        resolved_once(&server, &tool);
    }
}

/// Lines that need two rules stop with the first of them that is used up, and take nothing from the other then.
#[test]
fn of_lines_that_need_two_rules_exactly_as_many_pass_as_the_shorter_one_reaches() {
    let server = TestServer::start();
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    for (round, (git, npm)) in [(3, 5), (5, 3), (4, 4)].into_iter().enumerate() {
        let tool = format!("tool{round}");
        let git_id = made(&ada, &altered(rule(&tool, "allow", "git status *"), &json!({"maxUses": git})));
        made(&ada, &altered(rule(&tool, "allow", "npm test"), &json!({"maxUses": npm})));
        let answers = race((0..100).map(|number| -> Act<'_, Answer> {
            let (agent, tool) = (&agent, &tool);
            let line = if number % 2 == 0 { "git status && npm test" } else { "npm test; git status" };
            Box::new(move || agent.post("/v1/interactions", &asking(&format!("c-{round}-{number}"), tool, line)))
        }));
        assert_eq!(ended(&answers, "approved"), git.min(npm));
        assert_eq!(ada.get(&format!("/v1/trust-rules/{git_id}")).body["useCount"], json!(git.min(npm)));
        resolved_once(&server, &tool);
    }
}

#[test]
fn no_registration_that_is_sent_after_a_revocation_was_answered_is_approved() {
    let server = TestServer::start();
    let (crowd, ada) = (server.crowd(8, Role::Agent), server.approver("ada"));
    let (mut approved, mut refused) = (0, 0);
    for round in 0..6 {
        let tool = &format!("tool{round}");
        let id = made(&ada, &rule(tool, "allow", "git status *"));
        let revoked = &AtomicBool::new(false);
        let path = &format!("/v1/trust-rules/{id}");
        let register = crowd.iter().enumerate().map(|(thread, client)| -> Act<'_, Vec<(bool, Answer)>> {
            Box::new(move || {
                let send = |number: usize| {
                    let sent_after = revoked.load(Ordering::SeqCst);
                    let registration = asking(&format!("c-{round}-{thread}-{number}"), tool, "git status");
                    (sent_after, client.post("/v1/interactions", &registration).expect(201))
                };
                let mut done = Vec::new();
                // On until some were sent after the answer.
                while done.iter().filter(|(after, _)| *after).count() < 3 {
                    done.push(send(done.len()));
                }
                done
            })
        });
        let revoke: Act<'_, Vec<(bool, Answer)>> = Box::new(|| {
            // Not before the others are at it.
            until(|| server.count(&format!("interactions WHERE tool_name = '{tool}'")) >= 8);
            ada.delete(path).expect(200);
            revoked.store(true, Ordering::SeqCst);
            Vec::new()
        });
        for (sent_after, answer) in race(register.chain([revoke])).into_iter().flatten() {
            let is_approved = answer.body["status"] == "approved";
            assert!(!(sent_after && is_approved), "approved after the revocation: {answer:?}");
            *(if is_approved { &mut approved } else { &mut refused }) += 1;
        }
        let events = format!(
            "audit_events AS hit WHERE hit.event = 'interaction.approved' AND hit.rule_id = '{id}' AND hit.seq > \
             (SELECT seq FROM audit_events WHERE event = 'trust_rule.revoked' AND rule_id = '{id}')"
        );
        assert_eq!(server.count(&events), 0, "in the history nothing follows it either");
        resolved_once(&server, tool);
    }
    assert!(approved > 0 && approved + refused >= 100, "{approved} approved and {refused} not: nothing raced");
}

/// A request that comes at the moment at which a rule is made is either decided by it at once or found waiting by it.
#[test]
fn nothing_that_a_rule_covers_slips_between_its_making_and_what_was_pending() {
    let server = TestServer::start();
    let (crowd, ada) = (server.crowd(8, Role::Agent), server.approver("ada"));
    for round in 0..6 {
        let tool = &format!("tool{round}");
        let apply = altered(rule(tool, "allow", "git status *"), &json!({"applyToPending": true}));
        let register = (0..120).map(|number| -> Act<'_, Answer> {
            let client = &crowd[number % crowd.len()];
            Box::new(move || {
                client.post("/v1/interactions", &asking(&format!("c-{round}-{number}"), tool, "git status"))
            })
        });
        let make: Act<'_, Answer> = Box::new(|| {
            until(|| server.count(&format!("interactions WHERE tool_name = '{tool}'")) >= 8);
            ada.post("/v1/trust-rules", &apply)
        });
        let mut answers = race(register.chain([make]));
        let rule = answers.pop().unwrap().expect(201).body;
        let waited = answers.iter().filter(|answer| answer.body["status"] == "pending");
        let waited = waited.map(|answer| answer.body["requestId"].as_str().unwrap()).collect::<BTreeSet<_>>();
        let resolved = rule["resolved"].as_array().unwrap().iter();
        assert_eq!(resolved.map(|id| id.as_str().unwrap()).collect::<BTreeSet<_>>(), waited);
        assert_eq!(server.count(&format!("interactions WHERE tool_name = '{tool}' AND status = 'approved'")), 120);
        resolved_once(&server, tool);
    }
}

#[test]
fn what_is_confirmed_while_a_rule_is_applied_is_resolved_once_by_the_one_or_by_the_other() {
    let server = TestServer::start();
    let (agent, crowd) = (server.agent("builder"), server.crowd(8, Role::Approver));
    let bob = server.approver("bob");
    for round in 0..4 {
        let tool = &format!("tool{round}");
        let ids = &(0..100).map(|number| format!("c-{round}-{number}")).collect::<Vec<_>>();
        race(ids.chunks(10).map(|ids| -> Act<'_, ()> {
            let agent = &agent;
            Box::new(move || ids.iter().for_each(|id| drop(agent.register(&asking(id, tool, "git status")))))
        }));
        let apply = altered(rule(tool, "allow", "git status *"), &json!({"applyToPending": true}));
        let confirm = crowd.iter().enumerate().map(|(thread, client)| -> Act<'_, Vec<Answer>> {
            let mine = ids.iter().skip(thread).step_by(8);
            Box::new(move || mine.map(|id| client.confirm(id, "deny")).collect())
        });
        let make: Act<'_, Vec<Answer>> = Box::new(|| {
            until(|| server.count(&format!("interactions WHERE tool_name = '{tool}' AND status = 'rejected'")) >= 8);
            vec![bob.post("/v1/trust-rules", &apply)]
        });
        let mut answers = race(confirm.chain([make]));
        let rule = answers.pop().unwrap().remove(0).expect(201).body;
        let resolved = rule["resolved"].as_array().unwrap().len();
        let (confirmed, late): (Vec<_>, Vec<_>) = answers.iter().flatten().partition(|answer| answer.status == 200);
        assert_eq!((confirmed.len() + resolved, late.len()), (100, resolved));
        for answer in late {
            assert_eq!((answer.refusal(), &answer.body["status"]), ((404, "already_resolved"), &json!("approved")));
        }
        let by =
            |status: &str| server.count(&format!("interactions WHERE tool_name = '{tool}' AND status = '{status}'"));
        assert_eq!((by("approved"), by("rejected")), (resolved as u64, confirmed.len() as u64));
        assert_eq!(rule["trustRule"]["useCount"], resolved);
        resolved_once(&server, tool);
    }
}

/// From one request, by many at once, while others resolve it: a rule that was acknowledged is there, one that was refused
/// is not, and none is younger than the resolution of what it was made from.
#[test]
fn a_rule_from_a_request_that_is_resolved_meanwhile_is_made_whole_or_not_at_all() {
    let server = TestServer::start();
    let (agent, crowd) = (server.agent("builder"), server.crowd(12, Role::Approver));
    let (mut stand, mut refused) = (0, 0);
    for round in 0..30 {
        let (id, tool) = (&format!("c{round}"), &format!("tool{round}"));
        agent.register(&asking(id, tool, "git status -s"));
        let waiter = agent.wait_in_background(id);
        server.until_waiting(1);
        let answers = race(crowd.iter().enumerate().map(|(number, client)| -> Act<'_, Option<Answer>> {
            let terms = json!({"requestId": id, "pattern": "git status *", "scope": "everywhere", "decision": "allow",
                // Terms of its own for each, so that each would be a rule of its own.
                "maxUses": number + 1, "applyToPending": number % 4 == 1});
            Box::new(move || match number % 4 {
                0 => {
                    client.confirm(id, "deny");
                    None
                }
                _ => Some(client.post("/v1/trust-rules", &terms)),
            })
        }));
        let (made, not_made): (Vec<_>, Vec<_>) = answers.iter().flatten().partition(|answer| answer.status == 201);
        for answer in &not_made {
            assert_eq!(answer.refusal(), (404, "already_resolved"));
        }
        let acknowledged = made.iter().map(|answer| answer.body["trustRule"]["ruleId"].clone()).collect::<Vec<_>>();
        let kept = server.sql(&format!("SELECT rule_id FROM trust_rules WHERE tool_name = '{tool}'")).concat();
        let texts = |ids: &[Value]| ids.iter().map(Value::to_string).collect::<BTreeSet<_>>();
        assert_eq!(texts(&kept), texts(&acknowledged));
        let took = made.iter().filter(|answer| answer.body["resolved"] == json!([id])).count();
        let seen = waiter.join().unwrap().expect(200).body;
        assert_eq!(took, usize::from(seen["status"] == "approved"), "{seen}");
        resolved_once(&server, tool);
        (stand, refused) = (stand + made.len(), refused + not_made.len());
    }
    assert!(stand > 0 && refused > 0, "{stand} made and {refused} refused: nothing raced");
    let too_late = format!(
        "audit_events AS rule WHERE rule.event = 'trust_rule.created' AND EXISTS (SELECT 1 FROM audit_events AS done \
         WHERE done.request_id = rule.request_id AND done.seq < rule.seq AND done.{RESOLUTIONS})"
    );
    assert_eq!(server.count(&too_late), 0);
}
