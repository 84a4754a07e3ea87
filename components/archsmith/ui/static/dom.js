// Elements of a page. All text is set as text: names, notations and errors may hold anything.

export const base = document.documentElement.dataset.base;

/** Make an element: attributes by name, `on…` are listeners; children are elements or text. */
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value !== undefined && value !== null && value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined && child !== ""));
  return element;
}

/** Put other children into an element, if they differ in anything. */
export function fill(element, ...children) {
  const next = make(element.tagName.toLowerCase(), {}, ...children);
  if (next.innerHTML !== element.innerHTML) element.replaceChildren(...next.childNodes);
}

export const $ = (selector, within = document) => within.querySelector(selector);

export const searchUrl = (name) => `${base}/searches/${encodeURIComponent(name)}`;
export const trialUrl = (name, id) => `${searchUrl(name)}/trials/${encodeURIComponent(id)}`;
export const pictureUrl = (name, id) => `${trialUrl(name, id)}.svg?theme=${window.isDark() ? "dark" : "light"}`;

/** Draw values as a small line; the words are for those who do not see it. */
export function spark(values, sign = 1, words = "") {
  const [width, height, NS] = [92, 24, "http://www.w3.org/2000/svg"];
  const svg = document.createElementNS(NS, "svg");
  for (const [k, v] of Object.entries({ class: "spark", width, height, viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": words || "no value yet" })) svg.setAttribute(k, v);
  if (!values.length) return svg;
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const x = (k) => (values.length === 1 ? width / 2 : 2 + (k * (width - 6)) / (values.length - 1));
  const y = (v) => (high === low ? height / 2 : height - 3 - ((v - low) / (high - low)) * (height - 6));
  const line = document.createElementNS(NS, "polyline");
  line.setAttribute("points", values.map((v, k) => `${x(k).toFixed(1)},${y(v).toFixed(1)}`).join(" "));
  const dot = document.createElementNS(NS, "circle");
  for (const [k, v] of Object.entries({ cx: x(values.length - 1), cy: y(values[values.length - 1]), r: 2 })) dot.setAttribute(k, v);
  svg.append(line, dot);
  return svg;
}

/** Let the buttons with `data-copy` copy the text of the element that they name. */
export function copying(within = document) {
  within.addEventListener("click", async (event) => {
    const button = event.target.closest("button[data-copy]");
    if (!button) return;
    const source = document.getElementById(button.dataset.copy);
    let said = "Copied";
    try {
      await navigator.clipboard.writeText(source.textContent);
    } catch {
      // Without a secure connection there is no clipboard for scripts: the text is chosen, to be copied by hand.
      getSelection().selectAllChildren(source);
      said = document.execCommand("copy") ? "Copied" : "Chosen: copy it with Ctrl-C";
    }
    button.textContent = said;
    setTimeout(() => { button.textContent = "Copy"; }, 2500);
  });
}

/** Pictures of networks follow the theme. */
export function themed(within = document) {
  for (const image of within.querySelectorAll("img[data-themed]")) {
    const source = `${image.dataset.themed}?theme=${window.isDark() ? "dark" : "light"}`;
    if (image.getAttribute("src") !== source) image.setAttribute("src", source);
  }
}
