//! The offsets of the records beside those of the contract.

use std::path::Path;

use wit_parser::{Resolve, SizeAlign, Type, TypeDefKind, TypeId};

use super::*;

pub(in crate::component) trait LaidOut {
    const NAME: &'static str;
    const SIZE: usize;
    const FIELDS: &'static [(&'static str, usize)];
}

pub(in crate::component) struct Contract {
    resolve: Resolve,
    sizes: SizeAlign,
}

impl Contract {
    pub(in crate::component) fn read() -> Contract {
        let mut resolve = Resolve {
            all_features: true,
            ..Resolve::default()
        };
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("wit");
        resolve.push_dir(folder).unwrap();
        let mut sizes = SizeAlign::default();
        sizes.fill(&resolve);
        Contract { resolve, sizes }
    }

    fn named(&self, name: &str) -> TypeId {
        let types = self.resolve.types.iter();
        let is_named = |id: &TypeId| match &self.resolve.types[*id] {
            ty if ty.name.as_deref() != Some(name) => false,
            // Not where another interface uses it.
            ty => !matches!(ty.kind, TypeDefKind::Type(_)),
        };
        types.map(|(id, _)| id).find(is_named).unwrap()
    }

    pub(in crate::component) fn compare<T: LaidOut>(&self) {
        let id = self.named(T::NAME);
        let TypeDefKind::Record(record) = &self.resolve.types[id].kind else {
            panic!("{} is a record", T::NAME);
        };
        let types = record.fields.iter().map(|field| &field.ty);
        let offsets = self.sizes.field_offsets(types);
        let names = record
            .fields
            .iter()
            .map(|field| field.name.replace('-', "_"));
        let contract: Vec<(String, usize)> = names
            .zip(offsets.iter().map(|(offset, _)| offset.size_wasm32()))
            .collect();
        let ours: Vec<(String, usize)> = T::FIELDS
            .iter()
            .map(|(name, offset)| (name.replace("has_", ""), *offset))
            .collect();
        assert_eq!(ours, contract, "{}", T::NAME);
        let size = self.sizes.size(&Type::Id(id)).size_wasm32();
        assert_eq!(T::SIZE, size, "{}", T::NAME);
    }

    /// The cases of a variant, and where their values are.
    pub(in crate::component) fn variant(&self, name: &str) -> (Vec<&str>, usize) {
        let id = self.named(name);
        let TypeDefKind::Variant(variant) = &self.resolve.types[id].kind else {
            panic!("{name} is a variant");
        };
        let values = variant.cases.iter().map(|case| case.ty.as_ref());
        let offset = self.sizes.payload_offset(variant.tag(), values);
        let names = variant.cases.iter().map(|case| case.name.as_str());
        (names.collect(), offset.size_wasm32())
    }
}

#[test]
fn records_are_laid_out_as_the_contract_says() {
    Contract::read().compare::<FailureRecord>();
}
