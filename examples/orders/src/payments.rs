//! The payment service.

use std::time::Duration;

use health_core::Outcome;
use health_indicators::http;
use reqwest::{Client, StatusCode};
use serde_json::json;

use crate::model::NewOrder;

const TIMEOUT: Duration = Duration::from_secs(2);

/// The payment service.
#[derive(Clone, Debug)]
pub struct Payments {
    client: Client,
    url: String,
}

impl Payments {
    /// The service at this URL.
    pub fn at(url: &str) -> Self {
        Payments {
            client: Client::new(),
            url: url.trim_end_matches('/').to_owned(),
        }
    }

    /// The service is up: the health check.
    pub async fn up(&self) -> Outcome {
        let up = http::get(format!("{}/up", self.url));
        up.check(&self.client).await
    }

    /// Asks for the money of an order.
    ///
    /// # Errors
    ///
    /// The payment is declined, or the service does not work.
    pub async fn authorize(&self, order: &NewOrder) -> Result<(), PaymentError> {
        let body = json!({ "item": order.item(), "quantity": order.quantity() });
        let request = self.client.post(format!("{}/payments", self.url));
        let answer = request.timeout(TIMEOUT).json(&body).send().await;
        let answer = answer.map_err(PaymentError::failed)?;
        if answer.status() == StatusCode::PAYMENT_REQUIRED {
            return Err(PaymentError::Declined);
        }
        answer.error_for_status().map_err(PaymentError::failed)?;
        Ok(())
    }
}

/// Why an order is not paid for.
#[derive(Debug)]
pub enum PaymentError {
    /// The service declines it.
    Declined,
    /// The service does not work.
    Failed(reqwest::Error),
}

impl PaymentError {
    /// The URL can hold a password.
    fn failed(error: reqwest::Error) -> Self {
        PaymentError::Failed(error.without_url())
    }
}
