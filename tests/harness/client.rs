//! A client that speaks HTTP with one token.

use std::thread::JoinHandle;
use std::time::Duration;

use serde_json::{Value, json};

/// Speaks TLS with those who show the certificate `trusted`, in PEM, and with no others.
pub(super) fn http(trusted: Option<&str>, redirects: u32) -> ureq::Agent {
    let config =
        ureq::Agent::config_builder().http_status_as_error(false).timeout_global(Some(Duration::from_secs(60)));
    let roots = trusted.map(|pem| ureq::tls::Certificate::from_pem(pem.as_bytes()).unwrap()).into_iter();
    let roots = ureq::tls::RootCerts::Specific(std::sync::Arc::new(roots.collect()));
    let tls = ureq::tls::TlsConfig::builder().root_certs(roots).build();
    config.tls_config(tls).max_redirects(redirects).build().into()
}

/// How many redirects a client follows by itself.
const REDIRECTS: u32 = 10;

/// Speaks HTTP with one token. A clone shares its connections.
#[derive(Clone)]
pub(crate) struct Client {
    pub(crate) url: String,
    pub(crate) token: Option<String>,
    pub(super) agent: ureq::Agent,
    /// The certificate that it trusts, in PEM, where it speaks TLS.
    pub(super) trusted: Option<String>,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// The body; null when it was empty.
    pub(crate) body: Value,
    /// The body, to the letter.
    pub(crate) text: String,
    pub(crate) headers: ureq::http::HeaderMap,
}

impl Answer {
    /// The stable code of a refusal, in the shape of the API or of a dialect; panics with the whole answer when there is none.
    pub(crate) fn code(&self) -> &str {
        let error = &self.body["error"];
        let (sentence, code) = match error.is_object() {
            true => (&error["message"], &error["code"]),
            false => (error, &self.body["code"]),
        };
        assert!(sentence.as_str().is_some_and(|sentence| !sentence.is_empty()), "no sentence: {self:?}");
        code.as_str().unwrap_or_else(|| panic!("no code: {self:?}"))
    }

    /// Status and code of a refusal.
    pub(crate) fn refusal(&self) -> (u16, &str) {
        (self.status, self.code())
    }

    /// This very answer, if its status is `status`; panics with the whole of it otherwise.
    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{self:?}");
        self
    }
}

impl Client {
    /// A client of the server at `url`.
    pub(crate) fn new(url: &str, token: &str) -> Self {
        Self { token: Some(token.to_owned()), ..Self::anonymous(url) }
    }

    /// One without a token.
    pub(crate) fn anonymous(url: &str) -> Self {
        Self { url: url.to_owned(), token: None, agent: http(None, REDIRECTS), trusted: None }
    }

    /// The same client, which speaks TLS with those who show this certificate, in PEM.
    pub(crate) fn trusting(self, pem: &str) -> Self {
        Self { agent: http(Some(pem), REDIRECTS), trusted: Some(pem.to_owned()), ..self }
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.try_send("GET", path, &[], None).unwrap()
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> Answer {
        self.post_text(path, &body.to_string())
    }

    /// A JSON body to the letter.
    pub(crate) fn post_text(&self, path: &str, body: &str) -> Answer {
        self.try_send("POST", path, &[("content-type", "application/json")], Some(body.as_bytes())).unwrap()
    }

    /// A POST without a body.
    pub(crate) fn post_nothing(&self, path: &str) -> Answer {
        self.try_send("POST", path, &[], Some(b"")).unwrap()
    }

    pub(crate) fn delete(&self, path: &str) -> Answer {
        self.try_send("DELETE", path, &[], None).unwrap()
    }

    /// Anything at all; an error where no whole answer came.
    pub(crate) fn try_send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&[u8]>,
    ) -> Result<Answer, ureq::Error> {
        let mut request = ureq::http::Request::builder().method(method).uri(format!("{}{path}", self.url));
        if let Some(token) = &self.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut response = match body {
            Some(body) => self.agent.run(request.body(body)?)?,
            None => self.agent.run(request.body(())?)?,
        };
        let text = response.body_mut().read_to_string()?;
        let body = if text.is_empty() { Value::Null } else { serde_json::from_str(&text).unwrap_or(Value::Null) };
        Ok(Answer { status: response.status().as_u16(), body, text, headers: response.headers().clone() })
    }

    /// Registers what [`confirmation`], [`secret`] or [`question`] made; 201.
    #[track_caller]
    pub(crate) fn register(&self, registration: &Value) -> Value {
        self.post("/v1/interactions", registration).expect(201).body
    }

    /// The interaction as it stands.
    #[track_caller]
    pub(crate) fn look(&self, request_id: &str) -> Value {
        self.get(&format!("/v1/interactions/{request_id}")).expect(200).body
    }

    #[track_caller]
    pub(crate) fn confirm(&self, request_id: &str, decision: &str) -> Answer {
        self.post("/v1/confirm", &json!({"requestId": request_id, "decision": decision}))
    }

    /// Waits for the resolution in a thread of its own: longer than a client has patience for, so that nothing but a
    /// resolution ends it well.
    pub(crate) fn wait_in_background(&self, request_id: &str) -> JoinHandle<Answer> {
        let (client, path) = (self.clone(), format!("/v1/interactions/{request_id}?waitMs=300000"));
        std::thread::spawn(move || client.get(&path))
    }
}
