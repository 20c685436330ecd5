//! Receivers that take a line for people: ntfy, Gotify, and the incoming webhooks of chats. Whatever an agent has named is text in
//! each of them, and only the link can be followed: nothing decides.

use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HeaderName};
use serde_json::{Value, json};

use super::Failure;
use super::exchange::Request;
use super::target::{Target, TargetError};
use super::words::{Links, Urgency, Words};
use crate::domain::channel::{ChannelAddress, ChannelKind};
use crate::domain::notice::Notice;

/// Checks what the address of such a receiver has to have.
pub(super) fn check(kind: ChannelKind, target: &Target, address: &ChannelAddress) -> Result<(), Failure> {
    let malformed = |problem| Err(Failure::Target(TargetError::Malformed(problem)));
    match kind {
        ChannelKind::Ntfy if target.segments().is_empty() => {
            malformed("a topic of ntfy has a name, such as https://ntfy.sh/topic")
        }
        ChannelKind::Gotify if address.token.is_none() => malformed("Gotify wants the token of an application"),
        ChannelKind::Webhook
        | ChannelKind::Ntfy
        | ChannelKind::Gotify
        | ChannelKind::Slack
        | ChannelKind::Mattermost
        | ChannelKind::Teams
        | ChannelKind::Email
        | ChannelKind::WebPush => Ok(()),
    }
}

/// Where it is called: some have a path of their own for that.
pub(super) fn target(kind: ChannelKind, target: Target) -> Target {
    let segments = target.segments();
    let path = match kind {
        // The name of the topic stands in the body.
        ChannelKind::Ntfy => segments.split_last().map(|(_, before)| format!("/{}", before.join("/"))),
        ChannelKind::Gotify => {
            let last = ["message"];
            Some(format!("/{}", [segments.as_slice(), &last].concat().join("/")))
        }
        ChannelKind::Webhook
        | ChannelKind::Slack
        | ChannelKind::Mattermost
        | ChannelKind::Teams
        | ChannelKind::Email
        | ChannelKind::WebPush => None,
    };
    match path {
        Some(path) => target.with_path(&path),
        None => target,
    }
}

pub(super) fn request(
    kind: ChannelKind,
    address: &ChannelAddress,
    links: &Links,
    notice: &Notice,
) -> Result<Request, Failure> {
    let words = Words::of(notice, links);
    let body = match kind {
        ChannelKind::Ntfy => ntfy(&words, address)?,
        ChannelKind::Gotify => gotify(&words),
        ChannelKind::Slack => json!({"text": slack(&words)}),
        ChannelKind::Mattermost => json!({"text": mattermost(&words)}),
        ChannelKind::Teams => teams(&words),
        ChannelKind::Webhook | ChannelKind::Email | ChannelKind::WebPush => {
            return Err(Failure::NotConfigured("this channel takes no line for people"));
        }
    };
    let mut headers = vec![(CONTENT_TYPE, "application/json".to_owned())];
    match (kind, &address.token) {
        (ChannelKind::Ntfy, Some(token)) => headers.push((AUTHORIZATION, format!("Bearer {token}"))),
        (ChannelKind::Gotify, Some(token)) => headers.push((HeaderName::from_static("x-gotify-key"), token.clone())),
        (_, _) => {}
    }
    Ok(Request { headers, body: body.to_string().into_bytes() })
}

fn ntfy(words: &Words, address: &ChannelAddress) -> Result<Value, Failure> {
    let malformed = || Failure::Target(TargetError::Malformed("a topic of ntfy has a name"));
    let path = url::Url::parse(&address.address).map_err(|_| malformed())?;
    let topic = path.path_segments().and_then(|mut segments| segments.rfind(|segment| !segment.is_empty()));
    let priority = match words.urgency {
        Urgency::Low => 2,
        Urgency::Normal => 3,
        Urgency::High => 5,
    };
    let mut body = json!({
        "topic": topic.ok_or_else(malformed)?, "title": words.title, "message": words.body, "priority": priority,
    });
    if let Some(link) = &words.link {
        body["click"] = json!(link);
    }
    Ok(body)
}

fn gotify(words: &Words) -> Value {
    let priority = match words.urgency {
        Urgency::Low => 2,
        Urgency::Normal => 5,
        Urgency::High => 8,
    };
    let mut body = json!({"title": words.title, "message": words.with_link(), "priority": priority});
    if let Some(link) = &words.link {
        body["extras"] = json!({"client::notification": {"click": {"url": link}}});
    }
    body
}

/// In Slack's own marks, of which three characters are all that has to be escaped.
fn slack(words: &Words) -> String {
    let escaped = |text: &str| text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let link = words.link.as_ref().map(|link| format!("\n<{}|Open it>", escaped(link)));
    // An asterisk or an underscore of a name is a mark as well: a character that is not seen keeps it from being one.
    let plain = |text: &str| {
        let marks = ['*', '_', '~', '`'];
        escaped(text)
            .chars()
            .flat_map(|c| [Some(c), marks.contains(&c).then_some('\u{200b}')])
            .flatten()
            .collect::<String>()
    };
    format!("{}\n{}{}", plain(&words.title), plain(&words.body), link.unwrap_or_default())
}

fn mattermost(words: &Words) -> String {
    let link = words.link.as_ref().map(|link| format!("\n[Open it]({link})"));
    format!("{}\n{}{}", markdown(&words.title), markdown(&words.body), link.unwrap_or_default())
}

/// Text in Markdown: what could be a mark is escaped, and nobody is called by an `@`.
fn markdown(text: &str) -> String {
    let mut escaped = String::new();
    for c in text.chars() {
        if matches!(
            c,
            '\\' | '`' | '*' | '_' | '{' | '}' | '[' | ']' | '(' | ')' | '<' | '>' | '#' | '+' | '!' | '|' | '~'
        ) {
            escaped.push('\\');
        }
        escaped.push(c);
        if c == '@' {
            escaped.push('\u{200b}');
        }
    }
    escaped
}

/// An adaptive card, as workflows of Teams take it.
fn teams(words: &Words) -> Value {
    let lines = words.body.lines().map(|line| json!({"type": "TextBlock", "text": markdown(line), "wrap": true}));
    let title = json!({"type": "TextBlock", "text": markdown(&words.title), "weight": "Bolder", "wrap": true});
    let actions = words.link.iter().map(|link| json!({"type": "Action.OpenUrl", "title": "Open it", "url": link}));
    json!({
        "type": "message",
        "attachments": [{
            "contentType": "application/vnd.microsoft.card.adaptive",
            "content": {
                "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
                "type": "AdaptiveCard",
                "version": "1.4",
                "body": std::iter::once(title).chain(lines).collect::<Vec<_>>(),
                "actions": actions.collect::<Vec<_>>(),
            },
        }],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_agent_has_named_is_text_in_every_chat() {
        let words = Words {
            title: "a asks: may it use <!channel> *x* [y](http://z) @all?".to_owned(),
            body: String::new(),
            link: Some("https://inbox.example/interactions/a".to_owned()),
            urgency: Urgency::Normal,
            topic: String::new(),
        };
        let slack = slack(&words);
        assert!(slack.contains("&lt;!channel&gt;") && slack.contains("*\u{200b}x*\u{200b}"), "{slack}");
        assert!(slack.ends_with("<https://inbox.example/interactions/a|Open it>"), "{slack}");
        let mattermost = mattermost(&words);
        assert!(mattermost.contains("\\[y\\]\\(http://z\\) @\u{200b}all?"), "{mattermost}");
    }
}
