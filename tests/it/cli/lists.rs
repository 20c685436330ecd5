//! `countersign list` and `countersign history`: what they are narrowed down by, and what a spreadsheet gets.

use serde_json::{Value, json};

use super::{command, ends, fixture, says};
use crate::harness::{altered, confirmation, question};

/// The first column of what a command prints without its heading.
fn ids(said: &str) -> Vec<&str> {
    said.lines().skip(1).filter_map(|line| line.split(' ').next()).collect()
}

#[test]
fn lists_are_narrowed_down_by_time_risk_resolver_and_several_statuses() {
    let (_server, agent, ada) = fixture();
    agent.register(&altered(confirmation("risky"), &json!({"confirmation": {"riskLevel": "high"}})));
    agent.register(&confirmation("usual"));
    agent.register(&confirmation("denied"));
    agent.register(&question("open"));
    ada.confirm("denied", "deny").expect(200);
    assert_eq!(ids(&says(&ada, &["list", "--risk", "high"])), ["risky"]);
    assert_eq!(ids(&says(&ada, &["list", "--since", "1d"])).len(), 3);
    assert_eq!(says(&ada, &["list", "--until", "2020-01-01"]), "");
    assert_eq!(ids(&says(&ada, &["history", "--by", "ada"])), ["denied"]);
    assert_eq!(ids(&says(&ada, &["history", "--status", "pending", "--status", "rejected"])).len(), 4);
    assert_eq!(ids(&says(&ada, &["history", "--status", "rejected", "--since", "1h", "--risk", "medium"])), ["denied"]);
    let refused = |arguments: &[&str]| ends(2, &mut command(&ada, arguments)).1;
    assert!(refused(&["list", "--since", "yesterday"]).contains("how long ago"));
    assert!(refused(&["history", "usual", "--csv"]).contains("cannot be used with"));
}

/// A word alone is an id, and with `--exact` so is what looks like a field.
#[test]
fn history_tells_one_story_where_an_id_is_given_and_says_where_there_is_nothing() {
    let (_server, agent, ada) = fixture();
    let nothing = |arguments: &[&str]| {
        let (said, told) = ends(0, &mut command(&ada, arguments));
        assert_eq!(said, "", "{arguments:?}");
        told
    };
    assert_eq!(nothing(&["history"]), "Nothing was asked yet.\n");
    assert_eq!(says(&ada, &["history", "--json"]), "[]\n");
    agent.register(&confirmation("deploy"));
    agent.register(&confirmation("agent:ci"));
    assert_eq!(nothing(&["history", "agent:ci"]), "Nothing is found.\n");
    assert_eq!(nothing(&["history", "--status", "approved"]), "Nothing is found.\n");
    for arguments in [["history", "dep"].as_slice(), &["history", "agent:ci", "--exact"]] {
        let said = says(&ada, arguments);
        assert!(said.contains("interaction.registered"), "{said}");
    }
}

#[test]
fn a_spreadsheet_gets_no_formula_and_nothing_unseen() {
    let (_server, agent, ada) = fixture();
    for (id, command) in
        [("a", "=cmd|' /C calc'!A0"), ("b", "@SUM(1,2)\n=3"), ("c", "say \"hi\", \u{202e}then go"), ("d", "ls")]
    {
        agent.register(&altered(confirmation(id), &json!({"confirmation": {"input": {"command": command}}})));
    }
    let lines = says(&ada, &["list", "--csv"]);
    assert!(lines.ends_with("\r\n") && lines.lines().count() == 5, "{lines:?}");
    for (line, begin, end) in [
        (0, "requestId,kind,status,riskLevel,toolName,registeredBy,", ",resolvedBy,asked\r"),
        (1, "a,confirmation,pending,medium,shell,builder,conversation,20", ",,,'=cmd|' /C calc'!A0\r"),
        (2, "b,", ",,,\"'@SUM(1,2)↵=3\"\r"),
        (3, "c,", ",,,\"say \"\"hi\"\", ⟨U+202E⟩then go\"\r"),
        (4, "d,", ",,,ls\r"),
    ] {
        let found = lines.split('\n').nth(line).unwrap();
        assert!(found.starts_with(begin) && found.ends_with(end), "{found:?}");
    }
    ada.confirm("d", "allow").expect(200);
    let history = says(&ada, &["history", "--csv", "-n", "1", "--status", "approved"]);
    assert!(history.lines().nth(1).unwrap().contains(",ada,ls"), "{history}");
}

#[test]
fn lists_are_found_by_words_a_query_and_a_view() {
    let (_server, agent, ada) = fixture();
    for (id, command) in [("a", "kubectl get pods"), ("b", "kubectl delete pod"), ("c", "make")] {
        agent.register(&altered(confirmation(id), &json!({"confirmation": {"input": {"command": command}}})));
    }
    ada.confirm("a", "allow").expect(200);
    assert_eq!(ids(&says(&ada, &["list", "kubectl", "agent:b"])), ["b"]);
    assert_eq!(ids(&says(&ada, &["list", "KUBECTL -delete"])), Vec::<&str>::new());
    assert_eq!(ids(&says(&ada, &["list", "--query=-kubectl"])), ["c"]);
    assert_eq!(ids(&says(&ada, &["history", "-q", "kubectl"])), ["b", "a"]);
    assert_eq!(ids(&says(&ada, &["history", "kubectl", "pods"])), ["a"]);
    assert_eq!(ids(&says(&ada, &["history", "is:approved"])), ["a"]);
    assert_eq!(ids(&says(&ada, &["history", "AGENT:builder", "-n", "2"])), ["c", "b"]);
    assert_eq!(ids(&says(&ada, &["history", "-q", "kubectl", "--status", "approved"])), ["a"]);
    let csv = says(&ada, &["history", "--all", "--csv", "--query", "is:open"]);
    assert_eq!(csv.lines().skip(1).map(|line| line.split(',').next().unwrap()).collect::<Vec<_>>(), ["c", "b"]);
    let json: Value = serde_json::from_str(&says(&ada, &["history", "--json", "-n", "1", "-q", "kubectl"])).unwrap();
    assert_eq!((json.as_array().unwrap().len(), &json[0]["requestId"]), (1, &json!("b")));
    assert_eq!(says(&ada, &["history", "--json", "-q", "nowhere"]), "[]\n");
    let refused = |arguments: &[&str]| ends(2, &mut command(&ada, arguments)).1;
    assert!(refused(&["list", "state:open"]).contains("state: is no field"));
    assert!(refused(&["history", "--query", "is:done"]).contains("pending, open, decided"));
    assert!(refused(&["history", "-n", "0"]).contains("1 or more; --all"));
    assert!(refused(&["history", "-q", "since:1969-12-31"]).contains("times begin with 1970"));
    for command in ["list", "history", "watch"] {
        assert!(refused(&[command, "kubectl", "--query", "a"]).contains("cannot be used with"), "{command}");
    }
    assert!(refused(&["history", "kubectl", "pods", "--exact"]).contains("one id"));
    assert_eq!(says(&ada, &["views", "save", "deletions", "KUBECTL  delete"]), "deletions finds: KUBECTL delete.\n");
    assert_eq!(ids(&says(&ada, &["list", "--view", "deletions"])), ["b"]);
    says(&ada, &["views", "save", "of-b", "id:b is:open"]);
    assert_eq!(ids(&says(&ada, &["list", "--view", "of-b", "--query", "id:c"])), Vec::<&str>::new());
    assert_eq!(ids(&says(&ada, &["list", "id:c", "--view", "of-b"])), Vec::<&str>::new());
    assert_eq!(ids(&says(&ada, &["history", "-q", "id:b id:c & id:c id:a"])), ["c"]);
    assert_eq!(ids(&says(&ada, &["history", "-q", "since:1h & since:2h & tool:shell & tool:s"])).len(), 3);
    assert_eq!(ids(&says(&ada, &["history", "-q", "tool:shell & tool:browser & kubectl"])), Vec::<&str>::new());
    assert_eq!(ids(&says(&ada, &["history", "--view", "deletions", "-q", "is:approved"])), Vec::<&str>::new());
    assert!(says(&ada, &["views", "list"]).contains("deletions"));
    let listed: Value = serde_json::from_str(&says(&ada, &["views", "list", "--json"])).unwrap();
    assert_eq!(listed[0]["query"], "KUBECTL delete");
    says(&ada, &["views", "delete", "deletions"]);
    assert!(ends(1, &mut command(&ada, &["list", "--view", "deletions"])).1.contains("no view deletions"));
}
