//! A version of the contract that was published stays as it is.
//!
//! `wit/published/` has a copy of `wit/` for each version. `wit/` has to have every item of the copy of the current
//! version in the same form, except `@unstable` ones. A new item needs no new version; a changed or removed one does.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use wit_parser::{Handle, PackageId, Resolve, Type, TypeDefKind, TypeOwner};

/// The form of each item, by its name.
type Items = BTreeMap<String, String>;

/// A package, without `@unstable` items.
struct Contract {
    resolve: Resolve,
    package: PackageId,
}

impl Contract {
    fn read(folder: &Path) -> Contract {
        let mut resolve = Resolve::default();
        let (package, _) = resolve
            .push_dir(folder)
            .unwrap_or_else(|error| panic!("{}: {error:?}", folder.display()));
        Contract { resolve, package }
    }

    fn parse(text: &str) -> Contract {
        let mut resolve = Resolve::default();
        let package = resolve.push_source("inline.wit", text).unwrap();
        Contract { resolve, package }
    }

    fn version(&self) -> impl Ord + std::fmt::Display + use<> {
        let name = &self.resolve.packages[self.package].name;
        name.version.clone().expect("a version")
    }

    fn items(&self) -> Items {
        let mut items = Items::new();
        let package = &self.resolve.packages[self.package];
        for (name, id) in &package.worlds {
            let world = &self.resolve.worlds[*id];
            let imports = world.imports.keys();
            let imports = list(imports.map(|key| self.resolve.name_world_key(key)));
            items.insert(name.clone(), format!("world, imports {{ {imports} }}"));
            for key in world.exports.keys() {
                // Without the version.
                let export = self.resolve.name_canonicalized_world_key(key);
                let export = export.split('@').next().unwrap_or_default();
                items.insert(format!("{name} exports {export}"), "export".into());
            }
        }
        for (name, id) in &package.interfaces {
            let interface = &self.resolve.interfaces[*id];
            items.insert(name.clone(), "interface".into());
            for (item, id) in &interface.types {
                let form = self.form(&self.resolve.types[*id].kind);
                items.insert(format!("{name}.{item}"), form);
            }
            for (item, function) in &interface.functions {
                let kind = if function.kind.is_async() {
                    "async func"
                } else {
                    "func"
                };
                let params = function.params.iter();
                let params = list(params.map(|p| format!("{}: {}", p.name, self.name(&p.ty))));
                let result = self.optional(function.result.as_ref());
                items.insert(
                    format!("{name}.{item}"),
                    format!("{kind}({params}) -> {result}"),
                );
            }
        }
        items
    }

    /// How a type is referred to.
    fn name(&self, of: &Type) -> String {
        match of {
            Type::Id(id) => {
                let definition = &self.resolve.types[*id];
                let name = definition.name.clone();
                name.unwrap_or_else(|| self.form(&definition.kind))
            }
            primitive => format!("{primitive:?}").to_lowercase(),
        }
    }

    fn optional(&self, of: Option<&Type>) -> String {
        of.map_or("_".into(), |of| self.name(of))
    }

    /// How a type is defined.
    fn form(&self, kind: &TypeDefKind) -> String {
        let what = kind.as_str();
        match kind {
            TypeDefKind::Record(record) => {
                let fields = record.fields.iter();
                let fields = list(fields.map(|f| format!("{}: {}", f.name, self.name(&f.ty))));
                format!("{what} {{ {fields} }}")
            }
            TypeDefKind::Variant(variant) => {
                let cases = variant.cases.iter();
                let cases =
                    list(cases.map(|c| format!("{}({})", c.name, self.optional(c.ty.as_ref()))));
                format!("{what} {{ {cases} }}")
            }
            TypeDefKind::Enum(of) => {
                format!("{what} {{ {} }}", list(of.cases.iter().map(|c| &c.name)))
            }
            TypeDefKind::Flags(of) => {
                format!("{what} {{ {} }}", list(of.flags.iter().map(|f| &f.name)))
            }
            TypeDefKind::Resource => what.into(),
            TypeDefKind::Handle(Handle::Own(id)) => self.name(&Type::Id(*id)),
            TypeDefKind::Handle(Handle::Borrow(id)) => {
                format!("{what}<{}>", self.name(&Type::Id(*id)))
            }
            TypeDefKind::Tuple(of) => {
                format!("{what}<{}>", list(of.types.iter().map(|t| self.name(t))))
            }
            TypeDefKind::Option(of) | TypeDefKind::List(of) => {
                format!("{what}<{}>", self.name(of))
            }
            TypeDefKind::Result(of) => {
                let (ok, err) = (of.ok.as_ref(), of.err.as_ref());
                format!("{what}<{}, {}>", self.optional(ok), self.optional(err))
            }
            TypeDefKind::Type(of) => format!("= {}{}", self.owner(of), self.name(of)),
            other => panic!("nothing is known about the form of a {}", other.as_str()),
        }
    }

    /// The interface that a type is used from.
    fn owner(&self, of: &Type) -> String {
        let Type::Id(id) = of else {
            return String::new();
        };
        match self.resolve.types[*id].owner {
            TypeOwner::Interface(id) => {
                let name = self.resolve.interfaces[id].name.as_deref();
                format!("{}.", name.unwrap_or_default())
            }
            _ => String::new(),
        }
    }
}

fn list(names: impl Iterator<Item = impl AsRef<str>>) -> String {
    let names: Vec<_> = names.collect();
    let names: Vec<_> = names.iter().map(AsRef::as_ref).collect();
    names.join(", ")
}

/// Returns the published items that were removed or changed.
fn changes(published: &Items, now: &Items) -> Vec<String> {
    let differs = published
        .iter()
        .filter(|(name, form)| now.get(*name) != Some(form));
    let told = differs.map(|(name, form)| match now.get(name) {
        Some(other) => format!("{name}\n  was  {form}\n  is   {other}"),
        None => format!("{name}\n  was  {form}\n  is   gone"),
    });
    told.collect()
}

fn wit() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../wit")
}

#[test]
fn what_was_published_does_not_change_without_a_version() {
    let contract = Contract::read(&wit());
    let version = contract.version();
    let folders = std::fs::read_dir(wit().join("published")).unwrap();
    let published: Vec<Contract> = folders
        .map(|folder| {
            let folder = folder.unwrap().path();
            let published = Contract::read(&folder);
            let name = folder.file_name().unwrap().to_string_lossy();
            assert_eq!(published.version().to_string(), name, "a copy's folder");
            published
        })
        .collect();
    let Some(same) = published.iter().find(|old| old.version() == version) else {
        for old in &published {
            let old = old.version();
            assert!(
                old < version,
                "{version} is older than {old}, which is published"
            );
        }
        return;
    };
    let changes = changes(&same.items(), &contract.items());
    assert!(
        changes.is_empty(),
        "{version} is published; a new version is needed for these:\n{}",
        changes.join("\n")
    );
}

/// A small contract, of which the tests below change a word.
const PUBLISHED: &str = "
    package a:b@1.0.0;
    interface one {
        /// A record.
        record point { x: u32, y: option<string> }
        enum colour { red, green }
        variant shape { dot, circle(u32) }
        flags rights { read, write }
        resource thing {
            constructor();
            move: func(by: point) -> result<_, colour>;
            @unstable(feature = draft)
            draft: func();
        }
        use two.{span};
        paint: func(thing: borrow<thing>, shapes: list<shape>, times: tuple<span, u8>);
    }
    interface two {
        type span = u64;
    }
    interface three {}
    world all { export two; export one; }
";

fn changes_after(from: &str, to: &str) -> Vec<String> {
    assert!(PUBLISHED.contains(from), "{from}");
    let changed = Contract::parse(&PUBLISHED.replacen(from, to, 1));
    changes(&Contract::parse(PUBLISHED).items(), &changed.items())
}

#[test]
fn a_change_of_what_was_published_is_found() {
    for (from, to, item) in [
        ("x: u32,", "x: u32, z: u8,", "one.point"),
        ("x: u32,", "x: u64,", "one.point"),
        (
            "x: u32, y: option<string>",
            "y: option<string>, x: u32",
            "one.point",
        ),
        ("option<string>", "option<u8>", "one.point"),
        ("red, green", "red, green, blue", "one.colour"),
        ("red, green", "green, red", "one.colour"),
        ("circle(u32)", "circle", "one.shape"),
        ("read, write", "read", "one.rights"),
        ("by: point", "by: colour", "one.[method]thing.move"),
        ("by: point", "to: point", "one.[method]thing.move"),
        ("move: func", "move: static func", "one.[method]thing.move"),
        ("<_, colour>", "<u8, colour>", "one.[method]thing.move"),
        ("constructor();", "", "one.[constructor]thing"),
        ("borrow<thing>", "thing", "one.paint"),
        ("tuple<span, u8>", "tuple<span>", "one.paint"),
        ("paint: func", "draw: func", "one.paint"),
        ("type span = u64", "type span = u32", "two.span"),
        ("use two.{span};", "type span = u64;", "one.span"),
        ("export one;", "export one; import three;", "all"),
        ("export one;", "", "all exports a:b/one"),
    ] {
        let changes = changes_after(from, to);
        let named = |change: &String| change.starts_with(&format!("{item}\n"));
        assert!(changes.iter().any(named), "{from} -> {to}: {changes:?}");
    }
}

#[test]
fn both_forms_of_a_change_are_shown() {
    assert_eq!(
        changes_after("red, green", "red"),
        ["one.colour\n  was  enum { red, green }\n  is   enum { red }"]
    );
    assert_eq!(
        changes_after("constructor();", ""),
        ["one.[constructor]thing\n  was  func() -> thing\n  is   gone"]
    );
}

#[test]
fn additions_words_and_what_is_unstable_are_no_change() {
    for (from, to) in [
        ("A record.", "A point in the plane."),
        ("paint: func", "more: func();\npaint: func"),
        ("constructor();", "constructor(); more: func();"),
        ("enum colour", "type more = u8;\nenum colour"),
        ("interface two", "interface four {}\ninterface two"),
        ("export one;", "export one; export three;"),
        ("draft: func()", "draft: func(a: u8)"),
        ("@unstable(feature = draft)\n            draft: func();", ""),
    ] {
        assert_eq!(changes_after(from, to), [""; 0], "{from} -> {to}");
    }
}
