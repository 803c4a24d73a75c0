//! Certificate serial numbers.

use aws_lc_rs::error::Unspecified;
use aws_lc_rs::rand;

/// The largest serial number: 2^63 − 2.
const LARGEST: u64 = i64::MAX as u64 - 1;

/// A serial number drawn uniformly from 1 to 2^63 − 2, as kubeadm draws it. It is never zero, and fits
/// the 20 bytes of RFC 5280 §4.1.2.2.
///
/// # Errors
/// When the random generator has none to give.
pub(super) fn random() -> Result<u64, Unspecified> {
    loop {
        let mut bytes = [0; 8];
        rand::fill(&mut bytes)?;
        // 63 bits, and the two values outside the range drawn again: every other is equally likely.
        let serial = u64::from_be_bytes(bytes) >> 1;
        if (1..=LARGEST).contains(&serial) {
            return Ok(serial);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fills_the_range() {
        let drawn: Vec<u64> = (0..4096).map(|_| random().unwrap()).collect();
        assert!(drawn.iter().all(|&serial| (1..=LARGEST).contains(&serial)));
        // Of 4096 draws about half have bit 62 set; 1500 is 17 standard deviations away.
        let upper_half = drawn.iter().filter(|&&serial| serial > LARGEST / 2).count();
        assert!((1500..=2596).contains(&upper_half), "{upper_half} of 4096 in the upper half");
        let distinct: std::collections::HashSet<_> = drawn.iter().collect();
        assert_eq!(distinct.len(), drawn.len());
    }
}
