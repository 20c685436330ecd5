//! What an approval has to acknowledge is the same on every surface: HTTP, the pages and `countersign approve` here, and
//! `countersign watch` by the same table in a test beside its keys.

use std::path::Path;

use countersign::domain::enums::Role;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::harness::page::between;
use crate::harness::{Client, TestServer, altered, confirmation, countersign};

/// What is asked, and what an approval of it needs.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Case {
    name: String,
    confirmation: Value,
    acknowledgements: Vec<String>,
    updated_input: Option<Value>,
    /// What it needs with the updated input.
    with_edit: Option<Vec<String>>,
}

impl Case {
    fn all() -> Vec<Self> {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus/acknowledgements.json");
        serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
    }

    /// What an approval needs, of the edited input where there is one.
    fn needs(&self) -> &[String] {
        self.with_edit.as_ref().unwrap_or(&self.acknowledgements)
    }

    /// Registers it, and sees that it lists what it needs as it is.
    fn register(&self, agent: &Client, id: &str) {
        let mut registration = confirmation(id);
        let members = self.confirmation.as_object().unwrap().clone();
        registration["confirmation"].as_object_mut().unwrap().extend(members);
        assert_eq!(agent.register(&registration)["acknowledgements"], json!(self.acknowledgements), "{}", self.name);
        assert_eq!(agent.look(id)["acknowledgements"], json!(self.acknowledgements), "{}", self.name);
    }

    /// The body of an approval that acknowledges this.
    fn approval(&self, id: &str, acknowledged: &[String]) -> Value {
        let approval = json!({"requestId": id, "decision": "allow", "acknowledged": acknowledged});
        match &self.updated_input {
            Some(input) => altered(approval, &json!({"updatedInput": input})),
            None => approval,
        }
    }
}

/// Every case with an id, a server that is started with these flags, an agent and a person.
fn stage(flags: &[&str]) -> (TestServer, Client, Client, Vec<(String, Case)>) {
    let server = TestServer::with(flags);
    let (agent, ada) = (server.client("builder", Role::Agent), server.client("ada", Role::Approver));
    let cases = Case::all().into_iter().enumerate().map(|(number, case)| (format!("c-{number}"), case));
    let cases = cases.inspect(|(id, case)| case.register(&agent, id)).collect();
    (server, agent, ada, cases)
}

#[test]
fn http_refuses_an_approval_that_lacks_one_where_the_server_is_told_to() {
    let (server, agent, ada, cases) = stage(&["--require-acknowledgements"]);
    for (id, case) in &cases {
        for without in case.needs() {
            let others = case.needs().iter().filter(|word| *word != without).cloned().collect::<Vec<_>>();
            let refused = server.unchanged(|| ada.post("/v1/confirm", &case.approval(id, &others)));
            assert_eq!(refused.refusal(), (422, "acknowledgement_required"), "{}", case.name);
            assert_eq!(refused.body["acknowledgements"], json!([without]), "{}", case.name);
        }
        if !case.needs().is_empty() {
            let refused = ada.post("/v1/confirm", &case.approval(id, &[])).expect(422);
            assert_eq!(refused.body["acknowledgements"], json!(case.needs()), "{}", case.name);
        }
        ada.post("/v1/confirm", &case.approval(id, case.needs())).expect(200);
        ada.post("/v1/confirm", &case.approval(id, &[])).expect(200);
        assert_eq!(agent.look(id)["status"], "approved", "{}", case.name);
    }
}

#[test]
fn http_takes_any_approval_otherwise_and_a_denial_always() {
    let (_server, agent, ada, cases) = stage(&[]);
    for (id, case) in &cases {
        ada.post("/v1/confirm", &case.approval(id, &[])).expect(200);
    }
    let (_strict, strict_agent, bob, _) = stage(&["--require-acknowledgements"]);
    for (id, case) in &cases {
        bob.post("/v1/confirm", &json!({"requestId": id, "decision": "deny"})).expect(200);
        assert_eq!(strict_agent.look(id)["status"], "rejected", "{}", case.name);
    }
    agent.register(&confirmation("d"));
    let unknown = json!({"requestId": "d", "decision": "allow", "acknowledged": ["high_risk", "everything"]});
    assert_eq!(ada.post("/v1/confirm", &unknown).refusal(), (400, "malformed_request"));
}

#[test]
fn a_page_asks_for_each_and_takes_no_approval_without() {
    let (_server, agent, ada, cases) = stage(&[]);
    let browser = ada.browser();
    for (id, case) in &cases {
        let card = browser.page(&format!("/interactions/{id}/card?whole=true"));
        let required = between(&card, "type=\"checkbox\" name=\"acknowledged\" value=\"", ">");
        let required = required.iter().filter_map(|rest| rest.strip_suffix("\" required")).collect::<Vec<_>>();
        assert_eq!(required, case.acknowledgements, "{}", case.name);
        let offered = between(&card, "name=\"acknowledged\" value=\"", "\"");
        let edited = case.updated_input.as_ref().map(Value::to_string);
        let decision = if edited.is_some() { "allow-edited" } else { "allow" };
        let send = |acknowledged: &[String]| {
            let mut fields = vec![("decision", decision)];
            fields.extend(edited.as_deref().map(|input| ("input", input)));
            fields.extend(acknowledged.iter().map(|word| ("acknowledged", word.as_str())));
            browser.submit(&format!("/interactions/{id}/decide"), &fields).status
        };
        for without in case.needs() {
            assert!(offered.contains(without), "{}: nothing to tick for {without}", case.name);
            let others = case.needs().iter().filter(|word| *word != without).cloned().collect::<Vec<_>>();
            assert_eq!(send(&others), 422, "{} without {without}", case.name);
        }
        assert_eq!(agent.look(id)["status"], "pending", "{}", case.name);
        assert_eq!(send(case.needs()), 303, "{}", case.name);
        assert_eq!(agent.look(id)["status"], "approved", "{}", case.name);
    }
}

/// What `countersign approve` says of each.
const FACTS: [(&str, &str); 3] =
    [("high_risk", "calls it high risk"), ("hidden_characters", "do not show"), ("long", "it is long")];

#[test]
fn the_command_says_what_is_to_be_acknowledged_and_sends_it() {
    let (_server, agent, ada, cases) = stage(&["--require-acknowledgements"]);
    for (id, case) in &cases {
        let approve = |more: &[&str]| {
            let mut command = countersign();
            command.env("COUNTERSIGN_URL", &ada.url).env("COUNTERSIGN_TOKEN", ada.token.as_ref().unwrap());
            command.args(["approve", "--exact", id]).args(more);
            let input = case.updated_input.as_ref().map(Value::to_string);
            let output = command.args(input.iter().flat_map(|input| ["--input", input])).output().unwrap();
            (output.status.code(), String::from_utf8(output.stderr).unwrap())
        };
        if !case.needs().is_empty() {
            let (code, sentence) = approve(&[]);
            let said = FACTS.iter().filter(|(_, fact)| sentence.contains(fact)).map(|(word, _)| *word);
            assert_eq!((code, said.collect::<Vec<_>>()), (Some(2), case.needs().iter().map(String::as_str).collect()));
            assert_eq!(agent.look(id)["status"], "pending", "{}", case.name);
        }
        let more: &[&str] = if case.needs().is_empty() { &[] } else { &["--acknowledge"] };
        let (code, said) = approve(more);
        assert_eq!(code, Some(0), "{}: {said}", case.name);
        assert_eq!(agent.look(id)["status"], "approved", "{}", case.name);
    }
}
