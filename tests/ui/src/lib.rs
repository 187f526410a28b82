//! Mistakes that the macros must explain, in directories by kind, with the recorded
//! compiler messages. A separate package, since each case is built with all
//! dependencies of its package.
