//! The measured service in a process of its own, so that the kernel accounts for it
//! separately.

use std::error::Error;
use std::io::{self, BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::{env, thread};

use actix_web::{App, HttpResponse, HttpServer, web};
use axum::Router;
use axum::routing::get;
use axum::serve::ListenerExt;
use bytes::Bytes;
use health_core::Health;
use http::Request;
use serde::Serialize;
use tokio::net::TcpListener;

use crate::workload;

/// The argument that selects the server part of a program of this package.
pub const ROLE: &str = "--serve";

/// A route of the framework alone, which answers with the bytes and headers of the
/// page at `like` at the start of the server.
pub const STATIC: &str = "/static";

/// The kind of server.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Framework {
    /// On tokio's multi-thread runtime.
    Axum,
    /// With one worker per core.
    Actix,
}

impl Framework {
    /// The word in the table, and for the process that serves.
    pub const fn name(self) -> &'static str {
        match self {
            Framework::Axum => "axum",
            Framework::Actix => "actix",
        }
    }

    fn named(name: &str) -> Option<Self> {
        let mut all = [Framework::Axum, Framework::Actix].into_iter();
        all.find(|framework| framework.name() == name)
    }
}

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
    pub fn spawn(framework: Framework, checks: usize, like: &str) -> io::Result<Self> {
        let mut process = Command::new(env::current_exe()?)
            .args([ROLE, framework.name(), &checks.to_string(), like])
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

/// The server process: prints its address when it is ready, and serves until its
/// input is closed.
///
/// # Errors
///
/// If the arguments are not those of [`Server::spawn`], or nothing can be served.
pub fn serve(mut arguments: impl Iterator<Item = String>) -> Result<(), Box<dyn Error>> {
    let framework = arguments.next().and_then(|name| Framework::named(&name));
    let checks = arguments.next().ok_or("how many checks?")?.parse()?;
    let like = arguments.next().ok_or("a static route like which page?")?;
    thread::spawn(|| {
        let _ = io::stdin().read(&mut [0]);
        std::process::exit(0);
    });
    match framework.ok_or("which framework?")? {
        Framework::Axum => tokio::runtime::Runtime::new()?.block_on(serve_axum(checks, &like)),
        Framework::Actix => actix_web::rt::System::new().block_on(serve_actix(checks, &like)),
    }
}

/// Returns the answer of the page at `like`, for the static route.
async fn started(checks: usize, like: &str) -> Result<(Health, Bytes), Box<dyn Error>> {
    let health = workload::passing(checks).start()?;
    workload::settled(&health).await;
    let request = Request::get(like).body(())?;
    let body = health
        .internal_endpoint()
        .respond_cached(&request)
        .into_body();
    Ok((health, body))
}

const HEADERS: [(&str, &str); 3] = [
    ("content-type", "application/json"),
    ("cache-control", "no-store"),
    ("vary", "accept"),
];

async fn serve_axum(checks: usize, like: &str) -> Result<(), Box<dyn Error>> {
    let (health, body) = started(checks, like).await?;
    let app = Router::new()
        .route(STATIC, get(move || async move { (HEADERS, body) }))
        .merge(health_axum::internal_routes(&health));
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    println!("{}", listener.local_addr()?);
    // Nagle's algorithm would add the peer's delayed acknowledgements.
    let listener = listener.tap_io(|stream| {
        let _ = stream.set_nodelay(true);
    });
    axum::serve(listener, app).await?;
    Ok(())
}

async fn serve_actix(checks: usize, like: &str) -> Result<(), Box<dyn Error>> {
    let (health, body) = started(checks, like).await?;
    let server = HttpServer::new(move || {
        let body = body.clone();
        let fixed = move || {
            let mut answer = HttpResponse::Ok();
            for header in HEADERS {
                answer.insert_header(header);
            }
            std::future::ready(answer.body(body.clone()))
        };
        App::new()
            .route(STATIC, web::get().to(fixed))
            .configure(health_actix::configure_internal(&health))
    });
    let server = server.disable_signals().bind(("127.0.0.1", 0))?;
    println!("{}", server.addrs()[0]);
    server.run().await?;
    Ok(())
}
