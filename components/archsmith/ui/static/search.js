// The page of a search: asks for what is new, keeps it, and draws it.
import { $, base, copying, fill, make, pictureUrl, spark, trialUrl } from "./dom.js";
import { counted, duration, metric, percent } from "./format.js";
import { poll, PAUSE_MS } from "./poll.js";
import { Charts } from "./search-charts.js";
import { Table } from "./table.js";

const name = $("#search").dataset.name;
const STEP = 100; // rows of the table that are added at once

/** All that is known of the search. */
const search = {
  name, era: "", state: "", rows: [], byId: new Map(), parts: {}, digests: {},
  chosen: null, // the ids of the trials that are brushed; null for all
};
const charts = new Charts(search, (ids, said) => brushed(ids, said));
let most = STEP;
const drawing = { due: null, rested: 0, changed: new Set() };

const table = new Table($("#trials table"), {
  caption: "Trials",
  sort: "rank",
  choose: (row) => `trial ${row.number}`,
  onChoose: (chosen) => { $("#trials-compare").disabled = chosen.size < 2; },
  columns: columns(),
});

function columns() {
  const now = search.parts.now;
  const metrics = (now?.metrics ?? []).map((m) => ({ name: m.name, label: m.label, value: (row) => row.metrics[m.name] ?? null, cell: (row) => (m.name in row.metrics ? metric(m.name, row.metrics[m.name]) : ""), descending: m.name.endsWith("accuracy") }));
  return [
    { name: "rank", label: "rank", value: (row) => row.rank ?? null, cell: (row) => (row.rank ? String(row.rank) : "") },
    { name: "trial", left: true, value: (row) => row.number, cell: (row) => make("a", { href: trialUrl(name, row.id) }, `#${row.number}`), descending: true },
    { name: "status", left: true, value: (row) => row.status, cell: (row) => make("span", {}, ...row.notes.flatMap((note) => [make("span", { class: `tag ${note}` }, note), " "])) },
    { name: "fidelity", left: true, value: (row) => row.epochs, cell: (row) => row.fidelity },
    ...metrics,
    { name: "time", value: (row) => row.seconds, cell: (row) => duration(row.seconds), descending: true },
    { name: "curve", left: true, cell: (row) => (row.curve.length ? spark(row.curve.map((p) => p[1]), 1, `accuracy up to ${percent(Math.max(...row.curve.map((p) => p[1])))}`) : "") },
    { name: "why", why: true, cell: (row) => row.error ?? (row.stop ? `stopped after ${row.stop.epoch} epochs by ${row.stop.rule}` : row.reason ?? "") },
  ];
}

/** Take in an answer; return whether it changed anything. */
function apply(answer) {
  search.state = answer.state;
  if (answer.era === undefined) return false;
  if (answer.era !== search.era || answer.from === 0) Object.assign(search, { era: answer.era, rows: [], byId: new Map() });
  for (const row of answer.rows) {
    search.rows.push(row);
    search.byId.set(row.id, row);
  }
  Object.assign(search.parts, answer.parts);
  search.digests = answer.digests;
  return answer.rows.length > 0 || Object.keys(answer.parts).length > 0;
}

function show(changed) {
  head();
  if (changed.includes("search")) file();
  standing();
  rank();
  trials();
  draw(changed);
}

/** Draw the charts at once, or where that takes long, after three times as long: words and tables do not wait for them. */
function draw(changed) {
  for (const name of changed) drawing.changed.add(name);
  drawing.due ??= setTimeout(() => {
    const begin = performance.now();
    const names = [...drawing.changed];
    drawing.changed.clear();
    charts.show(names);
    const end = performance.now();
    Object.assign(drawing, { due: null, rested: end + 3 * (end - begin) });
  }, Math.max(0, drawing.rested - performance.now()));
}

/** Say what stands in the way: of the server's look, of the search itself. */
function say(answer) {
  const state = $("#state");
  if (answer.gone) state.textContent = `There is no search ${name} in this store${search.rows.length ? " any more: what is shown is what was last seen" : ", or not yet"}. This page goes on looking.`;
  else if (answer.trouble) state.textContent = `${answer.trouble} ${search.rows.length ? "What is shown is what was last seen. " : ""}This page goes on looking.`;
  else if (answer.state === "reading") state.textContent = "Reading the search…";
  else state.textContent = "";
  state.className = answer.gone || answer.trouble ? "warning trouble" : "quiet";
}

function head() {
  const [now, told] = [search.parts.now, search.parts.search];
  const phase = $("#phase");
  phase.textContent = now.phase;
  phase.className = `tag ${now.phase}`;
  for (const id of ["head", "file"]) document.getElementById(id).hidden = false;
  const bar = $("#progress");
  [bar.max, bar.value] = [now.progress.total || 1, now.phase === "done" ? now.progress.total || 1 : now.progress.done];
  const of = { sharing: "epochs of shared weights", retraining: "epochs of the winner's training" }[now.phase];
  $("#progress-said").textContent = now.phase === "done" ? "ended" : of ? `${now.progress.done} of ${now.progress.total} ${of}` : `${percent(now.progress.done / (now.progress.total || 1), 0)} of the budget`;
  const counts = now.trials;
  const facts = [
    ["trials", counted(counts.ended, counts.budget)],
    counts.looks ? ["looks", counted(counts.looks)] : null,
    counts.failed ? ["failed", counted(counts.failed)] : null,
    counts.stopped ? ["stopped early", counted(counts.stopped)] : null,
    now.trainings.budget === null ? null : ["trainings", counted(now.trainings.spent, now.trainings.budget)],
    ["time", duration(now.busy)],
    now.left === null ? null : ["left, about", duration(now.left)],
    ["running", String(now.running.length)],
    now.alive ? ["workers' pods", String(now.alive)] : null,
    now.test_accuracy === null ? null : ["test accuracy", percent(now.test_accuracy)],
    ["space", told.space], ["strategy", told.strategy],
  ];
  fill($("#vitals"), ...facts.filter(Boolean).map(([term, text]) => make("div", {}, make("dt", {}, term), make("dd", {}, text))));
  $("#data").textContent = told.data.slice(0, 1).join(" ");
  const warnings = [...now.troubles.map((text) => [text, "warning trouble"]), ...now.verdicts.map((text) => [text, "warning"]), ...told.warnings.map((text) => [text, "warning"]), ...(now.orphans ?? []).map((text) => [text, "warning"])];
  fill($("#troubles"), ...warnings.map(([text, kind]) => make("p", { class: kind }, text)));
}

function standing() {
  const now = search.parts.now;
  const best = $("#best");
  best.hidden = false;
  $("#best-title").textContent = now.phase === "done" ? "The winner" : "The winner so far";
  const winner = search.byId.get(now.winner);
  $("#winner-link").hidden = !winner;
  fill($("#best-said"), ...(winner ? [make("a", { href: trialUrl(name, winner.id) }, `Trial ${winner.number}`), `: ${now.said}`] : ["There is none yet."]));
  $("#best-reason").textContent = [now.reason, now.worth, now.promotion].filter(Boolean).join(". ");
  $("#best-notation").textContent = now.notation;
  $("details", best).hidden = !winner;
  picture();
  running(now);
  spending(now);
  failures(now);
}

/** Draw the winner's network once somebody wants to see it. */
function picture() {
  const [box, winner] = [$("#best-picture"), search.parts.now?.winner];
  if (!winner || !$("#best details").open) return;
  const source = pictureUrl(name, winner);
  if ($("img", box)?.getAttribute("src") !== source) box.replaceChildren(make("img", { src: source, alt: "The layers of the winner as a graph; its notation is below" }));
}

function running(now) {
  $("#running").hidden = !now.running.length;
  const heads = ["trial", "worker", "epochs", "accuracy", "time", "curve", "network"];
  const rows = now.running.map((run) => make("tr", {},
    make("td", { class: "left" }, make("a", { href: trialUrl(name, run.id) }, `#${run.number}`), run.full ? " in full" : ""),
    make("td", { class: "left wrap" }, run.worker || "–"),
    make("td", {}, make("progress", { class: "meter", max: run.epochs, value: run.curve.length, "aria-label": `Epochs of trial ${run.number}` }), ` ${run.curve.length} of ${run.epochs}`),
    make("td", {}, run.curve.length ? percent(run.curve.at(-1)[1]) : "–"),
    make("td", {}, duration(run.seconds)),
    make("td", {}, run.curve.length ? spark(run.curve.map((p) => p[1]), 1, `${run.curve.length} epochs so far`) : ""),
    make("td", { class: "why" }, run.notation),
  ));
  fill($("#running table"), make("thead", {}, make("tr", {}, ...heads.map((h) => make("th", { scope: "col", class: ["trial", "worker", "network"].includes(h) ? "left" : null }, h)))), make("tbody", {}, ...rows));
}

function spending(now) {
  $("#spending").hidden = !now.spent && !now.spending.length && !now.inherited;
  $("#spent").textContent = [now.spent, now.inherited].filter(Boolean).map((s) => `${s[0].toUpperCase()}${s.slice(1)}.`).join(" ");
  const [heads, ...rows] = now.spending;
  fill($("#spending table"), ...(heads ? [make("thead", {}, make("tr", {}, ...heads.map((h, k) => make("th", { scope: "col", class: k ? null : "left" }, h)))), make("tbody", {}, ...rows.map((row) => make("tr", {}, ...row.map((cell, k) => make("td", { class: k ? null : "left" }, cell)))))] : []));
}

function failures(now) {
  $("#failures").hidden = !now.failures.length;
  const links = (ids) => ids.flatMap((id) => [" ", make("a", { href: trialUrl(name, id) }, `#${search.byId.get(id)?.number ?? id}`)]);
  fill($("#failures ul"), ...now.failures.map((f) => make("li", {}, make("b", {}, `${f.n} × `), f.reason, ...links(f.trials))));
}

function file() {
  const { file: text, chosen } = search.parts.search;
  $("#file-text").textContent = text;
  $("#chosen").hidden = !chosen.length;
  fill($("#chosen dl"), ...chosen.flatMap(([what, choice, why]) => [make("dt", {}, what), make("dd", {}, make("b", {}, choice), `; ${why}`)]));
}

/** Rank the trials as the selection does in the first place: what was trained furthest, within the limits, by the first goal; looks and others last. */
function rank() {
  const now = search.parts.now;
  const [beyond, front] = [new Set(now.beyond), new Set(now.front)];
  const { metric: goal, sign } = now.objective;
  const worth = (row) => row.metrics[goal] ?? null;
  const ranked = search.rows.filter((row) => row.status === "complete" && worth(row) !== null);
  ranked.sort((a, b) => b.cost - a.cost || beyond.has(a.id) - beyond.has(b.id) || sign * (worth(b) - worth(a)) || (a.metrics.n_params ?? 0) - (b.metrics.n_params ?? 0) || a.number - b.number);
  for (const row of search.rows) row.rank = null;
  ranked.forEach((row, k) => { row.rank = k + 1; });
  for (const row of search.rows) {
    row.beyond = beyond.has(row.id);
    row.notes = [row.status, ...(row.id === now.winner ? ["winner"] : []), ...(front.has(row.id) && now.front.length > 1 ? ["front"] : []), ...(row.beyond ? ["beyond a limit"] : [])];
    row.key = row.id;
    row.mark = `${search.era} ${row.rank} ${row.notes}`; // a search that was begun anew may have the same trials
    row.className = row.id === now.winner ? "won" : null;
  }
}

function trials() {
  if (!search.parts.now) return;
  $("#trials").hidden = !search.rows.length;
  table.withColumns(columns());
  const words = $("#trials-text").value.toLowerCase().split(/\s+/).filter(Boolean);
  const choices = search.parts.search.decisions;
  const said = (row) => `#${row.number} ${row.notes.join(" ")} ${row.error ?? ""} ${row.reason ?? ""} ${row.choices.map((c, k) => (c === null ? "" : `${choices[k].name}=${c}`)).join(" ")}`.toLowerCase();
  const rows = search.rows.filter((row) => (!search.chosen || search.chosen.has(row.id)) && words.every((word) => said(row).includes(word)));
  table.show(rows, most);
  $("#trials-said").textContent = `${rows.length === search.rows.length ? "" : `${rows.length.toLocaleString("en")} of `}${search.rows.length.toLocaleString("en")} trials${rows.length > most ? `, the first ${most} are shown` : ""}`;
  $("#trials-more").hidden = rows.length <= most;
}

/** Take note of which trials are brushed. */
function brushed(ids, said) {
  search.chosen = ids;
  $("#brush-said").textContent = ids ? `${ids.size} of ${search.rows.length} trials: ${said}` : "All trials are shown. Drag along an axis of the parallel coordinates to choose some, or take a decision here.";
  $("#brush-clear").disabled = !ids;
  most = STEP;
  trials();
}

copying();
charts.listen();
$("#best details").addEventListener("toggle", picture);
window.addEventListener("theme", picture);
$("#trials-text").addEventListener("input", () => { most = STEP; trials(); });
$("#trials-more").addEventListener("click", () => { most += 4 * STEP; trials(); });
$("#trials-compare").addEventListener("click", () => location.assign(`${base}/compare?${[...table.chosen].map((id) => `trial=${encodeURIComponent(name)}/${encodeURIComponent(id)}`).join("&")}`));

poll(
  async () => {
    const query = new URLSearchParams({ era: search.era, have: search.rows.length, known: [search.state, ...Object.values(search.digests)].join(",") });
    const response = await fetch(`${base}/api/searches/${encodeURIComponent(name)}?${search.era || search.state ? query : ""}`, { cache: "no-store" });
    if (response.status !== 204) {
      if (!response.ok) throw new Error(`the server answered ${response.status}`);
      const answer = await response.json();
      const changed = apply(answer);
      say(answer);
      if (changed) show([...Object.keys(answer.parts), ...(answer.rows.length ? ["rows"] : [])]);
    }
    return search.parts.now?.phase === "done" ? 3000 : PAUSE_MS;
  },
  (error) => {
    if (error) {
      $("#state").className = "warning trouble";
      $("#state").textContent = `The server does not answer (${error.message}). This page asks again by itself.`;
      search.state = "";
    } else if (!search.state) $("#state").textContent = "";
  },
);
