//! The table of calls.
//!
//! A row gives the method and the path, the types of path parameters, query, body and answer, and the statuses that the
//! call answers with. Each of its readers is a macro that is handed the table: [`Call`] here, the OpenAPI document in
//! `api/openapi.rs`, the client's methods in `client/calls.rs`, and the server's router in `http/api/mod.rs`, whose handlers
//! are called as those methods are.
//!
//! ```text
//! /// What it does, for people
//! Variant name_of_method_and_handler "operationId" "tag": METHOD "/path/{parameter}" (parameter: Type)
//!     [, query Type] [, body Type] [, optional body Type]
//!     => json(Answer) { STATUS "when" [+ "Header" "what it holds"]; … } else { STATUS "its codes"; … }
//! ```
//!
//! The answer of a call that other programs make stands in `dialect(…)`, and our client has no method for it.
//!
//! Below the table stand the small bodies and answers that one call has for itself; the others have files of their own.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::clock::Timestamp;
use crate::domain::id::RequestId;

/// Hands the table to the macro `$reader`.
macro_rules! routes {
    ($reader:ident) => {
        $reader! {
            /// Registers an interaction; may be repeated blindly with the same requestId
            RegisterInteraction register_interaction "registerInteraction" "agents": POST "/v1/interactions" (), body RegisterBody
                => json(WithRaw<Interaction>) {
                    201 "It is new; a trust rule may have resolved it already" + "Location" "Its path";
                    200 "The same was registered before; as it now stands";
                } else {
                    409 "`request_id_conflict`: the id asks something else, or is another principal's";
                    413 "`input_too_large`, `body_too_large`";
                    422 "`number_out_of_range`: a number in an input that would not be kept exactly";
                    429 "`too_many_pending`";
                }

            /// Lists interactions, newest first; an agent sees its own
            ListInteractions list_interactions "listInteractions" "agents": GET "/v1/interactions" (), query ListInteractions
                => json(InteractionList) { 200 "A page; go on until nextCursor is null"; } else {}

            /// Shows an interaction, at once or when it is resolved
            GetInteraction get_interaction "getInteraction" "agents": GET "/v1/interactions/{requestId}" (request_id: RequestId), query WaitInteraction
                => json(WithRaw<Interaction>) { 200 "As it stands, after at most waitMs"; } else {
                    404 "no such interaction of this agent: `unknown_request`";
                }

            /// Withdraws an interaction
            CancelInteraction cancel_interaction "cancelInteraction" "agents": POST "/v1/interactions/{requestId}/cancel" (request_id: RequestId), optional body NoBody
                => json(WithRaw<Interaction>) { 200 "As it now stands"; } else {
                    404 "no such interaction of this agent: `unknown_request`";
                    409 "`already_resolved`: it ended otherwise";
                }

            /// Takes the one-time right to act on an approved confirmation
            ClaimInteraction claim_interaction "claimInteraction" "agents": POST "/v1/interactions/{requestId}/claim" (request_id: RequestId), optional body ClaimBody
                => json(ClaimGrant) { 200 "What was approved; the same claimId gets it again"; } else {
                    404 "no such interaction of this agent: `unknown_request`";
                    409 "`not_approved`, `already_claimed`, `approval_expired`, `approval_withdrawn`, `digest_mismatch`";
                }

            /// Reports what came of a claim
            ReportOutcome report_outcome "reportOutcome" "agents": POST "/v1/interactions/{requestId}/outcome" (request_id: RequestId), body OutcomeBody
                => json(WithRaw<Interaction>) { 200 "As it now stands"; } else {
                    404 "no such interaction of this agent: `unknown_request`";
                    409 "`not_claimed`, `claim_mismatch`, `outcome_conflict`";
                }

            /// Takes the secret that was given
            TakeSecret take_secret "takeSecret" "agents": POST "/v1/interactions/{requestId}/secret" (request_id: RequestId), optional body TakeSecretBody
                => json(SecretHandout) { 200 "The value"; } else {
                    404 "no such interaction of this agent: `unknown_request`";
                    409 "`not_answered`, `already_taken`, `wiped`";
                }

            /// Closes what is pending in a conversation
            SupersedeConversation supersede_conversation "supersedeConversation" "agents": POST "/v1/conversations/{conversationId}/supersede" (conversation_id: ConversationId), optional body NoBody
                => json(Superseded) { 200 "What was closed"; } else {}

            /// Takes an event of an agent's client as it is, and answers in the client's own shape
            HookEvent hook_event "hookEvent" "agents": POST "/v1/hooks/{client}" (client: HookClient), query HookQuery, body HookEvent
                => json(HookAnswer) { 200 "What the client reads"; } else {
                    413 "`body_too_large`";
                    429 "`too_many_pending`, to a caller that asks again";
                }

            /// Allows or denies a confirmation
            Confirm confirm "confirm" "approvers": POST "/v1/confirm" (), body ConfirmBody
                => json(Accepted) { 200 "It is resolved"; } else {
                    404 "`unknown_request`, `wrong_kind`, `already_resolved`, `expired`: retire the card";
                    422 "`number_out_of_range`, `acknowledgement_required`: the answer lists what is missing; `too_many_members`";
                }

            /// Takes back an approval that nobody has claimed
            WithdrawApproval withdraw_approval "withdrawApproval" "approvers": POST "/v1/interactions/{requestId}/withdraw" (request_id: RequestId), optional body NoBody
                => json(WithRaw<Interaction>) { 200 "As it now stands; the same again stays so"; } else {
                    404 "`unknown_request`";
                    409 "`not_approved`; `already_claimed`: it is too late";
                }

            /// Gives a secret, or declines to where there is no value
            ProvideSecret provide_secret "giveSecret" "approvers": POST "/v1/secret" (), body ProvideSecretBody
                => json(Accepted) { 200 "It is given"; } else {
                    404 "`unknown_request`, `wrong_kind`, `already_resolved`, `expired`: retire the card";
                }

            /// Wipes the secret that was given
            WipeSecret wipe_secret "wipeSecret" "approvers": DELETE "/v1/interactions/{requestId}/secret" (request_id: RequestId)
                => json(WithRaw<Interaction>) { 200 "As it now stands; the same again stays so"; } else {
                    404 "`unknown_request`, `wrong_kind`";
                    409 "`not_answered`, `already_taken`";
                }

            /// Wipes the content of an interaction that is over; that it was asked and answered stays
            ForgetInteraction forget_interaction "forgetInteraction" "approvers": POST "/v1/interactions/{requestId}/forget" (request_id: RequestId), optional body NoBody
                => json(WithRaw<Interaction>) { 200 "As it now stands; the same again stays so"; } else {
                    404 "`unknown_request`";
                    409 "`not_resolved`: it is pending; `still_claimable`: an approval that an agent can still claim";
                }

            /// Answers a question
            AnswerQuestion answer_question "answerQuestion" "approvers": POST "/v1/question-response" (), body AnswerBody
                => json(Accepted) { 200 "It is answered"; } else {
                    404 "`unknown_request`, `wrong_kind`, `already_resolved`, `expired`: retire the card";
                    422 "`invalid_response`: not what the question offers; `empty_answer`";
                }

            /// Lists what is pending; of a conversation, the newest of each kind
            ListPending list_pending "listPendingInteractions" "approvers": GET "/v1/pending-interactions" (), query ListPending
                => json(Pending) { 200 "All that is pending, or the newest of each kind"; } else {}

            /// Says why a person is asked: the rules that came nearest, and what of them missed
            WhyAsked why_asked "whyAsked" "approvers": GET "/v1/interactions/{requestId}/why" (request_id: RequestId)
                => json(WithRaw<Why>) { 200 "By the rules as they stand now"; } else {
                    404 "`unknown_request`, `wrong_kind`, `already_resolved`, `expired`: retire the card";
                }

            /// Lists the caller's own views: queries under names
            ListViews list_views "listViews" "approvers": GET "/v1/views" ()
                => json(ViewList) { 200 "In the order in which they were made"; } else {}

            /// Keeps a query under a name, or another one under the same name
            SaveView save_view "saveView" "approvers": POST "/v1/views" (), body ViewBody
                => json(View) { 201 "It is new"; 200 "The name has this query from now on"; } else {
                    409 "`too_many_views`";
                }

            /// Deletes a view
            DeleteView delete_view "deleteView" "approvers": DELETE "/v1/views/{name}" (name: ViewName)
                => json(View) { 200 "As it was"; } else { 404 "`unknown_view`"; }

            /// Makes a rule, from what a pending confirmation offers or of one's own
            MakeTrustRule make_trust_rule "makeTrustRule" "trust rules": POST "/v1/trust-rules" (), body TrustRuleBody
                => json(MadeTrustRule) { 201 "It is new"; 200 "The rule that stands already"; } else {
                    404 "`unknown_request`, `wrong_kind`, `already_resolved`, `expired`: retire the card";
                    409 "`wrong_kind`: that interaction is no confirmation";
                    422 "`too_many_members`: name those that matter";
                }

            /// Lists rules, newest first
            ListTrustRules list_trust_rules "listTrustRules" "trust rules": GET "/v1/trust-rules" (), query ListTrustRules
                => json(TrustRuleList) { 200 "A page; go on until nextCursor is null"; } else {}

            /// Shows what a rule would have decided; nothing is stored
            PreviewTrustRule preview_trust_rule "previewTrustRule" "trust rules": POST "/v1/trust-rules/preview" (), body TrustRuleBody
                => json(WithRaw<TrustRulePreview>) { 200 "Of the latest confirmations, and of what is pending"; } else {
                    404 "`unknown_request`, `wrong_kind`, `already_resolved`, `expired`: retire the card";
                    409 "`wrong_kind`";
                }

            /// Shows a rule
            GetTrustRule get_trust_rule "getTrustRule" "trust rules": GET "/v1/trust-rules/{ruleId}" (rule_id: RuleId)
                => json(WithRaw<TrustRule>) { 200 "As it stands"; } else { 404 "`unknown_rule`"; }

            /// Revokes a rule for the very next registration; the rule stays, and is shown as revoked
            RevokeTrustRule revoke_trust_rule "revokeTrustRule" "trust rules": DELETE "/v1/trust-rules/{ruleId}" (rule_id: RuleId)
                => json(WithRaw<TrustRule>) { 200 "As it now stands"; } else { 404 "`unknown_rule`"; }

            /// Makes a channel of this person's own, to which notices go
            AddChannel add_channel "addChannel" "channels": POST "/v1/channels" (), body AddChannelBody
                => json(AddedChannel) { 201 "The channel; what is sent to a webhook is signed with the secret, which is shown this once"; } else {
                    409 "`channel_name_taken`";
                    422 "`channel_refused`: the address cannot be one; `too_many_channels`";
                }

            /// Lists channels, oldest first: one's own, an admin those of everybody
            ListChannels list_channels "listChannels" "channels": GET "/v1/channels" ()
                => json(ChannelList) { 200 "Never their whole addresses"; } else {}

            /// Changes a channel: what it is called, what its owner wants, and where it leads
            ChangeChannel change_channel "changeChannel" "channels": POST "/v1/channels/{channelId}/change" (channel_id: ChannelId), body ChangeChannelBody
                => json(Channel) { 200 "As it is from now on"; } else {
                    404 "`unknown_channel`";
                    409 "`channel_name_taken`";
                    422 "`channel_refused`: the address cannot be one";
                }

            /// Sends a test to a channel, and waits for what its receiver answers
            TestChannel test_channel "testChannel" "channels": POST "/v1/channels/{channelId}/test" (channel_id: ChannelId), optional body NoBody
                => json(TestedChannel) { 200 "What it has answered, or why it has not"; } else { 404 "`unknown_channel`"; }

            /// Makes a new secret of a webhook; the one before signs beside it for a while
            RotateChannel rotate_channel "rotateChannel" "channels": POST "/v1/channels/{channelId}/rotate" (channel_id: ChannelId), optional body RotateChannelBody
                => json(AddedChannel) { 200 "The new secret, which is shown this once"; } else {
                    404 "`unknown_channel`";
                    409 "`not_signed`: no webhook";
                }

            /// Removes a channel and wipes its address
            RemoveChannel remove_channel "removeChannel" "channels": DELETE "/v1/channels/{channelId}" (channel_id: ChannelId)
                => json(Channel) { 200 "As it was"; } else { 404 "`unknown_channel`"; }

            /// Shows the history, newest first; an agent sees its own
            ListAuditEvents list_audit_events "listAuditEvents" "history and health": GET "/v1/audit-events" (), query ListAuditEvents
                => json(AuditEventList) { 200 "A page; go on until nextCursor is null"; } else {}

            /// The history as it grows, as server-sent events
            FollowAuditEvents follow_audit_events "followAuditEvents" "history and health": GET "/v1/events" ()
                => text("text/event-stream") { 200 "Each audit event, with its seq as id; no end"; } else {}

            /// Says who the caller is, and what waits; an agent sees its own
            GetStatus get_status "getStatus" "history and health": GET "/v1/status" ()
                => json(ServerStatus) { 200 "As it stands"; } else {}

            /// Counts what was asked, by day and by agent, and how it ended
            GetStats get_stats "getStats" "history and health": GET "/v1/stats" (), query GetStats
                => json(Stats) { 200 "Of the last seven days, or of the time that is given"; } else {}

            /// Makes a link that logs this person in to the inbox, once
            MakeLoginLink make_login_link "makeLoginLink" "history and health": POST "/v1/login-links" (), optional body NoBody
                => json(LoginLink) { 201 "The link is /login#code; it works once, for ten minutes"; } else {}

            /// One message of the Model Context Protocol, over streamable HTTP
            CallMcp call_mcp "callMcp" "agents": POST "/mcp" (), body McpMessage
                => dialect(McpAnswer) {
                    200 "What the protocol answers";
                    202 "A notification: there is no answer";
                } else {}

            /// Says that the server is alive; needs no token
            IsAlive is_alive "isAlive" "history and health": GET "/healthz" ()
                => json(Health) { 200 "It is"; } else {}

            /// Says whether the database takes writes
            IsReady is_ready "isReady" "history and health": GET "/readyz" ()
                => json(Health) { 200 "It does"; } else {}

            /// What Prometheus reads
            GetMetrics get_metrics "getMetrics" "history and health": GET "/metrics" ()
                => text("application/openmetrics-text") { 200 "Metrics in the OpenMetrics text format"; } else {}

            /// AAP: submits a call of a tool; the same key and body again find it
            AapSubmit aap_submit "aapSubmit" "dialects": POST "/aap/v1/requests" (), body AapSubmission
                => dialect(AapRequest) {
                    201 "It is new; a trust rule may have decided it already";
                    200 "The same was submitted before; as it now stands";
                } else {
                    400 "`missing_idempotency_key`";
                    409 "`idempotency_conflict`: the key submits something else";
                    422 "`number_out_of_range`";
                }

            /// AAP: shows a request, at once or when it is decided
            AapGet aap_get "aapGet" "dialects": GET "/aap/v1/requests/{id}" (id: RequestId), query AapWait
                => dialect(AapRequest) { 200 "As it stands, after at most wait"; } else { 404 "`not_found`"; }

            /// AAP: withdraws a request
            AapCancel aap_cancel "aapCancel" "dialects": DELETE "/aap/v1/requests/{id}" (id: RequestId)
                => dialect(AapRequest) { 200 "As it now stands"; } else {
                    404 "`not_found`";
                    409 "`already_terminal`";
                }

            /// AAP: uses an approval, once; the same key again finds it used
            AapConsume aap_consume "aapConsume" "dialects": POST "/aap/v1/requests/{id}/consume" (id: RequestId), optional body NoBody
                => dialect(AapRequest) { 200 "It may run"; } else {
                    400 "`missing_idempotency_key`";
                    404 "`not_found`";
                    409 "`not_approved`, `already_consumed`, `approval_expired`";
                }

            /// AAP: reports what came of a call that was run
            AapReport aap_report "aapReport" "dialects": POST "/aap/v1/requests/{id}/outcome" (id: RequestId), body AapOutcomeBody
                => dialect(AapRequest) { 200 "As it now stands"; } else {
                    404 "`not_found`";
                    409 "`not_consumed`, `outcome_conflict`";
                }

            /// HumanLayer: asks whether a function may be called
            HumanLayerAskCall humanlayer_ask_call "humanLayerAskCall" "dialects": POST "/humanlayer/v1/function_calls" (), body HumanLayerFunctionCall
                => dialect(HumanLayerFunctionCall) { 200 "As it stands"; } else {
                    409 "`request_id_conflict`";
                    422 "`number_out_of_range`";
                }

            /// HumanLayer: shows how a call stands; what is approved is claimed with it
            HumanLayerGetCall humanlayer_get_call "humanLayerGetCall" "dialects": GET "/humanlayer/v1/function_calls/{callId}" (call_id: RequestId)
                => dialect(HumanLayerFunctionCall) { 200 "As it stands"; } else { 404 "`unknown_request`"; }

            /// HumanLayer: asks a person something
            HumanLayerAskContact humanlayer_ask_contact "humanLayerAskContact" "dialects": POST "/humanlayer/v1/contact_requests" (), body HumanLayerContact
                => dialect(HumanLayerContact) { 200 "As it stands"; } else { 409 "`request_id_conflict`"; }

            /// HumanLayer: shows what a person has said
            HumanLayerGetContact humanlayer_get_contact "humanLayerGetContact" "dialects": GET "/humanlayer/v1/contact_requests/{callId}" (call_id: RequestId)
                => dialect(HumanLayerContact) { 200 "As it stands"; } else { 404 "`unknown_request`"; }

            /// HumanLayer: an agent's answer to its own call, which counts for nothing
            HumanLayerRespondCall humanlayer_respond "humanLayerRespondCall" "dialects": POST "/humanlayer/v1/agent/function_calls/{callId}/respond" (call_id: RequestId), optional body HumanLayerStatus
                => dialect(ErrorBody) { 403 "`self_approval`, always"; } else {}

            /// HumanLayer: an agent's answer to its own question, which counts for nothing
            HumanLayerRespondContact humanlayer_respond "humanLayerRespondContact" "dialects": POST "/humanlayer/v1/agent/human_contacts/{callId}/respond" (call_id: RequestId), optional body HumanLayerStatus
                => dialect(ErrorBody) { 403 "`self_approval`, always"; } else {}

            /// HumanLayer: asks to tell others of a call; nothing changes
            HumanLayerEscalateCall humanlayer_escalate_call "humanLayerEscalateCall" "dialects": POST "/humanlayer/v1/agent/function_calls/{callId}/escalate_email" (call_id: RequestId), body HumanLayerEscalation
                => dialect(HumanLayerFunctionCall) { 200 "As it stands"; } else {
                    404 "`unknown_request`";
                    422 "`number_out_of_range`";
                }

            /// HumanLayer: asks to tell others of a contact; nothing changes
            HumanLayerEscalateContact humanlayer_escalate_contact "humanLayerEscalateContact" "dialects": POST "/humanlayer/v1/agent/human_contacts/{callId}/escalate_email" (call_id: RequestId), body HumanLayerEscalation
                => dialect(HumanLayerContact) { 200 "As it stands"; } else {
                    404 "`unknown_request`";
                    422 "`number_out_of_range`";
                }

            /// Vellum: allows or denies a confirmation
            VellumConfirm vellum_confirm "vellumConfirm" "dialects": POST "/v1/assistants/{assistantId}/confirm" (assistant_id: AssistantId), body ConfirmBody
                => dialect(Accepted) { 200 "It is resolved"; } else {
                    404 "`unknown_request`, `wrong_kind`, `already_resolved`, `expired`: retire the card";
                    422 "`number_out_of_range`, `acknowledgement_required`, `too_many_members`";
                }

            /// Vellum: gives a secret, or declines to
            VellumSecret vellum_secret "vellumSecret" "dialects": POST "/v1/assistants/{assistantId}/secret" (assistant_id: AssistantId), body VellumSecretBody
                => dialect(Accepted) { 200 "It is given, or declined"; } else {
                    404 "`unknown_request`, `wrong_kind`, `already_resolved`, `expired`: retire the card";
                }

            /// Vellum: answers a question, or passes it over
            VellumAnswer vellum_answer "vellumAnswer" "dialects": POST "/v1/assistants/{assistantId}/question-response" (assistant_id: AssistantId), body VellumAnswerBody
                => dialect(VellumSuccess) { 200 "It is answered"; } else {
                    404 "`unknown_request`, `wrong_kind`, `already_resolved`, `expired`: retire the card";
                    422 "`invalid_response`, `empty_answer`";
                }

            /// Vellum: lists what is pending; of a conversation, the newest of each kind
            VellumPending vellum_pending "vellumPending" "dialects": GET "/v1/assistants/{assistantId}/pending-interactions" (assistant_id: AssistantId), query VellumListPending
                => dialect(VellumPending) { 200 "All that is pending, or the newest of each kind"; } else {}

            /// Vellum: the resolutions as they come, as server-sent events
            VellumEvents vellum_events "vellumEvents" "dialects": GET "/v1/assistants/{assistantId}/events" (assistant_id: AssistantId)
                => text("text/event-stream") { 200 "Each resolution; no end"; } else {}

            /// Vellum: makes a rule
            VellumMakeRule vellum_make_rule "vellumMakeRule" "dialects": POST "/v1/assistants/{assistantId}/trust-rules" (assistant_id: AssistantId), body TrustRuleBody
                => dialect(MadeTrustRule) { 201 "It is new"; 200 "The rule that stands already"; } else {
                    404 "`unknown_request`, `wrong_kind`, `already_resolved`, `expired`: retire the card";
                    409 "`wrong_kind`";
                    422 "`too_many_members`";
                }

            /// Vellum: lists rules
            VellumRules vellum_rules "vellumRules" "dialects": GET "/v1/assistants/{assistantId}/trust-rules" (assistant_id: AssistantId), query VellumListRules
                => dialect(VellumRules) { 200 "The newest rules"; } else {}

            /// Vellum: revokes a rule
            VellumRevokeRule vellum_revoke_rule "vellumRevokeRule" "dialects": DELETE "/v1/assistants/{assistantId}/trust-rules/{ruleId}" (assistant_id: AssistantId, rule_id: RuleId)
                => dialect(VellumSuccess) { 200 "It is revoked"; } else { 404 "`unknown_rule`"; }
        }
    };
}

pub(crate) use routes;

macro_rules! calls {
    ($(
        $(#[$about:meta])+
        $call:ident $name:ident $operation:literal $tag:literal: $method:ident $path:literal ($($param:ident: $param_type:ty),*)
            $(, query $query:ty)? $(, body $body:ty)? $(, optional body $optional:ty)?
            => $form:ident $answer:tt $answers:tt else $refusals:tt
    )+) => {
        /// One call of the REST interface.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Call {
            $($(#[$about])+ $call,)+
        }

        impl Call {
            /// Every call, in the order of the interface's document.
            pub const ALL: &[Self] = &[$(Self::$call,)+];

            /// The method, in capitals.
            #[must_use]
            pub const fn method(self) -> &'static str {
                match self {
                    $(Self::$call => stringify!($method),)+
                }
            }

            /// The path, its parameters in braces.
            #[must_use]
            pub const fn path(self) -> &'static str {
                match self {
                    $(Self::$call => $path,)+
                }
            }
        }
    };
}

routes!(calls);

impl Call {
    /// Whether a call needs a token: all but the liveness check do.
    #[must_use]
    pub const fn needs_token(self) -> bool {
        !matches!(self, Self::IsAlive)
    }

    /// The path with `parameters` in the place of those in braces, in their order.
    #[must_use]
    pub fn path_with(self, parameters: &[&str]) -> String {
        let mut parameters = parameters.iter();
        let segments = self.path().split('/').map(|segment| match segment.starts_with('{') {
            true => parameters.next().copied().map_or_else(|| segment.to_owned(), encoded),
            false => segment.to_owned(),
        });
        segments.collect::<Vec<_>>().join("/")
    }
}

/// A text as one segment of a path.
fn encoded(text: &str) -> String {
    let stays = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~:".contains(&byte);
    let write = |byte: u8| if stays(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    text.bytes().map(write).collect()
}

/// The body of a request that needs nothing: empty, or `{}`.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, ToSchema)]
#[schema(as = Nothing)]
#[serde(deny_unknown_fields)]
pub struct NoBody {}

/// Which interactions were closed.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = SupersededView)]
#[expect(missing_docs, reason = "the interface's document has the words")]
pub struct Superseded {
    pub superseded: Vec<RequestId>,
}

/// How the server is.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = HealthView)]
#[serde(rename_all = "camelCase")]
pub struct Health {
    /// `alive` or `ready`.
    pub status: String,
    /// How many milliseconds the server's time is ahead of its machine's clock, where that is more than five seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clock_ahead_ms: Option<u64>,
}

/// A link that logs a browser in to the inbox, once.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LoginLink {
    /// What stands behind the `#` of the link, where no server and no log sees it.
    pub code: String,
    /// The whole link, where the server knows its URL (`--public-url`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Until when it works.
    pub expires_at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::Call;

    #[test]
    fn a_parameter_stands_where_its_braces_stood() {
        assert_eq!(Call::CancelInteraction.path_with(&["deploy-42"]), "/v1/interactions/deploy-42/cancel");
        assert_eq!(Call::Confirm.path_with(&[]), "/v1/confirm");
        assert_eq!(Call::DeleteView.path_with(&["é/b c"]), "/v1/views/%C3%A9%2Fb%20c");
    }

    #[test]
    fn no_two_calls_answer_at_one_place() {
        let places =
            Call::ALL.iter().map(|call| (call.method(), call.path())).collect::<std::collections::HashSet<_>>();
        assert_eq!(places.len(), Call::ALL.len());
    }
}
