//! The kinds of attacks.

/// What an attacker does. Either side of the gate can do each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Attack {
    CorpusInstead,
    CorpusAfter,
    RandomInstead,
    RandomAfter,
    SlowHandshake,
    LeavesEarly,
    SlowHeader,
    SlowPayload,
    SlowFragments,
    SlowClose,
    PingFlood,
    FragmentFlood,
    ImpossibleLength,
    LengthAndSilence,
    NeverReads,
    Silence,
    Leaves,
    Resets,
    ResetsInside,
    OddClose,
    Trap,
    Spin,
    Hoard,
}

use Attack::*;

impl Attack {
    /// Those that come over the wire.
    pub const OF_WIRE: [Attack; 20] = [
        CorpusInstead,
        CorpusAfter,
        RandomInstead,
        RandomAfter,
        SlowHandshake,
        LeavesEarly,
        SlowHeader,
        SlowPayload,
        SlowFragments,
        SlowClose,
        PingFlood,
        FragmentFlood,
        ImpossibleLength,
        LengthAndSilence,
        NeverReads,
        Silence,
        Leaves,
        Resets,
        ResetsInside,
        OddClose,
    ];

    /// Those that need the component that fails on command.
    pub const OF_GUEST: [Attack; 3] = [Trap, Spin, Hoard];

    /// As tables and targets have it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            CorpusInstead => "corpus, no handshake",
            CorpusAfter => "corpus, opened",
            RandomInstead => "random, no handshake",
            RandomAfter => "random, opened",
            SlowHandshake => "slow handshake",
            LeavesEarly => "leaves before it opens",
            SlowHeader => "slow frame header",
            SlowPayload => "slow payload",
            SlowFragments => "slow fragments",
            SlowClose => "slow close",
            PingFlood => "ping flood, unread",
            FragmentFlood => "fragment flood",
            ImpossibleLength => "impossible length",
            LengthAndSilence => "length, then silence",
            NeverReads => "never reads",
            Silence => "silence",
            Leaves => "connects and leaves",
            Resets => "connects and resets",
            ResetsInside => "resets in a message",
            OddClose => "odd close",
            Trap => "guest: trap",
            Spin => "guest: spin",
            Hoard => "guest: hoard",
        }
    }

    /// Whether it takes the place of the attacker's part of the handshake.
    #[must_use]
    pub fn is_instead_of_handshake(self) -> bool {
        matches!(
            self,
            CorpusInstead | RandomInstead | SlowHandshake | LeavesEarly | Leaves | Resets
        )
    }

    /// How many connections one attack makes.
    #[must_use]
    pub fn burst(self) -> usize {
        match self {
            Leaves | Resets | ResetsInside => 10,
            _ => 1,
        }
    }

    /// Its place in a target, and back.
    #[must_use]
    pub fn index(self) -> usize {
        self as usize
    }

    #[must_use]
    pub fn from_index(index: usize) -> Option<Attack> {
        let mut all = Attack::OF_WIRE.into_iter().chain(Attack::OF_GUEST);
        all.find(|attack| attack.index() == index)
    }
}
