// What is alive in a report: what is said of a place of a picture, pictures that are enlarged, tables that are sorted.
// The page says as much without it, and nothing is loaded. All text is set as text.
(() => {
  "use strict";
  const NEAR_PX = 22; // how far from a place a pointer may be
  const MOST_TIMES = 24; // by which a picture may be enlarged
  const SVG = "http://www.w3.org/2000/svg";
  const { said, pictures } = JSON.parse(document.getElementById("spots").textContent);
  const shown = [];

  const make = (tag, attributes = {}, ...children) => {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    element.append(...children);
    return element;
  };

  const tip = make("div", { class: "tip", role: "status" });
  tip.hidden = true;
  document.body.append(tip);

  let pointed = null; // the picture of whose place something is said

  const hide = () => {
    tip.hidden = true;
    pointed = null;
    for (const picture of shown) picture.ring();
  };

  /** A picture: its places, how far it is enlarged, and where the pointer or the arrow keys are. */
  class Picture {
    constructor(frame) {
      this.frame = frame;
      this.svg = frame.querySelector("svg");
      const flat = pictures[frame.dataset.picture] ?? [];
      this.spots = [];
      for (let k = 0; k < flat.length; k += 3) this.spots.push({ x: flat[k] / 10, y: flat[k + 1] / 10, said: flat[k + 2] });
      this.spots.sort((a, b) => a.x - b.x || b.y - a.y);
      this.at = -1;
      const { width, height } = this.svg.viewBox.baseVal;
      this.whole = { x: 0, y: 0, width, height };
      this.part = { ...this.whole };
      this.rings = document.createElementNS(SVG, "g");
      this.svg.append(this.rings);
      this.frame.tabIndex = 0;
      this.frame.after(this.buttons());
      this.listen();
    }

    buttons() {
      const made = (label, text, act) => {
        const button = make("button", { type: "button", "aria-label": `${label}: ${this.frame.getAttribute("aria-label")}`, title: label }, text);
        button.addEventListener("click", act);
        return button;
      };
      this.back = made("Show all of it", "all", () => this.zoom(0));
      this.back.disabled = true;
      return make("div", { class: "zoom" }, this.back, made("Make smaller", "\u2212", () => this.zoom(1 / 1.6)), made("Enlarge", "+", () => this.zoom(1.6)));
    }

    listen() {
      const { frame } = this;
      frame.addEventListener("pointermove", (event) => this.moved(event));
      frame.addEventListener("pointerdown", (event) => {
        if (event.button !== 0 || this.times() === 1) return;
        this.from = this.place(event);
        frame.setPointerCapture(event.pointerId);
      });
      for (const name of ["pointerup", "pointercancel"]) frame.addEventListener(name, () => { this.from = null; });
      frame.addEventListener("pointerleave", hide);
      frame.addEventListener("click", (event) => this.moved(event));
      frame.addEventListener("dblclick", () => this.zoom(0));
      frame.addEventListener("blur", hide);
      frame.addEventListener("keydown", (event) => this.pressed(event));
      frame.addEventListener("wheel", (event) => {
        if (!event.ctrlKey && !event.metaKey) return; // the wheel alone moves the page
        event.preventDefault();
        this.zoom(Math.exp(-Math.max(-60, Math.min(60, event.deltaY)) / 120), this.place(event));
      }, { passive: false });
    }

    times() { return this.whole.width / this.part.width; }

    /** Return where a pointer is, in units of the picture. */
    place(event) { return new DOMPoint(event.clientX, event.clientY).matrixTransform(this.svg.getScreenCTM().inverse()); }

    moved(event) {
      if (this.from) {
        const here = this.place(event);
        this.show({ ...this.part, x: this.part.x + this.from.x - here.x, y: this.part.y + this.from.y - here.y });
        hide();
        return;
      }
      const here = this.place(event);
      const unit = this.svg.getScreenCTM().a;
      let [best, distance] = [-1, (NEAR_PX / unit) ** 2];
      this.spots.forEach((spot, k) => {
        const d = (spot.x - here.x) ** 2 + (spot.y - here.y) ** 2;
        if (d <= distance) [best, distance] = [k, d];
      });
      if (best < 0) hide();
      else this.say(best);
    }

    pressed(event) {
      const last = this.spots.length - 1;
      const to = { ArrowRight: this.at + 1, ArrowDown: this.at + 1, ArrowLeft: this.at - 1, ArrowUp: this.at - 1, Home: 0, End: last }[event.key];
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      if (to !== undefined && last >= 0) this.say(Math.max(0, Math.min(last, to)));
      else if (event.key === "Escape") hide();
      else if (event.key === "+" || event.key === "=") this.zoom(1.6, this.spots[this.at]);
      else if (event.key === "-") this.zoom(1 / 1.6, this.spots[this.at]);
      else if (event.key === "0") this.zoom(0);
      else return;
      event.preventDefault();
    }

    /** Say what is to be said of a place, and mark it here and wherever the same is said. */
    say(k) {
      this.at = k;
      const spot = this.spots[k];
      const { x, y, width, height } = this.part;
      if (spot.x < x || spot.x > x + width || spot.y < y || spot.y > y + height) this.show({ ...this.part, x: spot.x - width / 2, y: spot.y - height / 2 });
      for (const picture of shown) picture.ring(picture === this ? spot : picture.spots.find((other) => other.said === spot.said));
      if (tip.textContent !== said[spot.said]) tip.textContent = said[spot.said];
      tip.hidden = false;
      pointed = this;
      this.stand();
    }

    /** Put the words beside their place, within the window. */
    stand() {
      const spot = this.spots[this.at];
      const at = new DOMPoint(spot.x, spot.y).matrixTransform(this.svg.getScreenCTM());
      const [room, own] = [document.documentElement.clientWidth, tip.getBoundingClientRect()];
      tip.style.left = `${Math.max(6, Math.min(room - own.width - 6, at.x + 14))}px`;
      tip.style.top = `${at.y - own.height - 12 < 6 ? at.y + 16 : at.y - own.height - 12}px`;
    }

    ring(spot) {
      this.rings.replaceChildren();
      if (!spot) return;
      const circle = document.createElementNS(SVG, "circle");
      for (const [name, value] of Object.entries({ class: "ring", cx: spot.x, cy: spot.y, r: 5.5 / Math.sqrt(this.times()) })) circle.setAttribute(name, value);
      this.rings.append(circle);
    }

    /** Enlarge so many times around a place, its middle where none is given; 0 shows all of it. */
    zoom(by, around) {
      hide();
      const times = by ? Math.max(1, Math.min(MOST_TIMES, this.times() * by)) : 1;
      const [width, height] = [this.whole.width / times, this.whole.height / times];
      const { part } = this;
      const at = around ?? { x: part.x + part.width / 2, y: part.y + part.height / 2 };
      this.show({ width, height, x: at.x - ((at.x - part.x) / part.width) * width, y: at.y - ((at.y - part.y) / part.height) * height });
    }

    /** Show a part of the picture, moved to where there is something of it. */
    show({ x, y, width, height }) {
      const within = (value, most) => Math.max(0, Math.min(most, value));
      this.part = { x: within(x, this.whole.width - width), y: within(y, this.whole.height - height), width, height };
      this.svg.setAttribute("viewBox", Object.values(this.part).join(" "));
      this.back.disabled = this.times() === 1;
      this.frame.classList.toggle("enlarged", this.times() > 1);
    }
  }

  const UNITS = { k: 1e3, M: 1e6, G: 1e9, T: 1e12, ms: 1e-3, "µs": 1e-6, s: 1, min: 60, h: 3600 };

  /** Return the number that a cell says, NaN where it says none: `1.23 ± 0.04 ms`, `1 h 2 min`, `45.2 k`, `93.1 %`. */
  const number = (cell) => {
    const text = cell.textContent.replaceAll(",", "").replaceAll("\u2212", "-").replace(/±\s*[\d.]+/, "");
    const parts = [...text.matchAll(/([+-]?\d*\.?\d+(?:e[+-]?\d+)?)\s*(ms|µs|min|k|M|G|T|s|h|)(?!\p{L})/gu)];
    const units = parts.filter(([, , unit], k) => k === 0 || unit);
    return parts.length ? units.reduce((sum, [, value, unit]) => sum + Number(value) * (UNITS[unit] ?? 1), 0) : NaN;
  };

  const sorts = (table) => {
    const heads = [...table.tHead.rows[0].cells];
    heads.forEach((head, column) => {
      if (!head.textContent.trim()) return;
      const isText = head.classList.contains("left");
      const button = make("button", { type: "button", class: "sort" }, ...head.childNodes);
      head.setAttribute("aria-sort", "none");
      head.append(button);
      button.addEventListener("click", () => {
        const was = head.getAttribute("aria-sort");
        const down = was === "none" ? !isText : was === "ascending";
        for (const other of heads) if (other.hasAttribute("aria-sort")) other.setAttribute("aria-sort", "none");
        head.setAttribute("aria-sort", down ? "descending" : "ascending");
        const sign = down ? -1 : 1;
        const rows = [...table.tBodies[0].rows].map((row) => {
          const cell = row.cells[column];
          return { row, key: isText ? cell.textContent : number(cell) };
        });
        rows.sort((a, b) => {
          if (isText) return sign * a.key.localeCompare(b.key, "en", { numeric: true });
          if (Number.isNaN(a.key) || Number.isNaN(b.key)) return Number.isNaN(a.key) - Number.isNaN(b.key); // what has none comes last
          return sign * (a.key - b.key);
        });
        table.tBodies[0].append(...rows.map(({ row }) => row));
      });
    });
  };

  for (const frame of document.querySelectorAll("[data-picture]")) shown.push(new Picture(frame));
  document.querySelectorAll("table.sortable").forEach(sorts);
  document.getElementById("alive").hidden = shown.length === 0;
  for (const name of ["scroll", "resize"]) addEventListener(name, () => pointed?.stand(), { passive: true });
})();
