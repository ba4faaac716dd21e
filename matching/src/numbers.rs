//! Many numbers of one kind. Those of a saved set are made room for at once, in large pages of memory where the system has such: a set of
//! ten million is read in a fraction of the time that as many small pages take to make.

use std::marker::PhantomData;
use std::ops::Deref;

use bytemuck::Pod;
use memmap2::MmapMut;

/// From so many bytes on they have memory of their own: a few large pages.
const LARGE_BYTES: usize = 4 << 20;

/// Numbers, one after the other.
#[derive(Debug)]
pub(crate) enum Numbers<N> {
    /// Few, or such as were put together one by one.
    Small(Vec<N>),
    /// Memory of their own.
    Large(MmapMut, PhantomData<N>),
}

impl<N: Pod> Numbers<N> {
    /// So many, each of them 0. None if there is no memory for as many.
    pub(crate) fn zeroed(count: usize) -> Option<Self> {
        let bytes = count.checked_mul(size_of::<N>())?;
        if bytes >= LARGE_BYTES {
            let memory = MmapMut::map_anon(bytes).ok()?;
            // A system that has no large pages gives small ones.
            #[cfg(target_os = "linux")]
            let _ = memory.advise(memmap2::Advice::HugePage);
            return Some(Self::Large(memory, PhantomData));
        }
        let mut small = Vec::new();
        small.try_reserve_exact(count).ok()?;
        small.resize(count, N::zeroed());
        Some(Self::Small(small))
    }

    /// All of them, to be changed.
    pub(crate) fn all_mut(&mut self) -> &mut [N] {
        match self {
            Self::Small(small) => small,
            Self::Large(memory, _) => bytemuck::cast_slice_mut(memory),
        }
    }

    /// One more, behind them.
    pub(crate) fn push(&mut self, number: N) {
        if let Self::Large(..) = self {
            *self = Self::Small(self.to_vec());
        }
        if let Self::Small(small) = self {
            small.push(number);
        }
    }
}

impl<N: Pod> Deref for Numbers<N> {
    type Target = [N];

    #[inline]
    fn deref(&self) -> &[N] {
        match self {
            Self::Small(small) => small,
            Self::Large(memory, _) => bytemuck::cast_slice(memory),
        }
    }
}

impl<N> Default for Numbers<N> {
    fn default() -> Self {
        Self::Small(Vec::new())
    }
}

impl<N> From<Vec<N>> for Numbers<N> {
    fn from(numbers: Vec<N>) -> Self {
        Self::Small(numbers)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_and_many_are_numbers_alike() {
        for count in [0, 1, LARGE_BYTES / 16 - 1, LARGE_BYTES / 16, LARGE_BYTES / 16 + 1] {
            let mut numbers: Numbers<u128> = Numbers::zeroed(count).unwrap();
            assert_eq!(matches!(numbers, Numbers::Large(..)), count >= LARGE_BYTES / 16);
            numbers.all_mut().iter_mut().zip(1..).for_each(|(number, place)| *number += place);
            numbers.push(7);
            let wanted = (1..=count as u128).chain([7]);
            assert!(numbers.iter().copied().eq(wanted), "{count}");
        }
    }

    #[test]
    fn what_no_memory_holds_is_refused() {
        for count in [usize::MAX, usize::MAX / 16, usize::MAX / 32] {
            assert!(Numbers::<u128>::zeroed(count).is_none(), "{count}");
        }
    }
}
