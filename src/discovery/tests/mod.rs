//! Discovery from servers that speak real TLS: what is found, and what each failure is called.

mod by_file;
mod by_token;
mod server;
mod unreachable;
