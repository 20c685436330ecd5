//! The text of a client's own settings file, changed in place: everything that is not ours stays to the letter, comments too.
//! Reading and writing the file is the command line's.

use std::path::{Path, PathBuf};

use jsonc_parser::ParseOptions;
use jsonc_parser::cst::{CstArray, CstInputValue, CstNode, CstObject, CstRootNode};
use serde_json::Value;

/// One thing that a settings file is to say.
#[derive(Clone, Debug)]
pub(crate) enum Entry {
    /// A member that is ours alone, at the end of this path.
    Member(&'static [&'static str], Value),
    /// A member that the file needs and that others use as well: it is made where there is none, and never removed.
    Needed(&'static str, Value),
    /// A handler of this event, among those of others.
    Handler(&'static str, Value),
    /// An event in which no handler of ours is to be left: another event asks in its place.
    NoHandler(&'static str),
}

/// What a file is to hold.
#[derive(Clone, Debug)]
pub(crate) enum Content {
    /// A settings file of the client's, with our entries in it.
    Settings(Vec<Entry>),
    /// A file of ours.
    Ours(String),
}

/// A file that a client reads.
#[derive(Clone, Debug)]
pub(crate) struct SettingsFile {
    pub(crate) path: PathBuf,
    pub(crate) content: Content,
}

/// The member under which every client has the handlers of its events.
const HOOKS: &str = "hooks";

/// A word that every file of ours has in it.
pub(crate) const MARK: &str = "countersign";

impl SettingsFile {
    /// The file where there was none before.
    pub(crate) fn text(&self) -> String {
        match &self.content {
            Content::Settings(entries) => written(entries),
            Content::Ours(text) => text.clone(),
        }
    }
}

/// A file with our entries alone.
pub(super) fn written(entries: &[Entry]) -> String {
    // Nothing is there that could stand in the way.
    changed("", entries, true).unwrap_or_default()
}

/// What a settings file says; `None` where it cannot be read.
pub(crate) fn read_settings(text: &str) -> Option<Value> {
    CstRootNode::parse(text, &ParseOptions::default()).ok()?.to_serde_value()
}

/// The settings `text` with our entries in it, or without them.
pub(crate) fn changed(text: &str, entries: &[Entry], is_connected: bool) -> Result<String, String> {
    // JSON with comments and trailing commas, as the clients themselves read it.
    let options = ParseOptions {
        allow_missing_commas: false,
        allow_single_quoted_strings: false,
        allow_loose_object_property_names: false,
        ..ParseOptions::default()
    };
    let root = CstRootNode::parse(text, &options).map_err(|error| error.to_string())?;
    if root.value().is_none() && !is_connected {
        return Ok(text.to_owned());
    }
    let top = root.object_value_or_create().ok_or("it holds something else than an object")?;
    for entry in entries {
        match entry {
            Entry::Needed(name, value) => {
                if is_connected && top.get(name).is_none() {
                    top.append(name, input(value));
                }
            }
            Entry::Member(path, value) => {
                let Some((name, above)) = path.split_last() else { continue };
                if is_connected {
                    put(&descend(&top, above)?, name, value)?;
                } else {
                    take(&top, path, |_| true);
                }
            }
            Entry::Handler(event, value) => {
                if is_connected {
                    let list = descend(&top, &[HOOKS])?.array_value_or_create(event);
                    add(&list.ok_or_else(|| format!("its {event} is no list"))?, value);
                } else {
                    take_event(&top, event);
                }
            }
            Entry::NoHandler(event) => take_event(&top, event),
        }
    }
    let mut changed = root.to_string();
    if !changed.ends_with('\n') {
        changed.push('\n');
    }
    Ok(if text.is_empty() || text.ends_with('\n') { changed } else { changed.trim_end_matches('\n').to_owned() })
}

/// The object at `path`, made where there is none.
fn descend(top: &CstObject, path: &[&str]) -> Result<CstObject, String> {
    path.iter().try_fold(top.clone(), |object, name| {
        object.object_value_or_create(name).ok_or_else(|| format!("its {name} is no object"))
    })
}

fn put(object: &CstObject, name: &str, value: &Value) -> Result<(), String> {
    match object.get(name) {
        Some(there) if there.to_serde_value().as_ref() == Some(value) => {}
        Some(there) => there.set_value(input(value)),
        None => {
            object.append(name, input(value));
        }
    }
    Ok(())
}

/// Puts a handler in the place of ours, or behind those that are there.
fn add(list: &CstArray, value: &Value) {
    let ours = list.elements().into_iter().filter(is_ours).collect::<Vec<_>>();
    if let [one] = ours.as_slice()
        && one.to_serde_value().as_ref() == Some(value)
    {
        return;
    }
    take_handlers(list);
    list.append(input(value));
}

/// Takes our handlers out of a list, and out of the groups in it, which go where nothing is left of them.
fn take_handlers(list: &CstArray) {
    for element in list.elements() {
        let group = element.as_object().and_then(|group| group.array_value(HOOKS));
        match group {
            Some(handlers) => {
                let ours = handlers.elements().into_iter().filter(is_ours).collect::<Vec<_>>();
                let is_all = ours.len() == handlers.elements().len();
                if !ours.is_empty() && is_all {
                    element.remove();
                } else {
                    ours.into_iter().for_each(CstNode::remove);
                }
            }
            None if is_ours(&element) => element.remove(),
            None => {}
        }
    }
}

/// Takes our handlers out of an event, and the event away where nothing is left of it.
fn take_event(top: &CstObject, event: &str) {
    take(top, &[HOOKS, event], |node| {
        let Some(list) = node.as_array().filter(|list| list.elements().iter().any(is_ours)) else { return false };
        take_handlers(&list);
        list.elements().is_empty()
    });
}

/// Takes the member at `path` away where `is_empty` says so, and the objects above it that hold nothing any more.
fn take(top: &CstObject, path: &[&str], is_empty: impl Fn(&CstNode) -> bool) {
    let mut objects = vec![top.clone()];
    let Some((name, above)) = path.split_last() else { return };
    for name in above {
        let Some(next) = objects.last().and_then(|object| object.object_value(name)) else { return };
        objects.push(next);
    }
    let member = objects.last().and_then(|object| object.get(name));
    let Some(member) = member.filter(|member| member.value().is_some_and(|value| is_empty(&value))) else { return };
    member.remove();
    for name in above.iter().rev() {
        if objects.pop().is_some_and(|object| object.properties().is_empty())
            && let Some(member) = objects.last().and_then(|object| object.get(name))
        {
            member.remove();
        }
    }
}

/// Whether a handler, or a group of them, starts this program's `hook`.
fn is_ours(node: &CstNode) -> bool {
    node.to_serde_value().as_ref().is_some_and(starts_hook)
}

/// Whether a handler starts this program's `hook`, however it is written.
pub(crate) fn starts_hook(value: &Value) -> bool {
    let text = |name: &str| value.get(name).and_then(Value::as_str);
    let line = text("command").or_else(|| text("bash")).unwrap_or_default();
    let arguments = value.get("args").and_then(Value::as_array);
    let words = match arguments {
        Some(arguments) => {
            std::iter::once(line).chain(arguments.iter().filter_map(Value::as_str)).map(str::to_owned).collect()
        }
        None => shlex::split(line).unwrap_or_default(),
    };
    let is_here = matches!(words.as_slice(), [program, hook, ..] if is_this_program(program) && hook == "hook");
    is_here || value.get(HOOKS).and_then(Value::as_array).is_some_and(|handlers| handlers.iter().any(starts_hook))
}

/// Whether a program is this one, wherever it is installed.
fn is_this_program(program: &str) -> bool {
    Path::new(program).file_name().is_some_and(|name| name == MARK)
}

/// The members that are written first, in the order in which the clients' own documents have them.
const FIRST: &[&str] = &["type", "name", "matcher", "command", "bash", "args", "env", "hooks"];

fn input(value: &Value) -> CstInputValue {
    match value {
        Value::Null => CstInputValue::Null,
        Value::Bool(yes) => CstInputValue::Bool(*yes),
        Value::Number(number) => CstInputValue::Number(number.to_string()),
        Value::String(text) => CstInputValue::String(text.clone()),
        Value::Array(items) => CstInputValue::Array(items.iter().map(input).collect()),
        Value::Object(members) => {
            let mut members = members.iter().collect::<Vec<_>>();
            let place = |name: &str| FIRST.iter().position(|first| *first == name).unwrap_or(FIRST.len());
            members.sort_by_key(|(name, _)| place(name));
            CstInputValue::Object(members.into_iter().map(|(name, value)| (name.clone(), input(value))).collect())
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn handler(timeout: u32) -> Entry {
        let ours = json!({"type": "command", "command": "/opt/countersign", "args": ["hook", "x"], "timeout": timeout});
        Entry::Handler("PreToolUse", json!({"matcher": "*", "hooks": [ours]}))
    }

    #[test]
    fn what_others_have_written_stays_to_the_letter_and_ours_goes_without_a_trace() {
        let theirs = "{\n  // mine\n  \"model\": \"x\", /* why */\n  \"hooks\": {\n    \"PreToolUse\": [\n      {\"matcher\": \"Bash\", \
                      \"hooks\": [{\"type\": \"command\", \"command\": \"lint\"}]},\n    ],\n  },\n}\n";
        for before in [theirs, "", "{}\n", "{\"a\": 1}", "// nothing yet\n{\n}\n"] {
            let connected = changed(before, &[handler(1)], true).unwrap();
            assert!(connected.contains("/opt/countersign"), "{connected}");
            assert_eq!(changed(&connected, &[handler(1)], true).unwrap(), connected, "twice is once");
            let other = changed(&connected, &[handler(2)], true).unwrap();
            assert_eq!(other.matches("/opt/countersign").count(), 1, "{other}");
            let removed = changed(&connected, &[handler(1)], false).unwrap();
            let plain = |text: &str| text.split_whitespace().collect::<String>();
            let expected = if before.is_empty() { "{}" } else { before };
            assert_eq!(
                plain(&removed).replace(",}", "}").replace(",]", "]"),
                plain(expected).replace(",}", "}").replace(",]", "]")
            );
        }
        let connected = changed(theirs, &[handler(1)], true).unwrap();
        for kept in ["// mine", "/* why */", "\"lint\""] {
            assert!(connected.contains(kept), "{connected}");
        }
    }

    #[test]
    fn a_handler_of_ours_leaves_a_group_that_others_share() {
        let shared = r#"{"hooks":{"PreToolUse":[{"matcher":"*","hooks":[{"command":"lint"},{"command":"/a/countersign hook codex"}]}]}}"#;
        let removed = changed(shared, &[handler(1)], false).unwrap();
        assert_eq!(removed, r#"{"hooks":{"PreToolUse":[{"matcher":"*","hooks":[{"command":"lint"}]}]}}"#);
    }

    #[test]
    fn a_file_that_is_something_else_is_refused() {
        for text in ["[]", "{", "{\"hooks\": 3}", "{\"hooks\": {\"PreToolUse\": {}}}", "{'a': 1}", "no json"] {
            assert!(changed(text, &[handler(1)], true).is_err(), "{text}");
        }
    }

    #[test]
    fn other_programs_with_a_hook_are_not_ours() {
        for (value, ours) in [
            (json!({"command": "/a/countersign hook codex --within 5s"}), true),
            (json!({"bash": "'/a b/countersign' hook copilot"}), true),
            (json!({"command": "/opt/countersign", "args": ["hook", "claude-code"]}), true),
            (json!({"command": "/opt/countersign", "args": ["mcp"]}), false),
            (json!({"command": "other hook codex"}), false),
            (json!({"command": "echo countersign hook"}), false),
        ] {
            assert_eq!(starts_hook(&value), ours, "{value}");
        }
    }
}
