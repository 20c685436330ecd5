//! A browser without a script: it keeps its cookie, sends forms, and reads pages.

use form_urlencoded::Serializer;
use serde_json::Value;

use super::client::{Answer, Client, http};

/// A person who has logged in to the inbox.
pub(crate) struct Browser {
    client: Client,
    cookie: String,
}

impl Client {
    /// A browser in which the holder of this client's token has logged in, by a link.
    #[track_caller]
    pub(crate) fn browser(&self) -> Browser {
        let link = self.post_nothing("/v1/login-links").expect(201);
        let anonymous = Browser::of(Self { token: None, ..self.clone() });
        let answer = anonymous.send_form("/login", &[("credential", link.body["code"].as_str().unwrap())]).expect(303);
        let cookie = answer.headers["set-cookie"].to_str().unwrap();
        let cookie = cookie.split(';').next().unwrap().to_owned();
        Browser { cookie, ..anonymous }
    }
}

impl Browser {
    /// One without a session.
    pub(crate) fn anonymous(url: &str) -> Self {
        Self::of(Client::anonymous(url))
    }

    /// A redirect is an answer to look at.
    fn of(client: Client) -> Self {
        Self { client: Client { agent: http(client.trusted.as_deref(), 0), ..client }, cookie: String::new() }
    }

    /// The same session at another server: the name of its cookie has the port in it.
    pub(crate) fn at(&self, url: &str) -> Self {
        let port = |url: &str| url.rsplit(':').next().unwrap().to_owned();
        let cookie = self.cookie.replacen(&port(&self.client.url), &port(url), 1);
        Self { client: Client { url: url.to_owned(), ..self.client.clone() }, cookie }
    }

    pub(crate) fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: Option<&[u8]>) -> Answer {
        self.try_send(method, path, headers, body).unwrap()
    }

    /// The same; an error where no whole answer came.
    pub(crate) fn try_send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&[u8]>,
    ) -> Result<Answer, ureq::Error> {
        let mut all = vec![("accept", "text/html,application/xhtml+xml,*/*;q=0.8")];
        if !self.cookie.is_empty() {
            all.push(("cookie", &self.cookie));
        }
        all.extend(headers);
        self.client.try_send(method, path, &all, body)
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.send("GET", path, &[], None)
    }

    /// The headers of a stream of events, of which nothing is read.
    pub(crate) fn stream_headers(&self, path: &str) -> ureq::http::HeaderMap {
        self.client.stream_headers(path, "cookie", &self.cookie)
    }

    /// The lines of a stream of events, as they come.
    pub(crate) fn stream_lines(&self, path: &str) -> impl Iterator<Item = String> {
        self.client.stream_lines(path, "cookie", &self.cookie)
    }

    /// The page at `path`.
    #[track_caller]
    pub(crate) fn page(&self, path: &str) -> String {
        self.get(path).expect(200).text
    }

    /// Sends these fields and no others.
    pub(crate) fn send_form(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let body = Serializer::new(String::new()).extend_pairs(fields).finish();
        // Without the path, where a proxy has put the server under one.
        let origin = self.client.url.splitn(4, '/').take(3).collect::<Vec<_>>().join("/");
        let headers = [("content-type", "application/x-www-form-urlencoded"), ("origin", origin.as_str())];
        self.send("POST", path, &headers, Some(body.as_bytes()))
    }

    /// Sends a form as a page has it, with the session's word.
    #[track_caller]
    pub(crate) fn submit(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let csrf = self.csrf();
        self.send_form(path, &[&[("csrf", csrf.as_str())], fields].concat())
    }

    /// The word that forms of this session carry.
    #[track_caller]
    pub(crate) fn csrf(&self) -> String {
        let page = self.page("/rules");
        between(&page, "name=\"csrf\" value=\"", "\"").first().unwrap().clone()
    }
}

/// What stands between each `begin` and the `end` after it.
pub(crate) fn between(page: &str, begin: &str, end: &str) -> Vec<String> {
    page.split(begin).skip(1).map(|rest| rest.split_once(end).unwrap().0.to_owned()).collect()
}

/// The text of a part of a page, as a person would copy it.
pub(crate) fn text_of(html: &str) -> String {
    let mut text = String::new();
    for part in html.split('<') {
        text.push_str(part.split_once('>').map_or(part, |(_, after)| after));
    }
    for (entity, character) in [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&#34;", "\""),
        ("&#39;", "'"),
        ("&#60;", "<"),
        ("&#62;", ">"),
        ("&amp;", "&"),
        ("&#38;", "&"),
    ] {
        text = text.replace(entity, character);
    }
    text
}

/// The words of a page's main part, or of a part of a page, with one space between them.
pub(crate) fn words_of(html: &str) -> String {
    let main = html.split_once("<main").map_or(html, |(_, main)| main.split_once('>').unwrap().1);
    let parted = main.replace("</dt>", "</dt> ").replace("<pre", " <pre");
    text_of(&parted).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Where the link of a page leads that has this `rel`, if there is one.
pub(crate) fn link_of(page: &str, rel: &str) -> Option<String> {
    let (before, _) = page.split_once(&format!("\" rel=\"{rel}\""))?;
    Some(text_of(before.rsplit("href=\"").next().unwrap()))
}

/// The SQL that a page shows.
#[track_caller]
pub(crate) fn sql_of(page: &str) -> String {
    text_of(between(page, "<code id=\"sql\">", "</code>").first().unwrap())
}

/// A column of some rows.
pub(crate) fn column(rows: &[Vec<Value>], index: usize) -> Vec<String> {
    rows.iter().map(|row| row[index].as_str().unwrap_or_default().to_owned()).collect()
}
