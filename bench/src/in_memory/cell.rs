//! One line of comparison: a task, with messages of one content and size, one or many at a time.

use std::fmt;

use websocket_component::Role;

use crate::size::Size;

/// Sizes of messages.
pub(crate) const SIZES: [Size; 7] = [
    Size(0),
    Size(16),
    Size(125),
    Size(1 << 10),
    Size(16 << 10),
    Size(256 << 10),
    Size(4 << 20),
];

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Task {
    /// A server reads a client's masked frames, or a client a server's.
    Decode(Role),
    /// A server writes, or a client, which masks.
    Encode(Role),
}

impl Task {
    const ALL: [Self; 4] = [
        Self::Decode(Role::Server),
        Self::Decode(Role::Client),
        Self::Encode(Role::Server),
        Self::Encode(Role::Client),
    ];

    /// The content makes a difference to readers only: text is validated, and not all text takes the same path.
    const fn contents(self) -> &'static [Content] {
        match self {
            Self::Decode(_) => &Content::ALL,
            Self::Encode(_) => &[Content::Binary, Content::Text],
        }
    }
}

impl fmt::Display for Task {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Decode(Role::Server) => "decode server",
            Self::Decode(Role::Client) => "decode client",
            Self::Encode(Role::Server) => "encode server",
            Self::Encode(Role::Client) => "encode client",
        })
    }
}

/// The content of the payloads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Content {
    /// Random bytes.
    Binary,
    /// ASCII, as in most JSON.
    Text,
    /// Text in several scripts. Validation takes another path than for ASCII, in every library.
    Unicode,
}

impl Content {
    pub(crate) const ALL: [Self; 3] = [Self::Binary, Self::Text, Self::Unicode];
}

impl fmt::Display for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Binary => "binary",
            Self::Text => "text",
            Self::Unicode => "unicode",
        })
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cell {
    pub(crate) task: Task,
    pub(crate) content: Content,
    /// Each read or flush has one message, not as many as a transfer holds.
    pub(crate) is_one_at_a_time: bool,
    pub(crate) size: Size,
}

impl Cell {
    /// All cells: messages that are read or written one at a time are binary, and a server's.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        let many = Task::ALL.into_iter().flat_map(|task| {
            let contents = task.contents().iter();
            contents.map(move |content| (task, *content, false))
        });
        let one = [Task::Decode(Role::Server), Task::Encode(Role::Server)];
        let one = one.map(|task| (task, Content::Binary, true));
        many.chain(one)
            .flat_map(|(task, content, is_one_at_a_time)| {
                SIZES.map(|size| Self {
                    task,
                    content,
                    is_one_at_a_time,
                    size,
                })
            })
    }

    /// The part of the name that it shares with cells of other sizes.
    pub(crate) fn group(&self) -> String {
        let one = match self.is_one_at_a_time {
            true => ", one at a time,",
            false => "",
        };
        format!("{} {}{one}", self.task, self.content)
    }
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.group(), self.size)
    }
}

#[cfg(test)]
mod tests {
    use super::Cell;

    #[test]
    fn every_cell_is_there_once_and_has_a_name_of_its_own() {
        let mut names: Vec<_> = Cell::all().map(|cell| cell.to_string()).collect();
        let count = (2 * 3 + 2 * 2 + 2) * 7;
        assert_eq!(names.len(), count);
        assert_eq!(names[0], "decode server binary 0 B");
        names.sort();
        names.dedup();
        assert_eq!(names.len(), count);
    }
}
