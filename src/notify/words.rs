//! What people read: one wording for all channels, and the links in it.

use crate::domain::enums::{Kind, RiskLevel};
use crate::domain::id::RequestId;
use crate::domain::notice::{Item, Notice, Said};
use crate::domain::visible::{Piece, gap_name, name, pieces};

/// What the links in notices begin with.
#[derive(Clone, Debug, Default)]
pub struct Links {
    base: Option<String>,
}

impl Links {
    /// Links that begin with `base`, without a slash at its end; `None` where no browser reaches the server.
    #[must_use]
    pub const fn new(base: Option<String>) -> Self {
        Self { base }
    }

    /// The link to the card of an interaction.
    #[must_use]
    pub fn card(&self, request_id: &RequestId) -> Option<String> {
        self.base.as_ref().map(|base| format!("{base}/interactions/{request_id}"))
    }

    /// The link to the queue.
    #[must_use]
    pub fn queue(&self) -> Option<String> {
        self.base.as_ref().map(|base| format!("{base}/"))
    }

    /// What they begin with.
    pub(super) fn base(&self) -> Option<&str> {
        self.base.as_deref()
    }
}

/// A notice as people read it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Words {
    pub(super) title: String,
    /// Without the link.
    pub(super) body: String,
    pub(super) link: Option<String>,
    pub(super) urgency: Urgency,
    /// What later notices about the same stand beside, or take the place of.
    pub(super) topic: String,
}

/// How loud a notice is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Urgency {
    Low,
    Normal,
    High,
}

impl Words {
    pub(super) fn of(notice: &Notice, links: &Links) -> Self {
        match &notice.said {
            Said::Pending(item) => Self {
                title: asks(item),
                body: deadline(item),
                link: links.card(&item.request_id),
                urgency: urgency(item.risk),
                topic: item.request_id.to_string(),
            },
            Said::Resolved { item, outcome, .. } => Self {
                title: format!("{outcome}: {}", what(item)),
                body: format!("What {} asked has ended.", item.agent),
                link: links.card(&item.request_id),
                urgency: Urgency::Low,
                topic: item.request_id.to_string(),
            },
            Said::Waiting { count, high, resolved, agents } => {
                let mut lines: Vec<String> = agents
                    .iter()
                    .map(|of| match of.count {
                        1 => asks(&of.first),
                        more => format!("{}, and {} more", asks(&of.first), more - 1),
                    })
                    .collect();
                if *resolved > 0 {
                    lines.push(format!(
                        "{resolved} that you were told of {} ended.",
                        if *resolved == 1 { "has" } else { "have" }
                    ));
                }
                Self {
                    title: waiting(*count, *high),
                    body: lines.join("\n"),
                    link: links.queue(),
                    urgency: if *high > 0 { Urgency::High } else { Urgency::Normal },
                    topic: "queue".to_owned(),
                }
            }
            Said::Test => Self {
                title: "countersign: a test".to_owned(),
                body: "This channel works. Notices about what waits for an answer come here.".to_owned(),
                link: links.queue(),
                urgency: Urgency::Normal,
                topic: "test".to_owned(),
            },
        }
    }

    /// The body and the link.
    pub(super) fn with_link(&self) -> String {
        match &self.link {
            Some(link) => format!("{}\n{link}", self.body),
            None => self.body.clone(),
        }
    }
}

fn waiting(count: u64, high: u64) -> String {
    let wait = if count == 1 { "1 more waits".to_owned() } else { format!("{count} more wait") };
    if high > 0 { format!("{wait}, {high} of high risk") } else { wait }
}

/// Who asks for what, in a line.
fn asks(item: &Item) -> String {
    format!("{} asks: {}", item.agent, what(item))
}

/// What is asked for, in a line: never the question itself.
fn what(item: &Item) -> String {
    let risk = match item.risk {
        Some(risk @ (RiskLevel::High | RiskLevel::Low)) => format!(" ({risk} risk)"),
        Some(RiskLevel::Medium) | None => String::new(),
    };
    match (&item.tool_name, item.kind) {
        (Some(tool), _) => format!("may it use {}?{risk}", seen(tool.as_str())),
        (None, Kind::Confirmation) => format!("may it go on?{risk}"),
        (None, Kind::Secret) => "a secret".to_owned(),
        (None, Kind::Question) => "a question".to_owned(),
    }
}

fn deadline(item: &Item) -> String {
    match item.expires_at {
        Some(end) => format!("Until {end}."),
        None => "It waits until it is answered.".to_owned(),
    }
}

const fn urgency(risk: Option<RiskLevel>) -> Urgency {
    match risk {
        Some(RiskLevel::High) => Urgency::High,
        Some(RiskLevel::Low) => Urgency::Low,
        Some(RiskLevel::Medium) | None => Urgency::Normal,
    }
}

/// A name that an agent has chosen, with nothing in it that stays unseen, and nothing that a receiver makes a link or calls somebody
/// by: mail programs and chats look for addresses in plain text, too. Brackets break them, `evil[.]example`, as is usual for
/// addresses that are not to be followed; what is not seen would not, since some programs read over it.
fn seen(text: &str) -> String {
    let shown = |piece: Piece<'_>| match piece {
        Piece::Plain(plain) => plain.to_owned(),
        Piece::Unseen(c) => format!("[{}]", name(c)),
        Piece::Lookalike(c) => format!("{c}[{}]", name(c)),
        Piece::Gap(gap) => format!("[{}]", gap_name(gap)),
    };
    let shown: String = pieces(text).into_iter().map(shown).collect();
    let mut broken = String::with_capacity(shown.len());
    let mut rest = shown.chars().peekable();
    while let Some(c) = rest.next() {
        let goes_on = rest.peek().is_some_and(|next| !next.is_whitespace());
        match c {
            // The marks that browsers take for a dot or for that of an address are among them.
            '.' | '\u{3002}' | '\u{ff0e}' | '\u{ff61}' | ':' | '\u{ff1a}' | '@' | '\u{ff20}' | '#' | '~' if goes_on => {
                broken.extend(['[', c, ']']);
            }
            _ => broken.push(c),
        }
    }
    broken
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::id::NoticeId;
    use crate::domain::notice::OfAgent;

    fn item(tool: &str, risk: RiskLevel) -> Item {
        Item {
            request_id: "deploy-1".parse().unwrap(),
            kind: Kind::Confirmation,
            tool_name: Some(tool.parse().unwrap()),
            risk: Some(risk),
            agent: "builder".parse().unwrap(),
            expires_at: None,
        }
    }

    fn words(said: Said) -> Words {
        let at = "2030-01-01T00:00:00Z".parse().unwrap();
        let notice = Notice { notice_id: NoticeId::generate(), at, said };
        Words::of(&notice, &Links::new(Some("https://inbox.example/c".to_owned())))
    }

    #[test]
    fn a_notice_says_who_asks_for_what_and_leads_to_the_card() {
        let said = words(Said::Pending(item("Bash", RiskLevel::High)));
        assert_eq!(said.title, "builder asks: may it use Bash? (high risk)");
        assert_eq!(said.with_link(), "It waits until it is answered.\nhttps://inbox.example/c/interactions/deploy-1");
        assert_eq!(said.urgency, Urgency::High);
    }

    #[test]
    fn several_are_told_by_agent() {
        let agents = vec![
            OfAgent { count: 12, first: item("Bash", RiskLevel::Medium) },
            OfAgent { count: 1, first: Item { agent: "deployer".parse().unwrap(), ..item("Edit", RiskLevel::Low) } },
        ];
        let said = words(Said::Waiting { count: 13, high: 1, resolved: 2, agents });
        assert_eq!(said.title, "13 more wait, 1 of high risk");
        let lines = "builder asks: may it use Bash?, and 11 more\ndeployer asks: may it use Edit? (low risk)\n2 that you were told of have ended.";
        assert_eq!(said.body, lines);
    }

    #[test]
    fn nothing_in_a_tools_name_stays_unseen() {
        let said = words(Said::Pending(item("Ba\u{202e}sh", RiskLevel::Medium)));
        assert_eq!(said.title, "builder asks: may it use Ba[U+202E]sh?");
    }

    #[test]
    fn nothing_in_a_tools_name_is_an_address_or_calls_somebody() {
        for (name, shown) in [
            ("https://evil.example/x", "https[:]//evil[.]example/x"),
            ("www.evil.example", "www[.]evil[.]example"),
            ("evil\u{3002}example", "evil[\u{3002}]example"),
            ("192.0.2.1:80", "192[.]0[.]2[.]1[:]80"),
            ("mail ada@example.org", "mail ada[@]example[.]org"),
            ("mailto:ada tel:112", "mailto[:]ada tel[:]112"),
            ("@here @channel", "[@]here [@]channel"),
            ("#general ~town-square :+1:", "[#]general [~]town-square [:]+1:"),
            ("Done. And: more", "Done. And: more"),
            ("mcp__github__create_issue", "mcp__github__create_issue"),
        ] {
            let said = words(Said::Pending(item(name, RiskLevel::Medium)));
            assert_eq!(said.title, format!("builder asks: may it use {shown}?"));
        }
    }
}
