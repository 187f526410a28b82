//! A rolling deployment: two instances behind HAProxy, under load, are restarted one
//! after the other.

use std::fs;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use test_support::{BOUND, free_port, until};

use super::{Server, Service};

const SERVICES: [Service; 2] = [Service::Axum, Service::Actix];
/// Clients that keep their connections, and as many that do not.
const CLIENTS: usize = 4;
/// The pause between two requests of a client, since the tests share their machine.
const PAUSE: Duration = Duration::from_millis(2);

#[test]
#[ignore = "needs haproxy"]
fn a_rolling_restart_loses_no_request() {
    let mut servers = SERVICES.map(|service| Server::start(service, &[]));
    let haproxy = HaProxy::before(&servers);
    let load = Load::on(haproxy.port);
    for (index, service) in SERVICES.into_iter().enumerate() {
        load.wait_for_traffic_to(service);
        let port = servers[index]
            .address()
            .rsplit(':')
            .next()
            .expect("a port")
            .to_owned();
        servers[index].terminate();
        let status = servers[index].wait_for_the_end();
        assert_eq!(status.code(), Some(0), "{}", servers[index].log());
        servers[index] = Server::start(service, &[("PORT", &port)]);
        load.wait_for_traffic_to(service);
    }
    let answered = load.end();
    assert!(answered > 2_000, "only {answered} requests were sent");
}

#[test]
#[ignore = "needs haproxy"]
fn traffic_follows_readiness() {
    let servers = SERVICES.map(|service| Server::start(service, &[]));
    let haproxy = HaProxy::before(&servers);
    let mut client = Client::of(haproxy.port, true);
    for (server, service) in servers.iter().zip(SERVICES) {
        let file = server.directory().join("orders.db");
        let away = server.directory().join("away.db");
        let mut served_by = || client.get().map(|answer| answer.server);
        fs::rename(&file, &away).expect("the folder belongs to the test");
        until("no traffic while it is not ready", || {
            (0..10).all(|_| served_by().is_ok_and(|server| server != service.name()))
        });
        fs::rename(&away, &file).expect("the folder belongs to the test");
        until("traffic again", || {
            served_by().is_ok_and(|server| server == service.name())
        });
    }
}

impl Service {
    /// The name in the configuration of HAProxy.
    fn name(self) -> &'static str {
        match self {
            Service::Axum => "axum",
            Service::Actix => "actix",
        }
    }
}

/// Balances over both instances by their readiness, until it is dropped.
struct HaProxy {
    process: Child,
    port: u16,
}

impl HaProxy {
    /// Returns once both instances get traffic.
    fn before(servers: &[Server; 2]) -> Self {
        for server in servers {
            server.wait_for("/readyz", 200);
        }
        let port = free_port();
        let config = servers[0].directory().join("haproxy.cfg");
        let addresses = servers.each_ref().map(Server::address);
        fs::write(&config, configuration(port, addresses)).expect("the folder belongs to the test");
        let haproxy = HaProxy {
            process: start(&config),
            port,
        };
        let mut client = Client::of(port, false);
        for service in SERVICES {
            until("both get traffic", || {
                let answer = client.get();
                answer.is_ok_and(|answer| answer.server == service.name())
            });
        }
        haproxy
    }
}

impl Drop for HaProxy {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn start(config: &Path) -> Child {
    Command::new("haproxy")
        .args(["-db", "-f"])
        .arg(config)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("haproxy is installed: scripts/test.sh does it")
}

/// With the default intervals of HAProxy, which the default drain delay must fit, and
/// without retries: HAProxy must not hide lost requests.
fn configuration(port: u16, [axum, actix]: [&str; 2]) -> String {
    format!(
        "defaults
  mode http
  timeout connect 5s
  timeout client 20s
  timeout server 20s
  retries 0
frontend clients
  bind 127.0.0.1:{port}
  default_backend orders
backend orders
  balance roundrobin
  option httpchk GET /readyz
  http-response set-header x-server %s
  default-server check
  server axum {axum}
  server actix {actix}
"
    )
}

/// Sends one request after the other, as a browser or a service does.
struct Client {
    port: u16,
    keeps: bool,
    kept: Option<BufReader<TcpStream>>,
}

struct Answer {
    status: String,
    server: String,
}

impl Client {
    fn of(port: u16, keeps: bool) -> Self {
        Client {
            port,
            keeps,
            kept: None,
        }
    }

    fn get(&mut self) -> io::Result<Answer> {
        let mut connection = match self.kept.take() {
            Some(kept) => kept,
            None => self.connect()?,
        };
        let closes = if self.keeps {
            ""
        } else {
            "connection: close\r\n"
        };
        let head = format!("GET /orders?limit=1 HTTP/1.1\r\nhost: orders\r\n{closes}\r\n");
        connection.get_mut().write_all(head.as_bytes())?;
        let mut status = String::new();
        connection.read_line(&mut status)?;
        let (mut server, mut length, mut stays) = (String::new(), 0, self.keeps);
        loop {
            let mut line = String::new();
            if connection.read_line(&mut line)? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            let Some((name, value)) = line.trim_end().split_once(": ") else {
                break;
            };
            match &*name.to_ascii_lowercase() {
                "x-server" => value.clone_into(&mut server),
                "content-length" => length = value.parse().map_err(io::Error::other)?,
                "connection" => stays &= value != "close",
                _ => {}
            }
        }
        connection.read_exact(&mut vec![0; length])?;
        self.kept = stays.then_some(connection);
        Ok(Answer {
            status: status.trim_end().to_owned(),
            server,
        })
    }

    fn connect(&self) -> io::Result<BufReader<TcpStream>> {
        let stream = TcpStream::connect(("127.0.0.1", self.port))?;
        stream.set_read_timeout(Some(BOUND))?;
        stream.set_nodelay(true)?;
        Ok(BufReader::new(stream))
    }
}

/// Many clients that send requests until they are stopped.
struct Load {
    shared: Arc<Shared>,
    clients: Vec<JoinHandle<Result<(), String>>>,
}

#[derive(Default)]
struct Shared {
    ended: AtomicBool,
    answered: [AtomicUsize; SERVICES.len()],
}

impl Load {
    fn on(port: u16) -> Self {
        let shared = Arc::new(Shared::default());
        let clients = (0..2 * CLIENTS).map(|number| {
            let shared = Arc::clone(&shared);
            let client = Client::of(port, number < CLIENTS);
            thread::spawn(move || shared.requests(client))
        });
        Load {
            clients: clients.collect(),
            shared,
        }
    }

    fn wait_for_traffic_to(&self, service: Service) {
        let answered = &self.shared.answered[service as usize];
        let before = answered.load(Relaxed);
        until("there is traffic", || {
            answered.load(Relaxed) > before || self.has_lost()
        });
    }

    /// The first lost request ends a client, and fails the test.
    fn has_lost(&self) -> bool {
        self.clients.iter().any(JoinHandle::is_finished)
    }

    /// Returns the number of successful requests.
    fn end(self) -> usize {
        self.shared.ended.store(true, Relaxed);
        for client in self.clients {
            let lost = client.join().expect("no client panics");
            assert_eq!(lost, Ok(()));
        }
        let answered = self.shared.answered.iter();
        answered.map(|count| count.load(Relaxed)).sum()
    }
}

impl Shared {
    /// Ends with the first request that fails.
    fn requests(&self, mut client: Client) -> Result<(), String> {
        while !self.ended.load(Relaxed) {
            let kind = match (client.keeps, &client.kept) {
                (_, Some(_)) => "on a kept connection",
                (_, None) => "on a new connection",
            };
            let answer = client
                .get()
                .map_err(|error| format!("lost {kind}: {error}"))?;
            if answer.status != "HTTP/1.1 200 OK" {
                return Err(format!("{} {kind}", answer.status));
            }
            let service = SERVICES
                .iter()
                .find(|service| service.name() == answer.server);
            let service = service.ok_or_else(|| format!("no server {:?}", answer.server))?;
            self.answered[*service as usize].fetch_add(1, Relaxed);
            thread::sleep(PAUSE);
        }
        Ok(())
    }
}
