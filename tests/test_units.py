from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accelsim import units


@pytest.mark.parametrize(
    ("read", "text", "value"),
    [
        (units.parse_size, "16 MiB", 2**24),
        (units.parse_size, "16MiB", 2**24),
        (units.parse_size, "1.5 KiB", 1536),
        (units.parse_size, "1 GB", 10**9),
        (units.parse_size, "1 GiB", 2**30),
        (units.parse_size, "2 B", 2),
        (units.parse_size, "16 bit", 2),
        (units.parse_size, "1e3 kB", 10**6),
        (units.parse_bandwidth, "400 GiB/s", 400 * 2**30),
        (units.parse_bandwidth, "400 GB/s", 400 * 10**9),
        (units.parse_bandwidth, "1 Gbit/s", 125_000_000),
        (units.parse_frequency, "940 MHz", 940_000_000),
        (units.parse_frequency, "0.94 GHz", 940_000_000),
        (units.parse_duration, "100 ns", Fraction(1, 10**7)),
        (units.parse_duration, "0.1 us", Fraction(1, 10**7)),
        (units.parse_duration, "2 s", 2),
        (units.parse_length, "45 nm", Fraction(45, 10**9)),
        (units.parse_energy, "0.5 pJ", Fraction(1, 2)),
        (units.parse_energy, "2 nJ", 2000),
        (units.parse_area, "1.5 mm2", 1_500_000),
        (units.parse_count, "64K", 65536),
        (units.parse_count, "1M", 2**20),
        (units.parse_count, "100", 100),
        (units.parse_count, 7, 7),
    ],
)
def test_reads_quantities_exactly(read, text, value):
    found = read(text)
    assert found == value
    assert isinstance(found, int | Fraction)


@pytest.mark.parametrize(
    ("read", "text", "message"),
    [
        (units.parse_size, "16 mib", "'16 mib'; did you mean 'MiB'?"),
        (units.parse_size, "16 MiBs", "'16 MiBs'; did you mean 'MiB'?"),
        (units.parse_size, "16 MX", "must be a size such as '16 MiB', not '16 MX'; known: B, KiB"),
        (units.parse_size, 16, "not 16; write its unit: B, KiB, MiB, GiB, TiB, PiB"),
        (units.parse_size, "16", "not '16'; write its unit: B, KiB, MiB, GiB, TiB, PiB"),
        (units.parse_size, "0.3 B", "must be a whole number of bytes, not '0.3 B'"),
        (units.parse_size, "-1 B", "must be a size such as '16 MiB', not '-1 B'"),
        (units.parse_size, True, "must be a size such as '16 MiB', not True"),
        (units.parse_size, ["1 B"], "must be a size such as '16 MiB', not a list"),
        (units.parse_size, "\u0661 B", "must be a size such as '16 MiB', not '\u0661 B'"),
        (units.parse_frequency, "940 Mhz", "'940 Mhz'; did you mean 'MHz'?"),
        (units.parse_bandwidth, "400 GiB", "must be a bandwidth such as '400 GiB/s'"),
        (units.parse_duration, "", "must be a time such as '100 ns', not ''"),
        (units.parse_duration, "1e999 s", "must be a time such as '100 ns', not '1e999 s'"),
        (units.parse_duration, "9" * 10**6, "must be a time such as '100 ns', not '999"),
        (units.parse_count, "64X", "must be a count such as '4096', '64K' or '1M', not '64X'"),
        (units.parse_count, "1.5K", "must be a count"),
        (units.parse_count, True, "must be a count"),
    ],
)
def test_says_what_a_quantity_must_be(read, text, message):
    with pytest.raises(ValueError) as caught:
        read(text)
    assert message in str(caught.value)
    assert len(str(caught.value)) < 250


@pytest.mark.parametrize(
    ("shown", "text"),
    [
        (units.format_size(2**24), "16 MiB"),
        (units.format_size(0), "0 B"),
        (units.format_size(1537), "1.501 KiB"),
        (units.format_bandwidth(400 * 2**30), "400 GiB/s"),
        (units.format_frequency(940_000_000), "940 MHz"),
        (units.format_duration(Fraction(1, 7000)), "142.9 us"),
        (units.format_energy(3200), "3.2 nJ"),
        (units.format_area(1_500_000), "1.5 mm2"),
        (units.format_count(65536), "64K"),
        (units.format_count(100), "100"),
        (units.format_count(0), "0"),
    ],
)
def test_writes_quantities_for_a_reader(shown, text):
    assert shown == text


@given(st.integers(min_value=0, max_value=2**62))
def test_reads_back_the_counts_it_writes(count):
    if count < 10**15:
        assert units.parse_count(units.format_count(count)) == count
    assert units.parse_size(f"{count} B") == count


@given(st.text(max_size=40))
def test_never_shows_anything_but_a_value_error(text):
    for read in (units.parse_size, units.parse_duration, units.parse_count):
        try:
            read(text)
        except ValueError as error:
            assert str(error).startswith("must be")
