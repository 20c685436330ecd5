//! A request for a secret: its card, and its keys in `watch`. Beside it, `ask` asks, and `give` gives or wipes it.

mod ask;
mod give;

pub(in crate::cli) use self::ask::AskSecret;
pub(in crate::cli) use self::give::GiveSecret;

use zeroize::Zeroizing;

use super::{Answer, Field};
use crate::api::Wiped;
use crate::cli::card::Card;
use crate::cli::safe_text::SafeText;
use crate::cli::style::TextStyle;
use crate::cli::time::Now;
use crate::cli::watch::step::{Mode, Transition};
use crate::domain::enums::Delivery;
use crate::domain::kinds::SecretRequest;

impl Card {
    pub(super) fn secret(&mut self, asked: &SecretRequest) {
        self.text("asks for", &asked.label);
        let name = SafeText::line(asked.service.as_str()).and(SafeText::own(" / ", TextStyle::Dim));
        self.field("of", name.and(SafeText::line(asked.field.as_str())));
        self.text_if("description", asked.description.as_deref());
        self.text_if("purpose", asked.purpose.as_deref());
        for (name, promised) in [("for tools", &asked.allowed_tools), ("for domains", &asked.allowed_domains)] {
            if !promised.is_empty() {
                self.text(name, &promised.join(", "));
            }
        }
        let once = if asked.allow_one_time_send { "kept, or handed over --once" } else { "kept" };
        self.field("is then", SafeText::own(once, TextStyle::Plain));
    }

    /// What became of the value.
    pub(super) fn given(&mut self, delivery: Option<Delivery>, wiped: Option<&Wiped>, now: Now) {
        if let Some(delivery) = delivery {
            self.field("delivery", SafeText::own(delivery, TextStyle::Plain));
        }
        if let Some(Wiped { at, by }) = wiped {
            self.field("wiped", SafeText::own(format!("by {by}, {} ago", now.since(*at)), TextStyle::Plain));
        }
    }
}

/// What the keys do to one that waits.
pub(super) const KEYS: &[(&str, &str)] = &[("a", "give it"), ("r", "decline")];

/// What a key begins.
pub(super) fn begin(key: char, secret: &SecretRequest) -> Transition {
    match key {
        'a' => {
            let field = Field::Secret { delivery: Delivery::Store, may_send_once: secret.allow_one_time_send };
            Transition::To(Mode::typing(field))
        }
        'r' => {
            let doubts = vec!["The agent goes on without the secret.".to_owned()];
            Transition::To(Mode::Sure { doubts, answer: Answer::Secret { value: None, delivery: Delivery::Store } })
        }
        _ => Transition::Stay,
    }
}

/// Gives what was typed.
pub(super) fn give(value: &str, delivery: Delivery) -> Transition {
    Transition::Send(Answer::Secret { value: Some(Zeroizing::new(value.to_owned())), delivery })
}

/// The other delivery.
pub(super) const fn other(delivery: Delivery) -> Delivery {
    match delivery {
        Delivery::Store => Delivery::TransientSend,
        Delivery::TransientSend => Delivery::Store,
    }
}

/// What is asked while it is typed: the value is not shown.
pub(super) fn prompt(typed: &str, delivery: Delivery) -> Vec<SafeText> {
    let typed = if typed.is_empty() { "" } else { "(typed, and not shown)" };
    let becomes = match delivery {
        Delivery::Store => "It is kept, sealed, for this agent.",
        Delivery::TransientSend => "It is handed over once and then wiped.",
    };
    vec![SafeText::own(format!("The value: {typed}"), TextStyle::Bold), SafeText::own(becomes, TextStyle::Plain)]
}
