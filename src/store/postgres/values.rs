//! Values of the store in the types of PostgreSQL, and what it has found as values of the store.

use std::error::Error;

use bytes::BytesMut;
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};

use crate::store::sql::{Bind, Bound, Stored};

/// A value in its place, whose type the server knows.
#[derive(Debug)]
pub(super) struct Place<'v>(pub(super) Bound<'v>);

impl<'v> From<&'v dyn Bind> for Place<'v> {
    fn from(value: &'v dyn Bind) -> Self {
        Self(value.bind())
    }
}

impl ToSql for Place<'_> {
    fn to_sql(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        match &self.0 {
            Bound::Null => Ok(IsNull::Yes),
            Bound::Integer(number) if *ty == Type::INT8 => number.to_sql(ty, out),
            Bound::Integer(number) if *ty == Type::INT4 => i32::try_from(*number)?.to_sql(ty, out),
            Bound::Integer(number) if *ty == Type::INT2 => i16::try_from(*number)?.to_sql(ty, out),
            Bound::Integer(number) if *ty == Type::BOOL => (*number != 0).to_sql(ty, out),
            Bound::Text(text) if [Type::TEXT, Type::VARCHAR, Type::UNKNOWN, Type::JSON].contains(ty) => {
                out.extend_from_slice(text.as_bytes());
                Ok(IsNull::No)
            }
            Bound::Blob(bytes) if *ty == Type::BYTEA => bytes.to_sql(ty, out),
            bound @ (Bound::Integer(_) | Bound::Text(_) | Bound::Blob(_)) => {
                Err(format!("{bound:?} cannot stand in a place of the type {ty}").into())
            }
        }
    }

    /// What is no value of a type is found as it is written.
    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

/// A value that was found.
pub(super) struct Found<'r>(pub(super) Stored<'r>);

impl<'r> FromSql<'r> for Found<'r> {
    fn from_sql(ty: &Type, raw: &'r [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(Self(match *ty {
            Type::INT8 => Stored::Integer(i64::from_sql(ty, raw)?),
            Type::INT4 => Stored::Integer(i32::from_sql(ty, raw)?.into()),
            Type::INT2 => Stored::Integer(i16::from_sql(ty, raw)?.into()),
            Type::BOOL => Stored::Integer(bool::from_sql(ty, raw)?.into()),
            Type::TEXT | Type::VARCHAR | Type::NAME | Type::JSON => Stored::Text(std::str::from_utf8(raw)?),
            Type::BYTEA => Stored::Blob(raw),
            _ => Stored::Strange,
        }))
    }

    fn from_sql_null(_: &Type) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(Self(Stored::Null))
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}

/// A value that waits to be sent.
#[derive(Debug)]
pub(super) enum Kept {
    Null,
    Integer(i64),
    Text(String),
    Blob(Vec<u8>),
}

impl From<Bound<'_>> for Kept {
    fn from(bound: Bound<'_>) -> Self {
        match bound {
            Bound::Null => Self::Null,
            Bound::Integer(number) => Self::Integer(number),
            Bound::Text(text) => Self::Text(text.into_owned()),
            Bound::Blob(bytes) => Self::Blob(bytes.to_owned()),
        }
    }
}

impl ToSql for Kept {
    fn to_sql(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        let bound = match self {
            Self::Null => Bound::Null,
            Self::Integer(number) => Bound::Integer(*number),
            Self::Text(text) => Bound::Text(text.as_str().into()),
            Self::Blob(bytes) => Bound::Blob(bytes),
        };
        Place(bound).to_sql(ty, out)
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}
