//! Lifts values from guest memory.

use wasmtime::{Result, bail};

use super::{Resource, align};

/// A value as the canonical ABI lays it out in memory.
pub(crate) trait Value: Sized {
    /// Its size in bytes.
    const SIZE: usize;
    const ALIGN: usize;
    /// Whether a function returns it as a core value; all others are left in memory.
    const IS_CORE: bool = false;

    /// Reads the value at an address.
    fn load(guest: &mut Reader<'_>, at: usize) -> Result<Self>;

    /// Reads several values, one after the other, which are in bounds.
    fn load_all(guest: &mut Reader<'_>, at: usize, count: usize) -> Result<Vec<Self>> {
        let mut values = Vec::with_capacity(count);
        for index in 0..count {
            values.push(Self::load(guest, at + index * Self::SIZE)?);
        }
        Ok(values)
    }

    /// Converts a core value that a function has returned.
    fn from_core(_: u64) -> Result<Self> {
        bail!("it is not returned as a core value")
    }
}

/// Guest memory, and how many bytes of it may still be copied: many lists can point at the same bytes.
pub(crate) struct Reader<'a> {
    memory: &'a [u8],
    budget: usize,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(memory: &'a [u8], budget: usize) -> Self {
        Self { memory, budget }
    }

    /// Returns bytes of the memory.
    pub(crate) fn bytes(&self, at: usize, length: usize) -> Result<&'a [u8]> {
        let bytes = self.memory.get(at..).and_then(|rest| rest.get(..length));
        match bytes {
            Some(bytes) => Ok(bytes),
            None => bail!("it points beyond its memory"),
        }
    }

    /// Returns the bytes of a `list<u8>`, which are not copied.
    pub(crate) fn slice(&mut self, at: usize) -> Result<&'a [u8]> {
        let (start, length) = (u32::load(self, at)?, u32::load(self, at + 4)?);
        self.bytes(start as usize, length as usize)
    }

    fn array<const SIZE: usize>(&self, at: usize) -> Result<[u8; SIZE]> {
        match self.bytes(at, SIZE)?.first_chunk() {
            Some(bytes) => Ok(*bytes),
            None => bail!("it points beyond its memory"),
        }
    }

    /// Counts copied bytes against the budget.
    pub(crate) fn spend(&mut self, bytes: usize) -> Result<()> {
        match self.budget.checked_sub(bytes) {
            Some(budget) => self.budget = budget,
            None => bail!("it returned more than it can hold"),
        }
        Ok(())
    }
}

/// A record of the contract, by its fields in order.
macro_rules! record {
    ($type:ty { $($field:ident: $value:ty),+ $(,)? }) => {
        impl $crate::sandbox::abi::Value for $type {
            const ALIGN: usize = {
                let mut most = 1;
                $(if <$value as $crate::sandbox::abi::Value>::ALIGN > most {
                    most = <$value as $crate::sandbox::abi::Value>::ALIGN;
                })+
                most
            };
            const SIZE: usize = {
                let mut at = 0;
                $(
                    at = $crate::sandbox::abi::align(at, <$value as $crate::sandbox::abi::Value>::ALIGN);
                    at += <$value as $crate::sandbox::abi::Value>::SIZE;
                )+
                $crate::sandbox::abi::align(at, Self::ALIGN)
            };

            fn load(guest: &mut $crate::sandbox::abi::Reader<'_>, at: usize) -> wasmtime::Result<Self> {
                let mut offset = 0;
                $(
                    offset = $crate::sandbox::abi::align(offset, <$value as $crate::sandbox::abi::Value>::ALIGN);
                    let $field = <$value as $crate::sandbox::abi::Value>::load(guest, at + offset)?;
                    offset += <$value as $crate::sandbox::abi::Value>::SIZE;
                )+
                let _ = offset;
                Ok(Self { $($field),+ })
            }
        }
    };
}

/// An enum of the contract, by its cases in order.
macro_rules! enumeration {
    ($type:ty { $($case:ident),+ $(,)? }) => {
        impl $crate::sandbox::abi::Value for $type {
            const SIZE: usize = 1;
            const ALIGN: usize = 1;
            const IS_CORE: bool = true;

            fn load(guest: &mut $crate::sandbox::abi::Reader<'_>, at: usize) -> wasmtime::Result<Self> {
                Self::from_core(u8::load(guest, at)?.into())
            }

            fn from_core(value: u64) -> wasmtime::Result<Self> {
                let cases = [$(Self::$case),+];
                match usize::try_from(value).ok().and_then(|value| cases.get(value)) {
                    Some(case) => Ok(*case),
                    None => wasmtime::bail!("there is no case {value} of {}", stringify!($type)),
                }
            }
        }
    };
}

/// A variant of the contract, by its cases in order.
macro_rules! variant {
    ($type:ty { $($number:literal => $case:ident $(($value:ty))?),+ $(,)? }) => {
        impl $crate::sandbox::abi::Value for $type {
            const ALIGN: usize = {
                let mut most = 1;
                $($(if <$value as $crate::sandbox::abi::Value>::ALIGN > most {
                    most = <$value as $crate::sandbox::abi::Value>::ALIGN;
                })?)+
                most
            };
            const SIZE: usize = {
                let mut most = 0;
                $($(if <$value as $crate::sandbox::abi::Value>::SIZE > most {
                    most = <$value as $crate::sandbox::abi::Value>::SIZE;
                })?)+
                $crate::sandbox::abi::align($crate::sandbox::abi::align(1, Self::ALIGN) + most, Self::ALIGN)
            };

            fn load(guest: &mut $crate::sandbox::abi::Reader<'_>, at: usize) -> wasmtime::Result<Self> {
                match u8::load(guest, at)? {
                    $($number => Ok(Self::$case $((<$value as $crate::sandbox::abi::Value>::load(
                        guest,
                        at + $crate::sandbox::abi::align(1, Self::ALIGN),
                    )?))?),)+
                    case => wasmtime::bail!("there is no case {case} of {}", stringify!($type)),
                }
            }
        }
    };
}

macro_rules! integers {
    ($($type:ident)+) => {$(
        impl Value for $type {
            const SIZE: usize = size_of::<$type>();
            const ALIGN: usize = size_of::<$type>();
            const IS_CORE: bool = true;

            #[inline]
            fn load(guest: &mut Reader<'_>, at: usize) -> Result<Self> {
                guest.array(at).map($type::from_le_bytes)
            }

            fn from_core(value: u64) -> Result<Self> {
                Ok(value as $type)
            }
        }
    )+};
}

integers!(u16 u32 u64);

impl Value for u8 {
    const SIZE: usize = 1;
    const ALIGN: usize = 1;
    const IS_CORE: bool = true;

    #[inline]
    fn load(guest: &mut Reader<'_>, at: usize) -> Result<Self> {
        let [byte] = guest.array(at)?;
        Ok(byte)
    }

    fn load_all(guest: &mut Reader<'_>, at: usize, count: usize) -> Result<Vec<Self>> {
        guest.bytes(at, count).map(<[u8]>::to_vec)
    }

    fn from_core(value: u64) -> Result<Self> {
        Ok(value as u8)
    }
}

/// The address and length of a `list<u8>` that isn't copied.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Place {
    pub(crate) start: u32,
    pub(crate) length: u32,
}

record!(Place {
    start: u32,
    length: u32,
});

impl Value for bool {
    const SIZE: usize = 1;
    const ALIGN: usize = 1;
    const IS_CORE: bool = true;

    #[inline]
    fn load(guest: &mut Reader<'_>, at: usize) -> Result<Self> {
        Ok(u8::load(guest, at)? != 0)
    }

    fn from_core(value: u64) -> Result<Self> {
        Ok(value != 0)
    }
}

impl Value for Resource {
    const SIZE: usize = 4;
    const ALIGN: usize = 4;
    const IS_CORE: bool = true;

    fn load(guest: &mut Reader<'_>, at: usize) -> Result<Self> {
        u32::load(guest, at).map(Resource)
    }

    fn from_core(value: u64) -> Result<Self> {
        Ok(Resource(value as u32))
    }
}

/// The result of a function that returns nothing.
impl Value for () {
    const SIZE: usize = 0;
    const ALIGN: usize = 1;
    const IS_CORE: bool = true;

    fn load(_: &mut Reader<'_>, _: usize) -> Result<Self> {
        Ok(())
    }

    fn from_core(_: u64) -> Result<Self> {
        Ok(())
    }
}

impl Value for String {
    const SIZE: usize = 8;
    const ALIGN: usize = 4;

    fn load(guest: &mut Reader<'_>, at: usize) -> Result<Self> {
        let bytes = guest.slice(at)?;
        guest.spend(bytes.len())?;
        match str::from_utf8(bytes) {
            Ok(text) => Ok(text.to_owned()),
            Err(_) => bail!("it returned a string that is not UTF-8"),
        }
    }
}

impl<T: Value> Value for Vec<T> {
    const SIZE: usize = 8;
    const ALIGN: usize = 4;

    fn load(guest: &mut Reader<'_>, at: usize) -> Result<Self> {
        let (start, length) = (u32::load(guest, at)?, u32::load(guest, at + 4)?);
        let (start, length) = (start as usize, length as usize);
        guest.spend(length.saturating_mul(size_of::<T>().max(T::SIZE)))?;
        guest.bytes(start, length.saturating_mul(T::SIZE))?;
        T::load_all(guest, start, length)
    }
}

impl<T: Value> Value for Option<T> {
    const SIZE: usize = align(align(1, T::ALIGN) + T::SIZE, T::ALIGN);
    const ALIGN: usize = T::ALIGN;

    fn load(guest: &mut Reader<'_>, at: usize) -> Result<Self> {
        match u8::load(guest, at)? {
            0 => Ok(None),
            1 => T::load(guest, at + align(1, T::ALIGN)).map(Some),
            case => bail!("there is no case {case} of an option"),
        }
    }
}

/// Rare values, on the heap.
impl<T: Value> Value for Box<T> {
    const SIZE: usize = T::SIZE;
    const ALIGN: usize = T::ALIGN;

    fn load(guest: &mut Reader<'_>, at: usize) -> Result<Self> {
        T::load(guest, at).map(Box::new)
    }
}

impl<T: Value, E: Value> Value for std::result::Result<T, E> {
    const SIZE: usize = {
        let (value, error) = (T::SIZE, E::SIZE);
        let most = if value > error { value } else { error };
        align(align(1, Self::ALIGN) + most, Self::ALIGN)
    };
    const ALIGN: usize = if T::ALIGN > E::ALIGN {
        T::ALIGN
    } else {
        E::ALIGN
    };

    fn load(guest: &mut Reader<'_>, at: usize) -> Result<Self> {
        let value = at + align(1, Self::ALIGN);
        match u8::load(guest, at)? {
            0 => T::load(guest, value).map(Ok),
            1 => E::load(guest, value).map(Err),
            case => bail!("there is no case {case} of a result"),
        }
    }
}

pub(crate) use record;
pub(super) use {enumeration, variant};
