//! What the name of a member says of it, in whatever way it is written.

use serde_json::Value;

/// A member's name without the ways in which names are written.
pub(in crate::domain) fn plain_name(name: &str) -> String {
    // Nearly every name is plain, and this is asked of every member of every input.
    if name.is_ascii() {
        return name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
    }
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// The endings of names that say where something runs.
const DIRECTORIES: &[&str] = &[
    "basedir",
    "basedirectory",
    "basepath",
    "currentdir",
    "currentdirectory",
    "cwd",
    "directorypath",
    "dirpath",
    "projectdir",
    "projectdirectory",
    "projectroot",
    "rootdir",
    "rootdirectory",
    "workdir",
    "workingdir",
    "workingdirectory",
    "workspaceroot",
];

/// Names that say so by themselves alone: `target_dir` is where something goes to.
const DIRECTORIES_ALONE: &[&str] = &["dir", "directory", "root"];

/// Whether a member of this name says where something runs.
pub(in crate::domain) fn says_directory(name: &str) -> bool {
    let plain = plain_name(name);
    DIRECTORIES_ALONE.contains(&plain.as_str()) || DIRECTORIES.iter().any(|ending| plain.ends_with(ending))
}

/// The endings of names of what is done, to what, where, and with which rights.
const ENDINGS: &[&str] = &[
    "args",
    "arguments",
    "argv",
    "cmd",
    "cmds",
    "code",
    "command",
    "commandline",
    "commands",
    "container",
    "cwd",
    "dest",
    "destination",
    "dir",
    "directories",
    "directory",
    "dirs",
    "endpoint",
    "env",
    "environment",
    "envs",
    "exec",
    "executable",
    "file",
    "filename",
    "files",
    "folder",
    "folders",
    "hook",
    "hooks",
    "host",
    "hostname",
    "hosts",
    "interpreter",
    "path",
    "paths",
    "program",
    "proxy",
    "queries",
    "query",
    "redirect",
    "script",
    "scripts",
    "server",
    "servers",
    "shell",
    "sql",
    "stderr",
    "stdin",
    "stdout",
    "target",
    "targets",
    "uri",
    "uris",
    "url",
    "urls",
    "user",
    "username",
    "variables",
    "vars",
];

/// Names of the kind that have no ending of it.
const ALONE: &[&str] = &[
    "admin",
    "after",
    "append",
    "as",
    "before",
    "cleanup",
    "elevated",
    "extra",
    "flags",
    "instance",
    "machine",
    "next",
    "node",
    "nodeoptions",
    "output",
    "perl5opt",
    "pipe",
    "pod",
    "prefix",
    "prepend",
    "pythonstartup",
    "renameto",
    "rubyopt",
    "run",
    "runas",
    "saveto",
    "setup",
    "source",
    "steps",
    "sudo",
    "suffix",
    "then",
    "workspace",
];

/// Names below a member that say what it is about, or where it goes to.
const BELOW: &[&str] = &["into", "location", "locations", "onto", "resource", "resources", "to"];

/// Words that say so anywhere in a name: `docker_image`, `containerName`.
const WORDS: &[&str] = &[
    "account",
    "chroot",
    "cluster",
    "container",
    "gid",
    "hook",
    "image",
    "login",
    "namespace",
    "pod",
    "profile",
    "redirect",
    "remote",
    "role",
    "root",
    "stderr",
    "stdin",
    "stdout",
    "sudo",
    "tee",
    "uid",
    "user",
    "vm",
    "wrap",
    "wrapper",
];

/// Words that say so in front, of what else is done and when: `on_exit`, `preCommand`.
const FIRST: &[&str] = &["after", "before", "next", "on", "pipe", "post", "pre", "then"];

/// What a name has in it that gives more rights, or code to run: of variables that a loader obeys, too.
const RIGHTS: &[&str] = &["dangerous", "dyld", "escalat", "ldaudit", "permission", "preload", "privilege"];

/// What a name has in it that takes rights away.
const LIMIT: &str = "sandbox";

/// The words that a name is made of, in lower case: of `onExit`, `on_exit` and `ON-EXIT` the same two.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut was_lower = false;
    for c in name.chars() {
        if !c.is_alphanumeric() || (c.is_uppercase() && was_lower) {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut().filter(|_| c.is_alphanumeric()) {
            word.extend(c.to_lowercase());
        }
        was_lower = c.is_lowercase();
    }
    words.retain(|word| !word.is_empty());
    words
}

/// Whether a member looks like a second command, path, URL, target or privilege.
pub(in crate::domain) fn says_more(name: &str, value: &Value) -> bool {
    let says_nothing = match value {
        Value::Null | Value::Bool(false) => true,
        Value::Object(members) => members.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::String(text) => text.is_empty(),
        Value::Bool(true) | Value::Number(_) => false,
    };
    let plain = plain_name(name);
    if plain.contains(LIMIT) {
        // `disableSandbox` says the contrary.
        let is_contrary = ["disable", "no", "skip", "without"].iter().any(|word| plain.contains(word));
        return match value {
            Value::Bool(is_on) => *is_on == is_contrary,
            Value::Null => false,
            Value::Number(_) | Value::String(_) | Value::Array(_) | Value::Object(_) => true,
        };
    }
    let is_like = || {
        let words = words(name);
        ENDINGS.iter().any(|ending| plain.ends_with(ending))
            || ALONE.contains(&plain.as_str())
            || RIGHTS.iter().any(|word| plain.contains(word))
            || words.iter().any(|word| WORDS.contains(&word.as_str()))
            || words.first().is_some_and(|word| FIRST.contains(&word.as_str()))
    };
    !says_nothing && is_like()
}

/// The same of a member below another one, where names that are ordinary above say what it is about, too.
pub(in crate::domain) fn says_more_below(name: &str, value: &Value) -> bool {
    says_more(name, value) || (BELOW.contains(&plain_name(name).as_str()) && !value.is_null())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_ending_of_a_name_says_what_it_is_in_any_spelling() {
        for name in ["cwd", "workdir", "Working-Directory", "dirPath", "dir_path", "projectDir", "shell.cwd", "dir"] {
            assert!(says_directory(name), "{name}");
        }
        for name in ["target_dir", "outputDirectory", "path", "directories", "cwds"] {
            assert!(!says_directory(name), "{name}");
        }
        let value = json!("x");
        for name in [
            "shell_command",
            "postCommand",
            "PRE-CMD",
            "code",
            "save_to",
            "hooks",
            "endpoint",
            "baseUrl",
            "jumpHost",
            "target_dir",
            "sqlQuery",
            "env",
            "env_vars",
            "steps",
            "sudo",
            "sandbox_permissions",
            "with_escalated_permissions",
            "outputFile",
            "suffix",
            "stdout",
            "LD_PRELOAD",
            "DYLD_INSERT_LIBRARIES",
            "on_exit",
            "runAsUser",
            "containerName",
            "docker_image",
            "PRE-STEP",
        ] {
            assert!(says_more(name, &value), "{name}");
        }
        for (name, value, expected) in [
            ("sandbox", json!(false), true),
            ("sandbox", json!(true), false),
            ("sandbox", json!("off"), true),
            ("disableSandbox", json!(true), true),
            ("disableSandbox", json!(false), false),
        ] {
            assert_eq!(says_more(name, &value), expected, "{name} {value}");
        }
        assert!(says_more("dangerouslyDisableSandbox", &json!(true)));
        assert!(says_more_below("to", &value) && !says_more("to", &value));
        for name in ["description", "content", "timeout", "message", "title", "limit", "envelope"] {
            assert!(!says_more(name, &value), "{name}");
        }
        for nothing in [json!(null), json!(false), json!(""), json!([]), json!({})] {
            assert!(!says_more("env", &nothing), "{nothing}");
        }
    }
}
