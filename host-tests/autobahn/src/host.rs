//! What runs the engine, or what is between the test suite and an engine that nothing runs.

use clap::ValueEnum;

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Host {
    /// The component in its wasmtime sandbox
    Component,
    /// The Rust crate
    Native,
    /// The npm package in Node
    Node,
    /// A gate that inspects, beside the Rust crate, as are those below
    Inspect,
    /// A gate that terminates
    Terminate,
    /// The component in its sandbox, with TLS
    ComponentTls,
    /// Two gates that inspect, with TLS between them
    InspectTls,
    /// Two gates that terminate, with TLS between them
    TerminateTls,
    /// Envoy without the filter
    Envoy,
    /// Envoy with the filter
    EnvoyFilter,
}

/// The engine's; the test suite has the other one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Role {
    /// A server, which a fuzzing client connects to
    Server,
    /// A client of a fuzzing server
    Client,
}

impl Role {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Server => "server",
            Self::Client => "client",
        }
    }
}

impl Host {
    /// As in the arguments.
    pub(crate) fn name(self) -> String {
        let value = self.to_possible_value();
        value.map_or_else(String::new, |value| value.get_name().to_owned())
    }

    /// Whether what is between the peers checks the rules, so that neither sees one broken.
    pub(crate) fn inspects(self) -> bool {
        matches!(
            self,
            Self::Inspect
                | Self::Terminate
                | Self::InspectTls
                | Self::TerminateTls
                | Self::EnvoyFilter
        )
    }

    /// A run, as a heading.
    pub(crate) fn described(self, role: Role) -> String {
        let host = match self {
            Self::Component => "The component in its sandbox",
            Self::Native => "The native engine",
            Self::Node => "The npm package in Node",
            Self::Inspect => "A gate (inspect)",
            Self::Terminate => "A gate (terminate)",
            Self::ComponentTls => "The component in its sandbox with TLS",
            Self::InspectTls => "Two gates (inspect) with TLS between them",
            Self::TerminateTls => "Two gates (terminate) with TLS between them",
            Self::Envoy => "Envoy without the filter",
            Self::EnvoyFilter => "Envoy with the filter",
        };
        match (self, role) {
            (Self::Component | Self::Native | Self::Node | Self::ComponentTls, role) => {
                format!("{host} as {}", role.name())
            }
            (_, Role::Server) => format!("{host} in front of a server"),
            (_, Role::Client) => format!("{host} between a client and the suite"),
        }
    }
}
