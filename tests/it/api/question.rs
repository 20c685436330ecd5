//! `POST /v1/question-response`.

use serde_json::{Value, json};

use crate::harness::{Answer, Client, TestServer, altered, confirmation, question, responses};

fn respond(client: &Client, request_id: &str, responses: &Value) -> Answer {
    client.post("/v1/question-response", &json!({"requestId": request_id, "responses": responses}))
}

/// [`question`], where `colour` takes a free text, too.
fn open_question(request_id: &str) -> Value {
    let mut question = question(request_id);
    question["question"]["entries"][0]["freeTextAllowed"] = json!(true);
    question
}

#[test]
fn answers_reach_the_agent_as_they_were_given() {
    let server = TestServer::start();
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    let because = json!({"questionId": "why", "text": "because"});
    for (number, given) in [
        responses(),
        json!([because, {"questionId": "colour", "optionId": "blue"}]),
        json!([{"questionId": "colour", "skipped": true}, {"questionId": "why", "skipped": true}]),
        json!([{"questionId": "colour", "text": "green"}, because]),
    ]
    .iter()
    .enumerate()
    {
        let id = format!("q{number}");
        agent.register(&open_question(&id));
        let waiter = agent.wait_in_background(&id);
        server.until_waiting(1);
        assert_eq!(respond(&ada, &id, given).expect(200).body, json!({"accepted": true}));
        let seen = waiter.join().unwrap().expect(200).body;
        assert_eq!(seen["status"], "answered");
        assert_eq!(seen["resolution"], json!({"resolvedBy": {"principal": "ada"}, "responses": given}));
        assert_eq!(server.stored(&id), "answered");
        assert_eq!(server.history(&id), ["interaction.registered by builder", "interaction.answered by ada"]);
    }
}

/// Refuses with 422 what is understood and does not answer this question, and consumes nothing.
#[test]
fn responses_that_do_not_answer_the_question_leave_it_pending() {
    let server = TestServer::start();
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    agent.register(&question("q"));
    let waiter = agent.wait_in_background("q");
    server.until_waiting(1);
    let (colour, why) =
        (json!({"questionId": "colour", "optionId": "red"}), json!({"questionId": "why", "text": "so"}));
    for (given, at_fault) in [
        (json!([]), "colour"),
        (json!([colour]), "why"),
        (json!([why]), "colour"),
        (json!([colour, why, {"questionId": "when", "text": "now"}]), "when"),
        (json!([{"questionId": "colour", "optionId": "green"}, why]), "colour"),
        (json!([{"questionId": "colour", "optionIds": ["red"]}, why]), "colour"),
        (json!([{"questionId": "colour", "optionIds": ["red", "blue"]}, why]), "colour"),
        (json!([{"questionId": "colour", "text": "red"}, why]), "colour"),
        (json!([colour, {"questionId": "why", "optionId": "red"}]), "why"),
    ] {
        let refused = server.unchanged(|| respond(&ada, "q", &given));
        assert_eq!(refused.refusal(), (422, "invalid_response"), "{given}");
        assert_eq!(refused.body["questionId"], at_fault, "{given}");
    }
    respond(&ada, "q", &json!([colour, why])).expect(200);
    assert_eq!(waiter.join().unwrap().body["status"], "answered");
}

/// [`question`], of whose `colour` several may be chosen.
fn question_of_several(request_id: &str) -> Value {
    let mut question = question(request_id);
    question["question"]["entries"][0]["multiSelect"] = json!(true);
    question["question"]["entries"][0]["header"] = json!("Colour");
    question
}

#[test]
fn several_options_are_chosen_where_the_entry_takes_several() {
    let server = TestServer::start();
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    let why = json!({"questionId": "why", "text": "so"});
    for (number, colour) in [
        json!({"questionId": "colour", "optionIds": ["blue", "red"]}),
        json!({"questionId": "colour", "optionIds": ["blue"]}),
        json!({"questionId": "colour", "optionId": "red"}),
    ]
    .iter()
    .enumerate()
    {
        let id = format!("q{number}");
        let entry = &agent.register(&question_of_several(&id))["question"]["entries"][0];
        assert_eq!((&entry["multiSelect"], &entry["header"]), (&json!(true), &json!("Colour")));
        let green = json!([{"questionId": "colour", "optionIds": ["red", "green"]}, why]);
        let refused = server.unchanged(|| respond(&ada, &id, &green));
        assert_eq!((refused.refusal(), &refused.body["questionId"]), ((422, "invalid_response"), &json!("colour")));
        respond(&ada, &id, &json!([colour, why])).expect(200);
        server.unchanged(|| respond(&ada, &id, &json!([colour, why]))).expect(200);
        assert_eq!(agent.look(&id)["resolution"]["responses"], json!([colour, why]));
    }
}

#[test]
fn an_empty_answer_is_none_and_the_question_stays_pending() {
    let server = TestServer::start();
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    agent.register(&question("q"));
    for text in ["", " ", "\t\r\n", "\u{a0}\u{2003}", "\u{200b}", " \u{2800}\u{feff}"] {
        let given = json!([{"questionId": "colour", "optionId": "red"}, {"questionId": "why", "text": text}]);
        let refused = server.unchanged(|| respond(&ada, "q", &given));
        assert_eq!((refused.refusal(), &refused.body["questionId"]), ((422, "empty_answer"), &json!("why")));
        assert_eq!(agent.look("q")["status"], "pending");
    }
    respond(&ada, "q", &responses()).expect(200);
}

#[test]
fn malformed_responses_are_told_so_before_anything_is_looked_up() {
    let server = TestServer::start();
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    agent.register(&question("q"));
    agent.register(&confirmation("c"));
    let (red, why) = (json!({"questionId": "colour", "optionId": "red"}), json!({"questionId": "why", "text": "so"}));
    for id in ["q", "c", "nothing"] {
        for given in [
            json!([red, red, why]),
            json!([red, {"questionId": "colour", "optionId": "blue"}, why]),
            json!([{"questionId": "colour"}, why]),
            json!([altered(red.clone(), &json!({"skipped": true})), why]),
            json!([altered(red.clone(), &json!({"text": "a dark one"})), why]),
            json!([altered(red.clone(), &json!({"optionIds": ["red"]})), why]),
            json!([{"questionId": "colour", "text": "a dark one", "skipped": true}, why]),
            json!([{"questionId": "colour", "optionIds": ["red"], "text": "a dark one"}, why]),
            json!([{"questionId": "colour", "optionIds": []}, why]),
            json!([{"questionId": "colour", "optionIds": ["red", "red"]}, why]),
            json!([{"questionId": "colour", "skipped": null}, why]),
            json!([altered(red.clone(), &json!({"skipped": false, "optionid": "red"})), why]),
            json!([{"optionId": "red"}, why]),
            json!({"colour": "red"}),
            json!(null),
        ] {
            let refused = server.unchanged(|| respond(&ada, id, &given));
            assert_eq!(refused.refusal(), (400, "malformed_request"), "{given}");
        }
    }
}

#[test]
fn only_the_same_principal_may_repeat_and_only_the_very_same_answers() {
    let server = TestServer::start();
    let (agent, ada, bob) = (server.agent("builder"), server.approver("ada"), server.approver("bob"));
    agent.register(&question("q"));
    respond(&ada, "q", &responses()).expect(200);
    assert_eq!(server.unchanged(|| respond(&ada, "q", &responses())).expect(200).body, json!({"accepted": true}));
    let mut other = responses();
    other[0]["optionId"] = json!("blue");
    // What would be refused of a pending question does not matter any more: the card is to be retired.
    for (who, given) in [(&bob, responses()), (&ada, other), (&ada, json!([]))] {
        let refused = server.unchanged(|| respond(who, "q", &given));
        assert_eq!((refused.refusal(), &refused.body["status"]), ((404, "already_resolved"), &json!("answered")));
    }
    assert_eq!(server.unchanged(|| respond(&ada, "nothing", &responses())).refusal(), (404, "unknown_request"));
}

#[test]
fn a_question_without_words_is_refused() {
    let server = TestServer::start();
    let agent = server.agent("builder");
    for blank in ["", " \n", "\u{200b}\u{202e}"] {
        let mut textless = question("q");
        textless["question"]["entries"][1]["text"] = json!(blank);
        let mut labelless = question("q");
        labelless["question"]["entries"][0]["options"][1]["label"] = json!(blank);
        for registration in [textless, labelless] {
            let answer = server.unchanged(|| agent.post("/v1/interactions", &registration));
            assert_eq!(answer.refusal(), (400, "malformed_request"), "{registration}");
            assert_eq!(answer.body["field"], "question.entries");
        }
    }
}

#[test]
fn the_same_answer_may_be_repeated_in_another_order_and_spelling() {
    let server = TestServer::start();
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    let mut asked = question("q");
    asked["question"]["entries"][0]["multiSelect"] = json!(true);
    agent.register(&asked);
    let why = json!({"questionId": "why", "text": "so"});
    let colours = |colours: &[&str]| json!({"questionId": "colour", "optionIds": colours});
    respond(&ada, "q", &json!([colours(&["red", "blue"]), why])).expect(200);
    server.unchanged(|| {
        respond(&ada, "q", &json!([why, colours(&["blue", "red"])])).expect(200);
        for other in
            [json!([colours(&["red"]), why]), json!([colours(&["red", "blue"]), {"questionId": "why", "text": "So"}])]
        {
            assert_eq!(respond(&ada, "q", &other).refusal(), (404, "already_resolved"));
        }
    });
    agent.register(&altered(asked, &json!({"requestId": "one"})));
    respond(&ada, "one", &json!([colours(&["red"]), why])).expect(200);
    respond(&ada, "one", &json!([{"questionId": "colour", "optionId": "red"}, why])).expect(200);
}
