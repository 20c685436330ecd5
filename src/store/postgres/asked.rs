//! What a turn has asked for beforehand: what its work reads first.

use std::cell::RefCell;
use std::collections::HashMap;

use tokio_postgres::Row;

use crate::store::Wants;
use crate::store::interactions::{INTERACTION, NUMBER};
use crate::store::sql::{Bound, Values};

/// The statements that are asked beforehand: each finds one interaction by its id, and has that in its second column.
const ASKED: [&str; 2] = [NUMBER, INTERACTION];

/// The tables that they read.
const READ: [&str; 2] = ["interactions", "texts"];

/// The table that a statement writes; `None` where that is not at its beginning.
fn table(statement: &str) -> Option<&str> {
    let writes = ["INSERT INTO ", "UPDATE ", "DELETE FROM "];
    writes.iter().find_map(|write| statement.strip_prefix(write))?.split_whitespace().next()
}

/// One statement, asked for several ids at once.
pub(super) struct Question<'w> {
    asked: &'static str,
    pub(super) ids: Vec<&'w str>,
}

impl<'w> Question<'w> {
    /// All that is wanted.
    pub(super) fn all(wanted: &[&'w Wants]) -> Vec<Self> {
        let ids_of = |asked: &'static str| {
            let of_this = wanted.iter().filter(|wants| wants.statement == asked);
            Self { asked, ids: of_this.map(|wants| wants.id.as_str()).collect() }
        };
        ASKED.map(ids_of).into_iter().filter(|question| !question.ids.is_empty()).collect()
    }

    /// Its one place takes the ids.
    pub(super) fn statement(&self) -> String {
        self.asked.replace("= ?1", "= ANY(?1)")
    }
}

/// An id, and the statement that was asked about it.
type Key = (String, &'static str);

/// The answers; `None` once one was read, or something may have changed it.
#[derive(Default)]
pub(super) struct Asked(RefCell<HashMap<Key, Option<Vec<Row>>>>);

impl Asked {
    /// Forgets all of it.
    pub(super) fn clear(&self) {
        self.0.borrow_mut().clear();
    }

    /// Keeps the answers for whoever reads them first.
    pub(super) fn keep(&self, Question { asked, ids }: &Question<'_>, rows: Vec<Row>) {
        let mut kept = self.0.borrow_mut();
        kept.extend(ids.iter().map(|id| (((*id).to_owned(), *asked), Some(vec![]))));
        for row in rows {
            if let Some(Some(found)) = kept.get_mut(&(row.get::<_, String>(1), *asked)) {
                found.push(row);
            }
        }
    }

    /// The answer to this question, if it was asked and nothing has changed it since; once.
    pub(super) fn take(&self, statement: &str, values: Values<'_>) -> Option<Vec<Row>> {
        let mut asked = self.0.borrow_mut();
        if asked.is_empty() {
            return None;
        }
        let [Bound::Text(id)] = &*values.iter().map(|value| value.bind()).collect::<Vec<_>>() else { return None };
        let statement = ASKED.into_iter().find(|it| *it == statement)?;
        asked.get_mut(&(id.clone().into_owned(), statement))?.take()
    }

    /// Forgets the answers about whatever a statement may change: the interactions that its values name, and all of them where it
    /// names none. A new row changes nothing that was found, and what is written to other tables does not either.
    pub(super) fn outdate(&self, statement: &str, values: Values<'_>) {
        let mut asked = self.0.borrow_mut();
        if asked.is_empty() || table(statement).is_some_and(|table| !READ.contains(&table)) {
            return;
        }
        let mut names_any = false;
        for value in values {
            if let Bound::Text(text) = value.bind() {
                let text = text.into_owned();
                for it in ASKED {
                    if let Some(found) = asked.get_mut(&(text.clone(), it)) {
                        (*found, names_any) = (None, true);
                    }
                }
            }
        }
        if !names_any && (!statement.starts_with("INSERT ") || statement.contains("DO UPDATE")) {
            asked.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_that_are_read_are_known_and_so_is_what_a_statement_writes() {
        for read in [INTERACTION, NUMBER] {
            let tables = read.split(['(', ')', ' ']).collect::<Vec<_>>();
            let tables = tables.windows(2).filter(|words| ["FROM", "JOIN"].contains(&words[0])).map(|words| words[1]);
            assert!(tables.clone().count() > 0 && tables.clone().all(|table| READ.contains(&table)), "{read}");
        }
        for (statement, expected) in [
            ("INSERT INTO texts (told_in) VALUES (?1)", Some("texts")),
            ("UPDATE kept_through SET number = ?1", Some("kept_through")),
            ("DELETE FROM notices", Some("notices")),
            ("WITH a AS (SELECT 1) UPDATE interactions SET status = ?1", None),
        ] {
            assert_eq!(table(statement), expected);
        }
    }
}
