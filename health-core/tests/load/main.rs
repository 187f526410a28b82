//! Many checks and many readers for a while. Both cost every core for seconds,
//! so they are kept apart from tests with deadlines in real time.

mod readers;
mod soak;
