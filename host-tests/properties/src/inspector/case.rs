//! The options of an inspector, and what both sides send.

use arbitrary::{Result, Unstructured};
use host_tests::deflate::{self, Peer};
use host_tests::inspected::Proxy;
use host_tests::wire::{FIN, Frame, RSV1};
use websocket_component::Role;
use websocket_component::handshake::Negotiated;
use websocket_component::inspector::{Direction, Options, OtherCode, Payload};

/// The most that one input inflates to, so that each stays quick.
const LONGEST: usize = 70_000;

#[derive(Debug)]
pub(super) struct Case {
    pub(super) options: Options,
    pub(super) negotiated: Negotiated,
    client: Vec<u8>,
    server: Vec<u8>,
}

impl Case {
    pub(super) fn read(input: &mut Unstructured<'_>) -> Result<Case> {
        let mut options = Options::default();
        direction(&mut options.client, input)?;
        direction(&mut options.server, input)?;
        if input.arbitrary()? {
            options.other_code = OtherCode::Same;
        }
        let mut negotiated = Negotiated::default();
        let compresses: bool = input.arbitrary()?;
        if compresses {
            let bits = input.int_in_range(9..=15)?;
            let mut parameters =
                format!("server_max_window_bits={bits}; client_max_window_bits={bits}");
            if input.arbitrary()? {
                parameters += "; client_no_context_takeover";
            }
            negotiated = deflate::negotiated(&parameters);
        }
        let client = said(Role::Client, compresses, input)?;
        let server = said(Role::Server, compresses, input)?;
        Ok(Case {
            options,
            negotiated,
            client,
            server,
        })
    }

    pub(super) fn proxy(&self) -> Proxy {
        Proxy::open(self.options, &self.negotiated)
    }

    /// Replaces the inspector of an idle connection by another one.
    pub(super) fn parks(&self, proxy: &mut Proxy) {
        proxy.park(&self.options, &self.negotiated);
    }

    pub(super) fn said(&self, from: Role) -> &[u8] {
        match from {
            Role::Client => &self.client,
            Role::Server => &self.server,
        }
    }

    pub(super) fn options(&self, from: Role) -> &Direction {
        match from {
            Role::Client => &self.options.client,
            Role::Server => &self.options.server,
        }
    }

    /// The most memory that an inspector may take for it.
    pub(super) fn memory(&self) -> usize {
        let of = |options: &Direction, said: &[u8]| {
            let shown = match options.view.payload {
                // Put together, and copied for the host; lists that grow double.
                Payload::Messages { up_to } => {
                    (4 * up_to as usize).min(4 * options.limits.message as usize + 4 * said.len())
                }
                _ => 0,
            };
            let inflated = match self.negotiated.extensions.is_empty() {
                true => 0,
                false => 64 << 10 | (2 * options.limits.inflate_per_call as usize).min(2 << 20),
            };
            // What is seen of one input takes some 100 bytes for each frame.
            shown + inflated + 100 * said.len()
        };
        (64 << 10) + of(&self.options.client, &self.client) + of(&self.options.server, &self.server)
    }
}

fn direction(options: &mut Direction, input: &mut Unstructured<'_>) -> Result<()> {
    let view = &mut options.view;
    [view.frames, view.control, view.messages] = input.arbitrary()?;
    let [unchecked, as_it_is]: [bool; 2] = input.arbitrary()?;
    view.verify_utf8 = !unchecked;
    view.inflate = !as_it_is || input.arbitrary()?;
    view.payload = *input.choose(&[
        Payload::Nothing,
        Payload::Nothing,
        Payload::Chunks,
        Payload::Messages { up_to: 10 },
        Payload::Messages { up_to: u32::MAX },
        Payload::Messages { up_to: u32::MAX },
    ])?;
    options.hold_frame = *input.choose(&[0, 20, 300, 65_536])?;
    let limits = &mut options.limits;
    limits.frame = *input.choose(&[16 << 20, 125, 1000, 0])?;
    limits.message = *input.choose(&[16 << 20, 200, 2000, 0])?;
    limits.fragments = *input.choose(&[65_536, 3, 1])?;
    limits.inflate_per_call = *input.choose(&[1 << 20, 1024, 5000])?;
    Ok(())
}

/// Frames, most of which break no rule, and bytes that are none.
fn said(role: Role, compresses: bool, input: &mut Unstructured<'_>) -> Result<Vec<u8>> {
    let mut said = Vec::new();
    let mut peer = Peer::with_window(9);
    let mut in_message = false;
    for _ in 0..input.int_in_range(0..=24)? {
        let kind = input.int_in_range(0..=19)?;
        if said.len() > LONGEST {
            break;
        }
        let frame = match kind {
            0..=11 => {
                let payload = payload(kind, input)?;
                let mut frame = match kind % 3 {
                    _ if in_message => Frame::continuation(&payload),
                    0 => Frame::text(&payload),
                    _ => Frame::binary(&payload),
                };
                if !in_message && compresses && input.arbitrary()? {
                    frame.payload = peer.compresses(&payload);
                    frame.first |= RSV1;
                    if input.ratio(1, 8)? {
                        // Compressed, and then damaged.
                        let count = frame.payload.len();
                        let index = input.choose_index(count)?;
                        frame.payload[index] ^= 1 << input.int_in_range(0..=7)?;
                    }
                } else if input.ratio(1, 3)? {
                    frame.first &= !FIN;
                }
                in_message = frame.first & FIN == 0;
                frame
            }
            12..=14 => Frame::ping(payload(0, input)?.get(..9).unwrap_or_default()),
            15 => Frame::pong(payload(0, input)?.get(..125).unwrap_or_default()),
            16 if input.ratio(1, 2)? => {
                let code = *input.choose(&[1000, 1001, 4000, 1005, 999])?;
                Frame::close(code, "bye")
            }
            17 => {
                let length = input.int_in_range(0..=16)?.min(input.len());
                said.extend_from_slice(input.bytes(length)?);
                continue;
            }
            18 => Frame::new(input.arbitrary::<u8>()? & 0x7f, [7; 3]),
            _ => {
                let length = *input.choose(&[0, 125, 126, 65_535, 65_536, u64::MAX])?;
                let header = Frame::binary([]).by(role).header(length);
                said.extend(header);
                continue;
            }
        };
        said.extend(frame.by(role).bytes());
    }
    Ok(said)
}

fn payload(kind: u8, input: &mut Unstructured<'_>) -> Result<Vec<u8>> {
    let length = match input.arbitrary::<u8>()? {
        size @ 0..=199 => usize::from(size),
        size => usize::from(size) * 40,
    };
    if kind == 3 {
        return Ok(input.bytes(length.min(8).min(input.len()))?.into());
    }
    let mut text: Vec<u8> = "aé€😀".bytes().cycle().take(length).collect();
    // Text that ends inside a character is valid only if it goes on.
    if kind != 6 {
        while str::from_utf8(&text).is_err() {
            text.pop();
        }
    }
    Ok(text)
}
