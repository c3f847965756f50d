// Elements without markup: text reaches the page as text, whatever it holds.

/**
 * An element. `given` sets attributes, `class`, `on<event>` listeners and `data` (data-* attributes); false, null and
 * undefined leave an attribute out. Children are nodes, texts, or nothing.
 */
export function h(tag, given = {}, ...children) {
  const element = document.createElement(tag);
  apply(element, given);
  append(element, children);
  return element;
}

/** The same for SVG. */
export function svg(tag, given = {}, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  apply(element, given);
  append(element, children);
  return element;
}

/** Text only a screen reader says. */
export function spoken(text) {
  return h("span", { class: "spoken" }, text);
}

function apply(element, given) {
  for (const [name, value] of Object.entries(given)) {
    if (value === null || value === undefined || value === false) {
      continue;
    }
    if (name.startsWith("on")) {
      element.addEventListener(name.slice(2), value);
    } else if (name === "data") {
      Object.assign(element.dataset, value);
    } else if (name === "style") {
      for (const [property, setting] of Object.entries(value)) {
        element.style.setProperty(property, setting);
      }
    } else {
      element.setAttribute(name, value === true ? "" : value);
    }
  }
}

function append(element, children) {
  for (const child of children.flat(Infinity)) {
    if (child !== null && child !== undefined && child !== false) {
      element.append(child);
    }
  }
}
