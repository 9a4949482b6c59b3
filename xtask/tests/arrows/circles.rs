//! Cycles in a graph: nodes that can be reached from themselves.

use std::collections::{BTreeMap, BTreeSet};

use crate::modules::Module;

/// Those of these arrows, each once: its members, and the arrows between them.
pub(crate) fn circles(arrows: impl Iterator<Item = (Module, Module)>) -> Vec<String> {
    let mut graph: BTreeMap<Module, BTreeSet<Module>> = BTreeMap::new();
    for (from, to) in arrows {
        graph.entry(from).or_default().insert(to);
    }
    let reached: BTreeMap<&Module, BTreeSet<&Module>> = graph
        .keys()
        .map(|from| (from, reached_from(from, &graph)))
        .collect();
    let is_reached =
        |from: &Module, to: &Module| reached.get(from).is_some_and(|all| all.contains(to));
    let mut seen = BTreeSet::new();
    let mut found = Vec::new();
    for module in graph.keys().filter(|module| is_reached(module, module)) {
        if !seen.insert(module) {
            continue;
        }
        let others = graph
            .keys()
            .filter(|other| is_reached(module, other) && is_reached(other, module));
        let members: BTreeSet<&Module> = others.collect();
        seen.extend(&members);
        let uses = members.iter().flat_map(|from| {
            let to = graph[*from].iter().filter(|to| members.contains(to));
            to.map(|to| format!("{} uses {}", from.join("::"), to.join("::")))
        });
        found.push(uses.collect::<Vec<_>>().join(", "));
    }
    found
}

/// All that can be reached over one arrow or more.
fn reached_from<'g>(
    from: &Module,
    graph: &'g BTreeMap<Module, BTreeSet<Module>>,
) -> BTreeSet<&'g Module> {
    let mut reached = BTreeSet::new();
    let mut waiting: Vec<&Module> = graph.get(from).into_iter().flatten().collect();
    while let Some(module) = waiting.pop() {
        if reached.insert(module) {
            waiting.extend(graph.get(module).into_iter().flatten());
        }
    }
    reached
}

#[test]
fn a_circle_is_found_once_and_a_chain_is_none() {
    let module = |name: &str| vec![name.to_owned()];
    let arrows = |pairs: &[[&str; 2]]| {
        let pairs: Vec<_> = pairs
            .iter()
            .map(|[from, to]| (module(from), module(to)))
            .collect();
        circles(pairs.into_iter())
    };
    assert!(arrows(&[["a", "b"], ["b", "c"], ["a", "c"]]).is_empty());
    let found = arrows(&[["a", "b"], ["b", "c"], ["c", "b"], ["c", "d"]]);
    assert_eq!(found, ["b uses c, c uses b"]);
}
