//! Randomness that a seed repeats: SplitMix64.

/// A source of random choices; the same seed chooses the same again.
pub(crate) struct SeededRng(u64);

impl SeededRng {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The generator of one of several parts of a proof, each with choices of its own.
    pub(crate) const fn of_part(seed: u64, part: u64) -> Self {
        Self(seed ^ part.wrapping_mul(0xD1B5_4A32_D192_ED03))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// One of `0..count`.
    pub(crate) fn below(&mut self, count: usize) -> usize {
        usize::try_from(self.next() % count as u64).unwrap()
    }

    /// Yes in so many of a hundred calls.
    pub(crate) fn percent(&mut self, chance: usize) -> bool {
        self.below(100) < chance
    }

    /// One of these.
    pub(crate) fn pick<T: Clone>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())].clone()
    }

    /// One of these, each as often as its weight says.
    pub(crate) fn weighted<T: Clone>(&mut self, choices: &[(usize, T)]) -> T {
        let mut throw = self.below(choices.iter().map(|(weight, _)| weight).sum());
        for (weight, choice) in choices {
            match throw.checked_sub(*weight) {
                Some(rest) => throw = rest,
                None => return choice.clone(),
            }
        }
        unreachable!("a throw is below the sum of the weights")
    }

    /// At most `count` of these, spread over all, in their order: each time others.
    pub(crate) fn sample<T>(&mut self, all: Vec<T>, count: usize) -> Vec<T> {
        let mut left = all.len();
        let mut wanted = count.min(left);
        let mut taken = Vec::with_capacity(wanted);
        for one in all {
            if self.below(left) < wanted {
                taken.push(one);
                wanted -= 1;
            }
            left -= 1;
        }
        taken
    }

    /// A seed for another generator.
    pub(crate) fn seed(&mut self) -> u64 {
        self.next()
    }
}
