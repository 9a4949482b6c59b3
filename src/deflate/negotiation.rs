//! Negotiation: offers, a server's answer, and what it means for each direction
//! (RFC 7692, sections 5 and 7.1).

use alloc::vec;
use alloc::vec::Vec;

use super::parameters::{LARGEST, NAME, Parameters, WindowBits};
use super::{Deflate, Direction};
use crate::Rule;
use crate::handshake::Extension;

/// What a client offers, most wanted first.
///
/// A server need not know windows. One that doesn't can still do without takeover,
/// so that no window of its is kept between messages.
pub(crate) fn offers(settings: &Deflate) -> Vec<Extension> {
    let limited = settings.receive_window_bits < LARGEST;
    let wanted = Parameters {
        server_no_context_takeover: !settings.receive_context_takeover,
        client_no_context_takeover: !settings.send_context_takeover,
        server_max_window_bits: limited.then_some(settings.receive_window_bits),
        client_max_window_bits: Some(if settings.send_window_bits < LARGEST {
            WindowBits::Most(settings.send_window_bits)
        } else {
            WindowBits::Unsaid
        }),
    };
    let mut offers = vec![wanted.write()];
    if limited {
        let fallback = Parameters {
            server_no_context_takeover: true,
            server_max_window_bits: None,
            ..wanted
        };
        offers.push(fallback.write());
    }
    offers
}

/// The answer of a server to the first offer that it can accept, if there is one.
/// Others are declined, whatever is wrong with them.
pub(crate) fn answer(settings: &Deflate, offers: &[Extension]) -> Option<Extension> {
    let mut ours = offers.iter().filter(|offer| offer.name == NAME);
    ours.find_map(|offer| Some(answer_to(settings, Parameters::read(offer)?).write()))
}

fn answer_to(settings: &Deflate, offer: Parameters) -> Parameters {
    let asked = offer.server_max_window_bits;
    let server = settings.send_window_bits.min(asked.unwrap_or(LARGEST));
    let limited = settings.receive_window_bits < LARGEST;
    let client = offer.client_max_window_bits.map(|hint| {
        let bits = settings.receive_window_bits.min(hint.most());
        (bits < LARGEST || hint != WindowBits::Unsaid).then_some(WindowBits::Most(bits))
    });
    Parameters {
        server_no_context_takeover: offer.server_no_context_takeover
            || !settings.send_context_takeover,
        // A client's hint is taken up. One whose window can't be limited does
        // without takeover, which every client has to know.
        client_no_context_takeover: offer.client_no_context_takeover
            || !settings.receive_context_takeover
            || (limited && client.is_none()),
        server_max_window_bits: (asked.is_some() || server < LARGEST).then_some(server),
        client_max_window_bits: client.flatten(),
    }
}

/// Checks that a server's answer is one to an offer.
///
/// Fails with [`Rule::DeflateAnswerInvalid`].
pub(crate) fn check(offers: &[Extension], answer: &Extension) -> Result<(), Rule> {
    let answer = Parameters::read(answer).ok_or(Rule::DeflateAnswerInvalid)?;
    let answers = |offer: &Parameters| {
        let server_window = match (offer.server_max_window_bits, answer.server_max_window_bits) {
            (Some(most), Some(bits)) => bits <= most,
            (Some(_), None) => false,
            (None, _) => true,
        };
        let client_window = match answer.client_max_window_bits {
            None => true,
            Some(WindowBits::Unsaid) => false,
            Some(WindowBits::Most(_)) => offer.client_max_window_bits.is_some(),
        };
        let takeover = answer.server_no_context_takeover || !offer.server_no_context_takeover;
        server_window && client_window && takeover
    };
    let mut offers = offers.iter().filter_map(Parameters::read);
    if offers.any(|offer| answers(&offer)) {
        Ok(())
    } else {
        Err(Rule::DeflateAnswerInvalid)
    }
}

/// What was negotiated, by direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Agreed {
    pub(crate) client: Direction,
    pub(crate) server: Direction,
}

/// Returns what an answer means for each direction.
///
/// Fails with [`Rule::DeflateAnswerInvalid`] if it is invalid.
pub(crate) fn agreed(answer: &Extension) -> Result<Agreed, Rule> {
    let answer = Parameters::read(answer).ok_or(Rule::DeflateAnswerInvalid)?;
    let client_bits = match answer.client_max_window_bits {
        None => LARGEST,
        Some(WindowBits::Most(bits)) => bits,
        // Only an offer may leave it open.
        Some(WindowBits::Unsaid) => return Err(Rule::DeflateAnswerInvalid),
    };
    Ok(Agreed {
        client: Direction {
            window_bits: client_bits,
            takeover: !answer.client_no_context_takeover,
        },
        server: Direction {
            window_bits: answer.server_max_window_bits.unwrap_or(LARGEST),
            takeover: !answer.server_no_context_takeover,
        },
    })
}

#[cfg(test)]
mod tests;
