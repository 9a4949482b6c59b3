//! The targets, and how each is run.

use anyhow::{Context, Result};

/// A program in host-tests/fuzz/fuzz_targets.
#[derive(Debug)]
pub(crate) struct Target {
    pub(crate) name: &'static str,
    /// The longest input, in bytes.
    pub(crate) longest: u32,
    pub(crate) needs_component: bool,
    /// Inputs are kept for how often they meet an edge, too: bits that share an edge tell much, and the inputs are small.
    pub(crate) keeps_counts: bool,
}

pub(crate) const ALL: &[Target] = &[
    Target {
        name: "server",
        longest: 2048,
        needs_component: false,
        keeps_counts: false,
    },
    Target {
        name: "client",
        longest: 2048,
        needs_component: false,
        keeps_counts: false,
    },
    Target {
        name: "operations",
        longest: 1024,
        needs_component: false,
        keeps_counts: false,
    },
    Target {
        name: "inspector",
        longest: 1024,
        needs_component: false,
        keeps_counts: false,
    },
    Target {
        name: "differential",
        longest: 512,
        needs_component: false,
        keeps_counts: true,
    },
    Target {
        name: "component",
        longest: 1024,
        needs_component: true,
        keeps_counts: false,
    },
];

/// The targets of these names; all of them if there are no names.
pub(crate) fn named(names: &[String]) -> Result<Vec<&'static Target>> {
    if names.is_empty() {
        return Ok(ALL.iter().collect());
    }
    let find = |name: &String| {
        let target = ALL.iter().find(|target| target.name == name);
        target.with_context(|| format!("there is no target {name}"))
    };
    names.iter().map(find).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_names_are_all_targets_and_unknown_ones_are_an_error() {
        assert_eq!(named(&[]).unwrap().len(), ALL.len());
        assert_eq!(named(&["client".into()]).unwrap()[0].name, "client");
        assert!(named(&["clint".into()]).is_err());
    }
}
