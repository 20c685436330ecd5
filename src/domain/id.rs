//! Names and ids that have been checked: a value of these types needs no further check.

/// The longest id, in bytes.
pub const LONGEST_ID: usize = 128;

/// The longest name of a tool, a service or a field, in characters.
pub const LONGEST_NAME: usize = 256;

/// What [`check_id`] lets pass, as a regular expression: anything but `.` and `..`.
const ID: &str = r"^([A-Za-z0-9_:-][A-Za-z0-9._:-]*|\.[A-Za-z0-9_:-][A-Za-z0-9._:-]*|\.\.[A-Za-z0-9._:-]+)$";

/// What [`check_id_prefix`] lets pass.
const ID_PREFIX: &str = "^[A-Za-z0-9._:-]+$";

/// What [`check_name`] lets pass.
const NAME: &str = r"^[^\s\x00-\x1f\x7f-\x9f]([^\x00-\x1f\x7f-\x9f]*[^\s\x00-\x1f\x7f-\x9f])?$";

fn check_id(text: &str) -> Result<(), &'static str> {
    if check_id_prefix(text).is_ok() && text != "." && text != ".." {
        Ok(())
    } else {
        Err("an id is 1 to 128 of A-Z a-z 0-9 . _ : - and neither . nor ..")
    }
}

fn check_id_prefix(text: &str) -> Result<(), &'static str> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b':' | b'-');
    if (1..=LONGEST_ID).contains(&text.len()) && text.bytes().all(allowed) {
        Ok(())
    } else {
        Err("the beginning of an id is 1 to 128 of A-Z a-z 0-9 . _ : -")
    }
}

fn check_name(text: &str) -> Result<(), &'static str> {
    if (1..=LONGEST_NAME).contains(&text.chars().count()) && !text.chars().any(char::is_control) && text.trim() == text
    {
        Ok(())
    } else {
        Err("a name is 1 to 256 characters without control characters, and no space at its ends")
    }
}

/// Declares a string that a check has passed; cheap to clone.
macro_rules! checked_string {
    ($(#[$about:meta])* $name:ident, $check:expr, $pattern:expr, $longest:expr) => {
        $(#[$about])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(std::sync::Arc<str>);

        crate::domain::schema::described!($name, crate::domain::schema::text($pattern, $longest));

        impl $name {
            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::str::FromStr for $name {
            type Err = &'static str;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                $check(text).map(|()| Self(text.into()))
            }
        }

        impl TryFrom<String> for $name {
            type Error = &'static str;

            fn try_from(text: String) -> Result<Self, Self::Error> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(value: $name) -> Self {
                value.as_str().to_owned()
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

pub(super) use checked_string;

checked_string! {
    /// The name of a trust rule that is kept in a file.
    RuleName, check_id, ID, LONGEST_ID
}

checked_string! {
    /// The id of an interaction: the agent's own, or a UUID v7 that [`RequestId::generate`] made.
    RequestId, check_id, ID, LONGEST_ID
}
checked_string! {
    /// The beginning of an id, or all of it.
    IdPrefix, check_id_prefix, ID_PREFIX, LONGEST_ID
}
checked_string! {
    /// What holds an agent's interactions together.
    ConversationId, check_id, ID, LONGEST_ID
}
checked_string! {
    /// What a client of another program calls the assistant that it speaks to.
    AssistantId, check_id, ID, LONGEST_ID
}
checked_string! {
    /// The id of a claim: the agent's own, or generated.
    ClaimId, check_id, ID, LONGEST_ID
}
checked_string! {
    /// The id of one taking of a secret: the agent's own, or generated.
    TakeId, check_id, ID, LONGEST_ID
}
checked_string! {
    /// The id of a trust rule.
    RuleId, check_id, ID, LONGEST_ID
}
checked_string! {
    /// The id of a token: what a token is called where its text must not be shown.
    TokenId, check_id, ID, LONGEST_ID
}
checked_string! {
    /// The id of a session in a browser: what it is called where its text must not be shown.
    SessionId, check_id, ID, LONGEST_ID
}
checked_string! {
    /// The id of a channel.
    ChannelId, check_id, ID, LONGEST_ID
}
checked_string! {
    /// What a person calls a channel.
    ChannelName, check_id, ID, LONGEST_ID
}
checked_string! {
    /// The id of a notice: the same in every repetition of it.
    NoticeId, check_id, ID, LONGEST_ID
}
checked_string! {
    /// The name of a principal.
    PrincipalName, check_id, ID, LONGEST_ID
}
checked_string! {
    /// The id of one entry of a question.
    QuestionId, check_id, ID, LONGEST_ID
}
checked_string! {
    /// The id of one option of a question's entry.
    OptionId, check_id, ID, LONGEST_ID
}
checked_string! {
    /// The name of an agent's tool.
    ToolName, check_name, NAME, LONGEST_NAME
}
checked_string! {
    /// The service that a secret is for, or the field of it.
    SecretName, check_name, NAME, LONGEST_NAME
}

impl IdPrefix {
    /// A text that is past every id which begins so, and before every other that is past those.
    #[must_use]
    pub fn end(&self) -> String {
        format!("{self}\u{7f}")
    }
}

impl From<ChannelId> for ChannelName {
    /// An id is a name as well.
    fn from(id: ChannelId) -> Self {
        Self(id.0)
    }
}

impl PrincipalName {
    /// The author of rules that are read from files without a database.
    #[must_use]
    pub fn nobody() -> Self {
        Self("nobody".into())
    }
}

/// Ids made here grow with time: new rows then share their pages in the database's trees.
fn time_ordered() -> std::sync::Arc<str> {
    uuid::Uuid::now_v7().hyphenated().to_string().into()
}

macro_rules! generated {
    ($($name:ident),+) => {
        $(impl $name {
            /// A new one: a UUID v7.
            #[must_use]
            pub fn generate() -> Self {
                Self(time_ordered())
            }
        })+
    };
}

generated!(RequestId, ClaimId, TakeId, RuleId, TokenId, SessionId, ChannelId, NoticeId);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_with_anything_but_the_allowed_characters_is_refused() {
        for bad in ["", ".", "..", "a b", "a/b", "a\0b", "é", "a\n", &"x".repeat(129)] {
            assert!(bad.parse::<RequestId>().is_err(), "{bad:?} was taken");
        }
        for good in ["a", "...", "A-Z.a_z:0-9", &"x".repeat(128)] {
            assert_eq!(good.parse::<RequestId>().map(|id| id.to_string()).as_deref(), Ok(good));
        }
    }

    #[test]
    fn a_name_with_control_characters_or_edges_of_space_is_refused() {
        for bad in ["", " shell", "shell\n", "a\0b", "a\u{7f}", &"x".repeat(257)] {
            assert!(bad.parse::<ToolName>().is_err(), "{bad:?} was taken");
        }
        assert!("web search – ünïcode".parse::<ToolName>().is_ok());
    }

    #[test]
    fn generated_ids_pass_their_own_check() {
        assert!(RequestId::generate().as_str().parse::<RequestId>().is_ok());
    }
}
