//! The two directions of an engine without the feature `deflate`: there are none.

use alloc::vec::Vec;

use super::{Deflate, Direction};
use crate::Rule;

pub(crate) enum Inflater {}

impl Inflater {
    pub(crate) fn new(_: Direction) -> Option<Inflater> {
        None
    }

    pub(crate) fn inflate(
        &mut self,
        _: &[u8],
        _: usize,
        _: &mut usize,
        _: &mut Vec<u8>,
    ) -> Result<usize, Rule> {
        match *self {}
    }

    pub(crate) fn finish(&mut self, _: usize, _: &mut Vec<u8>) -> Result<bool, Rule> {
        match *self {}
    }

    pub(crate) fn memory(&self) -> usize {
        match *self {}
    }
}

pub(crate) enum Compressor {}

impl Compressor {
    pub(crate) fn new(_: Direction, _: &Deflate) -> Option<Compressor> {
        None
    }

    pub(crate) fn compress(&mut self, _: &[u8], _: bool) -> Vec<u8> {
        match *self {}
    }

    pub(crate) fn compress_if_worth_it(&mut self, _: &[u8], _: bool) -> Option<Vec<u8>> {
        match *self {}
    }
}

#[cfg(test)]
mod tests {
    use crate::{Config, Deflate, Instant, Rule, Session};

    #[test]
    fn a_session_cannot_be_asked_for_it() {
        let config = Config {
            deflate: Some(Deflate::default()),
            ..Config::default()
        };
        let refused = Session::server(config, Instant::from_nanos(0)).map(drop);
        assert_eq!(refused, Err(Rule::DeflateUnavailable));
    }
}
