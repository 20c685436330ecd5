//! Mail, by a server of the test's own.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use serde_json::json;

use super::{LOOPBACK, PACE, add};
use crate::harness::{TestServer, confirmation, until};

/// A mail that came: from whom, to whom, and what.
#[derive(Clone, Debug, Default)]
pub(super) struct Mail {
    pub(super) from: String,
    pub(super) to: String,
    pub(super) data: String,
}

impl Mail {
    /// The value of a header, which may be folded.
    fn header(&self, name: &str) -> String {
        let head = self.data.split("\n\n").next().unwrap().replace("\n ", " ");
        let line = head.lines().find_map(|line| line.strip_prefix(&format!("{name}: ")));
        line.unwrap_or_else(|| panic!("no {name} in {head}")).to_owned()
    }
}

/// A server that takes mail for all but those whom it does not know.
pub(super) struct MailServer {
    pub(super) address: SocketAddr,
    mails: Arc<Mutex<Vec<Mail>>>,
}

impl MailServer {
    pub(super) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let mails = Arc::new(Mutex::new(Vec::new()));
        let shared = Arc::clone(&mails);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let mails = Arc::clone(&shared);
                std::thread::spawn(move || speak(&stream, &mails));
            }
        });
        Self { address, mails }
    }

    /// What lets a server send mail by this one.
    pub(super) fn flags(&self) -> Vec<String> {
        let url = format!("smtp://{}", self.address);
        ["--smtp-url", &url, "--mail-from", "countersign <sign@example.org>"].map(str::to_owned).to_vec()
    }

    pub(super) fn until_received(&self, count: usize) -> Vec<Mail> {
        until(|| self.mails.lock().unwrap().len() >= count);
        self.mails.lock().unwrap().clone()
    }
}

fn speak(stream: &TcpStream, mails: &Mutex<Vec<Mail>>) {
    let say = |line: &str| (&*stream).write_all(format!("{line}\r\n").as_bytes()).unwrap_or(());
    let mut lines = BufReader::new(stream).lines().map_while(Result::ok);
    let mut mail = Mail::default();
    say("220 mail.example ESMTP");
    while let Some(line) = lines.next() {
        match line.split([' ', ':']).next().unwrap_or_default() {
            "EHLO" => say("250-mail.example\r\n250 8BITMIME"),
            "MAIL" => {
                mail.from = line;
                say("250 ok");
            }
            "RCPT" if line.contains("unknown@") => say("550 no such user"),
            "RCPT" => {
                mail.to = line;
                say("250 ok");
            }
            "DATA" => {
                say("354 go on");
                let data: Vec<String> = lines.by_ref().take_while(|line| line != ".").collect();
                mail.data = data.join("\n");
                mails.lock().unwrap().push(std::mem::take(&mut mail));
                say("250 queued as 1");
            }
            "QUIT" => return say("221 bye"),
            _ => say("500 what?"),
        }
    }
}

fn server_with(mail: &MailServer) -> TestServer {
    let flags = mail.flags();
    let flags: Vec<&str> = LOOPBACK.into_iter().chain(flags.iter().map(String::as_str)).collect();
    TestServer::with(&flags)
}

#[test]
fn mails_are_plain_text_and_those_about_one_interaction_are_a_thread() {
    let mail = MailServer::start();
    let server = server_with(&mail);
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    add(&ada, &json!({"name": "mail", "kind": "email", "email": "ada@example.org", "resolutions": true}));
    agent.register(&confirmation("deploy"));
    let first = mail.until_received(1).remove(0);
    assert!(first.from.starts_with("MAIL FROM:<sign@example.org>"), "{first:?}");
    assert_eq!(first.to, "RCPT TO:<ada@example.org>");
    assert_eq!(first.header("Subject"), "builder asks: may it use shell?");
    assert_eq!(first.header("Content-Type"), "text/plain; charset=utf-8");
    assert_eq!(first.header("Auto-Submitted"), "auto-generated");
    assert_eq!(first.header("Date"), "Tue, 01 Jan 2030 00:00:00 +0000");
    assert!(first.data.contains(&format!("{}/interactions/deploy", server.url)), "{first:?}");
    until(|| server.sql("SELECT count(*) FROM notices WHERE status = 'sent'") == [[json!(1)]]);
    let notice = server.sql("SELECT notice_id FROM notices")[0][0].as_str().unwrap().to_owned();
    assert_eq!(first.header("Message-ID"), format!("<{notice}@example.org>"));
    ada.confirm("deploy", "allow").expect(200);
    server.advance(PACE);
    let second = mail.until_received(2).remove(1);
    assert_eq!(second.header("Subject"), "approved: may it use shell?");
    assert_eq!(second.header("References"), first.header("References"));
    assert_ne!(second.header("Message-ID"), first.header("Message-ID"));
    agent.register(&confirmation("other"));
    server.advance(PACE);
    assert_ne!(mail.until_received(3)[2].header("References"), first.header("References"));
}

#[test]
fn a_mailbox_that_is_not_there_is_a_failure_and_what_the_server_answered_is_told() {
    let mail = MailServer::start();
    let server = server_with(&mail);
    let ada = server.approver("ada");
    let test = |email: &str| {
        let added = add(&ada, &json!({"name": email.split('@').next().unwrap(), "kind": "email", "email": email}));
        assert_eq!(added["channel"]["host"], "example.org");
        let id = added["channel"]["channelId"].as_str().unwrap();
        ada.post_nothing(&format!("/v1/channels/{id}/test")).expect(200).body
    };
    let unknown = test("unknown@example.org");
    assert_eq!((&unknown["delivered"], &unknown["status"]), (&json!(false), &json!(550)));
    let known = test("ada@example.org");
    assert_eq!(
        (&known["delivered"], &known["status"], &known["answer"]),
        (&json!(true), &json!(250), &json!("queued as 1"))
    );
}

#[test]
fn what_a_server_says_that_is_no_code_is_told_nowhere() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mail = MailServer { address: listener.local_addr().unwrap(), mails: Arc::default() };
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            stream.write_all(b"somebody's words\r\n").unwrap_or(());
        }
    });
    let server = server_with(&mail);
    let ada = server.approver("ada");
    let added = add(&ada, &json!({"name": "mail", "kind": "email", "email": "ada@example.org"}));
    let id = added["channel"]["channelId"].as_str().unwrap();
    let tested = ada.post_nothing(&format!("/v1/channels/{id}/test")).expect(200).body;
    assert_eq!(tested["error"], "it does not speak SMTP as it should");
}
