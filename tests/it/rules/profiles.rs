//! Tool profiles: with each of them the natural next call passes under a rule made from an offer, and what is another call
//! does not; an owner adds profiles, and a file at fault starts no server.

use std::collections::BTreeSet;

use countersign::domain::tools::{Profile, Profiles};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{made, status, with};
use crate::harness::outside::refused;
use crate::harness::{Named as _, Process, TestServer, countersign};

/// A realistic call, the natural next one, and whether a rule made from the widest offer passes it; and three calls that no
/// offer passes.
struct Row {
    tool: &'static str,
    input: Value,
    next: (Value, bool),
    others: [Value; 3],
}

fn row(tool: &'static str, input: Value, next: (Value, bool), others: [Value; 3]) -> Row {
    Row { tool, input, next, others }
}

/// Calls of shells: the same program with other words, another program, something beside it, another setting.
fn shell(tool: &'static str, member: &str, more: &Value) -> Row {
    let call = |line: &str, more: &Value| with(&json!({ member: line }), more);
    row(
        tool,
        call("git log -3", more),
        (call("git log --oneline", more), true),
        [
            call("git push origin main", more),
            call("git log -3; id", more),
            call("git log -3", &with(more, &json!({"env": {"GIT_DIR": "/x"}}))),
        ],
    )
}

/// Calls about one file: its neighbour, and what is elsewhere, or hidden, or done with more.
fn file(tool: &'static str, member: &str, now: &Value, then: &Value) -> Row {
    let call = |path: &str, more: &Value| with(&json!({ member: path }), more);
    row(
        tool,
        call("/repo/src/a.rs", now),
        (call("/repo/src/b.rs", then), true),
        [
            call("/repo/src/../../etc/passwd", now),
            call("/repo/src/.env", now),
            call("/repo/src/a.rs", &with(now, &json!({"target_path": "/etc/passwd"}))),
        ],
    )
}

/// Calls about one URL.
fn url(tool: &'static str, more: &Value) -> Row {
    let call = |url: &str, more: &Value| with(&json!({"url": url}), more);
    row(
        tool,
        call("https://docs.test/v1/a", more),
        (call("https://docs.test/v1/b", more), true),
        [
            call("https://docs.test.evil.net/v1/a", more),
            call("file:///etc/passwd", more),
            call("https://docs.test/v1/a", &with(more, &json!({"proxy": "http://evil.test"}))),
        ],
    )
}

/// Calls whose subject is a text, or all of the input: `next` is another one, `other` something else.
fn text(tool: &'static str, input: Value, next: Value, passes: bool, others: [Value; 3]) -> Row {
    row(tool, input, (next, passes), others)
}

fn rows() -> Vec<Row> {
    let none = json!({});
    let edit = |old: &str, new: &str| json!({"old_string": old, "new_string": new});
    let any = |input: Value, next: Value| (input, next);
    let mut rows = vec![
        shell("Bash", "command", &json!({"description": "look", "timeout": 1000})),
        shell("bash", "command", &none),
        shell("shell_command", "command", &json!({"workdir": "/repo", "timeout_ms": 10})),
        shell("exec_command", "cmd", &json!({"workdir": "/repo", "yield_time_ms": 10, "max_output_tokens": 99})),
        shell("run_shell_command", "command", &json!({"description": "d", "dir_path": "sub"})),
        shell("run_terminal_cmd", "command", &json!({"is_background": false, "explanation": "e"})),
        shell("execute_command", "command", &json!({"requires_approval": true})),
        shell("terminal", "commands", &none),
        file("Read", "file_path", &json!({"limit": 5}), &json!({"offset": 7})),
        file("Edit", "file_path", &edit("a", "b"), &edit("c", "d")),
        file(
            "MultiEdit",
            "file_path",
            &json!({"edits": [edit("a", "b")]}),
            &json!({"edits": [edit("c", "d"), edit("e", "f")]}),
        ),
        file("Write", "file_path", &json!({"content": "a"}), &json!({"content": "b"})),
        file(
            "NotebookEdit",
            "notebook_path",
            &json!({"cell_id": "1", "new_source": "a"}),
            &json!({"cell_id": "2", "new_source": "b"}),
        ),
        file("Glob", "path", &json!({"pattern": "*.rs"}), &json!({"pattern": "*.rs"})),
        file("Grep", "path", &json!({"pattern": "a", "-n": true}), &json!({"pattern": "b", "output_mode": "content"})),
        file("LS", "path", &none, &json!({"ignore": ["x"]})),
        file(
            "replace",
            "file_path",
            &json!({"instruction": "i", "old_string": "a", "new_string": "b"}),
            &edit("c", "d"),
        ),
        file("write_file", "file_path", &json!({"content": "a"}), &json!({"content": "b"})),
        file("read_file", "target_file", &json!({"explanation": "e"}), &json!({"offset": 3})),
        file("read", "filePath", &none, &json!({"limit": 3})),
        file("list_directory", "dir_path", &none, &json!({"ignore": []})),
        file("edit_file", "target_file", &json!({"code_edit": "a", "instructions": "i"}), &json!({"code_edit": "b"})),
        file("delete_file", "target_file", &json!({"explanation": "e"}), &none),
        file("grep_search", "path", &json!({"query": "a"}), &json!({"query": "b"})),
        file("replace_in_file", "path", &json!({"diff": "a"}), &json!({"diff": "b"})),
        file("view_image", "path", &none, &none),
        file("create", "path", &json!({"file_text": "a"}), &json!({"file_text": "b"})),
        file("view", "path", &none, &json!({"view_range": [1, 2]})),
        file(
            "str_replace_based_edit_tool",
            "path",
            &json!({"command": "view"}),
            &json!({"command": "view", "view_range": [1, 2]}),
        ),
        file("mcp__filesystem__read_text_file", "path", &none, &json!({"head": 3})),
        file("mcp__filesystem__write_file", "path", &json!({"content": "a"}), &json!({"content": "b"})),
        file(
            "mcp__filesystem__edit_file",
            "path",
            &json!({"edits": [{"oldText": "a", "newText": "b"}]}),
            &json!({"edits": []}),
        ),
        url("WebFetch", &json!({"prompt": "what?"})),
        url("browser_action", &json!({"action": "launch"})),
        url("go_to_url", &none),
        url("requests_get", &none),
        url("requests_post", &json!({"data": {"a": 1}})),
        url("mcp__fetch__fetch", &json!({"max_length": 5})),
        url("mcp__playwright__browser_navigate", &none),
        // Lists of words.
        row(
            "shell",
            json!({"command": ["git", "log", "-3"], "workdir": "/repo", "timeout_ms": 1}),
            (json!({"command": ["bash", "-lc", "git log --oneline"], "workdir": "/repo"}), true),
            [
                json!({"command": ["git", "push"]}),
                json!({"command": ["bash", "-lc", "git log -3; id"]}),
                json!({"command": ["git", "log", "-3"], "with_escalated_permissions": true}),
            ],
        ),
        row(
            "local_shell",
            json!({"action": {"type": "exec", "command": ["git", "log"], "env": {}, "working_directory": "/repo"}}),
            (
                json!({"action": {"type": "exec", "command": ["git", "log", "-3"], "env": {}, "working_directory": "/repo"}}),
                true,
            ),
            [
                json!({"action": {"type": "exec", "command": ["git", "push"], "env": {}}}),
                json!({"action": {"type": "exec", "command": ["git", "log"], "env": {"GIT_DIR": "/x"}}}),
                json!({"action": {"type": "exec", "command": ["git", "log"], "env": {}, "user": "root"}}),
            ],
        ),
        row(
            "shell_call",
            json!({"action": {"commands": ["git log"], "timeout_ms": 5}}),
            (json!({"action": {"commands": ["git log -3", "git log"], "max_output_length": 9}}), true),
            [
                json!({"action": {"commands": ["git log", "id"]}}),
                json!({"action": {"commands": ["git push"]}}),
                json!({"action": {"commands": ["git log"], "shell": "/tmp/sh"}}),
            ],
        ),
        // Repositories.
        row(
            "create_or_update_file",
            json!({"owner": "acme", "repo": "shop", "path": "docs/a.md", "content": "a", "message": "m", "branch": "main"}),
            (
                json!({"owner": "acme", "repo": "shop", "path": "docs/b.md", "content": "b", "message": "n", "branch": "main"}),
                true,
            ),
            [
                json!({"owner": "acme", "repo": "payroll", "path": "docs/a.md", "content": "a", "message": "m", "branch": "main"}),
                json!({"owner": "acme", "repo": "shop", "path": "docs/a.md", "content": "a", "message": "m", "branch": "prod"}),
                json!({"owner": "acme", "repo": "shop", "path": "docs/../x", "content": "a", "message": "m", "branch": "main"}),
            ],
        ),
        row(
            "mcp__github__create_issue",
            json!({"owner": "acme", "repo": "shop", "title": "a", "body": "b"}),
            (json!({"owner": "acme", "repo": "shop", "title": "c", "body": "d"}), true),
            [
                json!({"owner": "eve", "repo": "shop", "title": "a", "body": "b"}),
                json!({"owner": "acme", "repo": ".github", "title": "a", "body": "b"}),
                json!({"owner": "acme", "repo": "shop", "title": "a", "body": "b", "assignees": ["eve"]}),
            ],
        ),
        row(
            "mcp__github__get_file_contents",
            json!({"owner": "acme", "repo": "shop", "path": "src/a.rs", "ref": "main"}),
            (json!({"owner": "acme", "repo": "shop", "path": "src/b.rs", "ref": "main"}), true),
            [
                json!({"owner": "acme", "repo": "payroll", "path": "src/a.rs", "ref": "main"}),
                json!({"owner": "acme/shop", "repo": "src", "path": "a.rs", "ref": "main"}),
                json!({"owner": "acme", "repo": "shop", "path": "src/a.rs", "ref": "other"}),
            ],
        ),
        // Texts, of which each is a call of its own.
        text(
            "Task",
            json!({"subagent_type": "Explore", "description": "d", "prompt": "p"}),
            json!({"subagent_type": "Explore", "description": "e", "prompt": "q"}),
            true,
            [
                json!({"subagent_type": "general-purpose", "prompt": "p"}),
                json!({"subagent_type": "Explore", "prompt": "p", "model": "opus"}),
                json!({"subagent_type": "Explore", "prompt": "p", "permissions": "all"}),
            ],
        ),
        text(
            "mcp__slack__slack_post_message",
            json!({"channel_id": "C1", "text": "a"}),
            json!({"channel_id": "C1", "text": "b"}),
            true,
            [
                json!({"channel_id": "C2", "text": "a"}),
                json!({"channel_id": "C1", "text": "a", "as_user": "ada"}),
                json!({"text": "a", "channel": "C1"}),
            ],
        ),
        text(
            "mcp__slack__slack_get_channel_history",
            json!({"channel_id": "C1", "limit": 5}),
            json!({"channel_id": "C1", "limit": 9, "cursor": "c"}),
            true,
            [json!({"channel_id": "C2"}), json!({"channel_id": "C1", "oldest": 0}), json!({"channels": ["C1"]})],
        ),
        text(
            "read_many_files",
            json!({"paths": ["a", "b"]}),
            json!({"paths": ["a", "b"], "recursive": true}),
            true,
            [json!({"paths": ["a", "c"]}), json!({"paths": ["a"]}), json!({"paths": ["a", "b"], "root_path": "/etc"})],
        ),
        text(
            "use_mcp_tool",
            json!({"server_name": "s", "tool_name": "t", "arguments": {"a": 1}}),
            json!({"server_name": "s", "tool_name": "t", "arguments": {"a": 1}}),
            true,
            [
                json!({"server_name": "s", "tool_name": "t", "arguments": {"a": 2}}),
                json!({"server_name": "s", "tool_name": "u", "arguments": {"a": 1}}),
                json!({"server_name": "s/t", "tool_name": "", "arguments": {"a": 1}}),
            ],
        ),
    ];
    for (tool, member, more) in [
        ("WebSearch", "query", json!({})),
        ("apply_patch", "input", json!({})),
        ("write_stdin", "chars", json!({"session_id": 3})),
        ("web_fetch", "prompt", json!({})),
        ("codebase_search", "query", json!({"explanation": "e"})),
        ("powershell", "command", json!({"description": "d"})),
        ("computer", "action", json!({"coordinate": [1, 2]})),
        ("search_google", "query", json!({})),
        ("sql_db_query", "query", json!({})),
        ("sql_db_schema", "table_names", json!({})),
        ("mcp__postgres__query", "sql", json!({})),
        ("mcp__filesystem__read_multiple_files", "paths", json!({})),
        ("SlashCommand", "command", json!({})),
        ("Skill", "skill", json!({"args": "x"})),
        ("BashOutput", "bash_id", json!({})),
    ] {
        let call = |said: &str, more: &Value| with(&json!({ member: said }), more);
        rows.push(text(
            tool,
            call("one", &more),
            call("one", &more),
            true,
            [call("two", &more), call("one two", &more), call("one", &with(&more, &json!({"extra": 1})))],
        ));
    }
    for (tool, (input, next)) in [
        ("TodoWrite", any(json!({"todos": [{"content": "a"}]}), json!({"todos": []}))),
        ("AskUserQuestion", any(json!({"questions": [{"question": "q"}]}), json!({"questions": []}))),
        ("save_memory", any(json!({"fact": "a"}), json!({"fact": "b"}))),
        ("input_text", any(json!({"index": 1, "text": "a"}), json!({"index": 2, "text": "b"}))),
        (
            "mcp__filesystem__move_file",
            any(json!({"source": "a", "destination": "b"}), json!({"source": "c", "destination": "d"})),
        ),
        ("mcp__playwright__browser_take_screenshot", any(json!({}), json!({"filename": "x.png"}))),
        ("mcp__playwright__browser_click", any(json!({"ref": "e1"}), json!({"ref": "e2"}))),
        ("mcp__slack__slack_list_channels", any(json!({"limit": 3}), json!({"limit": 4}))),
    ] {
        // Any call of the tool passes: what does not is what shows one thing and is another.
        let hidden = |text: &str| with(&next, &json!({"text": text}));
        let others = [hidden("a\u{200b}"), hidden("a\u{202e}"), hidden("\u{430}b")];
        rows.push(text(tool, input.clone(), next.clone(), true, others));
    }
    rows
}

#[test]
fn with_every_profile_the_next_call_passes_under_the_widest_offer_and_no_other_call_does() {
    let server = TestServer::start();
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    for row in rows() {
        let Row { tool, input, next, others } = row;
        let asked = |id: &str, input: &Value| {
            let asked = json!({"toolName": tool, "input": input, "workingDir": "/repo"});
            json!({"requestId": format!("{tool}-{id}"), "kind": "confirmation", "confirmation": asked})
        };
        let options = agent.register(&asked("first", &input))["confirmation"]["allowlistOptions"].clone();
        let options = options.as_array().unwrap();
        let (narrowest, widest) = (options.first().unwrap(), options.last().unwrap());
        for (name, offer) in [("narrowest", narrowest), ("widest", widest)] {
            let rule = json!({"requestId": format!("{tool}-first"), "pattern": offer["pattern"], "scope": "/repo", "decision": "allow"});
            let rule = made(&ada, &with(&rule, &json!({"members": offer["members"]})));
            assert_eq!(status(&agent, &asked(&format!("{name}-again"), &input)), "approved", "{tool} {offer}");
            if name == "widest" {
                let expected = if next.1 { "approved" } else { "pending" };
                assert_eq!(status(&agent, &asked("next", &next.0)), expected, "{tool} {offer} on {}", next.0);
            }
            for (number, other) in others.iter().enumerate() {
                let found = status(&agent, &asked(&format!("{name}-{number}"), other));
                assert_eq!(found, "pending", "{tool} {offer} on {other}");
            }
            ada.delete(&format!("/v1/trust-rules/{}", rule["ruleId"].as_str().unwrap())).expect(200);
        }
    }
}

/// Else a profile could be added that nothing tries.
#[test]
fn every_built_in_profile_has_a_call_here() {
    let built_in = Profiles::built_in();
    let tried = rows()
        .iter()
        .filter_map(|row| built_in.find(&row.tool.parse().unwrap()))
        .map(first_name)
        .collect::<BTreeSet<_>>();
    let missing = built_in.iter().map(first_name).filter(|name| !tried.contains(name)).collect::<Vec<_>>();
    assert_eq!(missing, Vec::<String>::new());
}

fn first_name(profile: &Profile) -> String {
    profile.names().next().unwrap().to_owned()
}

#[test]
fn profiles_of_an_owner_come_first_and_a_file_at_fault_starts_no_server() {
    let directory = TempDir::new().unwrap();
    let file = directory.path().join("profiles.toml");
    let flags = ["--tool-profiles", file.to_str().unwrap()];
    let profile = "[[tool]]\nname = [\"deploy\"]\nsubject = [\"/service\"]\nread = \"text\"\nfree = [\"/message\"]\n";
    std::fs::write(&file, profile).unwrap();
    let server = TestServer::with(&flags);
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    let asked = |id: &str, service: &str, message: &str| {
        let asked = json!({"toolName": "deploy", "input": {"service": service, "message": message}});
        json!({"requestId": id, "kind": "confirmation", "confirmation": asked})
    };
    let shown = agent.register(&asked("a", "shop", "one"));
    assert_eq!(shown["confirmation"]["subject"], "shop");
    let page = ada.browser().page("/interactions/a");
    assert!(page.contains("this subject, whatever message says") && !page.contains("the agent says:"), "{page}");
    made(&ada, &json!({"requestId": "a", "pattern": "shop", "scope": "everywhere", "decision": "allow"}));
    assert_eq!(status(&agent, &asked("b", "shop", "two")), "approved");
    assert_eq!(status(&agent, &asked("c", "payroll", "two")), "pending");
    // The agent said the same, whatever is known of the tool now.
    let server = server.restart(&[]);
    let agent = crate::harness::Client::new(&server.url, &agent.token.unwrap());
    assert_eq!(
        agent.post("/v1/interactions", &asked("a", "shop", "one")).expect(200).body["confirmation"]["subject"],
        "shop"
    );
    let rules = directory.path().join("rules.toml");
    let rule = "[[rule]]\nname = \"d\"\ntool_name = \"deploy\"\npattern = \"shop\"\nscope = \"everywhere\"\ndecision = \"allow\"\n\
                match = [{ input = { service = \"shop\", message = \"x\" } }]\n";
    std::fs::write(&rules, rule).unwrap();
    let test =
        |more: &[&str]| countersign().args(["rules", "test"]).arg(&rules).args(more).output().unwrap().status.code();
    assert_eq!((test(&[]), test(&flags)), (Some(1), Some(0)));
    std::fs::write(&file, format!("{profile}view = \"movie\"\n")).unwrap();
    let db = directory.path().join("new.db");
    let said = refused(countersign().args(["serve", "--listen", "127.0.0.1:0"]).named(&db).args(flags));
    assert!(said.contains("profiles.toml") && said.contains("line 6") && said.contains("tool[0].view"), "{said}");
    std::fs::remove_file(&file).unwrap();
    let said = refused(countersign().args(["serve", "--listen", "127.0.0.1:0"]).named(&db).args(flags));
    assert!(said.contains("cannot be read"), "{said}");
    std::fs::write(&file, profile).unwrap();
    drop(Process::serve(&db, &flags));
}
