// The page of all searches.
import { $, base, make, searchUrl, spark } from "./dom.js";
import { counted, duration, metric } from "./format.js";
import { poll } from "./poll.js";
import { Table } from "./table.js";

const state = $("#state");
const text = $("#text");
const compare = $("#compare");
const opened = new Set();
let searches = [];
let tag = null;
let shownAt = 0;

const best = (row) => (row.best ? Object.entries(row.best) : []);
const first = (row) => best(row)[0]?.[1] ?? null;
const now = () => Date.now() / 1000;

const table = new Table($("#searches"), {
  caption: "All searches of the store",
  sort: "age",
  choose: (row) => row.name,
  onChoose: (chosen) => { compare.disabled = chosen.size < 2; },
  columns: [
    { name: "search", left: true, value: (row) => row.name, cell: named },
    { name: "phase", left: true, value: (row) => row.phase ?? (row.reading ? "" : "unreadable"), cell: (row) => make("span", { class: `tag ${row.phase ?? (row.reading ? "" : "error")}` }, row.phase ?? (row.reading ? "reading…" : "unreadable")) },
    { name: "progress", value: (row) => row.progress, cell: progress, descending: true },
    { name: "incumbent", left: true, cell: (row) => spark(row.course ?? [], 1, first(row) === null ? "" : `up to ${best(row).map(([m, v]) => `${m} ${metric(m, v)}`).join(", ")}`) },
    { name: "best value", value: first, cell: (row) => best(row).map(([m, v]) => `${m === "accuracy" ? "" : `${m} `}${metric(m, v)}`).join(", "), descending: true },
    { name: "test accuracy", value: (row) => row.test_accuracy, cell: (row) => (row.test_accuracy === null || row.test_accuracy === undefined ? "" : metric("accuracy", row.test_accuracy)), descending: true },
    { name: "champion", left: true, value: (row) => row.promotion ?? "", cell: (row) => row.promotion ?? "", descending: true },
    { name: "age", value: (row) => (row.began ? now() - row.began : null), cell: (row) => (row.began ? duration(60 * Math.round(Math.max(0, now() - row.began) / 60)) : "") },
    { name: "what is wrong", why: true, cell: (row) => row.error ?? "" },
  ],
});
table.group = fold;

function named(row) {
  if (row.n) {
    const open = opened.has(row.series);
    return make("button", { type: "button", "aria-expanded": String(open), onclick: () => { open ? opened.delete(row.series) : opened.add(row.series); show(); } }, `${row.series}: ${row.n} searches of a schedule`);
  }
  return make("a", { href: searchUrl(row.name) }, row.name);
}

function progress(row) {
  if (row.reading || !row.trials) return "";
  const said = `${counted(row.trials.ended, row.trials.budget)}${row.trials.failed ? `, ${row.trials.failed} failed` : ""}`;
  return make("span", {}, make("progress", { class: "meter", max: 1, value: row.progress ?? 0, "aria-label": `Progress of ${row.name}` }), ` ${said}`);
}

/** Put the searches of a schedule under one row, which has what the last of them has. */
function fold(rows) {
  const series = new Map();
  for (const row of rows) if (row.series) series.set(row.series, [...(series.get(row.series) ?? []), row]);
  const placed = [];
  for (const row of rows) {
    const family = series.get(row.series);
    if (!family || family.length < 2) placed.push(row);
    else if (family[0] === row) {
      const last = family.reduce((a, b) => (a.name > b.name ? a : b));
      placed.push({ ...last, key: `series ${row.series}`, n: family.length, unchosen: true, className: "series", mark: "" });
      if (opened.has(row.series)) placed.push(...family.map((child) => ({ ...child, className: "child", mark: "" })));
    }
  }
  return placed;
}

function show() {
  const words = text.value.toLowerCase().split(/\s+/).filter(Boolean);
  const said = (row) => `${row.name} ${row.phase ?? "unreadable"} ${row.promotion ?? ""} ${row.error ?? ""}`.toLowerCase();
  const rows = searches.filter((row) => words.every((word) => said(row).includes(word)));
  shownAt = now();
  for (const row of rows) row.mark = `${row.told} ${Math.floor(shownAt / 60)}`; // its age is told in minutes
  table.show(rows);
  return rows.length;
}

function tell(answer) {
  searches = answer.searches.map((row) => ({ ...row, key: row.name, told: JSON.stringify(row) }));
  const shown = show();
  const reading = searches.filter((row) => row.reading).length;
  const many = `${shown === searches.length ? "" : `${shown} of `}${searches.length} search${searches.length === 1 ? "" : "es"}`;
  if (answer.trouble) state.textContent = `The store can't be read: ${answer.trouble} What is shown is what was last known.`;
  else if (!searches.length) state.textContent = "There is no search in this store yet. `archsmith run` with a search file begins one, and it shows here.";
  else state.textContent = reading ? `${many}; ${reading} still to be read` : many;
  state.className = answer.trouble ? "warning trouble" : "quiet";
  return reading ? 500 : 2000;
}

text.addEventListener("input", () => show());
$("#filter").addEventListener("submit", (event) => event.preventDefault());
compare.addEventListener("click", () => {
  const query = [...table.chosen].map((name) => `search=${encodeURIComponent(name)}`).join("&");
  location.assign(`${base}/compare?${query}`);
});

poll(
  async () => {
    const response = await fetch(`${base}/api/searches`, { headers: tag ? { "If-None-Match": tag } : {}, cache: "no-store" });
    if (response.status === 304) {
      if (now() - shownAt >= 60) show();
      return 2000;
    }
    if (!response.ok) throw new Error(`the server answered ${response.status}`);
    tag = response.headers.get("ETag");
    return tell(await response.json());
  },
  (error) => { if (error) { state.className = "warning trouble"; state.textContent = `The server does not answer (${error.message}). This page asks again by itself.`; tag = null; } },
);
