//! Every mistake that the compiler is to explain, in folders by kind, with what
//! it says beside it. A package of its own, since each case is built with all
//! that its package depends on.
