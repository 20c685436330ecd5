//! What a turn has asked for beforehand: what its work reads first.

use std::cell::RefCell;
use std::collections::HashMap;

use tokio_postgres::Row;

use crate::store::Wants;
use crate::store::interactions::{INTERACTION, NUMBER};
use crate::store::sql::{Bound, Values};

/// An id, and the statement that reads something of the interaction with it.
type Question = (String, &'static str);

/// The answers; `None` once one was read, or something may have changed it.
#[derive(Default)]
pub(super) struct Asked(RefCell<HashMap<Question, Option<Vec<Row>>>>);

impl Asked {
    /// Forgets all of it.
    pub(super) fn clear(&self) {
        self.0.borrow_mut().clear();
    }

    /// Keeps an answer for whoever reads it first.
    pub(super) fn keep(&self, wants: &Wants, rows: Vec<Row>) {
        self.0.borrow_mut().insert((wants.id.as_str().to_owned(), wants.statement), Some(rows));
    }

    /// The answer to this question, if it was asked and nothing has changed it since; once.
    pub(super) fn take(&self, statement: &str, values: Values<'_>) -> Option<Vec<Row>> {
        let mut asked = self.0.borrow_mut();
        if asked.is_empty() {
            return None;
        }
        let [Bound::Text(id)] = &*values.iter().map(|value| value.bind()).collect::<Vec<_>>() else { return None };
        let statement = [NUMBER, INTERACTION].into_iter().find(|it| *it == statement)?;
        asked.get_mut(&(id.clone().into_owned(), statement))?.take()
    }

    /// Forgets the answers about whatever a statement may change: the interactions that its values name, and all of them where it
    /// names none. A new row changes nothing that was found.
    pub(super) fn outdate(&self, statement: &str, values: Values<'_>) {
        let mut asked = self.0.borrow_mut();
        if asked.is_empty() {
            return;
        }
        let mut names_any = false;
        for value in values {
            if let Bound::Text(text) = value.bind() {
                let text = text.into_owned();
                for it in [NUMBER, INTERACTION] {
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
