// What is on the page, what is selected, and who is told of changes.
const data = JSON.parse($("data").textContent);
const points = data.points.map((point, index) => ({ ...point, index }));
const columns = data.columns.map((column, index) => ({ ...column, index }));
const MOST_SELECTED = 6;
const value = (point, column) => point.row[column.index];
const byKey = (key) => columns.find((column) => column.key === key);
const numeric = columns.filter((column) => column.kind !== "text");
const kinds = new Map();  // how many different values a column has
function different(column) {
  if (!kinds.has(column)) kinds.set(column, new Set(points.map((point) => value(point, column))).size);
  return kinds.get(column);
}
const varying = (column) => different(column) > 1;

// Points of different problems are not rivals: each problem has a front of its own.
const problemColumns = ["workload", "length", "scope"].map(byKey).filter((column) => column && varying(column));
const problem = (point) => problemColumns.map((column) => shown(value(point, column), column.kind)).join(" ");

const groupColumns = columns.filter((column) => varying(column) && different(column) <= 12);
const state = {
  selected: [], active: null, x: null, y: null, logX: true, logY: true, group: "", sort: null, down: false,
  filter: "", limit: 50, scale: "share", energy: "by_component", view: 0, problem: "",
};
const listeners = [];
const changed = (...what) => listeners.forEach((listener) => listener(new Set(what)));

function groupOf(point) {
  const column = byKey(state.group);
  return column ? shown(value(point, column), column.kind) : point.group;
}
const groups = () => [...new Set(points.map(groupOf))];
const groupNumber = (point) => groups().indexOf(groupOf(point));
const alone = new Set(points.map((point) => point.group)).size === points.length;

function toggle(point) {
  const at = state.selected.indexOf(point);
  if (at >= 0) {
    state.selected.splice(at, 1);
    if (state.active === point) state.active = state.selected[state.selected.length - 1] || null;
  } else {
    state.selected.push(point);
    while (state.selected.length > MOST_SELECTED) state.selected.shift();
    state.active = point;
  }
  state.view = 0;
  say(`${point.name} ${at >= 0 ? "is no longer selected" : "is selected"}`);
  changed("selection");
}
function activate(point) {
  state.active = point;
  state.view = 0;
  changed("selection");
}

// The points that no other point of their problem beats in both axes.
function front(list, x, y) {
  const better = (column, a, b) => (column.goal === "more" ? b - a : a - b);
  const known = list.filter((p) => typeof value(p, x) === "number" && typeof value(p, y) === "number");
  const ordered = [...known].sort((a, b) => better(x, value(a, x), value(b, x)) || better(y, value(a, y), value(b, y)));
  const found = [];
  for (const point of ordered) {
    const last = found[found.length - 1];
    if (!last || better(y, value(point, y), value(last, y)) < 0) found.push(point);
  }
  return found;
}
function fronts(x, y) {
  const problems = new Map();
  for (const point of visible()) {
    if (!problems.has(problem(point))) problems.set(problem(point), []);
    problems.get(problem(point)).push(point);
  }
  return [...problems.values()].map((list) => front(list, x, y));
}
function visible() {
  return points.filter((point) => !state.problem || problem(point) === state.problem);
}

// Colours by name over the whole page, so that an Einsum, and the tensor that it makes, look the same
// everywhere. Tensors that no Einsum makes are grey; names beyond the colours are hatched.
const einsums = new Map(), inputs = new Map();
const fine = (unit, figures) => !unit.includes(".") && !(unit in figures.traffic_bytes);
for (const { detail } of points) {
  if (!detail) continue;
  for (const [unit, parts] of Object.entries(detail.figures.busy_cycles)) {
    if (fine(unit, detail.figures)) for (const name of Object.keys(parts)) if (!einsums.has(name)) einsums.set(name, einsums.size);
  }
}
for (const { detail } of points) {
  if (!detail) continue;
  for (const use of [...Object.values(detail.figures.traffic_bytes), ...Object.values(detail.figures.buffers)]) {
    for (const name of Object.keys(use.by_tensor)) if (!einsums.has(name) && !inputs.has(name)) inputs.set(name, inputs.size);
  }
}
// "load K", "store AV" and "GLB rows of QK" look like what they are for.
const subject = (name) => (einsums.has(name) || inputs.has(name) ? name : name.split(" ").pop());
function look(name) {
  const of = subject(name);
  if (einsums.has(of)) return { fill: color(einsums.get(of)), ink: ink(einsums.get(of)), hatched: einsums.get(of) >= COLORS };
  const n = (inputs.get(of) ?? 1) % GREYS;
  return { fill: `var(--g${n})`, ink: `var(--gi${n})`, hatched: false };
}
const paint = ({ fill, ink: text, hatched }) => `background-color:${fill};color:${text}${hatched ? `;background-image:repeating-linear-gradient(45deg,transparent 0 5px,color-mix(in srgb,${text} 16%,transparent) 5px 8px)` : ""}`;
