"use strict";

// Building elements. Every text of the store reaches the page through textContent or a text node,
// never as markup.

function setAttributes(node, attributes) {
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "class") {
      node.setAttribute("class", value);
    } else if (name.startsWith("on")) {
      node.addEventListener(name.slice(2), value);
    } else if (value !== undefined && value !== null && value !== false) {
      node.setAttribute(name, value === true ? "" : value);
    }
  }
}

// element("td", {class: "number", onclick: handler}, "text", otherElement, null)
function element(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  setAttributes(node, attributes);
  node.append(...children.flat().filter((child) => child !== undefined && child !== null && child !== false));
  return node;
}

function drawing(tag, attributes = {}, ...children) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
  setAttributes(node, attributes);
  node.append(...children.filter(Boolean));
  return node;
}

// Objects of the data have keys from the store: "__proto__" among them must stay a plain key.
const own = (object, key) => (object && Object.hasOwn(object, key) ? object[key] : undefined);

// A text that may break after "_" and "/", and before the label of a metric.
function breakable(text) {
  const fragment = document.createDocumentFragment();
  text.split(/(?<=[_/])|(?=\[)/).forEach((part, position) => {
    fragment.append(...(position > 0 ? [document.createElement("wbr")] : []), part);
  });
  return fragment;
}

// Buttons of which one is pressed. `choices`: [value, text, hint].
function segments(label, choices, current, choose, attributes = {}) {
  return element(
    "div",
    { role: "group", "aria-label": label, ...attributes, class: `segments ${attributes.class ?? ""}` },
    element("span", { class: "legend" }, label),
    choices.map(([value, text, hint]) =>
      element(
        "button",
        {
          type: "button", title: hint, "aria-pressed": String(value === current),
          "data-focus": `${label} ${value}`, onclick: () => choose(value),
        },
        text,
      ),
    ),
  );
}

// A drop-down list. `choices`: [value, text].
function picker(label, choices, current, choose, attributes = {}) {
  const select = element("select", { "data-focus": `select ${label}`, ...attributes });
  for (const [value, text] of choices) {
    select.append(element("option", { value }, text));
  }
  select.value = String(current);
  select.addEventListener("change", () => choose(select.value));
  return element("label", { class: "field" }, element("span", {}, label), select);
}

function checkbox(label, checked, choose, focus = label) {
  const box = element("input", { type: "checkbox", "data-focus": `box ${focus}` });
  box.checked = checked;
  box.addEventListener("change", () => choose(box.checked));
  return element("label", { class: "field check" }, box, element("span", {}, label));
}

// A button that opens a list of checkboxes. `choices`: [value, text, checked].
function menu(label, choices, choose) {
  const chosen = choices.filter(([, , checked]) => checked).length;
  const details = element(
    "details",
    { class: "menu", "data-menu": label },
    element("summary", { "data-focus": `menu ${label}` }, label,
      chosen < choices.length ? element("span", { class: "count" }, `${chosen}/${choices.length}`) : null),
    element("div", { class: "menu-items" },
      choices.map(([value, text, checked]) => checkbox(text, checked, (on) => choose(value, on), `${label} ${value}`))),
  );
  details.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      details.open = false;
      details.querySelector("summary").focus();
    }
  });
  return details;
}

// A table of texts or nodes. `columns`: {title, number: bool, hint}.
function plainTable(columns, lines, caption) {
  const cell = (tag, column, content, attributes = {}) =>
    element(tag, { class: column.number ? "number" : "text", ...attributes }, ...[content].flat());
  return element(
    "div",
    { class: "scroll", tabindex: "0", role: "region", "aria-label": caption },
    element(
      "table",
      {},
      element("thead", {}, element("tr", {},
        columns.map((column) => cell("th", column, column.title, { scope: "col", title: column.hint })))),
      element("tbody", {}, lines.map((line) => element("tr", { class: "row" },
        line.map((content, position) =>
          cell(position === 0 ? "th" : "td", columns[position], content, position === 0 ? { scope: "row" } : {}))))),
    ),
  );
}

// Puts new content into a node; what had the focus has it again, and open menus stay open.
function replaceContent(node, ...content) {
  const focused = node.contains(document.activeElement) ? document.activeElement.dataset.focus : undefined;
  const open = [...node.querySelectorAll("details.menu[open]")].map((menuNode) => menuNode.dataset.menu);
  const scrollers = () => [...node.querySelectorAll(".scroll, .entry-list")];
  const scrolled = scrollers().map(({ scrollLeft, scrollTop }) => [scrollLeft, scrollTop]);
  node.replaceChildren(...content.flat().filter(Boolean));
  for (const menuNode of node.querySelectorAll("details.menu")) {
    menuNode.open = open.includes(menuNode.dataset.menu);
  }
  scrollers().forEach((box, position) => {
    [box.scrollLeft, box.scrollTop] = scrolled[position] ?? [0, 0];
  });
  if (focused !== undefined) {
    [...node.querySelectorAll("[data-focus]")].find((child) => child.dataset.focus === focused)?.focus();
  }
}

// Only one menu at a time, and none after a click elsewhere.
document.addEventListener("click", (event) => {
  for (const details of document.querySelectorAll("details.menu[open]")) {
    if (!details.contains(event.target)) {
      details.open = false;
    }
  }
});
