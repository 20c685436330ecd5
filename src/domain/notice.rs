//! Notices: what leaves the machine about interactions. Never what was asked, a reason, a comment or a secret.

use super::enums::{Kind, Outcome, RiskLevel};
use super::id::{NoticeId, PrincipalName, RequestId, ToolName};
use crate::clock::Timestamp;

super::enums::string_enum! {
    /// What a notice is about, as its row has it.
    About {
        /// An interaction waits for an answer.
        Pending = "pending",
        /// An interaction has ended of which the channel was told.
        Resolved = "resolved",
        /// Several wait that came while the channel was silent.
        Waiting = "waiting",
    }
}

/// How long after a failure a notice is sent again, in seconds, by how often it has failed; then it has failed for good.
pub const RETRIES_S: [u64; 6] = [5, 5 * 60, 30 * 60, 2 * 60 * 60, 5 * 60 * 60, 10 * 60 * 60];

/// How many notices wait for a channel that does not rest between them, at the most, before all that waits is told in one.
pub const MOST_ALONE: u32 = 100;

/// How many agents a notice about several interactions names.
pub const NAMED_AGENTS: usize = 10;

/// What is said of an interaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// Its id.
    pub request_id: RequestId,
    /// What it asks for.
    pub kind: Kind,
    /// The tool, for a confirmation.
    pub tool_name: Option<ToolName>,
    /// The risk, for a confirmation.
    pub risk: Option<RiskLevel>,
    /// Who asks.
    pub agent: PrincipalName,
    /// Until when it can be answered; `None`: it has no deadline.
    pub expires_at: Option<Timestamp>,
}

/// What waits of one agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OfAgent {
    /// How many.
    pub count: u64,
    /// The first of them.
    pub first: Item,
}

/// What a notice says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// An interaction waits.
    Pending(Item),
    /// An interaction has ended.
    Resolved {
        /// Which one.
        item: Item,
        /// How.
        outcome: Outcome,
        /// When.
        at: Timestamp,
    },
    /// Several wait, or have ended.
    Waiting {
        /// How many wait.
        count: u64,
        /// How many of them are of high risk.
        high: u64,
        /// How many have ended since the channel was told of them.
        resolved: u64,
        /// What waits, by agent: the first of each, so that none is hidden behind another; at most [`NAMED_AGENTS`].
        agents: Vec<OfAgent>,
    },
    /// Nothing: the owner tries the channel.
    Test,
}

/// One message to one channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// Its id, which every repetition has.
    pub notice_id: NoticeId,
    /// When what it tells of was.
    pub at: Timestamp,
    /// What it says.
    pub said: Said,
}
