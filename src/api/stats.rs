//! The calls that say how things stand, and how they went.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::clock::Timestamp;
use crate::domain::enums::Role;
use crate::domain::id::PrincipalName;
use crate::domain::stats::{self, FURTHEST_OFFSET};
pub use crate::domain::stats::{Numbers, Waiting};

/// Which stretch of time is counted, and where its days begin.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
#[expect(missing_docs, reason = "the interface's document has the words")]
pub struct GetStats {
    pub since: Option<Timestamp>,
    pub until: Option<Timestamp>,
    #[param(minimum = -840, maximum = 840)]
    pub offset_minutes: Option<i32>,
}

const _: () = assert!(FURTHEST_OFFSET == 840, "the description of the API says so");

/// Who the caller is, and what waits, as far as the caller sees it.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = StatusView)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the interface's document has the words")]
pub struct ServerStatus {
    /// The version of the server.
    pub version: String,
    /// The URL by which people reach it, where it knows that (`--public-url`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    pub name: PrincipalName,
    pub role: Role,
    pub waiting: Waiting,
}

/// The numbers of a stretch of time.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = StatsView)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the interface's document has the words")]
pub struct Stats {
    pub since: Timestamp,
    pub until: Timestamp,
    pub total: Numbers,
    /// The earliest first; a day without a question is there, too.
    pub days: Vec<DayNumbers>,
    /// Those first that asked most.
    pub agents: Vec<AgentNumbers>,
    /// What waits now, whenever it was asked.
    pub waiting: Waiting,
}

/// The numbers of one day.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the interface's document has the words")]
pub struct DayNumbers {
    #[schema(format = Date)]
    pub day: String,
    #[serde(flatten)]
    pub numbers: Numbers,
}

/// The numbers of one agent.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the interface's document has the words")]
pub struct AgentNumbers {
    pub name: PrincipalName,
    #[serde(flatten)]
    pub numbers: Numbers,
}

impl From<stats::Stats> for Stats {
    fn from(of: stats::Stats) -> Self {
        let days = of.days.into_iter();
        let agents = of.agents.into_iter();
        Self {
            since: of.since,
            until: of.until,
            total: of.total,
            days: days.map(|of| DayNumbers { day: of.date().to_string(), numbers: of.numbers }).collect(),
            agents: agents.map(|of| AgentNumbers { name: of.name, numbers: of.numbers }).collect(),
            waiting: of.waiting,
        }
    }
}
