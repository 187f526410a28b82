//! When checks run, and how their results become verdicts.

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
