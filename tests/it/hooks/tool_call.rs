//! The use case for a client's call of a tool, below every face.

use std::time::Duration;

use countersign::domain::enums::RunOutcome;
use countersign::domain::interaction::Deadline;
use countersign::domain::kinds::{Confirmation, Content, Question};
use countersign::domain::tool_call::{CallEnd, Denial, RanCall, ToolCall};
use countersign::service::{AfterWait, BegunCall, Caller, Service};
use countersign::tokens;
use serde_json::{Value, json};

use crate::harness::{Act, Client, TestServer, race};

/// A server, its one agent and a person.
struct Fixture {
    server: TestServer,
    builder: Caller,
    ada: Client,
}

fn fixture() -> Fixture {
    let server = TestServer::start();
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    let token_sha256 = tokens::digest(agent.token.as_deref().unwrap());
    let builder = blocking(server.service.authenticate(&token_sha256)).unwrap().unwrap();
    Fixture { builder, server, ada }
}

fn blocking<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

/// A call of the session `s`, asked in the try `try_id`.
fn call(call_id: Option<&str>, try_id: &str, content: Content) -> ToolCall {
    ToolCall {
        client: "claude-code",
        session: Some("s".to_owned()),
        call_id: call_id.map(str::to_owned),
        try_id: Some(try_id.parse().unwrap()),
        content: content.accept().unwrap(),
        deadline: Deadline::Default,
        metadata: None,
        origin: None,
        traceparent: None,
    }
}

fn bash(command: &str) -> Content {
    let input = serde_json::from_value(json!({"command": command})).unwrap();
    Content::Confirmation(Box::new(Confirmation::new("Bash".parse().unwrap(), input)))
}

fn begin(service: &Service, by: &Caller, call: ToolCall) -> BegunCall {
    blocking(service.begin_tool_call(by, call)).unwrap().unwrap()
}

impl Fixture {
    fn begin(&self, call_id: Option<&str>, try_id: &str, command: &str) -> BegunCall {
        begin(&self.server.service, &self.builder, call(call_id, try_id, bash(command)))
    }

    /// How it ends where nothing is waited for.
    fn end(&self, begun: &BegunCall, after: AfterWait) -> CallEnd {
        let service = &self.server.service;
        blocking(async {
            let record = service.await_tool_call(&self.builder, begun, Duration::ZERO).await.unwrap();
            service.end_tool_call(&self.builder, begun, record, after).await.unwrap()
        })
    }

    fn denial(&self, begun: &BegunCall) -> Denial {
        let CallEnd::Denied(denial) = self.end(begun, AfterWait::AsksAgain) else { panic!("it is denied") };
        denial
    }

    fn allowed(&self, begun: &BegunCall) -> Value {
        let CallEnd::Allowed(allowed) = self.end(begun, AfterWait::AsksAgain) else { panic!("it is allowed") };
        serde_json::to_value(allowed.effective_input).unwrap()
    }

    fn decide(&self, begun: &BegunCall, decision: &str) {
        self.ada.confirm(begun.request_id.as_str(), decision).expect(200);
    }
}

#[test]
fn a_call_finds_its_own_interaction_again_whatever_became_of_it() {
    let it = fixture();
    for (call_id, command) in [(Some("toolu_1"), "make"), (None, "make test")] {
        let asked = it.begin(call_id, "try-1", command);
        assert!(asked.is_new && asked.request_id.as_str().starts_with("claude-code:"));
        it.decide(&asked, "deny");
        let again = it.begin(call_id, "try-1", command);
        assert_eq!((again.is_new, &again.request_id), (false, &asked.request_id));
        assert_eq!(it.denial(&again), Denial::Rejected { by: "ada".to_owned(), comment: None });
    }
    // A rejection is of that call: the next one asks anew.
    let next = it.begin(Some("toolu_2"), "try-2", "make");
    assert!(next.is_new);
    let anonymous = it.begin(None, "try-3", "make test");
    assert!(anonymous.is_new);
    it.decide(&anonymous, "allow");
    assert_eq!(it.allowed(&anonymous), json!({"command": "make test"}));
    // The answer was lost on the way, and the same try comes again.
    assert_eq!(it.allowed(&it.begin(None, "try-3", "make test")), json!({"command": "make test"}));
    assert!(it.begin(None, "try-4", "make test").is_new, "a used approval serves no other call");
}

#[test]
fn a_new_call_takes_what_waits_else_what_was_approved_and_not_used() {
    let it = fixture();
    let late = it.begin(Some("toolu_1"), "try-1", "make");
    it.decide(&late, "allow");
    // The call has given up meanwhile, and the model asks for the same again.
    let waiting = it.begin(Some("toolu_1b"), "try-1b", "make test");
    for call_id in [Some("toolu_2"), None] {
        let joined = it.begin(call_id, "try-2", "make test");
        assert_eq!((joined.is_new, &joined.request_id), (false, &waiting.request_id));
    }
    let next = it.begin(Some("toolu_3"), "try-3", "make");
    assert_eq!((next.is_new, &next.request_id), (false, &late.request_id));
    assert_eq!(it.allowed(&next), json!({"command": "make"}));
    // It has joined for good, and another process of it has no second right to run.
    let crashed = it.begin(Some("toolu_3"), "try-9", "make");
    assert_eq!(it.denial(&crashed), Denial::AlreadyClaimed { request_id: late.request_id.clone() });
    assert!(it.begin(Some("toolu_4"), "try-4", "make").is_new);
    // Elsewhere, or another command, is another question.
    let mut elsewhere = call(Some("toolu_5"), "try-5", bash("make test"));
    elsewhere.content.confirmation_mut().unwrap().working_dir = Some("/".to_owned());
    assert!(begin(&it.server.service, &it.builder, elsewhere).is_new);
    let mut other_session = call(Some("toolu_6"), "try-6", bash("make test"));
    other_session.session = Some("t".to_owned());
    assert!(begin(&it.server.service, &it.builder, other_session).is_new);
}

#[test]
fn parallel_identical_calls_make_one_card_and_one_of_them_runs() {
    let it = fixture();
    for round in 0..5 {
        let command = format!("make {round}");
        let acts = (0..4).map(|number| {
            let (it, command) = (&it, &command);
            let act: Act<'_, BegunCall> = Box::new(move || {
                let (call_id, try_id) = (format!("toolu_{round}_{number}"), format!("try-{round}-{number}"));
                it.begin((number % 2 == 0).then_some(call_id.as_str()), &try_id, command)
            });
            act
        });
        let begun = race(acts.collect::<Vec<_>>());
        assert_eq!(begun.iter().filter(|one| one.is_new).count(), 1);
        assert!(begun.iter().all(|one| one.request_id == begun[0].request_id));
        it.decide(&begun[0], "allow");
        let acts = begun.iter().map(|one| {
            let it = &it;
            let act: Act<'_, CallEnd> = Box::new(move || it.end(one, AfterWait::AsksAgain));
            act
        });
        let ended = race(acts.collect::<Vec<_>>());
        let used = Denial::AlreadyClaimed { request_id: begun[0].request_id.clone() };
        assert_eq!(ended.iter().filter(|end| matches!(end, CallEnd::Allowed(_))).count(), 1, "{ended:?}");
        let denied = ended.iter().filter(|end| matches!(end, CallEnd::Denied(denial) if *denial == used));
        assert_eq!(denied.count(), 3, "{ended:?}");
    }
}

#[test]
fn the_same_id_for_another_call_is_denied() {
    let it = fixture();
    let asked = it.begin(Some("toolu_1"), "try-1", "make");
    it.decide(&asked, "allow");
    let mut elsewhere = call(Some("toolu_1"), "try-2", bash("make"));
    elsewhere.content.confirmation_mut().unwrap().working_dir = Some("/".to_owned());
    for other in [call(Some("toolu_1"), "try-2", bash("rm -r /")), elsewhere] {
        let denial = blocking(it.server.service.begin_tool_call(&it.builder, other)).unwrap().unwrap_err();
        assert_eq!(denial, Denial::OtherCall { request_id: asked.request_id.clone() });
    }
}

/// Clients of MCP over HTTP name their calls and no session: two of them may share a token.
#[test]
fn without_a_session_an_approval_is_for_the_call_that_was_asked_about() {
    let it = fixture();
    let of = |call_id, try_id| ToolCall { session: None, ..call(Some(call_id), try_id, bash("make")) };
    let asked = begin(&it.server.service, &it.builder, of("toolu_1", "try-1"));
    it.decide(&asked, "allow");
    let other = begin(&it.server.service, &it.builder, of("toolu_2", "try-2"));
    assert!(other.is_new && other.request_id != asked.request_id);
    let again = begin(&it.server.service, &it.builder, of("toolu_1", "try-3"));
    assert_eq!(it.allowed(&again), json!({"command": "make"}));
}

#[test]
fn each_way_to_end_has_its_own_denial() {
    let it = fixture();
    let waiting = it.begin(Some("a"), "try-a", "sleep 1");
    assert_eq!(it.denial(&waiting), Denial::Waiting { request_id: waiting.request_id.clone() });
    let approved = it.begin(Some("b"), "try-b", "sleep 2");
    it.decide(&approved, "allow");
    it.ada.post_nothing(&format!("/v1/interactions/{}/withdraw", approved.request_id)).expect(200);
    assert_eq!(it.denial(&approved), Denial::Withdrawn { request_id: approved.request_id.clone() });
    let late = it.begin(Some("c"), "try-c", "sleep 3");
    it.decide(&late, "allow");
    it.server.advance(Duration::from_secs(25 * 60 * 60));
    assert_eq!(it.denial(&late), Denial::ApprovalExpired { request_id: late.request_id.clone() });
    let expired =
        Denial::Ended { outcome: countersign::domain::enums::Outcome::Expired, request_id: waiting.request_id.clone() };
    assert_eq!(it.denial(&it.begin(Some("a"), "try-a", "sleep 1")), expired);
}

#[test]
fn what_ran_is_reported_by_its_id_or_by_what_it_ran() {
    let it = fixture();
    let report = |call_id: Option<&str>, command: &str, outcome| {
        let ran = RanCall {
            session: Some("s".to_owned()),
            call_id: call_id.map(str::to_owned),
            tool_name: "Bash".parse().unwrap(),
            input: serde_json::from_value(json!({"command": command})).unwrap(),
        };
        blocking(it.server.service.report_tool_call(&it.builder, "claude-code", &ran, outcome, None)).unwrap()
    };
    let with_id = it.begin(Some("toolu_1"), "try-1", "make");
    assert!(!report(Some("toolu_1"), "make", RunOutcome::Failed), "nothing was claimed yet");
    it.decide(&with_id, "allow");
    it.allowed(&with_id);
    assert!(report(Some("toolu_1"), "make", RunOutcome::Succeeded));
    assert_eq!(it.ada.look(with_id.request_id.as_str())["claim"]["outcome"], "succeeded");
    assert!(!report(Some("toolu_1"), "make", RunOutcome::Failed), "the first report stands");
    let mut asked = call(None, "try-2", bash("make test"));
    asked.content.confirmation_mut().unwrap().input_edits_allowed = true;
    let without_id = begin(&it.server.service, &it.builder, asked);
    let edited =
        json!({"requestId": without_id.request_id, "decision": "allow", "updatedInput": {"command": "make check"}});
    it.ada.post("/v1/confirm", &edited).expect(200);
    assert_eq!(it.allowed(&without_id), json!({"command": "make check"}));
    assert!(!report(None, "make test", RunOutcome::Failed), "that never ran");
    assert!(report(None, "make check", RunOutcome::Failed));
    assert_eq!(it.ada.look(without_id.request_id.as_str())["claim"]["outcome"], "failed");
}

#[test]
fn an_answer_to_a_question_is_kept_for_the_next_call_that_asks_it_once() {
    let it = fixture();
    let question = || -> Content {
        let entries =
            json!({"entries": [{"questionId": "q", "text": "Where to?", "options": [], "freeTextAllowed": true}]});
        Content::Question(serde_json::from_value::<Question>(entries).unwrap())
    };
    let ask = |call_id: &str| begin(&it.server.service, &it.builder, call(Some(call_id), "try", question()));
    let asked = ask("toolu_1");
    let responses = json!([{"questionId": "q", "text": "prod"}]);
    let answer = json!({"requestId": asked.request_id, "responses": responses});
    it.ada.post("/v1/question-response", &answer).expect(200);
    let next = ask("toolu_2");
    assert_eq!((next.is_new, &next.request_id), (false, &asked.request_id));
    for begun in [&next, &asked] {
        let CallEnd::Answered(answered) = it.end(begun, AfterWait::AsksAgain) else { panic!("it is answered") };
        assert_eq!(serde_json::to_value(answered.responses).unwrap(), responses);
    }
    let anew = ask("toolu_3");
    assert!(anew.is_new);
}

#[test]
fn the_end_of_a_turn_supersedes_what_no_call_was_told_is_kept() {
    let it = fixture();
    let (dropped, kept) = (it.begin(Some("a"), "try-a", "sleep 1"), it.begin(Some("b"), "try-b", "sleep 2"));
    it.end(&dropped, AfterWait::AsksAgain);
    it.end(&kept, AfterWait::Keeps);
    let conversation = "s".parse().unwrap();
    let superseded = blocking(it.server.service.supersede_calls(&it.builder, &conversation)).unwrap();
    assert_eq!(superseded, std::slice::from_ref(&dropped.request_id));
    assert_eq!(it.ada.look(kept.request_id.as_str())["status"], "pending");
    assert_eq!(
        it.denial(&dropped),
        Denial::Ended {
            outcome: countersign::domain::enums::Outcome::Superseded,
            request_id: dropped.request_id.clone()
        }
    );
}
