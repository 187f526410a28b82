//! How requests are answered: formats, paths, guards and the server.

mod bounds;
mod formats;
mod groups;
mod guard;
mod hostile;
mod properties;
mod read_back;
mod serve;
mod status_page;
