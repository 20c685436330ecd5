//! What the file says: of one interaction, and, where nothing is to have happened, of everything.

use serde_json::Value;

use super::TestServer;

/// All that a refusal has to leave alone.
const CONTENTS: &[&str] = &[
    "SELECT * FROM principals ORDER BY name",
    "SELECT * FROM interactions ORDER BY interaction_id",
    "SELECT * FROM interaction_bodies ORDER BY interaction_id",
    "SELECT * FROM claims ORDER BY interaction_id",
    "SELECT * FROM sealed_secrets ORDER BY interaction_id",
    "SELECT * FROM secret_takings ORDER BY interaction_id, take_id",
    "SELECT * FROM trust_rules ORDER BY rule_number",
    "SELECT * FROM audit_events ORDER BY seq",
    "SELECT * FROM tool_calls ORDER BY interaction_id",
    "SELECT * FROM tool_call_joins ORDER BY call_sha256",
];

impl TestServer {
    /// Does what is to change nothing: no row, no event, no waiter is woken.
    #[track_caller]
    pub(crate) fn unchanged<T>(&self, act: impl FnOnce() -> T) -> T {
        let everything = || CONTENTS.iter().map(|query| self.sql(query)).collect::<Vec<_>>();
        let before = (self.service.waiting(), everything());
        let done = act();
        assert_eq!((self.service.waiting(), everything()), before);
        done
    }

    /// The status of an interaction in the file.
    #[track_caller]
    pub(crate) fn stored(&self, request_id: &str) -> Value {
        self.sql(&format!("SELECT status FROM interactions WHERE request_id = '{request_id}'")).remove(0).remove(0)
    }

    /// What happened to an interaction and by whom, oldest first.
    pub(crate) fn history(&self, request_id: &str) -> Vec<Value> {
        let events = self.sql(&format!(
            "SELECT event || coalesce(' by ' || principal, '') FROM audit_events WHERE request_id = '{request_id}' ORDER BY seq"
        ));
        events.into_iter().flatten().collect()
    }

    /// The one number that a query comes to.
    #[track_caller]
    pub(crate) fn count(&self, query: &str) -> u64 {
        self.sql(&format!("SELECT count(*) FROM {query}"))[0][0].as_u64().unwrap()
    }
}
