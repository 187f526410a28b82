//! Everything that a check may return.
use health_axum::check::Detail;
use health_axum::{Outcome, Status, health_check};
use std::error::Error;

#[derive(Debug)]
struct Refused;

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("refused")
    }
}

impl Error for Refused {}

#[health_check]
async fn nothing() {}

#[health_check]
async fn unit() -> () {}

#[health_check]
async fn boolean() -> bool {
    true
}

#[health_check]
async fn status() -> Status {
    Status::Warn
}

#[health_check]
async fn outcome() -> Outcome {
    Outcome::pass()
}

#[health_check]
fn detail() -> Detail<[u8; 2]> {
    Detail([1, 2])
}

#[health_check]
async fn own_error() -> Result<(), Refused> {
    Err(Refused)
}

#[health_check]
async fn io_error() -> std::io::Result<()> {
    Ok(())
}

#[health_check]
async fn string() -> Result<bool, String> {
    Ok(true)
}

#[health_check]
async fn text() -> Result<Status, &'static str> {
    Err("no")
}

#[health_check(late)]
async fn borrowed_text(url: &String) -> Result<(), &str> {
    Err(url)
}

#[health_check(late)]
fn borrowed_text_with_a_name<'a>(url: &'a String, _other: &u8) -> Result<(), &'a str> {
    Err(url)
}

/// An error that borrows.
#[derive(Debug)]
struct Missing<'a>(&'a str);

impl From<Missing<'_>> for Box<dyn Error + Send + Sync> {
    fn from(missing: Missing<'_>) -> Self {
        missing.0.into()
    }
}

#[health_check(late)]
async fn borrowed_error(url: &String) -> Result<(), Missing<'_>> {
    Err(Missing(url))
}

#[health_check]
async fn hidden_type() -> Result<(), impl Error> {
    Err(Refused)
}

#[health_check]
async fn boxed() -> Result<Outcome, Box<dyn Error>> {
    Ok(Outcome::pass())
}

#[health_check]
async fn boxed_and_shared() -> Result<Detail<u8>, Box<dyn Error + Send + Sync>> {
    Ok(Detail(1))
}

#[health_check]
async fn infallible() -> Result<(), std::convert::Infallible> {
    Ok(())
}

type Answer = Result<(), Refused>;

#[health_check]
async fn alias() -> Answer {
    Ok(())
}

#[health_check]
async fn conditions() -> bool
where
    String: Clone,
{
    true
}

fn main() {}
