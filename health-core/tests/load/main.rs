//! Many checks and many readers. The tests use every core for seconds, so they are
//! separate from tests with deadlines in real time.

mod readers;
mod soak;
