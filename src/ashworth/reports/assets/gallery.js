// @ts-check
// The gallery's keys, filters and large view. Cells are plain list items; one of them is current.
"use strict";

const root = document.documentElement;
root.classList.add("js");

/** @param {string} id @returns {any} */
const byId = (id) => document.getElementById(id);
/** @type {HTMLElement[]} */
const all = [...document.querySelectorAll(".cell")].map((cell) => /** @type {HTMLElement} */ (cell));
const large = byId("large"), keys = byId("keys");
// A rule of its own: a variable of the root would restyle every cell at each step of the slider.
const live = /** @type {CSSStyleSheet} */ (document.head.appendChild(document.createElement("style")).sheet);
const gain = /** @type {CSSStyleRule} */ (live.cssRules[live.insertRule(".strip { filter: none }")]);
/** @type {HTMLElement | null} */
let current = null;
/** Cells of the shown classes, in order; made anew after a filter. */
let shown = all;

/** @param {HTMLElement} cell @param {string} part */
const words = (cell, part) => cell.querySelector(part)?.textContent ?? "";

/** Make a cell current: mark it, bring it into view, say it below. @param {HTMLElement} cell */
function choose(cell) {
  if (current) {
    current.removeAttribute("aria-current");
    current.tabIndex = -1;
  }
  current = cell;
  cell.setAttribute("aria-current", "true");
  cell.tabIndex = 0;
  if (!large.open) cell.focus({ preventScroll: true });
  cell.scrollIntoView({ block: "nearest" });
  byId("who").textContent = words(cell, ".facts b") + ", " + section(cell);
  byId("why").textContent = words(cell, ".why") || "No reasons given.";
  byId("place").textContent = `${shown.indexOf(cell) + 1} of ${shown.length}`;
  if (large.open) fill(cell);
}

/** @param {HTMLElement} cell */
const section = (cell) => cell.closest("section")?.dataset.label ?? "";

/** Move by so many cells. @param {number} steps */
function move(steps) {
  if (!shown.length) return;
  const at = current ? shown.indexOf(current) : -1;
  const next = at < 0 ? (steps > 0 ? 0 : shown.length - 1) : at + steps;
  choose(shown[Math.min(Math.max(next, 0), shown.length - 1)]);
}

/** Move by a row of the grid within what is laid out now. @param {number} way */
function moveRow(way) {
  const list = current?.parentElement;
  if (!list || large.open) return move(way);
  const columns = getComputedStyle(list).gridTemplateColumns.split(" ").length;
  const own = [...list.children], at = own.indexOf(/** @type {HTMLElement} */ (current));
  const target = at + way * columns;
  const sameRow = Math.floor(at / columns) === Math.floor((own.length - 1) / columns);
  if (target >= 0 && target < own.length) return choose(/** @type {HTMLElement} */ (own[target]));
  if (way < 0) return move(-at - 1);
  return move(sameRow ? own.length - at : own.length - 1 - at);
}

/** First cell of the next or previous shown class. @param {number} way */
function moveClass(way) {
  const heads = [...new Set(shown.map((cell) => cell.parentElement))];
  const at = current ? heads.indexOf(current.parentElement) : -1;
  const list = heads[Math.min(Math.max(at + way, 0), heads.length - 1)];
  if (list) choose(/** @type {HTMLElement} */ (list.firstElementChild));
}

/** Show a cell in the large view. @param {HTMLElement} cell */
function fill(cell) {
  byId("large-title").textContent = words(cell, ".facts b") + ", " + section(cell);
  const strip = /** @type {HTMLElement} */ (cell.querySelector(".strip")).cloneNode(true);
  const holder = byId("large-strip");
  for (const name of ["--a", "--r"]) holder.style.setProperty(name, cell.style.getPropertyValue(name));
  holder.replaceChildren(strip);
  const facts = [...cell.querySelectorAll(".facts span")].map((fact) => fact.textContent).join(", ");
  byId("large-facts").textContent = facts;
  byId("large-why").textContent = words(cell, ".why") || "No reasons given.";
}

function open() {
  if (!current) move(1);
  if (!current) return;
  fill(current);
  large.showModal();
}

function refresh() {
  shown = all.filter((cell) => !(/** @type {HTMLElement} */ (cell.closest("section")).hidden));
  if (current && !shown.includes(current)) {
    current.removeAttribute("aria-current");
    current.tabIndex = -1;
    current = null;
    for (const part of ["who", "why", "place"]) byId(part).textContent = "";
  }
  if (!current && shown.length) shown[0].tabIndex = 0;
  byId("none").hidden = shown.length > 0 || all.length === 0;
}

/** @param {HTMLInputElement} box */
function toggleClass(box) {
  byId(box.value).hidden = !box.checked;
  refresh();
}

function togglePanels() {
  const boxes = [...document.querySelectorAll("input[name=panel]")];
  const on = boxes.map((box) => /** @type {HTMLInputElement} */ (box).checked);
  on.forEach((visible, i) => root.classList.toggle("without-" + (i + 1), !visible));
  const visible = String(Math.max(on.filter(Boolean).length, 1));
  for (const list of document.querySelectorAll("ul.cells")) {
    /** @type {HTMLElement} */ (list).style.setProperty("--shown", visible);
  }
}

/** @param {string | number} value */
function setGain(value) {
  byId("gain").value = value;
  gain.style.filter = `brightness(${2 ** Number(value)})`;
  byId("gain-words").textContent = "× " + (2 ** Number(value)).toFixed(1);
}

/** @type {Record<string, () => void>} */
const ACTIONS = {
  j: () => move(1), ArrowRight: () => move(1), k: () => move(-1), ArrowLeft: () => move(-1),
  ArrowDown: () => moveRow(1), ArrowUp: () => moveRow(-1),
  Home: () => move(-all.length), End: () => move(all.length),
  n: () => moveClass(1), p: () => moveClass(-1),
  "+": () => setGain(Number(byId("gain").value) + 0.25), "-": () => setGain(Number(byId("gain").value) - 0.25),
  "0": () => setGain(0),
  "?": () => keys.showModal(),
};

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || keys.open) return;
  const target = /** @type {HTMLElement} */ (event.target);
  const slider = target.tagName === "INPUT" && /** @type {HTMLInputElement} */ (target).type === "range";
  if (target.tagName === "SELECT" || (slider && /^(Arrow|Home|End)/.test(event.key))) return;
  if (event.key === "Enter" && !/^(BUTTON|A|INPUT)$/.test(target.tagName) && !large.open) {
    event.preventDefault();
    return open();
  }
  const box = /^[1-9]$/.test(event.key) ? byId("panel-" + event.key) : null;
  if (box) return box.click();
  const action = ACTIONS[event.key];
  if (!action) return;
  event.preventDefault();
  action();
});

document.addEventListener("click", (event) => {
  const cell = /** @type {HTMLElement} */ (event.target).closest?.(".cell");
  if (cell) choose(/** @type {HTMLElement} */ (cell));
});
document.addEventListener("dblclick", (event) => {
  if (/** @type {HTMLElement} */ (event.target).closest?.(".cell")) open();
});
document.addEventListener("focusin", (event) => {
  const cell = /** @type {HTMLElement} */ (event.target);
  if (cell.classList.contains("cell") && cell !== current) choose(cell);
});
large.addEventListener("close", () => current?.focus({ preventScroll: true }));
for (const box of document.querySelectorAll("input[name=class]")) {
  box.addEventListener("change", () => toggleClass(/** @type {HTMLInputElement} */ (box)));
}
for (const box of document.querySelectorAll("input[name=panel]")) box.addEventListener("change", togglePanels);
byId("gain").addEventListener("input", () => setGain(byId("gain").value));
byId("zoom").addEventListener("change", () => root.style.setProperty("--k", byId("zoom").value));
byId("help").addEventListener("click", () => keys.showModal());

for (const box of document.querySelectorAll("input[name=class]")) {
  byId(/** @type {HTMLInputElement} */ (box).value).hidden = !(/** @type {HTMLInputElement} */ (box).checked);
}
togglePanels();
setGain(byId("gain").value);
root.style.setProperty("--k", byId("zoom").value);
refresh();

// The address gallery.html#cell=ID makes that cell current, whatever class it is in.
if (location.hash.startsWith("#cell=")) {
  const wanted = decodeURIComponent(location.hash.slice("#cell=".length));
  const cell = all.find((one) => one.dataset.cell === wanted);
  if (cell) choose(cell);
}
