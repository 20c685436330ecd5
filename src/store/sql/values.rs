//! The values of statements: how a type gets into a column, and how it is read.

use std::borrow::Cow;

/// The values of a statement's places, in order: `?1` is the first.
pub(in crate::store) type Values<'v> = &'v [&'v dyn Bind];

/// What may be bound to a place.
#[derive(Debug)]
pub(in crate::store) enum Bound<'v> {
    Null,
    Integer(i64),
    Text(Cow<'v, str>),
    Blob(&'v [u8]),
}

/// A type that stands in a column: how it gets there.
pub(in crate::store) trait Bind {
    fn bind(&self) -> Bound<'_>;
}

/// A type that stands in a column: how it is read.
pub(in crate::store) trait Column: Sized {
    /// # Errors
    ///
    /// What is wrong with a value that this type never has.
    fn read(value: Stored<'_>) -> std::result::Result<Self, String>;
}

/// A value as it is stored.
#[derive(Clone, Copy, Debug)]
pub(in crate::store) enum Stored<'r> {
    Null,
    Integer(i64),
    Text(&'r str),
    Blob(&'r [u8]),
    /// Of no type that this program writes.
    Strange,
}

/// The values of a statement, in the order of its places.
macro_rules! values {
    ($($value:expr),* $(,)?) => {
        &[$(&$value as &dyn $crate::store::sql::Bind),*] as &[&dyn $crate::store::sql::Bind]
    };
}

pub(in crate::store) use values;

impl<'r> Stored<'r> {
    /// The text, where it is one.
    pub(in crate::store) fn text(self) -> std::result::Result<&'r str, String> {
        if let Self::Text(text) = self { Ok(text) } else { Err(self.is_not("text")) }
    }

    fn integer(self) -> std::result::Result<i64, String> {
        if let Self::Integer(number) = self { Ok(number) } else { Err(self.is_not("a number")) }
    }

    fn bytes(self) -> std::result::Result<&'r [u8], String> {
        if let Self::Blob(bytes) = self { Ok(bytes) } else { Err(self.is_not("bytes")) }
    }

    /// What a column holds that was to hold something else.
    fn is_not(self, wanted: &str) -> String {
        let found = match self {
            Self::Null => "null",
            Self::Integer(_) => "a number",
            Self::Text(_) => "text",
            Self::Blob(_) => "bytes",
            Self::Strange => "what is never written",
        };
        format!("{found} where {wanted} was to be")
    }
}

impl<T: Bind + ?Sized> Bind for &T {
    fn bind(&self) -> Bound<'_> {
        (**self).bind()
    }
}

impl<T: Bind> Bind for Option<T> {
    fn bind(&self) -> Bound<'_> {
        self.as_ref().map_or(Bound::Null, Bind::bind)
    }
}

impl<T: Column> Column for Option<T> {
    fn read(value: Stored<'_>) -> std::result::Result<Self, String> {
        if let Stored::Null = value { Ok(None) } else { T::read(value).map(Some) }
    }
}

impl Bind for str {
    fn bind(&self) -> Bound<'_> {
        Bound::Text(Cow::Borrowed(self))
    }
}

impl Bind for String {
    fn bind(&self) -> Bound<'_> {
        self.as_str().bind()
    }
}

impl Bind for Cow<'_, str> {
    fn bind(&self) -> Bound<'_> {
        (**self).bind()
    }
}

impl Column for String {
    fn read(value: Stored<'_>) -> std::result::Result<Self, String> {
        value.text().map(str::to_owned)
    }
}

impl Bind for bool {
    fn bind(&self) -> Bound<'_> {
        Bound::Integer((*self).into())
    }
}

impl Column for bool {
    fn read(value: Stored<'_>) -> std::result::Result<Self, String> {
        i64::read(value).map(|number| number != 0)
    }
}

impl Bind for i64 {
    fn bind(&self) -> Bound<'_> {
        Bound::Integer(*self)
    }
}

impl Column for i64 {
    fn read(value: Stored<'_>) -> std::result::Result<Self, String> {
        value.integer()
    }
}

impl Bind for u32 {
    fn bind(&self) -> Bound<'_> {
        Bound::Integer((*self).into())
    }
}

/// A number beyond what a column holds stands as the largest that it holds: no count and no span of time comes near it.
macro_rules! bind_large {
    ($($type:ty),+) => {
        $(impl Bind for $type {
            fn bind(&self) -> Bound<'_> {
                Bound::Integer(i64::try_from(*self).unwrap_or(i64::MAX))
            }
        })+
    };
}

bind_large!(u64, usize);

macro_rules! read_small {
    ($($type:ty),+) => {
        $(impl Column for $type {
            fn read(value: Stored<'_>) -> std::result::Result<Self, String> {
                i64::read(value)?.try_into().map_err(|_| "a number out of its range".to_owned())
            }
        })+
    };
}

read_small!(u32, u64, usize);

impl Bind for [u8] {
    fn bind(&self) -> Bound<'_> {
        Bound::Blob(self)
    }
}

impl Bind for Vec<u8> {
    fn bind(&self) -> Bound<'_> {
        Bound::Blob(self)
    }
}

impl<const N: usize> Bind for [u8; N] {
    fn bind(&self) -> Bound<'_> {
        Bound::Blob(self)
    }
}

impl Column for Vec<u8> {
    fn read(value: Stored<'_>) -> std::result::Result<Self, String> {
        value.bytes().map(<[u8]>::to_owned)
    }
}

impl<const N: usize> Column for [u8; N] {
    fn read(value: Stored<'_>) -> std::result::Result<Self, String> {
        let bytes = value.bytes()?;
        bytes.try_into().map_err(|_| format!("{} bytes where {N} were to be", bytes.len()))
    }
}
