//! The text of a client's own settings file, changed in place: everything that is not ours stays to the letter, comments too.
//! Reading and writing the file is the command line's.

use std::path::{Path, PathBuf};

use jsonc_parser::ParseOptions;
use jsonc_parser::cst::{CstArray, CstInputValue, CstNode, CstObject, CstObjectProp, CstRootNode};
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

/// What this program is called, and what is ours in other programs' files.
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

/// Whether `text` is a file of ours like `now`, if another version's: it begins with the same comment, or our hook stands in it.
pub(crate) fn is_ours_like(text: &str, now: &str) -> bool {
    match read_settings(text) {
        Some(Value::Object(members)) => {
            let events = members.get(HOOKS).and_then(Value::as_object);
            let mut handlers =
                events.into_iter().flat_map(|events| events.values()).filter_map(Value::as_array).flatten();
            handlers.any(starts_hook)
        }
        Some(_) => false,
        None => text.trim().is_empty() || text.lines().next() == now.lines().next(),
    }
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
                if is_connected && once(&top, name)?.is_none() {
                    top.append(name, input(value));
                }
            }
            Entry::Member(path, value) => {
                let Some((name, above)) = path.split_last() else { continue };
                if is_connected {
                    put(&descend(&top, above)?, name, value)?;
                } else {
                    take(&top, path, |node| node.to_serde_value().as_ref().is_some_and(starts_program))?;
                }
            }
            Entry::Handler(event, value) => {
                if is_connected {
                    let hooks = descend(&top, &[HOOKS])?;
                    once(&hooks, event)?;
                    let list = hooks.array_value_or_create(event);
                    add(&list.ok_or_else(|| format!("its {event} is no list"))?, value);
                } else {
                    take_event(&top, event)?;
                }
            }
            Entry::NoHandler(event) => take_event(&top, event)?,
        }
    }
    let mut changed = root.to_string();
    if !changed.ends_with('\n') {
        changed.push('\n');
    }
    Ok(if text.is_empty() || text.ends_with('\n') { changed } else { changed.trim_end_matches('\n').to_owned() })
}

/// The member `name`. Of one that is there twice, each reader takes another.
fn once(object: &CstObject, name: &str) -> Result<Option<CstObjectProp>, String> {
    let is_it = |member: &CstObjectProp| {
        member.name().is_some_and(|written| written.decoded_value().is_ok_and(|written| written == name))
    };
    let mut members = object.properties().into_iter().filter(is_it);
    match (members.next(), members.next()) {
        (_, Some(_)) => Err(format!("it has {name} twice")),
        (member, None) => Ok(member),
    }
}

/// The object at `path`, made where there is none.
fn descend(top: &CstObject, path: &[&str]) -> Result<CstObject, String> {
    path.iter().try_fold(top.clone(), |object, name| {
        once(&object, name)?;
        object.object_value_or_create(name).ok_or_else(|| format!("its {name} is no object"))
    })
}

fn put(object: &CstObject, name: &str, value: &Value) -> Result<(), String> {
    match once(object, name)? {
        Some(there) => match there.to_serde_value() {
            Some(before) if before == *value => {}
            Some(before) if starts_program(&before) => there.set_value(input(value)),
            _ => return Err(format!("its {name} is another program's")),
        },
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
fn take_event(top: &CstObject, event: &str) -> Result<(), String> {
    take(top, &[HOOKS, event], |node| {
        let Some(list) = node.as_array().filter(|list| list.elements().iter().any(is_ours)) else { return false };
        take_handlers(&list);
        list.elements().is_empty()
    })
}

/// Takes the member at `path` away where `is_empty` says so, and the objects above it that hold nothing any more.
fn take(top: &CstObject, path: &[&str], is_empty: impl Fn(&CstNode) -> bool) -> Result<(), String> {
    let mut objects = vec![top.clone()];
    let Some((name, above)) = path.split_last() else { return Ok(()) };
    for name in above {
        let Some(object) = objects.last() else { return Ok(()) };
        once(object, name)?;
        let Some(next) = object.object_value(name) else { return Ok(()) };
        objects.push(next);
    }
    let Some(member) = objects.last().map(|object| once(object, name)).transpose()?.flatten() else { return Ok(()) };
    if !member.value().is_some_and(|value| is_empty(&value)) {
        return Ok(());
    }
    member.remove();
    for name in above.iter().rev() {
        if objects.pop().is_some_and(|object| object.properties().is_empty())
            && let Some(member) = objects.last().and_then(|object| object.get(name))
        {
            member.remove();
        }
    }
    Ok(())
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

/// Whether a server, as a client starts one, is this program.
fn starts_program(server: &Value) -> bool {
    server.get("command").and_then(Value::as_str).is_some_and(is_this_program)
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
    fn a_member_that_is_there_twice_is_left_alone() {
        for text in
            [r#"{"hooks": {}, "hooks": {"PreToolUse": []}}"#, r#"{"hooks": {"PreToolUse": [], "Pre\u0054oolUse": []}}"#]
        {
            for is_connected in [true, false] {
                let refused = changed(text, &[handler(1)], is_connected).unwrap_err();
                assert!(refused.ends_with(" twice"), "{refused}");
            }
        }
    }

    #[test]
    fn a_server_of_another_program_is_left_alone() {
        let entry = |command: &str| Entry::Member(&["mcpServers", "countersign"], json!({"command": command}));
        let theirs = r#"{"mcpServers": {"countersign": {"command": "npx", "args": ["countersign"]}}}"#;
        assert_eq!(
            changed(theirs, &[entry("/a/countersign")], true).unwrap_err(),
            "its countersign is another program's"
        );
        assert_eq!(changed(theirs, &[entry("/a/countersign")], false).unwrap(), theirs);
        let ours = changed("", &[entry("/a/countersign")], true).unwrap();
        assert!(changed(&ours, &[entry("/b/countersign")], true).unwrap().contains("/b/countersign"));
        assert_eq!(changed(&ours, &[entry("/b/countersign")], false).unwrap().trim(), "{}");
    }

    #[test]
    fn a_file_of_ours_is_known_whatever_version_wrote_it() {
        for (text, now, is_ours) in [
            ("// Written by us.\nold", "// Written by us.\nnew", true),
            ("// By hand: countersign\n", "// Written by us.\nnew", false),
            ("", "// Written by us.\nnew", true),
            (r#"{"hooks": {"x": [{"bash": "/a/countersign hook copilot"}]}}"#, "{}", true),
            (r#"{"hooks": {"x": [{"bash": "lint countersign"}]}}"#, "{}", false),
        ] {
            assert_eq!(is_ours_like(text, now), is_ours, "{text}");
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
