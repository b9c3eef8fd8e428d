// Elements, SVG and the tooltip.
const $ = (id) => document.getElementById(id);
const SVG = "http://www.w3.org/2000/svg";

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? "" : value);
  }
  for (const child of children) if (child !== null && child !== undefined) node.append(child);
  return node;
}
const el = (tag, attributes, ...children) => fill(document.createElement(tag), attributes, children);
const svg = (tag, attributes, ...children) => fill(document.createElementNS(SVG, tag), attributes, children);

function choice(label, options, value, act) {
  const list = el("select", { onchange: (event) => act(event.target.value), "aria-label": label },
    ...options.map(([key, text]) => el("option", { value: key, selected: key === value }, text)));
  return el("label", { class: "field" }, el("span", {}, label), list);
}
function switches(label, options, value, act) {
  return el("div", { class: "switch", role: "group", "aria-label": label }, ...options.map(([key, text]) =>
    el("button", { type: "button", "aria-pressed": String(key === value), onclick: () => act(key) }, text)));
}
function check(label, on, act) {
  return el("label", { class: "field" },
    el("input", { type: "checkbox", checked: on, onchange: (event) => act(event.target.checked) }), el("span", {}, label));
}

const tip = {
  show(x, y, title, pairs) {
    const box = $("tip");
    box.replaceChildren(el("b", {}, title),
      el("dl", {}, ...pairs.flatMap(([name, value]) => [el("dt", {}, name), el("dd", {}, value)])));
    box.hidden = false;
    const size = box.getBoundingClientRect();
    const left = x + 14 + size.width > innerWidth ? x - 14 - size.width : x + 14;
    const top = y + 14 + size.height > innerHeight ? y - 14 - size.height : y + 14;
    box.style.left = `${Math.max(4, left)}px`;
    box.style.top = `${Math.max(4, top)}px`;
  },
  hide() { $("tip").hidden = true; },
  on(node, title, pairs) {
    node.addEventListener("pointermove", (event) => tip.show(event.clientX, event.clientY, title, pairs));
    node.addEventListener("pointerleave", tip.hide);
    return node;
  },
};
addEventListener("scroll", tip.hide, { passive: true });
const say = (text) => { $("live").textContent = text; };

const least = (values) => values.reduce((a, b) => Math.min(a, b), Infinity);
const most = (values) => values.reduce((a, b) => Math.max(a, b), -Infinity);

// A shape for each group, so that colour is not the only difference.
const SHAPES = [
  (r) => `M${-r},0a${r},${r} 0 1,0 ${2 * r},0a${r},${r} 0 1,0 ${-2 * r},0z`,
  (r) => `M${-r * .9},${-r * .9}h${r * 1.8}v${r * 1.8}h${-r * 1.8}z`,
  (r) => `M0,${-r * 1.2}l${r * 1.15},${r * 2}h${-r * 2.3}z`,
  (r) => `M0,${-r * 1.25}l${r * 1.25},${r * 1.25}l${-r * 1.25},${r * 1.25}l${-r * 1.25},${-r * 1.25}z`,
  (r) => `M0,${r * 1.2}l${r * 1.15},${-r * 2}h${-r * 2.3}z`,
  (r) => `M${-r * .45},${-r * 1.2}h${r * .9}v${r * .75}h${r * .75}v${r * .9}h${-r * .75}v${r * .75}h${-r * .9}v${-r * .75}h${-r * .75}v${-r * .9}h${r * .75}z`,
];
const COLORS = 12;
const color = (n) => `var(--c${n % COLORS})`;
const ink = (n) => `var(--i${n % COLORS})`;
const GREYS = 4;
const symbol = (n) => svg("svg", { viewBox: "-8 -8 16 16", "aria-hidden": "true" },
  svg("path", { d: SHAPES[n % SHAPES.length](5.5), fill: color(n) }));
