//! Inputs to the letter: numbers that must not change, and the digest that stands for what was approved.

use std::collections::HashSet;

use serde_json::{Value, json};

use crate::api::routes::{DIGEST, everything};
use crate::harness::{Client, TestServer, confirmation};

/// The body of a confirmation with this input and metadata, to the letter.
fn with_texts(request_id: &str, tool: &str, input: &str, metadata: &str) -> String {
    let mut body = confirmation(request_id);
    body["confirmation"]["toolName"] = json!(tool);
    body["confirmation"]["input"] = json!("INPUT");
    body["metadata"] = json!("METADATA");
    body.to_string().replace("\"INPUT\"", input).replace("\"METADATA\"", metadata)
}

fn digest(agent: &Client, request_id: &str, tool: &str, input: &str) -> String {
    let answer = agent.post_text("/v1/interactions", &with_texts(request_id, tool, input, "{}")).expect(201);
    answer.body["confirmation"]["inputDigest"].as_str().unwrap().to_owned()
}

const KEPT: [&str; 20] = [
    "0",
    "-0",
    "-0.0",
    "1.0",
    "1.50",
    "1e2",
    "1E+2",
    "0.1",
    "5e-324",
    "1.7976931348623157e308",
    "9007199254740992",
    "9007199254740993",
    "-9007199254740993",
    "9223372036854775807",
    "-9223372036854775808",
    "9223372036854775808",
    "18446744073709551615",
    "100000000000000000000",
    "0e99999999999999999999",
    "123456789.12345679",
];

const CHANGED: [&str; 10] = [
    "18446744073709551616",
    "-9223372036854775809",
    "9007199254740993.0",
    "100000000000000000001",
    "1e400",
    "-1e400",
    "1e-400",
    "0.1000000000000000000001",
    "123456789.123456789",
    "1e99999999999999999999",
];

#[test]
fn a_number_comes_back_digit_by_digit_with_the_text_around_it() {
    let server = TestServer::start();
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    for (index, number) in KEPT.into_iter().enumerate() {
        let id = format!("r{index}");
        let text = format!("{{ \"deep\" :[ {{\"n\":{number} }}],\n\t\"a\\u0062\":\"1e400\"}}");
        agent.post_text("/v1/interactions", &with_texts(&id, "shell", &text, &text)).expect(201);
        let shown = agent.get(&format!("/v1/interactions/{id}")).expect(200).text;
        assert_eq!(shown.matches(&text).count(), 2, "as input and as metadata: {shown}");
        let row = format!(
            "SELECT b.body, b.metadata FROM interaction_bodies AS b JOIN interactions USING (interaction_id) WHERE request_id = '{id}'"
        );
        let stored = server.sql(&row);
        assert!(stored[0].iter().all(|column| column.as_str().unwrap().contains(&text)), "{stored:?}");
        ada.confirm(&id, "allow").expect(200);
        let claimed = agent.post_nothing(&format!("/v1/interactions/{id}/claim")).expect(200).text;
        assert!(claimed.contains(&text), "{claimed}");
    }
}

#[test]
fn a_number_that_would_change_is_refused_wherever_it_comes_in() {
    let server = TestServer::start();
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    let mut editable = confirmation("editable");
    editable["confirmation"]["inputEditsAllowed"] = json!(true);
    agent.register(&editable);
    let before = everything(&server);
    for number in CHANGED {
        let text = format!("{{\"deep\":[{{\"n\":{number}}}]}}");
        let edit = format!(r#"{{"requestId":"editable","decision":"allow","updatedInput":{text}}}"#);
        for (client, path, body, field) in [
            (&agent, "/v1/interactions", with_texts("r", "shell", &text, "{}"), "confirmation.input"),
            (&agent, "/v1/interactions", with_texts("r", "shell", "{}", &text), "metadata"),
            (&ada, "/v1/confirm", edit, "updatedInput"),
        ] {
            let answer = client.post_text(path, &body);
            assert_eq!(answer.refusal(), (422, "number_out_of_range"), "{number} in {field}");
            assert_eq!(answer.body["field"], field);
        }
    }
    assert_eq!(everything(&server), before);
}

#[test]
fn the_digest_is_the_one_that_others_compute() {
    /// `printf '%s' '{"input":…,"toolName":…}' | sha256sum`, the form written by hand after RFC 8785.
    const RICH: &str = "sha256:3ca1d33bacb06deaaf459d8dc04d9da05043d2b88007170bcc00750563214df5";
    let server = TestServer::start();
    let agent = server.agent("builder");
    assert_eq!(digest(&agent, "plain", "shell", r#"{"command":"make deploy"}"#), DIGEST);
    let rich = r#"{"a":{"b":-9223372036854775808},"\ufb33":{},"\ud83d\ude00":18446744073709551615,"\u20ac":"\u00e9",
        "A":[9007199254740993,1e21,0.000001,1E-7,5.0,-0,null],"":true,"\n":"\u001F\/<\"\\"}"#;
    assert_eq!(digest(&agent, "rich", "web search – ünïcode", rich), RICH);
    let looked = agent.look("rich");
    assert_eq!(looked["confirmation"]["inputDigest"], RICH);
    server.approver("ada").confirm("rich", "allow").expect(200);
    assert_eq!(agent.look("rich")["resolution"]["effectiveInputDigest"], RICH);
    let other = json!({"inputDigest": DIGEST});
    assert_eq!(agent.post("/v1/interactions/rich/claim", &other).refusal(), (409, "digest_mismatch"));
    agent.post("/v1/interactions/rich/claim", &json!({"inputDigest": RICH})).expect(200);
}

#[test]
fn two_different_inputs_never_share_a_digest() {
    let server = TestServer::start();
    let agent = server.agent("builder");
    let different = [
        r#"{"n":9007199254740992}"#,
        r#"{"n":9007199254740993}"#,
        r#"{"n":9007199254740994}"#,
        r#"{"n":-9007199254740993}"#,
        r#"{"n":18446744073709551614}"#,
        r#"{"n":18446744073709551615}"#,
        r#"{"n":9223372036854775807}"#,
        r#"{"n":9223372036854775808}"#,
        r#"{"n":9.223372036854776e18}"#,
        r#"{"n":100000000000000000000}"#,
        r#"{"n":"9007199254740993"}"#,
        r#"{"n":null}"#,
        r#"{"n":[]}"#,
        r#"{"n":{}}"#,
        r#"{"n":""}"#,
        r#"{"N":""}"#,
        r#"{"n":"","m":""}"#,
        "{}",
    ];
    let digests =
        different.iter().enumerate().map(|(index, input)| digest(&agent, &format!("r{index}"), "shell", input));
    assert_eq!(digests.collect::<HashSet<_>>().len(), different.len());
    assert_ne!(digest(&agent, "tool", "Shell", "{}"), digest(&agent, "same", "shell", "{}"));
}

#[test]
fn two_ways_to_write_one_input_share_a_digest_but_each_keeps_its_own() {
    let server = TestServer::start();
    let agent = server.agent("builder");
    let ways = [r#"{"n":1e2,"s":"é"}"#, r#"{ "s":"\u00e9","n":100 }"#, r#"{"s":"é","n":100.00}"#];
    let digests = ways.iter().enumerate().map(|(index, input)| digest(&agent, &format!("r{index}"), "shell", input));
    assert_eq!(digests.collect::<HashSet<_>>().len(), 1);
    let stored = server.sql("SELECT body FROM interaction_bodies ORDER BY interaction_id");
    for (way, row) in ways.iter().zip(stored) {
        assert!(row[0].as_str().is_some_and(|body| body.contains(way)), "{way}: {row:?}");
    }
    let conflict = agent.post_text("/v1/interactions", &with_texts("r0", "shell", r#"{"n":100.5,"s":"é"}"#, "{}"));
    assert_eq!(conflict.refusal(), (409, "request_id_conflict"));
    assert_ne!(conflict.body, Value::Null);
}

/// Neither the deepest nesting that is taken nor a name that a library keeps for itself may be more than an input.
#[test]
fn an_input_is_taken_whatever_it_is_called_and_as_deep_as_it_may_be() {
    let server = TestServer::start();
    let agent = server.agent("builder");
    let deepest = format!("{}1{}", r#"{"a":"#.repeat(127), "}".repeat(127));
    let named = [r#"{"$serde_json::private::RawValue":"no JSON"}"#, r#"{"a":[{"$serde_json::private::Number":"x"}]}"#];
    for (number, input) in named.into_iter().chain([deepest.as_str()]).enumerate() {
        let registration = with_texts(&format!("r{number}"), "shell", input, "{}");
        let shown = agent.post_text("/v1/interactions", &registration).expect(201).text;
        assert!(shown.contains(input), "{shown}");
        agent.post_text("/v1/interactions", &registration).expect(200);
    }
}
