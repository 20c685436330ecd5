//! Numbers that only a seed decides, so that a run can be repeated.

/// A stream of numbers.
pub(crate) struct Draw(u64);

impl Draw {
    /// The stream of a seed and of what it is for.
    pub(crate) fn new(seed: u64, stream: u64) -> Self {
        let mut draw = Self(seed ^ stream.wrapping_mul(0xD1B5_4A32_D192_ED03));
        draw.next();
        draw
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`, which is not 0.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(end).unwrap()).unwrap()
    }

    /// Whether it is so, `percent` times of a hundred.
    pub(crate) fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    /// At most `count` of them, spread over all, in their order: each time others.
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
}
