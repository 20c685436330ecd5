//! Many at once: whatever is tried at the same moment, exactly one of it happens.

use std::time::Duration;

use countersign::domain::enums::Role;
use serde_json::{Value, json};

use crate::harness::{Act, Answer, Client, TestServer, altered, confirmation, question, race, secret};

const RACERS: usize = 64;

/// The rounds of a race that takes only a moment.
const ROUNDS: usize = 8;

const RESOLUTIONS: &str = "event IN ('interaction.approved', 'interaction.rejected', 'interaction.answered', \
                           'interaction.expired', 'interaction.cancelled', 'interaction.superseded')";

/// Which of the answers was 200; all others are 404 `already_resolved`.
#[track_caller]
fn only_winner(answers: &[Answer]) -> usize {
    let won = |(number, answer): (usize, &Answer)| (answer.status == 200).then_some(number);
    let winners = answers.iter().enumerate().filter_map(won).collect::<Vec<_>>();
    assert_eq!(winners.len(), 1, "{winners:?} won");
    for answer in answers.iter().filter(|answer| answer.status != 200) {
        assert_eq!(answer.refusal(), (404, "already_resolved"));
    }
    winners[0]
}

/// What `body` makes of each number, posted at once by so many principals.
fn all_post(crowd: &[Client], path: &str, body: impl Fn(usize) -> Value + Sync) -> Vec<Answer> {
    let body = &body;
    race(
        crowd
            .iter()
            .enumerate()
            .map(|(number, client)| -> Act<'_, Answer> { Box::new(move || client.post(path, &body(number))) }),
    )
}

/// Exactly one event tells of a resolution, and file and event name the same status and principal.
#[track_caller]
fn resolved_once_by(server: &TestServer, id: &str, status: &str, principal: &str) {
    assert_eq!(
        server.sql(&format!("SELECT status, resolved_by_principal FROM interactions WHERE request_id = '{id}'")),
        [[json!(status), json!(principal)]]
    );
    let told = format!("SELECT event, principal FROM audit_events WHERE request_id = '{id}' AND {RESOLUTIONS}");
    assert_eq!(server.sql(&told), [[json!(format!("interaction.{status}")), json!(principal)]]);
}

#[test]
fn of_many_decisions_at_once_exactly_one_stands() {
    let server = TestServer::start();
    let (agent, crowd) = (server.agent("builder"), server.crowd(RACERS, Role::Approver));
    let decision = |number: usize| if number.is_multiple_of(2) { "allow" } else { "deny" };
    for round in 0..ROUNDS {
        let id = format!("c{round}");
        agent.register(&confirmation(&id));
        let waiter = agent.wait_in_background(&id);
        server.until_waiting(1);
        let answers = all_post(&crowd, "/v1/confirm", |number| json!({"requestId": id, "decision": decision(number)}));
        let winner = only_winner(&answers);
        let status = if decision(winner) == "allow" { "approved" } else { "rejected" };
        resolved_once_by(&server, &id, status, &format!("approver-{winner}"));
        let losers = answers.iter().enumerate().filter(|(number, _)| *number != winner);
        losers.for_each(|(_, answer)| assert_eq!(answer.body["status"], status));
        assert_eq!(waiter.join().unwrap().body["resolution"]["decision"], decision(winner));
    }
}

#[test]
fn of_many_values_at_once_exactly_one_is_kept_and_it_is_the_acknowledged_one() {
    let server = TestServer::start();
    let (agent, crowd) = (server.agent("builder"), server.crowd(RACERS, Role::Approver));
    for round in 0..ROUNDS {
        let id = format!("s{round}");
        agent.register(&secret(&id));
        // Every eighth declines.
        let value = |number: usize| if number % 8 == 7 { Value::Null } else { json!(format!("value-{number}")) };
        let winner =
            only_winner(&all_post(&crowd, "/v1/secret", |number| json!({"requestId": id, "value": value(number)})));
        let status = if value(winner).is_null() { "cancelled" } else { "answered" };
        resolved_once_by(&server, &id, status, &format!("approver-{winner}"));
        let taken = agent.post_nothing(&format!("/v1/interactions/{id}/secret"));
        assert_eq!(taken.body["value"], value(winner));
        let kept = format!("sealed_secrets JOIN interactions USING (interaction_id) WHERE request_id = '{id}'");
        assert_eq!(server.count(&kept), u64::from(status == "answered"));
    }
}

#[test]
fn of_many_answers_at_once_exactly_one_stands() {
    let server = TestServer::start();
    let (agent, crowd) = (server.agent("builder"), server.crowd(RACERS, Role::Approver));
    let given = |number: usize| json!([{"questionId": "colour", "optionId": "red"}, {"questionId": "why", "text": format!("said {number}")}]);
    for round in 0..ROUNDS {
        let id = format!("q{round}");
        agent.register(&question(&id));
        let answers =
            all_post(&crowd, "/v1/question-response", |number| json!({"requestId": id, "responses": given(number)}));
        let winner = only_winner(&answers);
        resolved_once_by(&server, &id, "answered", &format!("approver-{winner}"));
        assert_eq!(agent.look(&id)["resolution"]["responses"], given(winner));
    }
}

/// The same decision of the same principal, many times at once: all of them hear yes, and it happens once.
#[test]
fn a_decision_repeated_at_once_happens_once_and_is_never_refused() {
    let server = TestServer::start();
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    for round in 0..ROUNDS {
        let id = format!("c{round}");
        agent.register(&altered(confirmation(&id), &json!({"confirmation": {"toolName": id}})));
        let body = json!({"requestId": id, "decision": "allow", "selectedPattern": "make *", "selectedScope": "/repo"});
        let answers = all_post(&vec![ada.clone(); RACERS], "/v1/confirm", |_| body.clone());
        assert!(answers.iter().all(|answer| answer.status == 200));
        resolved_once_by(&server, &id, "approved", "ada");
        assert_eq!(server.count(&format!("trust_rules WHERE created_from = '{id}'")), 1);
    }
}

#[test]
fn deciding_cancelling_and_the_deadline_at_once_end_it_in_exactly_one_way() {
    let server = TestServer::start();
    let agent = server.agent("builder");
    let crowd = server.crowd(RACERS / 2, Role::Approver);
    for round in 0..4 * ROUNDS {
        let id = format!("c{round}");
        agent.register(&altered(confirmation(&id), &json!({"expiresInMs": 1000})));
        let waiter = agent.wait_in_background(&id);
        server.until_waiting(1);
        let path = format!("/v1/interactions/{id}/cancel");
        let decide =
            crowd.iter().map(|client| -> Act<'_, Option<Answer>> { Box::new(|| Some(client.confirm(&id, "allow"))) });
        let cancel = (0..4).map(|_| -> Act<'_, Option<Answer>> { Box::new(|| Some(agent.post_nothing(&path))) });
        let expire: Act<'_, Option<Answer>> = Box::new(|| {
            server.advance(Duration::from_secs(1));
            None
        });
        // Who begins is a matter of luck: each way goes first in its turn.
        let acts: Vec<_> = if round % 2 == 0 {
            decide.chain(cancel).chain([expire]).collect()
        } else {
            [expire].into_iter().chain(cancel).chain(decide).collect()
        };
        let done = race(acts).into_iter().flatten().filter(|answer| answer.status == 200).collect::<Vec<_>>();
        let seen = waiter.join().unwrap().expect(200).body;
        let accepted = done.iter().filter(|answer| answer.body == json!({"accepted": true})).count();
        let cancelled = done.len() - accepted;
        match seen["status"].as_str().unwrap() {
            "approved" => assert_eq!((accepted, cancelled), (1, 0)),
            "cancelled" => assert!(accepted == 0 && (1..=4).contains(&cancelled), "{done:?}"),
            "expired" => assert_eq!((accepted, cancelled), (0, 0)),
            other => panic!("it ended as {other}"),
        }
        assert_eq!(seen["status"], server.stored(&id));
        assert_eq!(server.count(&format!("audit_events WHERE request_id = '{id}' AND {RESOLUTIONS}")), 1);
    }
    assert_eq!(server.count("interactions WHERE status = 'pending'"), 0);
}

/// Otherwise a rule would allow what a person denied at the same moment.
#[test]
fn no_rule_is_ever_made_from_a_confirmation_after_its_resolution() {
    let server = TestServer::start();
    let agent = server.agent("builder");
    let crowd = server.crowd(16, Role::Approver);
    let (mut made, mut refused) = (0, 0);
    for round in 0..5 * ROUNDS {
        let id = format!("c{round}");
        // A tool each: no rule of one round decides the next.
        agent.register(&altered(confirmation(&id), &json!({"confirmation": {"toolName": id}})));
        let rule = json!({"requestId": id, "pattern": "make *", "scope": "/repo", "decision": "allow"});
        let (id, rule) = (&id, &rule);
        let answers = race(crowd.iter().enumerate().map(|(number, client)| -> Act<'_, (usize, Answer)> {
            match number % 4 {
                0 => Box::new(move || (number, client.confirm(id, "deny"))),
                // Terms of their own, so that each would be a rule of its own.
                _ => Box::new(move || {
                    (number, client.post("/v1/trust-rules", &altered(rule.clone(), &json!({"maxUses": number}))))
                }),
            }
        }));
        for (_, answer) in answers.iter().filter(|(number, _)| number % 4 != 0) {
            match answer.status {
                201 => made += 1,
                _ => {
                    assert_eq!(
                        (answer.refusal(), &answer.body["status"]),
                        ((404, "already_resolved"), &json!("rejected"))
                    );
                    refused += 1;
                }
            }
        }
        assert_eq!(server.count(&format!("audit_events WHERE request_id = '{id}' AND {RESOLUTIONS}")), 1);
    }
    assert!(made > 0 && refused > 0, "{made} made and {refused} refused: nothing raced");
    assert_eq!(server.count("trust_rules"), made);
    assert_eq!(server.count("audit_events WHERE event = 'trust_rule.created'"), made);
    let too_late = format!(
        "audit_events AS rule WHERE rule.event = 'trust_rule.created' AND EXISTS (SELECT 1 FROM audit_events AS done \
         WHERE done.request_id = rule.request_id AND done.seq < rule.seq AND done.{RESOLUTIONS})"
    );
    assert_eq!(server.count(&too_late), 0);
}

#[test]
fn of_many_claims_at_once_exactly_one_succeeds() {
    let server = TestServer::start();
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    for round in 0..ROUNDS {
        let id = format!("c{round}");
        agent.register(&confirmation(&id));
        ada.confirm(&id, "allow").expect(200);
        let crowd = vec![agent.clone(); RACERS];
        let path = format!("/v1/interactions/{id}/claim");
        let answers = all_post(&crowd, &path, |number| json!({"claimId": format!("claim-{number}")}));
        let winners = answers.iter().filter(|answer| answer.status == 200).collect::<Vec<_>>();
        assert_eq!(winners.len(), 1);
        let refused = answers.iter().filter(|answer| answer.status != 200);
        refused.for_each(|answer| assert_eq!(answer.refusal(), (409, "already_claimed")));
        assert_eq!(agent.look(&id)["claim"]["claimId"], winners[0].body["claimId"]);
        assert_eq!(
            server.count(&format!("audit_events WHERE request_id = '{id}' AND event = 'interaction.claimed'")),
            1
        );
    }
}

#[test]
fn of_many_takers_of_a_one_time_value_exactly_one_gets_it() {
    let server = TestServer::start();
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    for round in 0..ROUNDS {
        let id = format!("s{round}");
        agent.register(&secret(&id));
        ada.post("/v1/secret", &json!({"requestId": id, "value": "v", "delivery": "transient_send"})).expect(200);
        let crowd = vec![agent.clone(); RACERS];
        let path = format!("/v1/interactions/{id}/secret");
        let answers = all_post(&crowd, &path, |number| json!({"takeId": format!("take-{number}")}));
        assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1);
        let refused = answers.iter().filter(|answer| answer.status != 200);
        refused.for_each(|answer| assert_eq!(answer.refusal(), (409, "already_taken")));
        assert_eq!(server.count(&format!("audit_events WHERE request_id = '{id}' AND event = 'secret.taken'")), 1);
    }
}

#[test]
fn a_rule_with_three_uses_decides_exactly_three_of_many_at_once() {
    let server = TestServer::start();
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    for round in 0..ROUNDS {
        let tool = format!("tool-{round}");
        let rule =
            json!({"toolName": tool, "pattern": "make *", "scope": "everywhere", "decision": "allow", "maxUses": 3});
        ada.post("/v1/trust-rules", &rule).expect(201);
        let registration = |number: usize| {
            altered(confirmation(&format!("c-{round}-{number}")), &json!({"confirmation": {"toolName": tool}}))
        };
        let answers = all_post(&vec![agent.clone(); RACERS], "/v1/interactions", registration);
        let with = |status: &str| {
            answers.iter().filter(|answer| answer.status == 201 && answer.body["status"] == status).count()
        };
        assert_eq!((with("approved"), with("pending")), (3, RACERS - 3));
        assert_eq!(
            server.sql(&format!("SELECT status, use_count FROM trust_rules WHERE tool_name = '{tool}'")),
            [[json!("exhausted"), json!(3)]]
        );
        assert_eq!(server.count(&format!("interactions WHERE tool_name = '{tool}' AND status = 'approved'")), 3);
    }
    assert_eq!(server.count("audit_events WHERE event = 'trust_rule.exhausted'"), ROUNDS as u64);
}

/// The same registration many times at once, as an agent does that lost its answers: one interaction, one event.
#[test]
fn a_registration_repeated_at_once_is_made_once() {
    let server = TestServer::start();
    let agent = server.agent("builder");
    for round in 0..ROUNDS {
        let id = format!("c{round}");
        let answers = all_post(&vec![agent.clone(); RACERS], "/v1/interactions", |_| confirmation(&id));
        assert_eq!(answers.iter().filter(|answer| answer.status == 201).count(), 1);
        assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), RACERS - 1);
        assert_eq!(server.history(&id), ["interaction.registered by builder"]);
    }
}
