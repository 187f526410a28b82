//! The setups of `docs/guards.md`, over real sockets and with real proxies. They need
//! programs that `scripts/test.sh` installs, so plain `cargo test` ignores these
//! tests.
//!
//! All of 127.0.0.0/8 is the loopback interface of Linux, so each role has an
//! address of its own.

use std::net::{IpAddr, SocketAddr};
use std::process::{Command, Stdio};

use health_core::config::HttpOptions;
use health_core::http::Guard;
use health_core::{CheckOptions, Health, Outcome};
use tempfile::TempDir;
use test_support::eventually;
use tests::programs::{Running, free_port};
use tests::wire::{Framework, Server};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpSocket;

const GUIDE: &str = include_str!("../../../docs/guards.md");

const TOKEN: &str = "correct horse battery staple";
const CAUSE: &str = "connect 10.7.0.12:5432";

/// The network of the pods, including the proxies.
const CLUSTER: &str = "127.0.0.0/16";
const POD: &str = "127.0.5.5";
const PROXY: &str = "127.0.0.2";
const CDN: &str = "127.0.0.3";
const OFFICE: &str = "127.8.0.9";
const PUBLIC: &str = "127.9.0.66";

/// The code blocks of this language in the guide.
fn blocks(language: &str) -> Vec<&'static str> {
    let parts = GUIDE.split("```").skip(1).step_by(2);
    let blocks = parts.filter_map(|part| part.strip_prefix(language)?.strip_prefix('\n'));
    blocks.collect()
}

/// A proxy that runs until it is dropped.
struct Proxy {
    address: SocketAddr,
    _running: Running,
    _folder: TempDir,
}

impl Proxy {
    /// Listens at `own`, and connects from there to `upstream`.
    async fn nginx(own: &str, upstream: SocketAddr, location: &str) -> Proxy {
        let location = location.replace("app:3000", &upstream.to_string());
        let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map(|kind| format!("{kind}_temp_path tmp;"))
            .concat();
        Proxy::start(own, "nginx.conf", |address| {
            let config = format!(
                "daemon off; master_process off; pid nginx.pid; error_log stderr;\n\
                 events {{}}\n\
                 http {{\n access_log off; {temporary}\n\
                 server {{ listen {address}; proxy_bind {own};\n{location} }}\n}}\n"
            );
            (config, &["nginx", "-e", "stderr", "-p", ".", "-c"])
        })
        .await
    }

    /// Listens at `own`, and connects from there to `upstream`.
    async fn haproxy(own: &str, upstream: SocketAddr, backend: &str) -> Proxy {
        let backend = backend.replace("app:3000", &format!("{upstream} source {own}"));
        Proxy::start(own, "haproxy.cfg", |address| {
            let config = format!(
                "defaults\n  mode http\n  timeout connect 5s\n  timeout client 20s\n  \
                 timeout server 20s\n\
                 frontend in\n  bind {address}\n  default_backend app\n\
                 backend app\n{backend}\n"
            );
            (config, &["haproxy", "-db", "-f"])
        })
        .await
    }

    async fn start<'c>(
        own: &str,
        file: &str,
        config: impl FnOnce(SocketAddr) -> (String, &'c [&'c str]),
    ) -> Proxy {
        let folder = tempfile::tempdir().expect("a folder");
        let address = SocketAddr::new(
            own.parse().expect("a bound socket has an address"),
            free_port(),
        );
        let (config, command) = config(address);
        let path = folder.path().join(file);
        std::fs::write(&path, config).expect("written");
        let (program, arguments) = command.split_first().expect("a program");
        let mut command = Command::new(program);
        command.args(arguments).arg(&path);
        command.current_dir(folder.path());
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let running = Running::start(&mut command);
        eventually("the proxy listens", || async {
            tokio::net::TcpStream::connect(address).await.is_ok()
        })
        .await;
        Proxy {
            address,
            _running: running,
            _folder: folder,
        }
    }
}

async fn serve(framework: Framework, guard: Guard) -> Server {
    let health = Health::builder()
        .http(HttpOptions::new().guard(guard))
        .check("database", CheckOptions::new().critical(), || async {
            Outcome::fail("down").because(CAUSE)
        })
        .start()
        .expect("it starts");
    health.refresh("database").await;
    Server::start(framework, health).await
}

/// Returns the whole answer to a request with these lines.
async fn ask(from: &str, to: SocketAddr, path: &str, fields: &str) -> String {
    let socket = TcpSocket::new_v4().expect("the loopback interface has a free port");
    let from: IpAddr = from.parse().expect("a bound socket has an address");
    socket
        .bind(SocketAddr::new(from, 0))
        .expect("an address of this host");
    let mut stream = socket.connect(to).await.expect("a connection");
    let head = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{fields}\r\n");
    stream
        .write_all(head.as_bytes())
        .await
        .expect("the server still reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
    answer
}

/// Whether the client sees private details. Also asserts that the page of a probe is
/// the same for all clients.
async fn is_recognized(from: &str, to: SocketAddr, fields: &str) -> bool {
    let probe = ask(from, to, "/readyz", fields).await;
    assert!(
        probe.ends_with("\r\n\r\n{\"status\":\"unhealthy\"}"),
        "{probe}"
    );
    ask(from, to, "/health", fields).await.contains(CAUSE)
}

/// Header fields by which a client pretends to be in the office.
fn forgeries() -> Vec<String> {
    vec![
        format!("X-Forwarded-For: {OFFICE}\r\n"),
        format!("X-Forwarded-For: {OFFICE}, {PROXY}\r\n"),
        format!("X-Forwarded-For: {OFFICE}\r\nX-Forwarded-For: {PROXY}\r\n"),
        format!("Forwarded: for={OFFICE}\r\n"),
        format!("Forwarded: for=\"{OFFICE}\";x=\"\r\n"),
        format!("X-Forwarded-For: {OFFICE}\r\nForwarded: for={OFFICE}\r\n"),
        format!("X-Real-IP: {OFFICE}\r\n"),
        format!("True-Client-IP: {OFFICE}\r\n"),
    ]
}

async fn assert_no_forgery_helps(to: SocketAddr) {
    for fields in forgeries() {
        assert!(!is_recognized(PUBLIC, to, &fields).await, "{fields}");
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the loopback addresses of Linux"]
async fn a_guard_recognizes_direct_clients() {
    for framework in Framework::ALL {
        let server = serve(framework, Guard::new().addresses([OFFICE])).await;
        let address = server.address();
        assert!(is_recognized(OFFICE, address, "").await, "{framework:?}");
        assert!(!is_recognized(PUBLIC, address, "").await, "{framework:?}");
        assert_no_forgery_helps(address).await;
        for fields in forgeries() {
            assert!(!is_recognized(OFFICE, address, &fields).await, "{fields}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs haproxy and nginx"]
async fn a_guard_recognizes_clients_behind_a_reverse_proxy() {
    let guard = || Guard::new().addresses([OFFICE]).trusted_proxies([PROXY]);
    let nginx = blocks("nginx");
    assert_eq!((nginx.len(), blocks("haproxy").len()), (2, 1));
    for framework in Framework::ALL {
        let server = serve(framework, guard()).await;
        let app = server.address();
        for proxy in [
            Proxy::haproxy(PROXY, app, blocks("haproxy")[0]).await,
            Proxy::nginx(PROXY, app, nginx[0]).await,
            Proxy::nginx(PROXY, app, nginx[1]).await,
        ] {
            let through = proxy.address;
            assert!(is_recognized(OFFICE, through, "").await, "{framework:?}");
            assert!(!is_recognized(PUBLIC, through, "").await, "{framework:?}");
            assert!(!is_recognized(POD, through, "").await, "{framework:?}");
            assert_no_forgery_helps(through).await;
        }
        assert!(is_recognized(OFFICE, app, "").await, "around the proxy");
        assert_no_forgery_helps(app).await;
    }
}

/// A trusted proxy is never a client, even if its address is in the range.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs nginx"]
async fn a_reverse_proxy_without_forwarding_header_fields_is_not_recognized() {
    let silent = "location / { proxy_pass http://app:3000; }";
    let guard = Guard::new().addresses([CLUSTER]).trusted_proxies([PROXY]);
    let server = serve(Framework::Axum, guard).await;
    let proxy = Proxy::nginx(PROXY, server.address(), silent).await;
    for client in [POD, OFFICE, PUBLIC] {
        assert!(!is_recognized(client, proxy.address, "").await, "{client}");
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs haproxy and nginx"]
async fn an_ingress_inside_the_range_of_the_guard_does_not_open_it() {
    for framework in Framework::ALL {
        let server = serve(framework, Guard::new().addresses([CLUSTER])).await;
        let app = server.address();
        for ingress in [
            Proxy::haproxy(PROXY, app, blocks("haproxy")[0]).await,
            Proxy::nginx(PROXY, app, blocks("nginx")[0]).await,
            Proxy::nginx(PROXY, app, blocks("nginx")[1]).await,
        ] {
            for client in [PUBLIC, OFFICE, POD] {
                let is_recognized = is_recognized(client, ingress.address, "").await;
                assert!(!is_recognized, "{framework:?} {client}");
            }
            let claim = format!("X-Forwarded-For: {POD}\r\n");
            assert!(!is_recognized(PUBLIC, ingress.address, &claim).await);
        }
        assert!(is_recognized(POD, app, "").await, "{framework:?}");
        assert!(!is_recognized(PUBLIC, app, "").await, "{framework:?}");
    }
}

/// The sidecar forwards from the loopback address, without header fields.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs haproxy"]
async fn a_guard_recognizes_a_token_behind_a_mesh_sidecar() {
    let token = format!("Authorization: Bearer {TOKEN}\r\n");
    for framework in Framework::ALL {
        let server = serve(framework, Guard::new().bearer(TOKEN)).await;
        let sidecar = Proxy::haproxy("127.0.0.1", server.address(), "server one app:3000").await;
        for client in [POD, PUBLIC] {
            assert!(is_recognized(client, sidecar.address, &token).await);
            assert!(!is_recognized(client, sidecar.address, "").await);
        }
        assert_no_forgery_helps(sidecar.address).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs haproxy and nginx"]
async fn a_guard_recognizes_clients_behind_a_cdn_and_a_load_balancer() {
    let guard = || {
        Guard::new()
            .addresses([OFFICE])
            .trusted_proxies([PROXY, CDN])
    };
    for framework in Framework::ALL {
        let server = serve(framework, guard()).await;
        let balancer = Proxy::haproxy(PROXY, server.address(), blocks("haproxy")[0]).await;
        let cdn = Proxy::nginx(CDN, balancer.address, blocks("nginx")[0]).await;
        assert!(
            is_recognized(OFFICE, cdn.address, "").await,
            "{framework:?}"
        );
        assert!(
            !is_recognized(PUBLIC, cdn.address, "").await,
            "{framework:?}"
        );
        assert_no_forgery_helps(cdn.address).await;
        // Directly, without the CDN.
        assert!(is_recognized(OFFICE, balancer.address, "").await);
        let claim = format!("X-Forwarded-For: {OFFICE}, {CDN}\r\n");
        assert!(!is_recognized(PUBLIC, balancer.address, &claim).await);
        assert_no_forgery_helps(balancer.address).await;
    }
}
