//! The signs of a call in words, for pages and commands alike.

use crate::domain::matcher::{Found, NOT_PLAIN, Sign, Signs};

/// How many hosts or files one sign names, and how many characters of each.
const MAX_NAMED: usize = 3;
const MAX_NAME_CHARS: usize = 80;

/// Each sign in words, and behind them why some of it was not looked into; none where there is none. The names in them are the
/// agent's, and not escaped.
#[must_use]
pub fn signs_said(signs: &Signs) -> Vec<String> {
    signs.found.iter().map(said).chain(signs.unread.map(|doubt| doubt.to_string())).collect()
}

fn said(found: &Found) -> String {
    let words = match found.sign {
        Sign::Deletes => "deletes or discards",
        Sign::WritesOutside => "writes outside its directory",
        Sign::ReachesHost => "reaches",
        Sign::OtherUser => "runs as another user",
        Sign::RunsText => "runs a text as a program",
        Sign::ChangesPermissions => "changes permissions",
        Sign::Publishes => "pushes or publishes",
        Sign::Installs => "installs packages",
    };
    let names = found.named.iter().take(MAX_NAMED).map(|name| shortened(name)).collect::<Vec<_>>();
    let colon = match names.as_slice() {
        [] => "",
        _ if found.sign == Sign::ReachesHost => " ",
        _ => ": ",
    };
    let names = names.join(", ");
    let more = found.named.len().saturating_sub(MAX_NAMED);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{words}{colon}{names}{more}")
}

fn shortened(name: &str) -> String {
    if name == NOT_PLAIN {
        return "a host that is not plain".to_owned();
    }
    let mut shown = name.chars().take(MAX_NAME_CHARS).collect::<String>();
    if shown.len() < name.len() {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::matcher::Doubt;

    #[test]
    fn a_sign_names_what_it_is_about_and_says_how_much_it_leaves_out() {
        let found = |sign, named: &[&str]| Found { sign, named: named.iter().map(|name| (*name).to_owned()).collect() };
        for (found, expected) in [
            (found(Sign::Deletes, &[]), "deletes or discards"),
            (found(Sign::ReachesHost, &["a.test"]), "reaches a.test"),
            (found(Sign::ReachesHost, &["a.test", NOT_PLAIN]), "reaches a.test, a host that is not plain"),
            (found(Sign::ReachesHost, &["a", "b", "c", "d", "e"]), "reaches a, b, c and 2 more"),
            (found(Sign::WritesOutside, &["/etc/x"]), "writes outside its directory: /etc/x"),
        ] {
            assert_eq!(said(&found), expected);
        }
        let long = said(&found(Sign::WritesOutside, &[&"é".repeat(200)]));
        assert!(long.ends_with("éé…") && long.chars().count() < 120, "{long}");
        let unread = Signs { found: Vec::new(), unread: Some(Doubt::Syntax) };
        assert_eq!(signs_said(&unread), ["it does not read as a command line"]);
        assert!(signs_said(&Signs::default()).is_empty());
    }
}
