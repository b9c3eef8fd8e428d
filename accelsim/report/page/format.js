// Numbers for a reader: the same units as the tool prints.
function digits(value, most = 4) {
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size >= 1e6 || size < 1e-3) return value.toExponential(2).replace("e+", "e");
  if (Number.isInteger(value) && size < 1e6) return value.toLocaleString("en-US");
  return Number(value.toPrecision(most)).toLocaleString("en-US", { maximumSignificantDigits: most });
}
function scaled(value, base, units) {
  if (value === 0) return `0 ${units[0][1]}`;
  let found = units[0];
  for (const unit of units) if (Math.abs(value) >= unit[0] * 0.9995) found = unit;
  return `${digits(value / found[0])} ${found[1]}`;
}
const THOUSANDS = (base) => [["f", 1e-15], ["p", 1e-12], ["n", 1e-9], ["µ", 1e-6], ["m", 1e-3], ["", 1]].map(([p, f]) => [f, p + base]);
const FORMATS = {
  count: (v) => Number(v.toFixed(1)).toLocaleString("en-US"),
  tokens: (v) => v % 1048576 === 0 && v ? `${v / 1048576}M` : v % 1024 === 0 && v ? `${v / 1024}K` : v.toLocaleString("en-US"),
  time: (v) => scaled(v, "s", THOUSANDS("s")),
  time_ns: (v) => scaled(v * 1e-9, "s", THOUSANDS("s")),
  energy: (v) => scaled(v * 1e-12, "J", [...THOUSANDS("J"), [1e3, "kJ"], [1e6, "MJ"]]),
  edp: (v) => scaled(v, "J·s", [...THOUSANDS("J·s"), [1e3, "kJ·s"], [1e6, "MJ·s"], [1e9, "GJ·s"]]),
  power: (v) => scaled(v, "W", THOUSANDS("W")),
  frequency: (v) => scaled(v, "Hz", [[1, "Hz"], [1e3, "kHz"], [1e6, "MHz"], [1e9, "GHz"]]),
  bytes: (v) => scaled(v, "B", [[1, "B"], [1024, "KiB"], [1048576, "MiB"], [2 ** 30, "GiB"], [2 ** 40, "TiB"], [2 ** 50, "PiB"]]),
  area: (v) => Math.abs(v) >= 1e4 ? `${digits(v / 1e6)} mm²` : `${digits(v)} µm²`,
  area_mm2: (v) => `${digits(v)} mm²`,
  share: (v) => `${(100 * v).toFixed(1)}%`,
  number: (v) => digits(v),
  text: (v) => String(v),
};
function shown(value, kind) {
  if (value === null || value === undefined) return "–";
  if (typeof value !== "number") return String(value);
  return (FORMATS[kind] || FORMATS.number)(value);
}
const percent = (part, whole) => whole ? `${(100 * part / whole).toFixed(1)}%` : "0%";
