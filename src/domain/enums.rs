//! The words on the wire and in the database, in one table each.
//!
//! A word is the same in JSON, in SQL and in an audit event; nothing else turns it into text or back.

/// Declares an enum whose variants are words: text both ways, JSON both ways, and the list of all.
macro_rules! string_enum {
    ($(#[$about:meta])* $name:ident { $($(#[$variant_about:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize)]
        pub enum $name {
            $($(#[$variant_about])* #[serde(rename = $word)] $variant),+
        }

        crate::domain::schema::described!($name, crate::domain::schema::one_of(Self::ALL.iter().map(|word| word.as_str())));

        impl $name {
            /// Every word of the table, in its order.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The word itself.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        // Not derived: that would take {"word": null} for "word", too.
        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
            }
        }

        impl std::str::FromStr for $name {
            type Err = String;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Self::ALL.iter().copied().find(|word| word.as_str() == text).ok_or_else(|| {
                    let known = Self::ALL.iter().map(|word| word.as_str()).collect::<Vec<_>>();
                    format!("expected one of {}", known.join(", "))
                })
            }
        }
    };
}

pub(crate) use string_enum;

pub use super::kinds::Kind;

string_enum! {
    /// A client of an agent whose hooks are understood.
    HookClient {
        /// Claude Code.
        ClaudeCode = "claude-code",
        /// Codex.
        Codex = "codex",
        /// GitHub Copilot.
        Copilot = "copilot",
        /// Gemini CLI.
        Gemini = "gemini",
        /// Qwen Code.
        Qwen = "qwen",
        /// Cursor.
        Cursor = "cursor",
    }
}

string_enum! {
    /// How a list is written down.
    ListFormat {
        /// A page of it, as one JSON object.
        Json = "json",
        /// All of it, as comma-separated values.
        Csv = "csv",
        /// All of it, as JSON, an interaction a line.
        JsonLines = "jsonl",
    }
}

string_enum! {
    /// How an interaction ended. An outcome never changes.
    Outcome {
        /// A confirmation was allowed.
        Approved = "approved",
        /// A confirmation was denied.
        Rejected = "rejected",
        /// A secret or a question got its answer.
        Answered = "answered",
        /// Its deadline passed first.
        Expired = "expired",
        /// The agent withdrew it, or a person declined to give the secret.
        Cancelled = "cancelled",
        /// Its conversation went on without it.
        Superseded = "superseded",
    }
}

string_enum! {
    /// What a confirmation is resolved with.
    Decision {
        /// The agent may.
        Allow = "allow",
        /// The agent may not.
        Deny = "deny",
    }
}

impl Decision {
    /// How a confirmation ends that is resolved with this.
    #[must_use]
    pub const fn outcome(self) -> Outcome {
        match self {
            Self::Allow => Outcome::Approved,
            Self::Deny => Outcome::Rejected,
        }
    }
}

string_enum! {
    /// What a trust rule does with the confirmations that it applies to.
    RuleDecision {
        /// Approves them.
        Allow = "allow",
        /// Rejects them.
        Deny = "deny",
        /// Leaves them to a person, whatever any `allow` rule says.
        Ask = "ask",
    }
}

impl From<Decision> for RuleDecision {
    fn from(decision: Decision) -> Self {
        match decision {
            Decision::Allow => Self::Allow,
            Decision::Deny => Self::Deny,
        }
    }
}

string_enum! {
    /// Whether a trust rule still applies, and why not.
    RuleStatus {
        /// It applies.
        Active = "active",
        /// A person revoked it.
        Revoked = "revoked",
        /// Its time is over.
        Expired = "expired",
        /// Its uses are used up.
        Exhausted = "exhausted",
    }
}

string_enum! {
    /// How much harm the agent thinks its action could do.
    #[derive(Default)]
    RiskLevel {
        /// Little.
        Low = "low",
        /// Some; what is meant when nothing is said.
        #[default]
        Medium = "medium",
        /// Much: only rules that say so apply to it.
        High = "high",
    }
}

string_enum! {
    /// Where the agent's action is to run.
    ExecutionTarget {
        /// Somewhere that holds it in.
        Sandbox = "sandbox",
        /// The machine itself.
        Host = "host",
    }
}

string_enum! {
    /// What becomes of a secret's value once it is given.
    #[derive(Default)]
    Delivery {
        /// Kept, sealed, and handed to the agent whenever it asks.
        #[default]
        Store = "store",
        /// Handed to the agent once, then wiped.
        TransientSend = "transient_send",
    }
}

string_enum! {
    /// What the agent reports of an action that it claimed.
    RunOutcome {
        /// It worked.
        Succeeded = "succeeded",
        /// It did not.
        Failed = "failed",
    }
}

string_enum! {
    /// What a principal may do.
    Role {
        /// Registers, waits, cancels, claims its own.
        Agent = "agent",
        /// Lists and resolves everything, manages trust rules.
        Approver = "approver",
        /// Reads everything but secrets, changes nothing.
        Auditor = "auditor",
        /// All of these.
        Admin = "admin",
    }
}
