//! The fields that a type has, as serde sees them: for telling where a misplaced field belongs.

use std::cell::RefCell;

use serde::de::value::Error;
use serde::de::{self, DeserializeOwned, DeserializeSeed, IntoDeserializer, Visitor};

/// Deeper fields are not looked for; Kubernetes' configurations are shallower.
const MAX_DEPTH: usize = 5;
/// A step into the items of a list or the values of a mapping.
const ITEM: &str = "*";

/// The dotted paths of all fields of `T`, through structures and lists.
pub(crate) fn field_paths<T: DeserializeOwned>() -> Vec<String> {
    let mut paths = vec![];
    let mut open: Vec<Vec<&'static str>> = vec![vec![]];
    while let Some(path) = open.pop() {
        let found = RefCell::new(Found::Leaf);
        // It always ends in an error: what is looked for is found on the way.
        let _ = T::deserialize(Probe { path: &path, found: &found });
        let more: &[&'static str] = match found.into_inner() {
            Found::Leaf => &[],
            Found::Items => &[ITEM],
            Found::Fields(fields) => fields,
        };
        for field in more {
            let mut longer = path.clone();
            longer.push(field);
            if *field != ITEM {
                paths.push(longer.iter().filter(|s| **s != ITEM).copied().collect::<Vec<_>>().join("."));
            }
            if longer.len() < MAX_DEPTH {
                open.push(longer);
            }
        }
    }
    paths.sort();
    paths
}

enum Found {
    Leaf,
    Items,
    Fields(&'static [&'static str]),
}

/// Leads a type down one path, and notes what it asks for at the end.
#[derive(Clone, Copy)]
struct Probe<'p> {
    path: &'p [&'static str],
    found: &'p RefCell<Found>,
}

fn stop() -> Error {
    de::Error::custom("seen enough")
}

impl Probe<'_> {
    fn note(self, found: Found) -> Error {
        *self.found.borrow_mut() = found;
        stop()
    }
}

impl<'de> de::Deserializer<'de> for Probe<'_> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Error> {
        Err(stop())
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.path {
            [] => Err(self.note(Found::Items)),
            [_, path @ ..] => visitor.visit_seq(Item(Self { path, ..self })),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        match self.path {
            [] => Err(self.note(Found::Fields(fields))),
            [field, path @ ..] => visitor.visit_map(Item(Self { path, ..self }).named(field)),
        }
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct tuple
        tuple_struct map enum identifier ignored_any
    }
}

/// A list's one item, or a structure's one field.
struct Item<'p>(Probe<'p>);

impl<'p> Item<'p> {
    fn named(self, name: &'static str) -> Field<'p> {
        Field { probe: self.0, name }
    }
}

impl<'de> de::SeqAccess<'de> for Item<'_> {
    type Error = Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Error> {
        seed.deserialize(self.0).map(Some)
    }
}

struct Field<'p> {
    probe: Probe<'p>,
    name: &'static str,
}

impl<'de> de::MapAccess<'de> for Field<'_> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Error> {
        seed.deserialize(IntoDeserializer::<Error>::into_deserializer(self.name)).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Error> {
        seed.deserialize(self.probe)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::v1beta4::{ClusterConfiguration, InitConfiguration};

    #[test]
    fn fields_are_found_through_structures_and_lists() {
        let paths = field_paths::<ClusterConfiguration>();
        for path in
            ["clusterName", "networking.podSubnet", "apiServer.extraVolumes.hostPath", "etcd.local.dataDir"]
        {
            assert!(paths.iter().any(|p| p == path), "{path} is not among {paths:#?}");
        }
        let paths = field_paths::<InitConfiguration>();
        assert!(paths.iter().any(|p| p == "nodeRegistration.criSocket"), "{paths:#?}");
        assert!(paths.len() < 200);
    }
}
