//! Files that are not what was written, and files that hold what cannot be: each is refused, and nothing is left behind.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::postgres::Database;
use super::{contents, exported, import, refused, succeeds, written};

/// Where nothing may come about.
struct Nothing {
    folder: TempDir,
    file: PathBuf,
    db: PathBuf,
    database: Option<Database>,
}

impl Nothing {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let [file, db] = ["broken.jsonl", "new.db"].map(|name| folder.path().join(name));
        Self { folder, file, db, database: Database::new() }
    }

    /// That the file in its place is refused, by path and through a pipe, with each of these in what is said.
    #[track_caller]
    fn comes_of(&self, saying: &str) {
        let postgres = self.database.as_ref().map(Database::url);
        for db in [Some(&*self.db), postgres].into_iter().flatten() {
            for is_piped in [false, true] {
                let mut command = if is_piped { import(Path::new("-"), db) } else { import(&self.file, db) };
                let said = refused(command.stdin(File::open(&self.file).unwrap()));
                // What comes through a pipe is refused where it first cannot be.
                assert!(is_piped || said.contains(saying), "{said:?}, and not {saying:?}");
                assert_eq!(contents(self.folder.path()), ["broken.jsonl"], "{said:?}");
                assert!(!self.database.as_ref().is_some_and(Database::has_schema), "{said:?}");
            }
        }
    }
}

#[test]
fn a_file_that_is_not_as_it_was_written_is_refused() {
    let folder = TempDir::new().unwrap();
    let (_rich, file) = exported(&folder);
    let whole = fs::read_to_string(&file).unwrap();
    let lines = whole.lines().collect::<Vec<_>>();
    let nothing = Nothing::new();
    let is = |text: &str, saying: &str| {
        fs::write(&nothing.file, text).unwrap();
        nothing.comes_of(saying);
    };
    let without = |at: usize| [&lines[..at], &lines[at + 1..]].concat().join("\n") + "\n";
    let altered = "not as it was written";
    is(&without(1), altered);
    is(&without(lines.len() / 2), altered);
    is(&without(lines.len() - 2), altered);
    is(&without(lines.len() - 1), "it was cut");
    let mut swapped = lines.clone();
    swapped.swap(lines.len() / 2, lines.len() / 2 + 1);
    is(&(swapped.join("\n") + "\n"), altered);
    is(&(whole.clone() + &whole), altered);
    is(&(whole.clone() + "\n"), altered);
    is(whole.trim_end(), "it was cut");
    is(&whole[..whole.len() / 2], "it was cut");
    is("", "no first line");
    is("{\"some\":\"thing\"}\n", "it was cut");
    is(&whole.replacen("make", "fake", 1), altered);
    // One bit of a byte here and there.
    for part in 0..7 {
        let mut bytes = whole.clone().into_bytes();
        let at = bytes.len() * part / 7 + 11;
        bytes[at] ^= 1;
        fs::write(&nothing.file, bytes).unwrap();
        nothing.comes_of("");
    }
}

/// A way to change the rows of a table, by which it is not what it was.
type Change<'c> = &'c dyn Fn(&mut Vec<Value>);

#[test]
fn rows_that_cannot_be_are_refused_whatever_their_digest_says() {
    let folder = TempDir::new().unwrap();
    let (_rich, file) = exported(&folder);
    let lines = fs::read_to_string(&file).unwrap().lines().map(str::to_owned).collect::<Vec<_>>();
    let lines = &lines[..lines.len() - 1];
    let nothing = Nothing::new();
    let header = |changes: &dyn Fn(&mut Value)| {
        let mut header: Value = serde_json::from_str(&lines[0]).unwrap();
        changes(&mut header);
        written(&[&[header.to_string()], &lines[1..]].concat(), &nothing.file);
    };
    header(&|header| header["format"] = json!(2));
    nothing.comes_of("format 2");
    header(&|header| header["schema"] = json!(header["schema"].as_i64().unwrap() + 1));
    nothing.comes_of("use the newer program");
    header(&|header| header["schema"] = json!(header["schema"].as_i64().unwrap() - 1));
    nothing.comes_of("import it with the version that wrote it");
    header(&|header| header["head"] = json!(format!("1:{}", "0".repeat(64))));
    nothing.comes_of("and the file says");
    header(&|header| header["tables"][0]["rows"] = json!(header["tables"][0]["rows"].as_u64().unwrap() + 1));
    nothing.comes_of("no row of principals");
    header(&|header| header["tables"][0]["columns"][1] = json!("rule"));
    nothing.comes_of("its tables are not those");
    let rows = |table: &str, change: Change<'_>| {
        let of = |line: &String| line.starts_with(&format!("[\"{table}\","));
        let mut changed =
            lines.iter().filter(|line| of(line)).map(|line| serde_json::from_str(line).unwrap()).collect();
        change(&mut changed);
        let mut changed = changed.into_iter().map(|row| row.to_string());
        let all = lines.iter().map(|line| if of(line) { changed.next().unwrap() } else { line.clone() });
        written(&all.collect::<Vec<_>>(), &nothing.file);
    };
    rows("tokens", &|rows| rows[0][3] = json!("nobody"));
    nothing.comes_of("the database does not take tokens");
    rows("audit_events", &|rows| rows[0][3] = json!("token.revoked"));
    nothing.comes_of("the chain of the history is broken");
    rows("interaction_bodies", &|rows| rows[0][2] = json!("no JSON"));
    nothing.comes_of("the database does not take interaction_bodies");
    rows("interactions", &|rows| rows[0][4] = json!("undecided"));
    nothing.comes_of("the database does not take interactions");
    rows("principals", &|rows| rows[0][3] = json!("yesterday"));
    nothing.comes_of("created_at_ms: something where a number was to be");
    rows("kept_through", &|rows| rows[0][1] = json!("something"));
    nothing.comes_of("the database does not take kept_through");
    // No constraint holds it, but what the tables say of each other does.
    rows("principals", &|rows| {
        let ada = rows.iter_mut().find(|row| row[1] == "ada").unwrap();
        ada[2] = json!("admin");
    });
    nothing.comes_of("a principal has the role that the history says");
    // The same file, unchanged, is good.
    rows("tokens", &|_| {});
    succeeds(&mut import(&nothing.file, &nothing.db));
}
