//! One line of comparison: a task, with messages of one content and size, one or many at a time.

use std::fmt;

use crate::in_memory::message::Content;
use crate::role::Role;
use crate::size::Size;

/// Of messages.
pub(crate) const SIZES: [Size; 7] = [
    Size(0),
    Size(16),
    Size(125),
    Size(1 << 10),
    Size(16 << 10),
    Size(256 << 10),
    Size(4 << 20),
];

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Task {
    /// A server reads a client's masked frames, or a client a server's.
    Decode(Role),
    /// A server writes, or a client, which masks.
    Encode(Role),
    /// A server sends back what it reads.
    Echo,
}

impl Task {
    pub(crate) const ALL: [Self; 5] = [
        Self::Decode(Role::Server),
        Self::Decode(Role::Client),
        Self::Encode(Role::Server),
        Self::Encode(Role::Client),
        Self::Echo,
    ];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Decode(_) => "decode",
            Self::Encode(_) => "encode",
            Self::Echo => "echo",
        }
    }

    /// Whose it is.
    pub(crate) const fn role(self) -> Role {
        match self {
            Self::Decode(role) | Self::Encode(role) => role,
            Self::Echo => Role::Server,
        }
    }

    pub(crate) const fn explanation(self) -> &'static str {
        match self {
            Self::Decode(Role::Server) => "a server reads masked frames",
            Self::Decode(Role::Client) => "a client reads frames",
            Self::Encode(Role::Server) => "a server writes frames",
            Self::Encode(Role::Client) => "a client writes masked frames",
            Self::Echo => "a server reads masked frames and writes the messages back",
        }
    }

    pub(crate) const fn is_decode(self) -> bool {
        matches!(self, Self::Decode(_))
    }

    /// What the messages hold makes a difference to who reads them: text is checked, and not all text alike.
    fn contents(self) -> &'static [Content] {
        match self {
            Self::Decode(_) => &[Content::Binary, Content::Text, Content::Unicode],
            Self::Encode(_) | Self::Echo => &[Content::Binary, Content::Text],
        }
    }
}

/// How many messages come in one read, or are sent before a flush.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Batch {
    /// As many as a transfer holds.
    Full,
    /// So many, however large.
    Of(usize),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cell {
    pub(crate) task: Task,
    pub(crate) content: Content,
    pub(crate) batch: Batch,
    pub(crate) size: Size,
}

impl Cell {
    /// All there are: what is read or written one at a time is binary, and a server's.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        let group = |task, content, batch| {
            SIZES.map(|size| Self {
                task,
                content,
                batch,
                size,
            })
        };
        let full = Task::ALL.into_iter().flat_map(move |task| {
            let contents = task.contents().iter();
            contents.flat_map(move |content| group(task, *content, Batch::Full))
        });
        let servers = Task::ALL
            .into_iter()
            .filter(|task| task.role() == Role::Server);
        full.chain(servers.flat_map(move |task| group(task, Content::Binary, Batch::Of(1))))
    }

    /// Whether this is as usual: many messages at a time.
    pub(crate) fn is_full(&self) -> bool {
        self.batch == Batch::Full
    }
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (task, role) = (self.task.name(), self.task.role().name());
        write!(f, "{task} {role} {} {}", self.content.name(), self.size)?;
        match self.batch {
            Batch::Full => Ok(()),
            Batch::Of(1) => f.write_str(", one at a time"),
            Batch::Of(count) => write!(f, ", {count} at a time"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Cell;

    #[test]
    fn every_cell_is_there_once_and_has_a_name_of_its_own() {
        let mut names: Vec<_> = Cell::all().map(|cell| cell.to_string()).collect();
        let count = (2 * 3 + 2 * 2 + 2 + 3) * 7;
        assert_eq!(names.len(), count);
        assert_eq!(names[0], "decode server binary 0 B");
        names.sort();
        names.dedup();
        assert_eq!(names.len(), count);
    }
}
