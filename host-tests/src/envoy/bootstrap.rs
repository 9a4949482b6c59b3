//! The configuration that an Envoy is started with.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;

use serde_json::{Map, Value, json};

use super::{ACCESS_LOG, Builder, CERTIFICATE, FIELDS, Http, PRIVATE_KEY, UNCHECKED};

const HTTP_WASM: &str = "envoy.filters.http.wasm";
const NETWORK_WASM: &str = "envoy.filters.network.wasm";

/// Envoy chooses the port.
const ANY_PORT: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

impl Builder {
    /// The bootstrap; `folder` has the certificate and gets the access log.
    pub(super) fn bootstrap(&self, folder: &Path) -> Value {
        let (access_log, flush_interval) = match self.is_measured {
            true => (json!([]), "5s"),
            // Histograms can be read from then on.
            false => (json!([access_log(&folder.join(ACCESS_LOG))]), "0.1s"),
        };
        let filters = match self.tcp_proxy {
            true => self.network_filters(access_log),
            false => vec![self.connection_manager(access_log)],
        };
        let mut chain = json!({ "filters": filters });
        if self.tls {
            chain["transport_socket"] = self.transport_socket(folder);
        }
        json!({
            "admin": { "address": address(ANY_PORT) },
            "stats_flush_interval": flush_interval,
            "static_resources": {
                "listeners": [{
                    "address": address(ANY_PORT),
                    "tcp_backlog_size": 4096,
                    "filter_chains": [chain],
                }],
                "clusters": [self.cluster()],
            },
        })
    }

    /// A bootstrap of `envoy/config` for this machine.
    pub(super) fn adapt(&self, text: &str, folder: &Path) -> String {
        let path = |name| folder.join(name).display().to_string();
        let module = self.filter.as_deref().unwrap_or(Path::new(""));
        let upstream = format!("port_value: {}", self.upstream.port());
        [
            ("port_value: 9901", "port_value: 0"),
            ("port_value: 10000", "port_value: 0"),
            ("port_value: 9001", &upstream),
            (
                "target/component/websocket-filter.wasm",
                &module.display().to_string(),
            ),
            ("target/certificate.pem", &path(CERTIFICATE)),
            ("target/private-key.pem", &path(PRIVATE_KEY)),
            ("/dev/stdout", &path(ACCESS_LOG)),
        ]
        .iter()
        .fold(text.to_owned(), |text, (from, to)| text.replace(from, to))
    }

    fn connection_manager(&self, access_log: Value) -> Value {
        let mut http_filters = Vec::new();
        http_filters.extend(self.wasm(HTTP_WASM, "filters.http.wasm.v3.Wasm"));
        http_filters.push(named(
            "envoy.filters.http.router",
            "filters.http.router.v3.Router",
            json!({}),
        ));
        let route = json!({ "cluster": "upstream", "timeout": "0s" });
        let mut unchecked = json!({ "match": { "prefix": UNCHECKED }, "route": route });
        if self.filter.is_some() {
            let config = "type.googleapis.com/envoy.config.route.v3.FilterConfig";
            unchecked["typed_per_filter_config"] =
                json!({ HTTP_WASM: { "@type": config, "disabled": true } });
        }
        let mut manager = json!({
            "stat_prefix": "websocket",
            "codec_type": match self.downstream_http {
                Http::One => "HTTP1",
                Http::Two => "HTTP2",
            },
            "http2_protocol_options": { "allow_connect": true },
            "upgrade_configs": [{ "upgrade_type": "websocket" }],
            "stream_idle_timeout": "0s",
            "access_log": access_log,
            "http_filters": http_filters,
            "route_config": { "virtual_hosts": [{
                "name": "all",
                // What may wait in the filter: more than Envoy reads at once.
                "request_body_buffer_limit": 4 << 20,
                "domains": ["*"],
                "routes": [unchecked, { "match": { "prefix": "/" }, "route": route }],
            }] },
        });
        for (field, value) in &self.manager {
            manager[field] = value.clone();
        }
        named(
            "envoy.filters.network.http_connection_manager",
            "filters.network.http_connection_manager.v3.HttpConnectionManager",
            manager,
        )
    }

    fn network_filters(&self, access_log: Value) -> Vec<Value> {
        let mut filters = Vec::new();
        filters.extend(self.wasm(NETWORK_WASM, "filters.network.wasm.v3.Wasm"));
        let proxy = json!({
            "stat_prefix": "websocket",
            "cluster": "upstream",
            "idle_timeout": "0s",
            "access_log": access_log,
        });
        filters.push(named(
            "envoy.filters.network.tcp_proxy",
            "filters.network.tcp_proxy.v3.TcpProxy",
            proxy,
        ));
        filters
    }

    /// The filter that is tested, if there is one.
    fn wasm(&self, name: &str, kind: &str) -> Option<Value> {
        let module = self.filter.as_ref()?;
        let config = json!({
            "name": "websocket-filter",
            "failure_policy": self.failure_policy,
            "vm_config": {
                "vm_id": "websocket",
                "runtime": "envoy.wasm.runtime.v8",
                "code": { "local": { "filename": module } },
            },
            "configuration": {
                "@type": "type.googleapis.com/google.protobuf.StringValue",
                "value": self.configuration,
            },
        });
        Some(named(name, kind, json!({ "config": config })))
    }

    fn transport_socket(&self, folder: &Path) -> Value {
        let alpn = match self.downstream_http {
            Http::One => "http/1.1",
            Http::Two => "h2",
        };
        let context = json!({ "common_tls_context": {
            "alpn_protocols": [alpn],
            "tls_certificates": [{
                "certificate_chain": { "filename": folder.join(CERTIFICATE) },
                "private_key": { "filename": folder.join(PRIVATE_KEY) },
            }],
        } });
        named(
            "envoy.transport_sockets.tls",
            "transport_sockets.tls.v3.DownstreamTlsContext",
            context,
        )
    }

    fn cluster(&self) -> Value {
        let options = match self.upstream_http {
            Http::One => json!({ "http_protocol_options": {} }),
            Http::Two => json!({ "http2_protocol_options": { "allow_connect": true } }),
        };
        let kind = "upstreams.http.v3.HttpProtocolOptions";
        let options = typed(kind, json!({ "explicit_http_config": options }));
        let endpoint = json!({ "endpoint": { "address": address(self.upstream) } });
        json!({
            "name": "upstream",
            "type": "STATIC",
            "typed_extension_protocol_options": {
                "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": options,
            },
            "circuit_breakers": { "thresholds": [{
                "max_connections": 100_000,
                "max_requests": 100_000,
                "max_pending_requests": 100_000,
            }] },
            "load_assignment": {
                "cluster_name": "upstream",
                "endpoints": [{ "lb_endpoints": [endpoint] }],
            },
        })
    }
}

fn access_log(path: &Path) -> Value {
    let mut format = Map::new();
    for name in FIELDS {
        let field = format!("%FILTER_STATE(wasm.{name}:PLAIN)%");
        format.insert(name.to_owned(), field.into());
    }
    for (name, field) in [
        ("path", "%REQ(:PATH)%"),
        ("code", "%RESPONSE_CODE%"),
        ("flags", "%RESPONSE_FLAGS%"),
        ("details", "%RESPONSE_CODE_DETAILS%"),
    ] {
        format.insert(name.to_owned(), field.into());
    }
    named(
        "envoy.access_loggers.file",
        "access_loggers.file.v3.FileAccessLog",
        json!({ "path": path, "log_format": { "json_format": format } }),
    )
}

fn address(address: SocketAddr) -> Value {
    json!({ "socket_address": { "address": address.ip().to_string(), "port_value": address.port() } })
}

/// An extension with its configuration.
fn named(name: &str, kind: &str, fields: Value) -> Value {
    json!({ "name": name, "typed_config": typed(kind, fields) })
}

/// A message of this type, whose name is below `envoy.extensions`.
fn typed(kind: &str, mut fields: Value) -> Value {
    fields["@type"] = format!("type.googleapis.com/envoy.extensions.{kind}").into();
    fields
}
