use serde_json::{Value, json};

use super::*;
use crate::domain::kinds::Content;

/// What is asked with these members in place of a shell's.
pub(super) fn confirmation(members: &Value) -> Box<Confirmation> {
    let mut asked = json!({"toolName": "shell", "input": {"command": "true"}, "workingDir": "/repo"});
    asked.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
    let accepted = Content::Confirmation(serde_json::from_value(asked).unwrap()).accept().unwrap();
    let Content::Confirmation(confirmation) = accepted else { panic!("{members}") };
    confirmation
}

fn signs(members: &Value) -> Signs {
    Signs::of(&confirmation(members), Profiles::built_in())
}

/// As the table writes them: `deletes reaches_host=a.test`.
fn written(signs: &Signs) -> String {
    let found = signs.found.iter().map(|found| match found.named.as_slice() {
        [] => found.sign.to_string(),
        named => format!("{}={}", found.sign, named.join(",")),
    });
    let unread = signs.unread.map(|doubt| format!("unread:{doubt:?}"));
    let words = found.chain(unread).collect::<Vec<_>>();
    if words.is_empty() { "-".to_owned() } else { words.join(" ") }
}

#[test]
fn each_line_has_the_signs_of_the_table_and_no_others() {
    let table = include_str!("../../../../tests/corpus/signs.txt");
    let rows = table.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let rows = rows.map(|line| line.split_once(" | ").unwrap()).collect::<Vec<_>>();
    assert!(rows.len() > 150, "{}", rows.len());
    let found = rows.iter().map(|(expected, line)| {
        let line = line.replace('↵', "\n");
        let found = written(&signs(&json!({"input": {"command": line}})));
        (found != expected.trim()).then(|| format!("{line}\n  expected {expected}\n  found    {found}"))
    });
    let wrong = found.flatten().collect::<Vec<_>>();
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), rows.len(), wrong.join("\n"));
    for sign in Sign::ALL {
        let lines = rows.iter().filter(|(expected, _)| expected.contains(sign.as_str())).count();
        assert!(lines > 2, "{sign} has {lines} lines");
    }
}
