//! What is registered runs when it should, and what it says becomes verdicts.

mod demand;
mod engine;
mod gates;
mod order;
mod ready;
mod reports;
mod settings;
mod start;
mod threads;
mod validity;
mod waiting;
mod workers;
