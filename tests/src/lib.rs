//! Everything here is under `tests/`.
