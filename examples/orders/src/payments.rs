//! The payment service.

use std::time::Duration;

use health_core::Outcome;
use health_indicators::http;
use reqwest::{Client, StatusCode};
use serde_json::json;

use crate::model::NewOrder;

const TIMEOUT: Duration = Duration::from_secs(2);

/// A client of the payment service.
#[derive(Clone, Debug)]
pub struct Payments {
    client: Client,
    url: String,
}

impl Payments {
    /// Creates a client for the service at this URL.
    pub fn at(url: &str) -> Self {
        Payments {
            client: Client::new(),
            url: url.trim_end_matches('/').to_owned(),
        }
    }

    /// The service is up. The health check of the payment service.
    pub async fn up(&self) -> Outcome {
        let up = http::get(format!("{}/up", self.url));
        up.check(&self.client).await
    }

    /// Charges an order.
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

/// Why a payment was not made.
#[derive(Debug)]
pub enum PaymentError {
    /// The service declined it.
    Declined,
    /// The service does not work.
    Failed(reqwest::Error),
}

impl PaymentError {
    /// Omits the URL, which can contain a password.
    fn failed(error: reqwest::Error) -> Self {
        PaymentError::Failed(error.without_url())
    }
}
