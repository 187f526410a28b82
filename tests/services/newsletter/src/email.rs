//! The mail service, over HTTP.

use std::time::Duration;

use serde_json::json;

#[derive(Clone)]
pub struct EmailClient {
    http: reqwest::Client,
    base_url: String,
}

impl EmailClient {
    pub fn new(base_url: String) -> reqwest::Result<Self> {
        let http = reqwest::Client::builder()
            .timeout(Duration::from_secs(10))
            .build()?;
        Ok(EmailClient { http, base_url })
    }

    pub async fn send(&self, to: &str, text: &str) -> reqwest::Result<()> {
        let mail = json!({ "to": to, "text": text });
        let request = self
            .http
            .post(format!("{}/email", self.base_url))
            .json(&mail);
        request.send().await?.error_for_status().map(drop)
    }

    /// Whether the mail service is up; sends nothing.
    pub async fn status(&self) -> reqwest::Result<()> {
        let request = self.http.get(format!("{}/status", self.base_url));
        request.send().await?.error_for_status().map(drop)
    }
}
