//! The texts that a trust rule is made of: which subjects it covers, and where. What they mean is the matcher's.

/// What descriptions of the interface say of the length of these texts: the default limit on patterns.
const LONGEST: usize = 1024;

use serde::{Deserialize, Serialize};

use super::id::ConversationId;
use super::text::check_plain;

/// Declares a text of a person's that must not be empty and must not hold NUL.
macro_rules! plain_text {
    ($(#[$about:meta])* $name:ident, $what:literal) => {
        $(#[$about])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String")]
        pub struct $name(String);

        crate::domain::schema::described!($name, crate::domain::schema::text("^[^\\x00]+$", LONGEST));

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
                text.to_owned().try_into()
            }
        }

        impl TryFrom<String> for $name {
            type Error = &'static str;

            fn try_from(text: String) -> Result<Self, Self::Error> {
                if text.is_empty() || check_plain(&text).is_err() {
                    return Err(concat!("a ", $what, " is not empty and holds no NUL"));
                }
                Ok(Self(text))
            }
        }
    };
}

plain_text! {
    /// Which subjects a trust rule covers.
    Pattern, "pattern"
}

plain_text! {
    /// Where a trust rule applies: `everywhere`; a directory (it begins with `/`) and all below it; `conversation:` and the id
    /// of one; or any other string, which must be one of the scopes that the request itself offers.
    Scope, "scope"
}

plain_text! {
    /// Why a trust rule decides as it does: what a rule that denies tells the agent.
    Reason, "reason"
}

impl Scope {
    /// The scope that covers every request.
    pub const EVERYWHERE: &str = "everywhere";

    /// The same.
    #[must_use]
    pub fn everywhere() -> Self {
        Self(Self::EVERYWHERE.to_owned())
    }

    /// What a scope of one conversation begins with, before the conversation's id.
    const CONVERSATION: &str = "conversation:";

    /// The scope of one conversation.
    #[must_use]
    pub fn of_conversation(id: &ConversationId) -> Self {
        Self(format!("{}{id}", Self::CONVERSATION))
    }

    /// The id of the conversation that this is the scope of, where it is one.
    #[must_use]
    pub fn conversation(&self) -> Option<&str> {
        self.0.strip_prefix(Self::CONVERSATION)
    }

    /// Refuses the scope of a conversation that none can have.
    ///
    /// # Errors
    ///
    /// A sentence.
    pub fn check(&self) -> Result<(), &'static str> {
        match self.conversation() {
            Some(id) if id.parse::<ConversationId>().is_err() => Err("after `conversation:` stands the id of one"),
            Some(_) | None => Ok(()),
        }
    }
}
