// Tables that can be sorted by any column and filtered by text.
import { make } from "./dom.js";

/**
 * A table. Columns: {name, value(row) to sort by, cell(row) to show, left, why}. Rows have a `key`, and may have a `className`.
 * Which rows are chosen by their boxes is kept in `chosen`, by key.
 */
export class Table {
  constructor(element, { columns, sort, descending = false, choose, caption, onChoose = () => {} }) {
    Object.assign(this, { element, columns, sort, descending, choose, onChoose });
    this.chosen = new Set();
    this.rows = [];
    this.made = new Map();
    this.body = make("tbody");
    element.replaceChildren(make("caption", { class: "skip" }, caption), make("thead"), this.body);
    this.head();
  }

  head() {
    const cells = this.columns.map((column) => {
      const sorted = column.name === this.sort ? (this.descending ? "descending" : "ascending") : "none";
      const label = column.value ? make("button", { type: "button", class: "sort", "data-sort": column.name, onclick: () => this.by(column.name) }, column.label ?? column.name) : column.label ?? column.name;
      return make("th", { scope: "col", class: column.left || column.why ? "left" : null, "aria-sort": column.value ? sorted : null }, label);
    });
    if (this.choose) cells.unshift(make("td", {}, make("span", { class: "skip" }, "chosen")));
    this.element.tHead.replaceChildren(make("tr", {}, ...cells));
  }

  by(name) {
    this.descending = this.sort === name ? !this.descending : this.columns.find((c) => c.name === name).descending ?? false;
    this.sort = name;
    this.head();
    this.element.querySelector(`[data-sort="${CSS.escape(name)}"]`)?.focus();
    this.show(this.rows, this.most);
  }

  withColumns(columns) {
    if (columns.map((c) => c.label ?? c.name).join("\n") === this.columns.map((c) => c.label ?? c.name).join("\n")) return;
    this.columns = columns;
    this.made.clear();
    this.head();
  }

  sorted(rows) {
    const column = this.columns.find((c) => c.name === this.sort);
    if (!column?.value) return rows;
    const [sign, missing] = [this.descending ? -1 : 1, (v) => v === null || v === undefined || Number.isNaN(v)];
    return [...rows].sort((a, b) => {
      const [x, y] = [column.value(a), column.value(b)];
      if (missing(x) || missing(y)) return missing(x) - missing(y);
      return sign * (typeof x === "string" ? x.localeCompare(y, "en", { numeric: true }) : x - y);
    });
  }

  /** Show rows, at most so many; `group` may put them into another order after they are sorted. */
  show(rows, most = Infinity) {
    [this.rows, this.most] = [rows, most];
    const sorted = this.group ? this.group(this.sorted(rows)) : this.sorted(rows);
    const [shown, now] = [sorted.slice(0, most).map((row) => this.row(row)), this.body.children];
    // What stays where it is keeps the keyboard's focus.
    if (shown.length !== now.length || shown.some((row, k) => row !== now[k])) this.body.replaceChildren(...shown);
    for (const key of this.made.keys()) if (this.made.size > 4 * most + 400) this.made.delete(key);
  }

  row(row) {
    const mark = row.mark ?? "";
    const known = this.made.get(row.key);
    if (known && known.mark === mark && mark !== "") return known.element;
    const cells = this.columns.map((column) => make("td", { class: column.left ? "left" : column.why ? "why" : null }, column.cell(row)));
    if (this.choose) {
      const box = make("input", { type: "checkbox", "aria-label": `Choose ${this.choose(row)}`, onchange: () => this.pick(row.key, box.checked) });
      box.checked = this.chosen.has(row.key);
      cells.unshift(make("td", {}, row.unchosen ? "" : box));
    }
    const element = make("tr", { class: row.className ?? null }, ...cells);
    this.made.set(row.key, { mark, element });
    return element;
  }

  pick(key, is) {
    if (is) this.chosen.add(key);
    else this.chosen.delete(key);
    this.onChoose(this.chosen);
  }
}
