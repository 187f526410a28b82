//! The service that is measured, in a process of its own, so that the kernel
//! accounts for it and nothing else.

use std::error::Error;
use std::io::{self, BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::{env, thread};

use axum::Router;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, VARY};
use axum::routing::get;
use axum::serve::ListenerExt;
use http::Request;
use tokio::net::TcpListener;

use crate::workload;

/// The argument by which a program of this package becomes the server.
pub const ROLE: &str = "--serve";

/// A route of the framework alone, which answers with the bytes and the headers
/// that the page at `like` answers with when the server starts.
pub const STATIC: &str = "/static";

/// A running server, which ends when this is dropped.
#[derive(Debug)]
pub struct Server {
    process: Child,
    address: SocketAddr,
    /// The server ends when its input does, even if this process is killed.
    _lifeline: Option<ChildStdin>,
}

impl Server {
    /// Starts the calling program again in the role of the server, and waits
    /// until all of its checks have passed.
    ///
    /// # Errors
    ///
    /// If the process does not start or does not say where it listens.
    pub fn spawn(checks: usize, like: &str) -> io::Result<Self> {
        let mut process = Command::new(env::current_exe()?)
            .args([ROLE, &checks.to_string(), like])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut address = String::new();
        if let Some(output) = process.stdout.take() {
            BufReader::new(output).read_line(&mut address)?;
        }
        let address = address.trim().parse().map_err(io::Error::other)?;
        Ok(Server {
            _lifeline: process.stdin.take(),
            process,
            address,
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The process by its number.
    pub fn process(&self) -> u32 {
        self.process.id()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The server itself: prints its address when it is ready, and serves until its
/// input ends.
///
/// # Errors
///
/// If the arguments are not those of [`Server::spawn`], or nothing can be served.
pub fn serve(mut arguments: impl Iterator<Item = String>) -> Result<(), Box<dyn Error>> {
    let checks = arguments.next().ok_or("how many checks?")?.parse()?;
    let like = arguments.next().ok_or("a static route like which page?")?;
    thread::spawn(|| {
        let _ = io::stdin().read(&mut [0]);
        std::process::exit(0);
    });
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let health = workload::passing(checks).start()?;
        workload::settled(&health).await;
        let body = health
            .endpoint()
            .respond(&Request::get(&like).body(())?)
            .into_body();
        let headers = [
            (CONTENT_TYPE, "application/json"),
            (CACHE_CONTROL, "no-store"),
            (VARY, "accept"),
        ];
        let app = Router::new()
            .route(STATIC, get(move || async move { (headers, body) }))
            .merge(health_axum::routes(&health));
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        println!("{}", listener.local_addr()?);
        // Nagle's algorithm would add the peer's delayed acknowledgements.
        let listener = listener.tap_io(|stream| {
            let _ = stream.set_nodelay(true);
        });
        axum::serve(listener, app).await?;
        Ok(())
    })
}
