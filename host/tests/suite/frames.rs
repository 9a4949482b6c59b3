//! Frames as a peer writes them.

use websocket_host::Role;

pub(crate) const KEY: [u8; 4] = [1, 0x9e, 0, 0xff];
pub(crate) const CONTINUATION: u8 = 0x0;
pub(crate) const TEXT: u8 = 0x1;
pub(crate) const BINARY: u8 = 0x2;
pub(crate) const PING: u8 = 0x9;
pub(crate) const FIN: u8 = 0x80;

/// Returns a client's frame, or a server's without a mask.
pub(crate) fn frame(first: u8, payload: &[u8], by: Role) -> Vec<u8> {
    let mask_bit = if by == Role::Client { 0x80 } else { 0 };
    let mut frame = vec![first];
    match payload.len() {
        short @ 0..126 => frame.push(mask_bit | short as u8),
        length @ 126..65_536 => {
            frame.push(mask_bit | 126);
            frame.extend((length as u16).to_be_bytes());
        }
        length => {
            frame.push(mask_bit | 127);
            frame.extend((length as u64).to_be_bytes());
        }
    }
    match by {
        Role::Server => frame.extend(payload),
        Role::Client => {
            frame.extend(KEY);
            let masked = payload.iter().zip(KEY.iter().cycle());
            frame.extend(masked.map(|(byte, key)| byte ^ key));
        }
    }
    frame
}

pub(crate) fn bytes(length: usize) -> Vec<u8> {
    (0..length).map(|at| (at * 31 % 251) as u8).collect()
}
