//! The limits: how large a request may be, how long its parts may take, and how much may be in progress at once.

use std::str::FromStr;
use std::time::Duration;

use clap::Args;

use super::timeout;
use crate::api::BodyLimits;

/// The limits. A request over one of them is refused with an error that names it.
#[derive(Clone, Copy, Debug, Args)]
pub struct Limits {
    /// The largest body of a request, in bytes
    #[arg(long, value_name = "BYTES", env = "COUNTERSIGN_MAX_BODY_BYTES", default_value_t = 1024 * 1024)]
    pub max_body_bytes: usize,

    /// The most that all headers of a request may take together, in bytes
    #[arg(long, value_name = "BYTES", env = "COUNTERSIGN_MAX_HEADER_BYTES", default_value_t = 16 * 1024)]
    pub max_header_bytes: usize,

    /// The largest input of a confirmation, in bytes
    #[arg(long, value_name = "BYTES", env = "COUNTERSIGN_MAX_INPUT_BYTES", default_value_t = 256 * 1024)]
    pub max_input_bytes: usize,

    /// The longest pattern or scope of a trust rule, in bytes
    #[arg(long, value_name = "BYTES", env = "COUNTERSIGN_MAX_PATTERN_BYTES", default_value_t = 1024)]
    pub max_pattern_bytes: usize,

    /// The most interactions of one principal that may be pending
    #[arg(long, value_name = "N", env = "COUNTERSIGN_MAX_PENDING", default_value_t = 10_000)]
    pub max_pending: u32,

    /// How many bytes one principal may store a day, in UTC; `none`: any number
    #[arg(long, value_name = "BYTES", env = "COUNTERSIGN_MAX_STORED_PER_DAY", default_value = "1073741824")]
    pub max_stored_per_day: Quota,

    /// The most requests that may wait for a resolution
    #[arg(long, value_name = "N", env = "COUNTERSIGN_MAX_WAITERS", default_value_t = 100_000)]
    pub max_waiters: usize,

    /// The most requests of one principal that may wait for a resolution
    #[arg(long, value_name = "N", env = "COUNTERSIGN_MAX_WAITERS_PER_PRINCIPAL", default_value_t = 12_000)]
    pub max_waiters_per_principal: usize,

    /// The most streams of events of agents that may be open
    #[arg(long, value_name = "N", env = "COUNTERSIGN_MAX_STREAMS", default_value_t = 4096, value_parser = at_least_one)]
    pub max_streams: usize,

    /// The most streams of events of one agent that may be open
    #[arg(long, value_name = "N", env = "COUNTERSIGN_MAX_STREAMS_PER_PRINCIPAL", default_value_t = 256, value_parser = at_least_one)]
    pub max_streams_per_principal: usize,

    /// The most connections; a few more are reserved for people
    #[arg(long, value_name = "N", env = "COUNTERSIGN_MAX_CONNECTIONS", default_value_t = 16_384, value_parser = at_least_one)]
    pub max_connections: usize,

    /// The most connections of one agent [default: three quarters of all]
    #[arg(long, value_name = "N", env = "COUNTERSIGN_MAX_CONNECTIONS_PER_PRINCIPAL", value_parser = at_least_one)]
    pub max_connections_per_principal: Option<usize>,

    /// The most requests of agents that may be in progress, without long-polls; people's requests always pass
    #[arg(long, value_name = "N", env = "COUNTERSIGN_MAX_IN_FLIGHT", default_value_t = 256, value_parser = at_least_one)]
    pub max_in_flight: usize,

    /// The most requests of one agent that may be in progress, without long-polls
    #[arg(long, value_name = "N", env = "COUNTERSIGN_MAX_IN_FLIGHT_PER_PRINCIPAL", default_value_t = 192, value_parser = at_least_one)]
    pub max_in_flight_per_principal: usize,

    /// The most bytes of agents' bodies that may be in memory: those that arrive and those that are worked on
    #[arg(long, value_name = "BYTES", env = "COUNTERSIGN_MAX_BODIES_BYTES", default_value_t = 32 * 1024 * 1024, value_parser = at_least_one)]
    pub max_bodies_bytes: usize,

    /// The most bytes of one agent's bodies that may be in memory; each may have one body, however large
    #[arg(long, value_name = "BYTES", env = "COUNTERSIGN_MAX_BODIES_BYTES_PER_PRINCIPAL", default_value_t = 8 * 1024 * 1024, value_parser = at_least_one)]
    pub max_bodies_bytes_per_principal: usize,

    /// The most writes that may be queued before agents are told to retry; twice as many for people
    #[arg(long, value_name = "N", env = "COUNTERSIGN_MAX_QUEUED_WRITES", default_value_t = 1024, value_parser = at_least_one)]
    pub max_queued_writes: usize,

    /// The most writes of one agent that may be queued
    #[arg(long, value_name = "N", env = "COUNTERSIGN_MAX_QUEUED_WRITES_PER_PRINCIPAL", default_value_t = 768, value_parser = at_least_one)]
    pub max_queued_writes_per_principal: usize,

    /// The most reads of agents that may be queued
    #[arg(long, value_name = "N", env = "COUNTERSIGN_MAX_QUEUED_READS", default_value_t = 4096, value_parser = at_least_one)]
    pub max_queued_reads: usize,

    /// The most reads of one agent that may be queued
    #[arg(long, value_name = "N", env = "COUNTERSIGN_MAX_QUEUED_READS_PER_PRINCIPAL", default_value_t = 3072, value_parser = at_least_one)]
    pub max_queued_reads_per_principal: usize,

    /// How long a client may take to send the headers of a request
    #[arg(long, value_name = "TIME", env = "COUNTERSIGN_HEADER_TIMEOUT", default_value = "10s", value_parser = timeout)]
    pub header_timeout: Duration,

    /// How long a client may take to send the body of a request
    #[arg(long, value_name = "TIME", env = "COUNTERSIGN_BODY_TIMEOUT", default_value = "30s", value_parser = timeout)]
    pub body_timeout: Duration,

    /// How long a connection is kept open between two requests
    #[arg(long, value_name = "TIME", env = "COUNTERSIGN_IDLE_TIMEOUT", default_value = "75s", value_parser = timeout)]
    pub idle_timeout: Duration,

    /// How long a tool call over MCP waits for an answer before its client is told to come back; below the time that clients
    /// give a tool, which is 60 s in most
    #[arg(long, value_name = "TIME", env = "COUNTERSIGN_MCP_WAIT", default_value = "50s", value_parser = timeout)]
    pub mcp_wait: Duration,

    /// How long a client may take to read a response that is larger than the system's buffers
    #[arg(long, value_name = "TIME", env = "COUNTERSIGN_WRITE_TIMEOUT", default_value = "60s", value_parser = timeout)]
    pub write_timeout: Duration,
}

impl Limits {
    /// What bounds the parts of a body.
    #[must_use]
    pub const fn bodies(&self) -> BodyLimits {
        BodyLimits { max_input_bytes: self.max_input_bytes, max_pattern_bytes: self.max_pattern_bytes }
    }

    /// How many connections one agent may have.
    #[must_use]
    pub fn connections_per_principal(&self) -> usize {
        let three_quarters = self.max_connections - self.max_connections / 4;
        self.max_connections_per_principal.unwrap_or(three_quarters)
    }
}

/// How much may be used of something, if there is an end to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quota {
    /// Any number.
    None,
    /// So many bytes.
    Bytes(u64),
}

impl FromStr for Quota {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "none" {
            return Ok(Self::None);
        }
        let bytes = text.parse().map_err(|_| "a number of bytes, or none".to_owned())?;
        Ok(Self::Bytes(bytes))
    }
}

fn at_least_one(text: &str) -> Result<usize, String> {
    match text.parse() {
        // Semaphores and sums count no further.
        Ok(count @ 1..=0xffff_ffff) => Ok(count),
        Ok(_) | Err(_) => Err("a whole number from 1 on".to_owned()),
    }
}
