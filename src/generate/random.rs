//! Randomness of the generator: a small stream of numbers and the distributions drawn from it.
//!
//! Everything is integer arithmetic or IEEE `+ - * /` and `sqrt`, which every platform rounds alike;
//! the standard library's `exp` and `ln` do not promise that, so the two needed here are written out.
//! That is what makes one seed give one journal, byte for byte, on every machine.

use std::f64::consts::{LN_2, SQRT_2};

const WEYL: u64 = 0x9E37_79B9_7F4A_7C15;

/// A bijection of 64-bit numbers in which every input bit reaches every output bit.
fn mix(value: u64) -> u64 {
    let value = (value ^ (value >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    value ^ (value >> 31)
}

/// A stream of pseudo-random numbers (splitmix64). Not for secrets.
#[derive(Debug, Clone)]
pub(super) struct Rng(u64);

impl Rng {
    /// The stream with the given name: equal names give equal streams, others unrelated ones.
    pub(super) fn named(seed: u64, group: u64, member: u64) -> Self {
        let state = mix(seed.wrapping_add(WEYL));
        let state = mix(state.wrapping_add(group.wrapping_mul(WEYL)));
        Self(mix(state.wrapping_add(member.wrapping_mul(WEYL))))
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(WEYL);
        mix(self.0)
    }

    /// Uniform in `0..bound`.
    pub(super) fn below(&mut self, bound: u32) -> u32 {
        (((self.next() >> 32) * u64::from(bound)) >> 32) as u32
    }

    /// Uniform in `from..to`.
    pub(super) fn range(&mut self, from: u32, to: u32) -> u32 {
        from + self.below(to - from)
    }

    /// Uniform in `[0, 1)`.
    pub(super) fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 * (1.0 / 9_007_199_254_740_992.0)
    }

    pub(super) fn chance(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    /// Number of tries up to and including the first success; mean `1 / probability`.
    pub(super) fn geometric(&mut self, probability: f64) -> u32 {
        let mut tries = 1;
        while !self.chance(probability) {
            tries += 1;
        }
        tries
    }

    /// Mean 0, variance 1: the sum of twelve uniform numbers, which ends at ±6 and needs no logarithm.
    pub(super) fn normal(&mut self) -> f64 {
        let mut sum = 0;
        for _ in 0..3 {
            let bits = self.next();
            sum += (bits & 0xFFFF) + ((bits >> 16) & 0xFFFF) + ((bits >> 32) & 0xFFFF) + (bits >> 48);
        }
        sum as f64 / 65_536.0 - 5.999_908_447_265_625
    }

    /// Exponential with mean 1.
    pub(super) fn exponential(&mut self) -> f64 {
        -ln(1.0 - self.unit())
    }
}

/// Draws index `i` with a probability in proportion to `weights[i]`, in constant time (alias method).
#[derive(Debug)]
pub(super) struct Alias {
    /// Per index: the share of its slot that is its own (in 2^32 parts), and who owns the rest.
    slots: Vec<(u32, u32)>,
}

impl Alias {
    /// # Panics
    /// Never for the weights of this module: at least one, all finite, their sum above zero.
    pub(super) fn new(weights: &[f64]) -> Self {
        let scale = weights.len() as f64 / weights.iter().sum::<f64>();
        let mut left: Vec<f64> = weights.iter().map(|weight| weight * scale).collect();
        let mut slots: Vec<(u32, u32)> = (0..weights.len() as u32).map(|own| (u32::MAX, own)).collect();
        let (mut small, mut large): (Vec<usize>, Vec<usize>) = (0..left.len()).partition(|&index| left[index] < 1.0);
        while let (Some(poor), Some(&rich)) = (small.pop(), large.last()) {
            slots[poor] = ((left[poor] * 4_294_967_296.0) as u32, rich as u32);
            left[rich] -= 1.0 - left[poor];
            if left[rich] < 1.0 {
                large.pop();
                small.push(rich);
            }
        }
        Self { slots }
    }

    /// Index `i` of `0..count` with a probability in proportion to `1 / (i + 1)^exponent`.
    pub(super) fn zipf(count: u32, exponent: f64) -> Self {
        Self::new(&(1..=count).map(|rank| 1.0 / pow(f64::from(rank), exponent)).collect::<Vec<_>>())
    }

    pub(super) fn pick(&self, rng: &mut Rng) -> u32 {
        let bits = rng.next();
        let index = ((bits >> 32) * self.slots.len() as u64) >> 32;
        let (own, other) = self.slots[index as usize];
        if (bits as u32) < own { index as u32 } else { other }
    }
}

/// Zipf's law with exponent 3/4 over millions of ranks, without a table: rejection-inversion
/// (Hörmann and Derflinger 1996). With this exponent the integral of the density is a fourth root.
#[derive(Debug)]
pub(super) struct LongTail {
    count: f64,
    from: f64,
    to: f64,
    sure: f64,
}

impl LongTail {
    pub(super) fn new(count: u32) -> Self {
        let count = f64::from(count);
        let from = Self::integral(1.5) - 1.0;
        let to = Self::integral(count + 0.5);
        let sure = 2.0 - Self::inverse(Self::integral(2.5) - Self::density(2.0));
        Self { count, from, to, sure }
    }

    /// An index below `count`; 0 is the most frequent.
    pub(super) fn pick(&self, rng: &mut Rng) -> u32 {
        loop {
            let area = self.to + rng.unit() * (self.from - self.to);
            let point = Self::inverse(area);
            let rank = (point + 0.5).floor().clamp(1.0, self.count);
            if rank - point <= self.sure || area >= Self::integral(rank + 0.5) - Self::density(rank) {
                return rank as u32 - 1;
            }
        }
    }

    fn density(x: f64) -> f64 {
        1.0 / (x.sqrt() * x.sqrt().sqrt())
    }

    fn integral(x: f64) -> f64 {
        4.0 * x.sqrt().sqrt()
    }

    fn inverse(area: f64) -> f64 {
        let root = area * 0.25;
        let square = root * root;
        square * square
    }
}

/// `e^x` for |x| < 700.
pub(super) fn exp(x: f64) -> f64 {
    let halvings = (x / LN_2).round();
    let rest = x - halvings * LN_2;
    let (mut term, mut sum) = (1.0, 1.0);
    for n in 1..=13 {
        term *= rest / f64::from(n);
        sum += term;
    }
    sum * f64::from_bits(((1023 + halvings as i64) as u64) << 52)
}

/// Natural logarithm of a positive, normal number.
pub(super) fn ln(x: f64) -> f64 {
    let bits = x.to_bits();
    let mut exponent = ((bits >> 52) & 0x7FF) as i32 - 1023;
    let mut mantissa = f64::from_bits((bits & 0x000F_FFFF_FFFF_FFFF) | (1023 << 52));
    if mantissa > SQRT_2 {
        mantissa *= 0.5;
        exponent += 1;
    }
    let ratio = (mantissa - 1.0) / (mantissa + 1.0);
    let square = ratio * ratio;
    let (mut power, mut sum) = (ratio, 0.0);
    for n in 0..10 {
        sum += power / f64::from(2 * n + 1);
        power *= square;
    }
    2.0 * sum + f64::from(exponent) * LN_2
}

/// `base^exponent` for a positive base.
pub(super) fn pow(base: f64, exponent: f64) -> f64 {
    exp(exponent * ln(base))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exp_and_ln_agree_with_the_platform() {
        for step in -400..400 {
            let x = f64::from(step) * 0.05;
            assert!((exp(x) / x.exp() - 1.0).abs() < 1e-13, "exp({x})");
            assert!((ln(x.exp()) - x).abs() < 1e-12, "ln(exp({x}))");
        }
        assert!((pow(20_000.0, 1.1) / 20_000f64.powf(1.1) - 1.0).abs() < 1e-12);
    }

    #[test]
    fn distributions_have_their_means() {
        let mut rng = Rng::named(1, 2, 3);
        let count = 200_000;
        let mean = |draw: &mut dyn FnMut() -> f64| (0..count).map(|_| draw()).sum::<f64>() / f64::from(count);
        assert!(mean(&mut || rng.normal()).abs() < 0.01);
        assert!((mean(&mut || rng.normal().powi(2)) - 1.0).abs() < 0.02);
        assert!((mean(&mut || rng.exponential()) - 1.0).abs() < 0.02);
        assert!((mean(&mut || f64::from(rng.geometric(0.04))) - 25.0).abs() < 0.5);
        assert!((mean(&mut || f64::from(rng.below(1000))) - 499.5).abs() < 3.0);
    }

    #[test]
    fn alias_follows_its_weights() {
        let alias = Alias::new(&[0.0, 1.0, 3.0, 4.0]);
        let mut rng = Rng::named(7, 0, 0);
        let mut seen = [0u32; 4];
        for _ in 0..80_000 {
            seen[alias.pick(&mut rng) as usize] += 1;
        }
        assert_eq!(seen[0], 0);
        for (index, want) in [(1, 10_000u32), (2, 30_000), (3, 40_000)] {
            assert!(seen[index].abs_diff(want) < 600, "{seen:?}");
        }
    }

    #[test]
    fn long_tail_follows_zipf() {
        let tail = LongTail::new(1000);
        let mut rng = Rng::named(9, 0, 0);
        let mut seen = vec![0f64; 1000];
        let count = 1_000_000;
        for _ in 0..count {
            seen[tail.pick(&mut rng) as usize] += 1.0;
        }
        let total: f64 = (1..=1000).map(|rank| f64::from(rank).powf(-0.75)).sum();
        for rank in [1, 2, 3, 10, 100, 999] {
            let want = f64::from(count) * f64::from(rank).powf(-0.75) / total;
            let got = seen[rank as usize - 1];
            assert!((got - want).abs() < 5.0 * want.sqrt(), "rank {rank}: {got} for {want}");
        }
    }
}
