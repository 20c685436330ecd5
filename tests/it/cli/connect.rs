//! `countersign connect`: what is written into the clients' own settings, and what is taken back.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use super::told;
use crate::harness::page::{between, text_of};
use crate::harness::{Client, Process, confirmation, countersign, token};

/// Clients with settings of their own, and a file of each: user's, and already there with words of the user's.
const SETTINGS: &[(&str, &str)] = &[
    ("claude-code", ".claude/settings.json"),
    ("codex", ".codex/hooks.json"),
    ("gemini", ".gemini/settings.json"),
    ("qwen", ".qwen/settings.json"),
    ("cursor", ".cursor/hooks.json"),
];

/// Clients that read a file which is ours alone.
const OWN_FILES: &[(&str, &str)] = &[
    ("copilot", ".copilot/hooks/countersign.json"),
    ("opencode", ".config/opencode/plugin/countersign.js"),
    ("gemini", ".gemini/policies/countersign.toml"),
];

const THEIRS: &str = "{\n    // the user's own\n    \"version\": 1,\n    \"theme\": \"dark\",\n    \"hooks\": {\n        \"PreToolUse\": [\n            \
     {\"matcher\": \"Bash\", \"hooks\": [{\"type\": \"command\", \"command\": \"lint\"}]},\n        ],\n    },\n}\n";

/// A home directory, a project, programs, and a server with its database.
struct Place {
    directory: TempDir,
    server: Process,
}

impl Place {
    fn new() -> Self {
        let directory = TempDir::new().unwrap();
        for folder in ["home", "project", "bin"] {
            fs::create_dir(directory.path().join(folder)).unwrap();
        }
        let server = Process::serve(&directory.path().join("c.db"), &["--credentials-file", "none"]);
        Self { directory, server }
    }

    fn home(&self, path: &str) -> PathBuf {
        self.directory.path().join("home").join(path)
    }

    fn put(&self, path: &str, text: &str) {
        let path = self.home(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn text(&self, path: &str) -> String {
        fs::read_to_string(self.home(path)).unwrap()
    }

    fn program(&self, name: &str, script: &str) {
        let path = self.directory.path().join("bin").join(name);
        fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let mut command = countersign();
        command.env("HOME", self.home("")).env_remove("XDG_CONFIG_HOME").env("COUNTERSIGN_URL", &self.server.url);
        command.env("PATH", format!("{}:/usr/bin:/bin", self.directory.path().join("bin").display()));
        command.env("COUNTERSIGN_DB", self.directory.path().join("c.db"));
        command.current_dir(self.directory.path().join("project"));
        command.arg("connect").args(arguments).output().unwrap()
    }

    #[track_caller]
    fn says(&self, arguments: &[&str]) -> String {
        told(0, self.run(arguments)).0
    }

    #[track_caller]
    fn complains(&self, code: i32, arguments: &[&str]) -> String {
        let (_, sentence) = told(code, self.run(arguments));
        assert!(sentence.starts_with("countersign: "), "{sentence}");
        sentence
    }

    /// Every file below the home and the project.
    fn files(&self) -> Vec<PathBuf> {
        let mut found = Vec::new();
        let mut folders = vec![self.home(""), self.directory.path().join("project")];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() { folders.push(path) } else { found.push(path) }
            }
        }
        found
    }
}

/// The handlers of an event, as JSON; comments and trailing commas taken out.
fn handlers(text: &str, event: &str) -> Vec<Value> {
    let plain = text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n");
    let plain = plain.split_whitespace().collect::<Vec<_>>().join(" ").replace(", ]", "]").replace(", }", "}");
    let settings: Value = serde_json::from_str(&plain).unwrap_or_else(|error| panic!("{error}: {plain}"));
    settings["hooks"][event].as_array().cloned().unwrap_or_default()
}

#[test]
fn without_write_the_change_is_shown_and_nothing_is_made() {
    let place = Place::new();
    for client in ["claude-code", "codex", "copilot", "gemini", "qwen", "cursor", "opencode", "mcp"] {
        let shown = place.says(&[client]);
        assert!(shown.starts_with("new file ") && shown.contains("--write"), "{shown}");
    }
    for client in ["aap", "humanlayer", "curl", "python", "typescript"] {
        let (program, said) = told(0, place.run(&[client]));
        assert!(program.contains(&place.server.url), "{program}");
        assert!(said.contains("--write") && !program.contains("--write"), "{said}");
    }
    assert_eq!(place.files(), Vec::<PathBuf>::new());
}

#[test]
fn what_is_written_keeps_what_is_there_and_is_taken_back_to_the_letter() {
    let place = Place::new();
    for (client, file) in SETTINGS {
        place.put(file, THEIRS);
        fs::set_permissions(place.home(file), fs::Permissions::from_mode(0o640)).unwrap();
        let written = place.says(&[client, "--write"]);
        let change = written.find("\nchange of ").unwrap();
        let back = format!("\ntake it back: countersign connect {client} --remove\n");
        for first in ["made a token for ", "\nwrote ", &back, "\ntry it: "] {
            assert!(written.find(first).is_some_and(|place| place < change), "{first}: {written}");
        }
        let connected = place.text(file);
        for kept in ["// the user's own", "\"theme\": \"dark\"", "\"command\": \"lint\""] {
            assert!(connected.contains(kept), "{client}: {connected}");
        }
        assert!(connected.contains("--within"), "{client}: {connected}");
        assert_eq!(fs::metadata(place.home(file)).unwrap().permissions().mode() & 0o777, 0o640, "{client}");
        let again = place.says(&[client, "--write"]);
        assert!(again.contains("says so already"), "{again}");
        assert_eq!(place.text(file), connected, "{client}");
        place.says(&[client, "--remove"]);
        assert_eq!(place.text(file), THEIRS, "{client}");
        assert!(place.says(&[client, "--remove"]).contains("was not connected"), "{client}");
    }
    for (client, file) in OWN_FILES {
        place.says(&[client, "--write"]);
        assert!(place.text(file).contains("countersign"), "{client}");
        place.says(&[client, "--remove"]);
        assert!(!place.home(file).exists(), "{client}");
    }
}

#[test]
fn a_linked_settings_file_stays_a_link() {
    let place = Place::new();
    place.put("dotfiles/claude.json", "{}\n");
    fs::create_dir(place.home(".claude")).unwrap();
    std::os::unix::fs::symlink(place.home("dotfiles/claude.json"), place.home(".claude/settings.json")).unwrap();
    place.says(&["claude-code", "--write"]);
    assert!(fs::symlink_metadata(place.home(".claude/settings.json")).unwrap().is_symlink());
    assert!(place.text("dotfiles/claude.json").contains("PermissionRequest"));
    place.says(&["claude-code", "--remove"]);
    assert!(fs::symlink_metadata(place.home(".claude/settings.json")).unwrap().is_symlink());
    assert_eq!(place.text("dotfiles/claude.json").trim(), "{}");
}

#[test]
fn settings_that_cannot_be_read_are_left_alone() {
    let place = Place::new();
    for (client, file) in SETTINGS {
        for text in ["{ not json", "[]", "{\"hooks\": 3}", "\u{feff}\u{0}"] {
            place.put(file, text);
            let sentence = place.complains(1, &[client, "--write"]);
            assert!(sentence.contains(file) && sentence.contains("left alone"), "{sentence}");
            assert_eq!(place.text(file), text, "{client}");
        }
        fs::remove_file(place.home(file)).unwrap();
    }
    for (client, file) in OWN_FILES {
        place.put(file, "somebody else's");
        let sentence = place.complains(1, &[client, "--write"]);
        assert!(sentence.contains(file), "{sentence}");
        assert_eq!(place.text(file), "somebody else's");
        fs::remove_file(place.home(file)).unwrap();
    }
}

#[test]
fn the_hook_asks_on_one_event_alone_and_blocks_where_it_fails() {
    let place = Place::new();
    let file = ".claude/settings.json";
    for (on, asks, other) in
        [("permission", "PermissionRequest", "PreToolUse"), ("every", "PreToolUse", "PermissionRequest")]
    {
        place.says(&["claude-code", "--write", "--on", on]);
        let text = place.text(file);
        let [group] = handlers(&text, asks).try_into().unwrap();
        assert_eq!(group["hooks"][0]["onFailure"], "block");
        assert_eq!(group["hooks"][0]["timeout"], 86_400, "in seconds");
        assert!(handlers(&text, other).is_empty(), "{text}");
    }
    for (client, file, event, limit) in [
        ("codex", ".codex/hooks.json", "PermissionRequest", 86_400),
        ("gemini", ".gemini/settings.json", "BeforeTool", 86_400_000),
        ("qwen", ".qwen/settings.json", "PreToolUse", 55),
    ] {
        place.says(&[client, "--write"]);
        let [group] = handlers(&place.text(file), event).try_into().unwrap();
        assert_eq!(group["hooks"][0]["timeout"], limit, "{client}");
    }
    let qwen = place.text(".qwen/settings.json");
    assert!(qwen.contains("--within 50s"), "Qwen runs a call whose hook takes a minute, whatever its limit: {qwen}");
    for (on, events) in [("permission", [1, 0, 0]), ("every", [0, 1, 1])] {
        place.says(&["copilot", "--write", "--on", on]);
        let text = place.text(".copilot/hooks/countersign.json");
        let written = ["permissionRequest", "preToolUse", "postToolUse"].map(|event| handlers(&text, event).len());
        assert_eq!(written, events, "{text}");
    }
    let policy = place.text(".gemini/policies/countersign.toml");
    assert!(policy.contains("allowRedirection = true"), "Gemini asks about each redirection without it: {policy}");
    place.says(&["cursor", "--write"]);
    let [handler] = handlers(&place.text(".cursor/hooks.json"), "preToolUse").try_into().unwrap();
    assert_eq!((&handler["failClosed"], &handler["timeout"]), (&Value::from(true), &Value::from(86_400)));
}

/// Where each client without a word for it finds the command of the event that asks.
const LINES: &[(&str, &str, &str)] = &[
    ("codex", ".codex/hooks.json", "/hooks/PermissionRequest/0/hooks/0/command"),
    ("copilot", ".copilot/hooks/countersign.json", "/hooks/permissionRequest/0/bash"),
    ("gemini", ".gemini/settings.json", "/hooks/BeforeTool/0/hooks/0/command"),
    ("qwen", ".qwen/settings.json", "/hooks/PreToolUse/0/hooks/0/command"),
    ("cursor", ".cursor/hooks.json", "/hooks/preToolUse/0/command"),
];

#[test]
fn a_hook_that_is_killed_or_not_there_any_more_is_a_denial() {
    let place = Place::new();
    let program = place.directory.path().join("bin/countersign-of-trial");
    let own = countersign().get_program().to_str().unwrap().to_owned();
    for (client, file, pointer) in LINES {
        place.says(&[client, "--write"]);
        let settings: Value = serde_json::from_str(&place.text(file)).unwrap();
        let line = settings.pointer(pointer).and_then(Value::as_str).unwrap();
        assert!(line.starts_with(&own), "{client}: {line}");
        let line = line.replace(&own, program.to_str().unwrap());
        let run = || Command::new("sh").args(["-c", &line]).stdin(Stdio::null()).output().unwrap();
        for (script, code, stdout) in [
            (None, 2, ""),
            (Some("kill -KILL $$"), 2, ""),
            (Some("exit 1"), 2, ""),
            (Some("printf answer"), 0, "answer"),
        ] {
            let _ = fs::remove_file(&program);
            if let Some(script) = script {
                place.program("countersign-of-trial", script);
            }
            let output = run();
            assert_eq!(output.status.code(), Some(code), "{client}, {script:?}: {output:?}");
            assert_eq!(String::from_utf8_lossy(&output.stdout), stdout, "{client}, {script:?}");
            let is_said = String::from_utf8_lossy(&output.stderr).contains("countersign: denied");
            assert_eq!(is_said, code == 2, "{client}, {script:?}: {output:?}");
        }
    }
}

#[test]
fn an_agents_token_is_made_once_and_is_its_owners_alone() {
    let place = Place::new();
    let path = place.home(".config/countersign/agents/claude-code.token");
    assert!(place.says(&["claude-code", "--write"]).contains("made a token for claude-code"));
    let made = fs::read_to_string(&path).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(!place.says(&["claude-code", "--write"]).contains("made a token"));
    assert_eq!(fs::read_to_string(&path).unwrap(), made);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    assert!(place.complains(1, &["claude-code", "--write"]).contains("chmod 600"));
    // One that is given is used, and none is made.
    let given = place.home("given");
    fs::write(&given, token(&place.directory.path().join("c.db"), "build", "agent")).unwrap();
    fs::set_permissions(&given, fs::Permissions::from_mode(0o600)).unwrap();
    let written = place.says(&["codex", "--write", "--agent-token-file", given.to_str().unwrap()]);
    assert!(!written.contains("made a token"), "{written}");
    assert!(place.text(".codex/hooks.json").contains(given.to_str().unwrap()));
    let sentence = place.complains(1, &["qwen", "--write", "--agent-token-file", "missing"]);
    assert!(sentence.contains("missing"), "{sentence}");
    assert!(!place.home(".qwen").exists());
}

#[test]
fn check_says_what_would_let_a_tool_run() {
    let place = Place::new();
    assert!(place.complains(1, &["--check"]).contains("no client is found"));
    place.program("claude", "echo '2.1.332 (Claude Code)'");
    let said = place.says(&["--check"]);
    assert!(said.contains("Claude Code  2.1.332 (Claude Code)  no"), "{said}");
    place.says(&["claude-code", "--write"]);
    let said = place.says(&["--check"]);
    assert!(said.contains("on permission") && said.contains("yes"), "{said}");
    place.program("claude", "echo '9.9.9 (Claude Code)'");
    assert!(place.says(&["--check"]).contains("tried with version 2.1.332"));

    let file = ".claude/settings.json";
    let whole = place.text(file);
    for (from, to) in [
        ("\"onFailure\": \"block\"", "\"onFailure\": \"continue\""),
        ("86400", "30"),
        ("countersign\",", "../countersign\","),
    ] {
        assert!(whole.contains(from), "{whole}");
        place.put(file, &whole.replace(from, to));
        let (said, sentence) = told(1, place.run(&["--check"]));
        assert!(said.contains("is not as `countersign connect claude-code --write` writes it"), "{said}");
        assert!(sentence.contains("to be mended"), "{sentence}");
    }
    place.put(file, &whole.replacen('{', "{\"disableAllHooks\": true, ", 1));
    assert!(told(1, place.run(&["--check"])).0.contains("`disableAllHooks` turns its hooks off"));
    place.program("gemini", "echo 0.61.0");
    place.put(file, "{ nonsense");
    let (said, sentence) = told(1, place.run(&["--check"]));
    assert!(said.contains("Claude Code: ") && said.contains("0.61.0"), "{said}");
    assert!(sentence.contains("one thing is to be mended"), "{sentence}");
    place.put(file, &whole);
    place.says(&["gemini", "--write"]);
    let (settings, ours) = (".gemini/settings.json", r#""hooksConfig": {"disabled": ["lint", "countersign"]}, "#);
    place.put(settings, &place.text(settings).replacen('{', &format!("{{{ours}"), 1));
    assert!(told(1, place.run(&["--check"])).0.contains("`hooksConfig.disabled` turns its hooks off"));
    place.says(&["gemini", "--remove"]);
    let path = place.home(".config/countersign/agents/claude-code.token");
    let made = fs::read_to_string(&path).unwrap();
    fs::write(&path, "csgn_unknown").unwrap();
    assert!(told(1, place.run(&["--check"])).0.contains("every tool is denied"));
    fs::remove_file(&path).unwrap();
    assert!(told(1, place.run(&["--check"])).0.contains("every tool is denied"));
    fs::write(&path, made).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    place.says(&["--check"]);
}

/// Codex' server of applications as far as trust goes: it trusts what it was told to.
const CODEX: &str = r#"
[ "$1" = app-server ] || { echo 'codex-cli 0.171.0'; exit; }
state="$HOME/trusted"
while read -r line; do
    id="$(printf '%s' "$line" | sed -n 's/.*"id":\([0-9]*\).*/\1/p')"
    case "$line" in
    *hooks/list*)
        status=untrusted
        [ -e "$state" ] && status=trusted
        printf '{"id":%s,"result":{"data":[{"hooks":[{"key":"h:0:0","eventName":"permissionRequest","command":"/x/countersign hook codex","currentHash":"sha256:aa","trustStatus":"%s"},{"key":"other","command":"lint","currentHash":"sha256:bb","trustStatus":"untrusted"}]}]}}\n' "$id" "$status" ;;
    *config/batchWrite*)
        case "$line" in *sha256:bb*) exit 1 ;; *sha256:aa*) : > "$state" ;; esac
        printf '{"id":%s,"result":{}}\n' "$id" ;;
    *initialized*) ;;
    *) printf '{"method":"noise"}\n{"id":%s,"result":{}}\n' "$id" ;;
    esac
done
"#;

#[test]
fn codex_is_told_to_trust_our_hooks_alone_and_only_when_that_is_said() {
    let place = Place::new();
    place.program("codex", CODEX);
    place.says(&["codex", "--write"]);
    assert!(told(1, place.run(&["--check"])).0.contains("does not trust"));
    let trusted = place.says(&["codex", "--write", "--trust"]);
    assert!(trusted.contains("Codex trusts permissionRequest") && !trusted.contains("without a word"), "{trusted}");
    place.says(&["--check"]);
    place.program("codex", "exit 3");
    assert!(place.complains(1, &["codex", "--write", "--trust"]).contains("/hooks"));
}

#[test]
fn what_makes_no_sense_is_said() {
    let place = Place::new();
    for (arguments, said) in [
        (&["nobody"][..], "nobody"),
        (&["claude-code", "--write", "--remove"], "--remove"),
        (&["claude-code", "--trust"], "--write"),
        (&["claude-code", "--write", "--trust"], "codex"),
        (&["gemini", "--", "gemini", "--acp"], "--"),
        (&["python", "--url", "unix:/run/c.sock"], "--url"),
        (&[][..], "CLIENT"),
    ] {
        let output = place.run(arguments);
        let (_, sentence) = told(2, output);
        assert!(sentence.contains(said), "{arguments:?}: {sentence}");
    }
    assert_eq!(place.files(), Vec::<PathBuf>::new());
}

#[test]
fn an_editors_agent_is_started_through_the_proxy() {
    let place = Place::new();
    place.put(".config/zed/settings.json", "// Zed\n{\n  \"vim_mode\": true,\n}\n");
    place.says(&["acp", "--write", "--", "gemini", "--acp"]);
    let text = place.text(".config/zed/settings.json");
    assert!(text.contains("\"--\", \"gemini\", \"--acp\"") && text.contains("\"vim_mode\": true"), "{text}");
    place.says(&["acp", "--remove"]);
    assert_eq!(place.text(".config/zed/settings.json"), "// Zed\n{\n  \"vim_mode\": true,\n}\n");
    assert!(place.says(&["acp"]).contains("Say after --"));
}

/// The programs that need no library, as they were printed, against a server.
#[test]
fn the_programs_that_are_printed_ask_and_obey() {
    let place = Place::new();
    let database = place.directory.path().join("c.db");
    let ada = Client::new(&place.server.url, &token(&database, "ada", "approver"));
    let programs = [("python", "python3", "PermissionError: rejected: "), ("curl", "sh", "rejected ")];
    for (client, interpreter, refusal) in programs {
        place.says(&[client, "--write"]);
        let path = place.home(client);
        fs::write(&path, place.says(&[client])).unwrap();
        for (decision, said) in [("allow", "hello"), ("deny", refusal)] {
            let mut feed = ada.feed(None);
            let mut program = Command::new(interpreter);
            let child = program.arg(&path).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
            feed.take(1);
            let pending = ada.get("/v1/pending-interactions").expect(200);
            ada.confirm(pending.body["interactions"][0]["requestId"].as_str().unwrap(), decision).expect(200);
            let output = child.wait_with_output().unwrap();
            assert_eq!(output.status.success(), decision == "allow", "{output:?}");
            let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
            assert!(text.contains(said), "{text}");
        }
    }
}

/// What the inbox shows to be copied, by the id of each block.
fn block(page: &str, id: &str) -> String {
    text_of(between(page, &format!("<code id=\"{id}\">"), "</code>").first().unwrap_or_else(|| panic!("{id}: {page}")))
}

/// The page cannot know where the program and the home directory are: what it shows is the same but for these.
#[test]
fn the_inbox_shows_to_the_letter_what_the_command_writes_and_prints() {
    let place = Place::new();
    let ada = Client::new(&place.server.url, &token(&place.directory.path().join("c.db"), "ada", "approver"));
    let browser = ada.browser();
    let home = place.home("").display().to_string();
    let home = home.trim_end_matches('/');
    let here = |text: &str, client: &str| {
        let token_file = format!("~/.config/countersign/agents/{client}.token");
        let text = text.replace(&format!("'{token_file}'"), &token_file).replace("~/", &format!("{home}/"));
        let program = countersign().get_program().to_str().unwrap().to_owned();
        let text = text.replace("\"countersign hook", &format!("\"{program} hook"));
        text.replace("\"command\": \"countersign\"", &format!("\"command\": \"{program}\""))
    };
    let files = SETTINGS.iter().map(|(client, file)| (*client, (*file).to_owned()));
    let own = OWN_FILES.iter().map(|(client, file)| (*client, (*file).to_owned()));
    let acp = ("acp", ".config/zed/settings.json".to_owned());
    for (client, file) in files.chain(own).chain([("mcp", "../project/.mcp.json".to_owned()), acp]) {
        let agent: &[&str] = if client == "acp" { &["--", "gemini", "--acp"] } else { &[] };
        place.says(&[&[client, "--write"][..], agent].concat());
        let page = browser.page(&format!("/connect?client={client}"));
        let number = usize::from(file.ends_with(".toml"));
        assert_eq!(here(&block(&page, &format!("file-{number}")), client), place.text(&file), "{client}");
        let title = file.trim_start_matches("../project/");
        assert!(
            page.contains(&format!("/{title}</h4>")) || page.contains(&format!(">{title}</h4>")),
            "{title}: {page}"
        );
        let connecting = block(&page, "connect");
        assert!(connecting.starts_with(&format!("countersign connect {client} --write --url ")), "{connecting}");
    }
    for client in ["aap", "humanlayer", "curl", "python", "typescript"] {
        let printed = place.says(&[client]);
        let shown = here(&block(&browser.page(&format!("/connect?client={client}")), "snippet"), client);
        assert!(printed.starts_with(&shown), "{client}: {shown}\n{printed}");
    }
}

/// The two lines that the page shows are typed into a shell of the agent's machine, and the client asks.
#[test]
fn what_the_inbox_shows_connects_a_client_elsewhere() {
    let place = Place::new();
    let database = place.directory.path().join("c.db");
    let root = Client::new(&place.server.url, &token(&database, "root", "admin")).browser();
    let page = root.page("/connect?client=claude-code");
    let id = between(&page, "name=\"tokenId\" value=\"", "\"").first().unwrap().clone();
    let fields = [("client", "claude-code"), ("tokenId", id.as_str()), ("agent", "claude-of-ada")];
    let page = root.submit("/connect", &fields).expect(200).text;
    fs::copy(countersign().get_program(), place.directory.path().join("bin/countersign")).unwrap();
    for line in ["keep-token", "connect"] {
        let mut shell = Command::new("sh");
        shell.env_clear().env("HOME", place.directory.path().join("home")).env("COUNTERSIGN_CREDENTIALS_FILE", "none");
        shell.env("PATH", format!("{}:/usr/bin:/bin", place.directory.path().join("bin").display()));
        let output = shell.current_dir(place.home("")).arg("-c").arg(block(&page, line)).output().unwrap();
        assert!(output.status.success(), "{line}: {output:?}");
    }
    let kept = place.home(".config/countersign/agents/claude-code.token");
    assert_eq!(fs::metadata(&kept).unwrap().permissions().mode() & 0o777, 0o600);
    let agent = Client::new(&place.server.url, fs::read_to_string(&kept).unwrap().trim());
    agent.register(&confirmation("hello"));
    assert_eq!(agent.look("hello")["registeredBy"], "claude-of-ada");
    assert!(place.text(".claude/settings.json").contains(kept.to_str().unwrap()));
    // What is copied by hand names the home directory as a shell does.
    let mut ask = countersign();
    ask.args(["ask", "--tool", "shell", "--input", "{}", "--request-id", "hello", "--url", &place.server.url]);
    ask.env("HOME", place.directory.path().join("home"))
        .args(["--token-file", "~/.config/countersign/agents/claude-code.token"]);
    let (_, sentence) = told(1, ask.output().unwrap());
    assert!(sentence.contains("requestId is taken"), "{sentence}");
}
