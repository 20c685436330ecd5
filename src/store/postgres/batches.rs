//! What is written and not sent yet: rows that the same statement writes go together, as arrays, since each statement costs the
//! database more than a row does.

use std::borrow::Cow;

use tokio_postgres::types::{ToSql, Type};

use super::session::Change;
use super::values::Kept;
use crate::store::audit_events;
use crate::store::interactions::{INSERT, INSERT_BODY};
use crate::store::resolve::{EXPIRE, SETTLE};

/// The statements whose rows go together, in the order in which they go: each needs only what those before it have written. None
/// writes a row that another of them has written in the same turn, but for the resolution of what was registered.
const TOGETHER: [&str; 5] = [INSERT, INSERT_BODY, SETTLE, EXPIRE, audit_events::INSERT];

/// What waits, in the order in which it goes.
#[derive(Default)]
pub(super) struct Batches {
    waiting: Vec<Batch>,
    /// Where those begin that still take rows: no row may overtake a statement that is not among [`TOGETHER`].
    open: usize,
}

/// Rows that go with one statement.
pub(super) struct Batch {
    statement: Cow<'static, str>,
    change: Change,
    /// The values of each place, one for each row.
    places: Vec<Vec<Kept>>,
}

impl Batches {
    /// Adds a row.
    pub(super) fn add(&mut self, statement: &str, change: Change, values: impl Iterator<Item = Kept>) {
        let Some(rank) = rank_of(statement) else {
            self.waiting.push(Batch::new(statement.to_owned().into(), change, values));
            self.open = self.waiting.len();
            return;
        };
        let ranks = self.waiting[self.open..].iter().map(|batch| rank_of(&batch.statement));
        let at = self.open + ranks.take_while(|other| other.is_some_and(|other| other < rank)).count();
        match self.waiting.get_mut(at).filter(|batch| batch.statement == statement) {
            Some(batch) => batch.add(values),
            None => self.waiting.insert(at, Batch::new(TOGETHER[rank].into(), change, values)),
        }
    }

    /// All of it.
    pub(super) fn into_waiting(self) -> Vec<Batch> {
        self.waiting
    }
}

/// The place of a statement among those whose rows go together.
fn rank_of(statement: &str) -> Option<usize> {
    TOGETHER.iter().position(|other| *other == statement)
}

impl Batch {
    fn new(statement: Cow<'static, str>, change: Change, values: impl Iterator<Item = Kept>) -> Self {
        Self { statement, change, places: values.map(|value| vec![value]).collect() }
    }

    fn add(&mut self, values: impl Iterator<Item = Kept>) {
        self.places.iter_mut().zip(values).for_each(|(place, value)| place.push(value));
    }

    /// The statement for one row.
    pub(super) fn for_one(&self) -> Cow<'_, str> {
        match self.change {
            Change::Any => Cow::Borrowed(&self.statement),
            Change::One => checked(&self.statement, "1").into(),
        }
    }

    /// The statement for any number of rows, where there are several: each place, whose type is given, then takes an array.
    pub(super) fn for_many(&self, types: &[Type]) -> Option<String> {
        if self.places.first().is_none_or(|place| place.len() == 1) {
            return None;
        }
        let many = with_arrays(&self.statement, types);
        Some(match self.change {
            Change::Any => many,
            Change::One => checked(&many, "cardinality(?1)"),
        })
    }

    /// The values as [`Batch::for_one`] takes them, or as [`Batch::for_many`] does.
    pub(super) fn values(&self) -> Vec<&(dyn ToSql + Sync)> {
        let places = self.places.iter();
        places.map(|place| if let [one] = place.as_slice() { one as &(dyn ToSql + Sync) } else { place }).collect()
    }
}

/// The same statement, which fails where it does not change as many rows as are wanted.
fn checked(statement: &str, wanted: &str) -> String {
    format!("WITH done AS ({statement} RETURNING 1) SELECT must_be(count(*), {wanted}) FROM done")
}

/// `INSERT … VALUES (…)` or `UPDATE … WHERE …` for the rows of arrays.
///
/// Plans are made once, when there may be few rows or none. The index of what is pending would then do as well as that of the ids,
/// and all of it would be read for ever: so the planner is not to see what is asked for.
fn with_arrays(statement: &str, types: &[Type]) -> String {
    let arrays = types.iter().zip(1..).map(|(ty, place)| format!("?{place}::{}[]", ty.name())).collect::<Vec<_>>();
    let names = (1..=types.len()).map(|place| format!("p{place}")).collect::<Vec<_>>();
    let given = format!("FROM unnest({}) AS given ({})", arrays.join(", "), names.join(", "));
    let statement = statement.replace('?', "given.p").replace("status = 'pending'", "status = concat('pending')");
    match statement.split_once(" VALUES (") {
        Some((insert, values)) => format!("{insert} SELECT {} {given}", values.trim_end_matches(')')),
        None => statement.replacen(" WHERE ", &format!(" {given} WHERE "), 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(values: &[i64]) -> impl Iterator<Item = Kept> {
        values.iter().map(|value| Kept::Integer(*value)).collect::<Vec<_>>().into_iter()
    }

    fn waiting(batches: Batches) -> Vec<(String, usize)> {
        let rows = |batch: &Batch| batch.places.first().map_or(0, Vec::len);
        batches.into_waiting().iter().map(|batch| (batch.statement.to_string(), rows(batch))).collect()
    }

    #[test]
    fn rows_of_one_statement_go_together_and_none_overtakes_another_statement() {
        let mut batches = Batches::default();
        let other = "DELETE FROM notices WHERE notice_number = ?1";
        for statement in [
            SETTLE,
            audit_events::INSERT,
            INSERT,
            INSERT_BODY,
            INSERT,
            other,
            audit_events::INSERT,
            SETTLE,
            SETTLE,
            other,
        ] {
            batches.add(statement, Change::Any, kept(&[1]));
        }
        let expected = [
            (INSERT, 2),
            (INSERT_BODY, 1),
            (SETTLE, 1),
            (audit_events::INSERT, 1),
            (other, 1),
            (SETTLE, 2),
            (audit_events::INSERT, 1),
            (other, 1),
        ];
        assert_eq!(waiting(batches), expected.map(|(statement, rows)| (statement.to_owned(), rows)));
    }

    #[test]
    fn a_statement_for_many_rows_takes_an_array_for_each_place() {
        let types = [Type::INT8, Type::TEXT];
        assert_eq!(
            with_arrays("INSERT INTO t (a, b, c) VALUES (?2, 'pending', ?1)", &types),
            "INSERT INTO t (a, b, c) SELECT given.p2, 'pending', given.p1 FROM unnest(?1::int8[], ?2::text[]) AS given (p1, p2)"
        );
        let mut batch =
            Batch::new("UPDATE t SET a = ?1 WHERE b = ?2 AND status = 'pending'".into(), Change::One, kept(&[1, 2]));
        assert_eq!(batch.for_many(&types), None);
        batch.add(kept(&[3, 4]));
        assert_eq!(
            batch.for_many(&types).as_deref(),
            Some(
                "WITH done AS (UPDATE t SET a = given.p1 FROM unnest(?1::int8[], ?2::text[]) AS given (p1, p2) \
                 WHERE b = given.p2 AND status = concat('pending') RETURNING 1) SELECT must_be(count(*), cardinality(?1)) FROM done"
            )
        );
    }
}
