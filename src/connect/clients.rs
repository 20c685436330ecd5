//! The clients that can be connected: where each keeps its settings, and what is to stand there.
//!
//! Names of events, units of time limits and what a client does when a hook fails differ from client to client; each was seen by
//! running the version that is named here, but for Cursor's, which was read in its runtime.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use clap::ValueEnum;
use serde_json::{Value, json};

use super::settings::{self, Content, Entry, SettingsFile};
use super::snippets;

/// A client of agents, a framework or a language.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Client {
    /// Claude Code: hooks in settings.json
    ClaudeCode,
    /// Codex: hooks in hooks.json, which have to be trusted
    Codex,
    /// GitHub Copilot's command line: a hook file of its own
    Copilot,
    /// Gemini CLI: a hook in settings.json and a policy file
    Gemini,
    /// Qwen Code: hooks in settings.json
    Qwen,
    /// Cursor: hooks in hooks.json
    Cursor,
    /// OpenCode: a plugin
    Opencode,
    /// Any client of the Model Context Protocol: the server in .mcp.json of this directory
    Mcp,
    /// An editor that speaks the Agent Client Protocol, such as Zed; the agent's command comes after --
    Acp,
    /// Frameworks with the Agent Approval Protocol
    Aap,
    /// Programs with HumanLayer's SDK
    Humanlayer,
    /// curl
    Curl,
    /// Python, without a library
    Python,
    /// TypeScript, without a library
    Typescript,
}

/// When a client's question is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum On {
    /// Where the client would ask a person itself
    Permission,
    /// Before every call of a tool
    Every,
}

/// What our entries are made of.
#[derive(Clone, Debug)]
pub(crate) struct Means {
    /// The path of this program.
    pub(crate) program: String,
    /// The server.
    pub(crate) url: String,
    /// The file with the agent's token.
    pub(crate) token_file: PathBuf,
    pub(crate) on: On,
    /// The home directory, or that of a project.
    pub(crate) home: PathBuf,
    /// Where settings are under XDG's rules.
    pub(crate) config: PathBuf,
    /// The current directory.
    pub(crate) project: PathBuf,
    /// Whether the settings are those of the project.
    pub(crate) is_project: bool,
    /// The command of an agent that speaks the Agent Client Protocol.
    pub(crate) agent: Vec<String>,
}

/// What a shell, this program and what is put into programs take for the home directory.
pub(super) const HOME: &str = "~";

/// The longest that a client waits for a hook, in seconds: a day.
const LIMIT_SECONDS: u32 = 86_400;

/// How long before that a hook answers by itself, in seconds: whatever is cut off by its client is a yes to most.
const MARGIN_SECONDS: u32 = 100;

/// The longest that Qwen Code waits for a hook, in seconds: after a minute it runs the call, whatever its settings say.
const QWEN_LIMIT_SECONDS: u32 = 55;

/// How long before that a hook of Qwen Code's answers by itself, in seconds.
const QWEN_MARGIN_SECONDS: u32 = 5;

/// What a shell does where the hook ends without an answer, because it was killed or is not there any more: it denies. Most clients let
/// a call run then, but each of them reads this exit code as a denial where there is a sentence on stderr.
const INSTEAD: &str = "sh -c 'echo countersign: denied, because its hook gave no answer >&2; exit 2'";

impl Client {
    /// As it is said on the command line.
    pub(crate) fn name(self) -> String {
        self.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
    }

    /// As people call it.
    pub(crate) const fn label(self) -> &'static str {
        match self {
            Self::ClaudeCode => "Claude Code",
            Self::Codex => "Codex",
            Self::Copilot => "Copilot CLI",
            Self::Gemini => "Gemini CLI",
            Self::Qwen => "Qwen Code",
            Self::Cursor => "Cursor",
            Self::Opencode => "OpenCode",
            Self::Mcp => "MCP",
            Self::Acp => "ACP",
            Self::Aap => "Agent Approval Protocol",
            Self::Humanlayer => "HumanLayer's SDK",
            Self::Curl => "curl",
            Self::Python => "Python",
            Self::Typescript => "TypeScript",
        }
    }

    /// What its settings are made of on a machine of which nothing is known: this program is found by its name, directories are below
    /// `~`, and an agent that is not named is Gemini.
    pub(crate) fn means_anywhere(self, url: String) -> Means {
        let config = PathBuf::from(HOME).join(".config");
        let agent: &[&str] = if self == Self::Acp { &["gemini", "--acp"] } else { &[] };
        Means {
            program: "countersign".to_owned(),
            url,
            token_file: token_path(&config, self),
            on: On::Permission,
            home: PathBuf::from(HOME),
            config,
            project: PathBuf::new(),
            is_project: false,
            agent: agent.iter().map(|word| (*word).to_owned()).collect(),
        }
    }

    /// The program of the client, and the version of it that was tried; `None` for what is no program.
    pub(crate) const fn program(self) -> Option<(&'static str, &'static str)> {
        match self {
            Self::ClaudeCode => Some(("claude", "2.1.332")),
            Self::Codex => Some(("codex", "0.171.0")),
            Self::Copilot => Some(("copilot", "1.0.102")),
            Self::Gemini => Some(("gemini", "0.61.0")),
            Self::Qwen => Some(("qwen", "0.24.4")),
            Self::Opencode => Some(("opencode", "1.18.33")),
            Self::Cursor => Some(("cursor", "")),
            Self::Mcp | Self::Acp | Self::Aap | Self::Humanlayer | Self::Curl | Self::Python | Self::Typescript => None,
        }
    }

    /// The files that the client reads, with our entries; none for what is not configured by a file.
    pub(crate) fn files(self, means: &Means) -> Vec<SettingsFile> {
        let settings = |path: PathBuf, entries| SettingsFile { path, content: Content::Settings(entries) };
        let ours = |path: PathBuf, text| SettingsFile { path, content: Content::Ours(text) };
        let base = if means.is_project { &means.project } else { &means.home };
        match self {
            Self::ClaudeCode => vec![settings(base.join(".claude/settings.json"), claude_code(means))],
            Self::Codex => vec![settings(base.join(".codex/hooks.json"), codex(means))],
            Self::Copilot => {
                let folder = if means.is_project { base.join(".github/hooks") } else { base.join(".copilot/hooks") };
                vec![ours(folder.join("countersign.json"), copilot(means))]
            }
            Self::Gemini => {
                let mut files = vec![settings(base.join(".gemini/settings.json"), gemini(means))];
                if !means.is_project {
                    files.push(ours(base.join(".gemini/policies/countersign.toml"), GEMINI_POLICY.to_owned()));
                }
                files
            }
            Self::Qwen => vec![settings(base.join(".qwen/settings.json"), qwen(means))],
            Self::Cursor => vec![settings(base.join(".cursor/hooks.json"), cursor(means))],
            Self::Opencode => {
                let folder = if means.is_project { base.join(".opencode") } else { means.config.join("opencode") };
                vec![ours(folder.join("plugin/countersign.js"), snippets::opencode(means))]
            }
            Self::Mcp => {
                let server = json!({"command": means.program, "args": means.arguments(&["mcp"])});
                let entry = Entry::Member(&["mcpServers", "countersign"], server);
                vec![settings(means.project.join(".mcp.json"), vec![entry])]
            }
            Self::Acp if means.agent.is_empty() => Vec::new(),
            Self::Acp => {
                let mut words = means.arguments(&["acp"]);
                words.push("--".to_owned());
                words.extend(means.agent.iter().cloned());
                let server = json!({"type": "custom", "command": means.program, "args": words, "env": {}});
                let entry = Entry::Member(&["agent_servers", "countersign"], server);
                vec![settings(means.config.join("zed/settings.json"), vec![entry])]
            }
            Self::Aap | Self::Humanlayer | Self::Curl | Self::Python | Self::Typescript => Vec::new(),
        }
    }

    /// What is to be put into a program, where the client has no settings of its own.
    pub(crate) fn snippet(self, means: &Means) -> Option<String> {
        match self {
            Self::Aap => Some(snippets::aap(means)),
            Self::Humanlayer => Some(snippets::humanlayer(means)),
            Self::Curl => Some(snippets::curl(means)),
            Self::Python => Some(snippets::python(means)),
            Self::Typescript => Some(snippets::typescript(means)),
            Self::ClaudeCode
            | Self::Codex
            | Self::Copilot
            | Self::Gemini
            | Self::Qwen
            | Self::Cursor
            | Self::Opencode
            | Self::Mcp
            | Self::Acp => None,
        }
    }

    /// Whether it speaks with the server by itself, and not through this program.
    pub(crate) const fn speaks_http(self) -> bool {
        matches!(self, Self::Opencode | Self::Aap | Self::Humanlayer | Self::Curl | Self::Python | Self::Typescript)
    }

    /// What a person should know before it is used.
    pub(crate) fn notes(self, means: &Means) -> Vec<&'static str> {
        match self {
            Self::Codex => vec![
                "Codex skips a hook that is not trusted, without a word: --trust has Codex trust these, as its own /hooks does.",
                "`codex exec` never asks by itself: for unattended runs connect with --on every.",
            ],
            Self::Gemini if means.is_project => {
                vec![
                    "A hook only narrows here: allow the tools with `--yolo` or a policy, so that countersign alone asks.",
                ]
            }
            Self::Gemini => {
                vec!["A hook only narrows here: the policy file allows every tool, so that countersign alone asks."]
            }
            Self::Qwen => vec![
                "A hook only narrows here: run with --yolo, so that countersign alone asks.",
                "Qwen ignores an edited input: what was approved with an edit is denied, with the edit in words.",
                "Qwen runs a call whose hook takes a minute: so each is denied before that where nobody has answered. The answer is kept.",
            ],
            Self::Cursor => {
                vec!["A hook only narrows here: allow all in Cursor's own settings, so that countersign alone asks."]
            }
            Self::Acp if means.agent.is_empty() => {
                vec!["Say after -- which agent it is: countersign connect acp -- gemini --acp"]
            }
            Self::ClaudeCode
            | Self::Copilot
            | Self::Opencode
            | Self::Mcp
            | Self::Acp
            | Self::Aap
            | Self::Humanlayer
            | Self::Curl
            | Self::Python
            | Self::Typescript => Vec::new(),
        }
    }

    /// A line to try it with.
    pub(crate) fn trial(self, means: &Means) -> String {
        match self {
            Self::ClaudeCode => "claude \"create the file hello.txt with a greeting\"".to_owned(),
            Self::Codex if means.on == On::Every => "codex exec \"create the file hello.txt\"".to_owned(),
            Self::Codex => "codex \"create the file hello.txt outside of this directory\"".to_owned(),
            Self::Copilot => "copilot -p \"create the file hello.txt\"".to_owned(),
            Self::Gemini => "gemini -p \"create the file hello.txt\"".to_owned(),
            Self::Qwen => "qwen --yolo -p \"create the file hello.txt\"".to_owned(),
            Self::Cursor => "ask Cursor's agent to create the file hello.txt".to_owned(),
            Self::Opencode => "opencode run \"create the file hello.txt\"".to_owned(),
            Self::Mcp => format!("{} mcp --help", means.program),
            Self::Acp => "open an agent thread in Zed and choose countersign".to_owned(),
            Self::Aap | Self::Python => "python3 ask.py".to_owned(),
            Self::Humanlayer => "python3 your_program.py".to_owned(),
            Self::Curl => "sh ask.sh".to_owned(),
            Self::Typescript => "node --experimental-strip-types ask.ts".to_owned(),
        }
    }
}

impl FromStr for Client {
    type Err = String;

    /// Reads its name on the command line.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        <Self as ValueEnum>::from_str(text, false).map_err(|_| {
            let names = Self::value_variants().iter().map(|client| client.name()).collect::<Vec<_>>();
            format!("expected one of {}", names.join(", "))
        })
    }
}

impl Means {
    /// Arguments with which this program finds the server and the token, whatever its environment says.
    pub(crate) fn arguments(&self, command: &[&str]) -> Vec<String> {
        let own = ["--url", self.url.as_str(), "--token-file"].into_iter().map(str::to_owned);
        let own = own.chain(std::iter::once(self.token_file.display().to_string()));
        command.iter().map(|word| (*word).to_owned()).chain(own).collect()
    }

    /// The arguments of a client's hook.
    fn hook(&self, client: Client) -> Vec<String> {
        let is_qwen = client == Client::Qwen;
        let within = if is_qwen { QWEN_LIMIT_SECONDS - QWEN_MARGIN_SECONDS } else { LIMIT_SECONDS - MARGIN_SECONDS };
        let mut words = self.arguments(&["hook", &client.name()]);
        words.extend(["--within".to_owned(), format!("{within}s")]);
        words
    }

    /// The same as a line for a shell.
    fn hook_line(&self, client: Client) -> String {
        let words = self.hook(client);
        let words = std::iter::once(self.program.as_str()).chain(words.iter().map(String::as_str));
        // No word of it has a NUL: paths and URLs have none.
        shlex::try_join(words).unwrap_or_default()
    }

    /// The same for the event that asks, where no answer has to be a denial.
    fn asking_line(&self, client: Client) -> String {
        format!("{} || {INSTEAD}", self.hook_line(client))
    }

    /// The event that asks, and the one that would ask the same once more.
    const fn asks_on(&self) -> (&'static str, &'static str) {
        match self.on {
            On::Permission => ("PermissionRequest", "PreToolUse"),
            On::Every => ("PreToolUse", "PermissionRequest"),
        }
    }
}

fn claude_code(means: &Means) -> Vec<Entry> {
    let handler = json!({"type": "command", "command": means.program, "args": means.hook(Client::ClaudeCode)});
    let with = |members: Value| {
        let mut handler = handler.clone();
        if let (Some(handler), Value::Object(members)) = (handler.as_object_mut(), members) {
            handler.extend(members);
        }
        json!({"matcher": "*", "hooks": [handler]})
    };
    let asking = with(json!({"timeout": LIMIT_SECONDS, "onFailure": "block"}));
    // Not in the background: what runs there ends with a client that ends soon after, and nobody is told of the outcome.
    let telling = || with(json!({"timeout": 60}));
    let (asks, other) = means.asks_on();
    vec![
        Entry::NoHandler(other),
        Entry::Handler(asks, asking),
        Entry::Handler("PostToolUse", telling()),
        Entry::Handler("PostToolUseFailure", telling()),
        Entry::Handler("SessionEnd", with(json!({"timeout": 60}))),
    ]
}

/// A handler for every tool that runs a line of the shell, as Codex and Qwen Code have it.
fn of_every_tool(line: String, seconds: u32) -> Value {
    json!({"matcher": "*", "hooks": [{"type": "command", "command": line, "timeout": seconds}]})
}

fn codex(means: &Means) -> Vec<Entry> {
    let (asks, other) = means.asks_on();
    vec![
        Entry::NoHandler(other),
        Entry::Handler(asks, of_every_tool(means.asking_line(Client::Codex), LIMIT_SECONDS)),
        Entry::Handler("PostToolUse", of_every_tool(means.hook_line(Client::Codex), 60)),
    ]
}

/// One of both events: where both have a hook, both fire for one call. What it tells of a call that ran is known again by the whole
/// input, which it leaves out of its question for a permission.
fn copilot(means: &Means) -> String {
    let handler = |line: String, seconds: u32| json!({"type": "command", "bash": line, "timeoutSec": seconds});
    let asking = handler(means.asking_line(Client::Copilot), LIMIT_SECONDS);
    let mut entries = vec![Entry::Needed("version", json!(1))];
    match means.on {
        On::Permission => entries.push(Entry::Handler("permissionRequest", asking)),
        On::Every => {
            entries.push(Entry::Handler("preToolUse", asking));
            entries.push(Entry::Handler("postToolUse", handler(means.hook_line(Client::Copilot), 60)));
        }
    }
    settings::written(&entries)
}

/// A policy of Gemini's that asks nobody, not for commands with a redirection, either: the hook comes before it, and its no counts.
const GEMINI_POLICY: &str = "# countersign's hook asks before each tool; whatever it lets pass is allowed here.\n\
    [[rule]]\ntoolName = \"*\"\ndecision = \"allow\"\npriority = 900\nallowRedirection = true\n";

/// Milliseconds here, as in nothing else of Gemini's kin.
fn gemini(means: &Means) -> Vec<Entry> {
    let handler = |line: String, milliseconds: u32| {
        let handler = json!({"type": "command", "name": "countersign", "command": line, "timeout": milliseconds});
        json!({"matcher": ".*", "hooks": [handler]})
    };
    vec![
        Entry::Handler("BeforeTool", handler(means.asking_line(Client::Gemini), LIMIT_SECONDS * 1000)),
        Entry::Handler("AfterTool", handler(means.hook_line(Client::Gemini), 60_000)),
    ]
}

/// Qwen takes a limit below 1000 for seconds, and any other for milliseconds.
fn qwen(means: &Means) -> Vec<Entry> {
    vec![
        Entry::Handler("PreToolUse", of_every_tool(means.asking_line(Client::Qwen), QWEN_LIMIT_SECONDS)),
        Entry::Handler("PostToolUse", of_every_tool(means.hook_line(Client::Qwen), QWEN_LIMIT_SECONDS)),
    ]
}

fn cursor(means: &Means) -> Vec<Entry> {
    let handler = json!({"command": means.asking_line(Client::Cursor), "timeout": LIMIT_SECONDS, "failClosed": true});
    vec![Entry::Needed("version", json!(1)), Entry::Handler("preToolUse", handler)]
}

/// The directory in which the tokens of connected agents are kept.
pub(crate) fn token_path(config: &Path, client: Client) -> PathBuf {
    config.join("countersign/agents").join(format!("{}.token", client.name()))
}
