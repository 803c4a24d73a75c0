//! An unsigned decimal number of any length: just enough arithmetic for resource quantities.

/// `digits × 10^exponent` in normal form: no leading and no trailing zeros; no digits is zero.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Decimal {
    digits: Vec<u8>,
    exponent: i64,
}

impl Decimal {
    /// The number written `whole.fraction × 10^exponent`; both parts must be ASCII digits.
    pub(super) fn new(whole: &str, fraction: &str, exponent: i64) -> Self {
        let text = whole.bytes().chain(fraction.bytes());
        let places = i64::try_from(fraction.len()).unwrap_or(i64::MAX);
        Self {
            digits: text.map(|byte| byte.saturating_sub(b'0')).collect(),
            exponent: exponent.saturating_sub(places),
        }
        .normalised()
    }

    /// Whether the number is zero.
    pub(super) fn is_zero(&self) -> bool {
        self.digits.is_empty()
    }

    /// Whether the number is not an integer.
    pub(super) fn has_fraction(&self) -> bool {
        self.exponent < 0
    }

    /// The number without its fraction, or `u128::MAX` if it is larger than that.
    pub(super) fn integer_part(&self) -> u128 {
        let shift = |value: u128, digit: u8| value.saturating_mul(10).saturating_add(digit.into());
        let length = i64::try_from(self.digits.len()).unwrap_or(i64::MAX);
        let whole = usize::try_from(length.saturating_add(self.exponent)).unwrap_or(0);
        // 39 digits saturate already: an exponent of a billion need not be counted out.
        let zeros = whole.saturating_sub(self.digits.len()).min(39);
        let digits = self.digits.iter().copied().take(whole);
        digits.chain(std::iter::repeat_n(0, zeros)).fold(0, shift)
    }

    /// The number times `factor`.
    pub(super) fn times(self, factor: u32) -> Self {
        let mut digits = Vec::with_capacity(self.digits.len() + 10);
        let mut carry = 0;
        for digit in self.digits.iter().rev() {
            let product = u64::from(*digit) * u64::from(factor) + carry;
            digits.push(last_digit(product));
            carry = product / 10;
        }
        while carry > 0 {
            digits.push(last_digit(carry));
            carry /= 10;
        }
        digits.reverse();
        Self { digits, ..self }.normalised()
    }

    /// The smallest multiple of `10^exponent` that is not below this number.
    pub(super) fn rounded_up(mut self, exponent: i64) -> Self {
        if self.is_zero() || self.exponent >= exponent {
            return self;
        }
        // What is cut off is never nothing: in normal form the last digit isn't zero.
        let cut = usize::try_from(exponent.saturating_sub(self.exponent)).unwrap_or(usize::MAX);
        self.digits.truncate(self.digits.len().saturating_sub(cut));
        let mut carried = true;
        for digit in self.digits.iter_mut().rev() {
            *digit = if *digit == 9 { 0 } else { *digit + 1 };
            carried = *digit == 0;
            if !carried {
                break;
            }
        }
        if carried {
            self.digits.insert(0, 1);
        }
        Self { exponent, ..self }.normalised()
    }

    /// The digits, and the largest exponent divisible by three that leaves no fraction.
    pub(super) fn to_thousands(&self) -> (String, i64) {
        let zeros = self.exponent.rem_euclid(3);
        let digits = self.digits.iter().copied();
        let padding = std::iter::repeat_n(0, usize::try_from(zeros).unwrap_or(0));
        let text = digits.chain(padding).map(|digit| char::from(b'0' + digit)).collect();
        (text, self.exponent - zeros)
    }

    fn normalised(mut self) -> Self {
        while self.digits.last() == Some(&0) {
            self.digits.pop();
            self.exponent = self.exponent.saturating_add(1);
        }
        let leading = self.digits.iter().take_while(|digit| **digit == 0).count();
        self.digits.drain(..leading);
        if self.digits.is_empty() {
            self.exponent = 0;
        }
        self
    }
}

fn last_digit(number: u64) -> u8 {
    u8::try_from(number % 10).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decimal(digits: &[u8], exponent: i64) -> Decimal {
        Decimal { digits: digits.to_vec(), exponent }
    }

    #[test]
    fn a_number_is_kept_in_normal_form() {
        assert_eq!(Decimal::new("0012", "500", 0), decimal(&[1, 2, 5], -1));
        assert_eq!(Decimal::new("1000", "", 2), decimal(&[1], 5));
        assert_eq!(Decimal::new("000", "00", 7), decimal(&[], 0));
    }

    #[test]
    fn rounding_goes_up_and_carries() {
        assert_eq!(Decimal::new("1", "0000000001", 0).rounded_up(-9), Decimal::new("1", "000000001", 0));
        assert_eq!(Decimal::new("", "99999999999", 0).rounded_up(-9), Decimal::new("1", "", 0));
        assert_eq!(Decimal::new("1", "", -2_000_000_000).rounded_up(-9), Decimal::new("1", "", -9));
        assert_eq!(Decimal::new("1", "5", 0).rounded_up(-9), Decimal::new("1", "5", 0));
    }

    #[test]
    fn the_integer_part_saturates() {
        assert_eq!(Decimal::new("12", "75", 0).integer_part(), 12);
        assert_eq!(Decimal::new("", "75", 0).integer_part(), 0);
        assert_eq!(Decimal::new("75", "", -9).integer_part(), 0);
        assert_eq!(Decimal::new("12", "", 3).integer_part(), 12_000);
        assert_eq!(Decimal::new("1", "", 2_000_000_000).integer_part(), u128::MAX);
    }

    #[test]
    fn multiplying_carries_into_new_digits() {
        assert_eq!(Decimal::new("999", "", 0).times(1024), Decimal::new("1022976", "", 0));
        assert_eq!(Decimal::new("1", "5", 0).times(1024), Decimal::new("1536", "", 0));
        assert!(Decimal::new("", "", 0).times(1024).is_zero());
    }
}
