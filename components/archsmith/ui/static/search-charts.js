// The charts of a search. Each is drawn from what `search` holds; a trial that is not brushed is faint.
import { axis, Chart, grid, legend, modes, range, tip } from "./charts.js";
import { $, make, trialUrl } from "./dom.js";
import { effects } from "./effects-chart.js";
import { family } from "./family-chart.js";
import { duration, metric, percent, tick } from "./format.js";
import { heat, shared } from "./shared-charts.js";

const MOST_AXES = 12; // of the parallel coordinates; the decisions that matter most come first
const MANY = 1500; // curves beyond which each is drawn fainter

/** When each trial ended, in seconds of search: pauses between runs do not count. */
export function busy(rows) {
  const found = new Map();
  let [total, until] = [0, -Infinity];
  for (const row of [...rows].sort((a, b) => a.ended - a.seconds - (b.ended - b.seconds))) {
    total += Math.max(0, row.ended - Math.max(row.ended - row.seconds, until));
    until = Math.max(until, row.ended);
    found.set(row.id, total - (until - row.ended));
  }
  return found;
}

/** The points (cost, value) that no other one beats, the cheapest first. */
export function front(points, sign) {
  const found = [];
  for (const point of [...points].sort((a, b) => a[0] - b[0] || sign * (b[1] - a[1]))) if (!found.length || sign * point[1] > sign * found.at(-1)[1]) found.push(point);
  return found;
}

export class Charts {
  constructor(search, brushed) {
    Object.assign(this, { search, brushed, charts: {}, filters: new Map() });
  }

  listen() {
    this.against = modes($("#incumbent"), () => this.incumbent());
    this.cost = modes($("#cost"), () => this.costs());
    $("#epoch").addEventListener("input", () => heat(this));
    $("#brush-decision").addEventListener("change", () => this.offer());
    $("#brush-add").addEventListener("click", () => this.filter($("#brush-decision").value, $("#brush-choice").value));
    $("#brush-clear").addEventListener("click", () => this.letGo());
  }

  /** Draw what has changed. */
  show(changed) {
    const { parts, rows } = this.search;
    const some = (...names) => names.some((n) => changed.includes(n));
    // What a person points at is not drawn anew as long as nothing of it is new.
    const standing = [this.search.era, rows.length, this.now.winner, this.now.front, this.now.beyond.length].join();
    const moving = this.now.running.map((run) => `${run.id} ${run.curve.length}`).join();
    if (rows.length && (some("search", "rows") || standing !== this.standing)) this.draw(some("search", "rows"));
    else if (moving !== this.moving) this.curves();
    Object.assign(this, { standing, moving });
    if (some("effects")) effects(this);
    if (some("shared") && parts.shared.epochs.length) shared(this);
    if (some("search")) this.offerDecisions();
  }

  draw(whole = true) {
    this.incumbent();
    this.costs();
    this.curves();
    if (whole) this.parallel();
    family(this);
    $("#brush").hidden = !this.search.rows.length;
  }

  /** Return the chart of a section, which is shown from now on; `said` stands above it, and tells it to those who don't see it. */
  chart(id, said) {
    const section = document.getElementById(id);
    section.hidden = false;
    const line = $(".said", section);
    if (line) line.textContent = said;
    if (!this.charts[id]) {
      this.charts[id] = new Chart($(".plot", section));
    }
    return this.charts[id];
  }

  get now() { return this.search.parts.now; }
  get told() { return this.search.parts.search; }

  isFaint(row) { return this.search.chosen !== null && !this.search.chosen.has(row.id); }

  /** The tip of a trial. */
  about(row) {
    const { quality } = this.now;
    const shown = [quality, ...["n_params", "flops", "latency_s"]].filter((m) => m in row.metrics);
    const label = (m) => this.now.metrics.find((known) => known.name === m)?.label ?? m;
    return {
      title: `trial ${row.number}, ${row.notes.join(", ")}`, name: this.search.name, trial: row.id,
      lines: [...shown.map((m) => `${label(m)} ${metric(m, row.metrics[m])}`), `${row.fidelity}, ${duration(row.seconds)}`, ...(row.error ? [row.error.slice(0, 120)] : [])],
    };
  }

  /** A click on a trial's dot opens its page. */
  opens(chart) {
    chart.onDrawn = (drawn) => {
      drawn.off("click");
      drawn.on("click", (point) => { if (point.data?.id) location.assign(trialUrl(this.search.name, point.data.id)); });
    };
  }

  dot(c, row, value, extra = {}) {
    return { value, id: row.id, itemStyle: { opacity: this.isFaint(row) ? 0.12 : 0.9, color: row.beyond ? "transparent" : c.faint, borderColor: c.muted, borderWidth: 1 }, ...extra };
  }

  incumbent() {
    const { rows, byId } = this.search;
    if (!rows.length || !this.now) return;
    const { metric: goal, sign, label } = this.now.objective;
    const seconds = busy(rows);
    const byTime = this.against.mode === "seconds";
    const [unit, size] = byTime ? [["h", 3600], ["min", 60], ["s", 1]].find(([, s]) => Math.max(...seconds.values()) >= 2 * s || s === 1) : ["", 1];
    const at = (row) => (byTime ? seconds.get(row.id) / size : row.number);
    const done = rows.filter((row) => goal in row.metrics);
    const trained = done.filter((row) => row.status === "complete");
    const looks = done.filter((row) => row.status === "look");
    let steps = this.now.incumbents.map((id) => byId.get(id)).filter(Boolean);
    if (byTime) {
      steps = [];
      const winner = byId.get(this.now.winner); // what was trained less does not compare with it
      for (const row of trained.filter((r) => !r.beyond && (!winner || r.fidelity === winner.fidelity)).sort((a, b) => at(a) - at(b))) if (!steps.length || sign * row.metrics[goal] > sign * steps.at(-1).metrics[goal]) steps.push(row);
    }
    const ends = range(done.map((row) => row.metrics[goal]), sign);
    const last = Math.max(...rows.map(at));
    const best = steps.at(-1);
    const said = best ? `Best ${label}: ${metric(goal, best.metrics[goal])}, found ${byTime ? `after ${Number(at(best).toPrecision(3))} ${unit} of search` : `by trial ${best.number}`}.` : "No trial is within the limits.";
    const foot = sign > 0 ? ends.min : ends.max;
    const clip = (v) => Math.min(ends.max, Math.max(ends.min, v));
    const chart = this.chart("incumbent", said);
    this.opens(chart);
    chart.set((c) => ({
      legend: legend(c), grid: grid(), tooltip: tip(c, (p) => (p.data?.id ? this.about(byId.get(p.data.id)) : null)),
      dataZoom: [{ type: "inside", filterMode: "none", zoomOnMouseWheel: "ctrl" }],
      xAxis: axis(c, byTime ? `time of search (${unit})` : "number of the trial", null, { min: 0, max: last || 1, minInterval: byTime ? undefined : 1 }),
      yAxis: axis(c, "", goal, ends),
      series: [
        { type: "scatter", name: "look, shared weights", symbolSize: 4, data: looks.map((row) => this.dot(c, row, [at(row), clip(row.metrics[goal])])), itemStyle: { color: c.grid } },
        { type: "scatter", name: "trial", symbolSize: 7, data: trained.map((row) => this.dot(c, row, [at(row), clip(row.metrics[goal])])), itemStyle: { color: c.faint } },
        { type: "scatter", name: "failed", symbol: "path://M0,0L10,10M10,0L0,10", symbolSize: 8, data: rows.filter((row) => row.status === "failed").map((row) => ({ value: [at(row), foot], id: row.id })), itemStyle: { color: c.red, borderColor: c.red, borderWidth: 1.5 } },
        { type: "line", name: "incumbent", step: "end", symbol: "circle", symbolSize: 7, data: best ? [...steps.map((row) => ({ value: [at(row), row.metrics[goal]], id: row.id })), { value: [last, best.metrics[goal]], symbol: "none" }] : [], lineStyle: { color: c.blue, width: 2 }, itemStyle: { color: c.blue }, z: 4 },
      ].filter((s) => s.data.length),
    }), `Incumbent over ${byTime ? "time" : "trials"}. ${said}`);
  }

  costs() {
    const { rows, byId } = this.search;
    const now = this.now;
    if (!rows.length || !now) return;
    const measured = ["n_params", "flops", "latency_s"].filter((m) => rows.some((row) => row.metrics[m] > 0));
    for (const button of this.cost.buttons) button.hidden = !measured.includes(button.dataset.mode);
    if (!measured.length) return;
    if (!measured.includes(this.cost.mode)) {
      for (const button of this.cost.buttons) button.setAttribute("aria-pressed", String(button.dataset.mode === measured[0]));
    }
    const [cost, quality, sign] = [this.cost.mode, now.quality, now.sign];
    const trained = rows.filter((row) => row.status === "complete" && quality in row.metrics && row.metrics[cost] > 0);
    const goals = this.told.objectives.filter((o) => o.goal).map((o) => o.metric);
    const isFront = goals.length === 2 && goals.includes(quality) && goals.includes(cost);
    const allowed = trained.filter((row) => (isFront ? now.front.includes(row.id) : !row.beyond));
    const best = front(allowed.map((row) => [row.metrics[cost], row.metrics[quality], row.id]), sign);
    const ends = range(trained.map((row) => row.metrics[quality]), sign);
    const clip = (v) => Math.min(ends.max, Math.max(ends.min, v));
    const winner = byId.get(now.winner);
    const limits = this.told.objectives.filter((o) => o.limit !== null);
    const names = { n_params: "parameters", flops: "multiply-adds", latency_s: "latency of an image" };
    const said = best.length ? `${metric(quality, best.at(-1)[1])} at ${tick(cost, best.at(-1)[0])}${best.length > 1 ? `; ${metric(quality, best[0][1])} at ${tick(cost, best[0][0])}` : ""}.` : "No trial is within the limits.";
    $("#cost-title").textContent = `${now.quality_label[0].toUpperCase()}${now.quality_label.slice(1)} and ${names[cost]}`;
    const costsOf = trained.map((row) => row.metrics[cost]);
    const [low, high] = [Math.min(...costsOf), Math.max(...costsOf)];
    const chart = this.chart("cost", said);
    this.opens(chart);
    const mark = (axisName, o) => ({ [axisName]: o.limit, label: { formatter: `limit ${tick(o.metric, o.limit)}`, fontSize: 12, position: axisName === "xAxis" ? "insideEndTop" : "insideStartTop" } });
    chart.set((c) => ({
      legend: legend(c), grid: grid(), tooltip: tip(c, (p) => (p.data?.id ? this.about(byId.get(p.data.id)) : null)),
      xAxis: axis(c, names[cost], cost, { type: "log", min: low / 1.15, max: high * 1.15 }),
      yAxis: axis(c, "", quality, ends),
      series: [
        { type: "scatter", name: "trial", symbolSize: 7, itemStyle: { color: c.faint }, data: trained.map((row) => this.dot(c, row, [row.metrics[cost], clip(row.metrics[quality])])), markLine: { silent: true, symbol: "none", animation: false, lineStyle: { color: c.red, type: "dashed" }, label: { color: c.muted }, data: [...limits.filter((o) => o.metric === cost && o.limit < high * 1.15 && o.limit > low / 1.15).map((o) => mark("xAxis", o)), ...limits.filter((o) => o.metric === quality && o.limit > ends.min && o.limit < ends.max).map((o) => mark("yAxis", o))] } },
        { type: "line", name: isFront ? "front" : "best at its cost", step: "end", symbol: "circle", symbolSize: 7, data: best.map(([x, y, id]) => ({ value: [x, y], id })), lineStyle: { color: c.green, width: 2 }, itemStyle: { color: c.green }, z: 3 },
        { type: "scatter", name: "winner", symbol: "path://M10,0L12.9,6.9L20,7.6L14.6,12.5L16.2,20L10,16L3.8,20L5.4,12.5L0,7.6L7.1,6.9Z", symbolSize: 18, data: winner && trained.includes(winner) ? [{ value: [winner.metrics[cost], clip(winner.metrics[quality])], id: winner.id }] : [], itemStyle: { color: c.orange, borderColor: c.ink, borderWidth: 1 }, z: 5 },
      ].filter((s) => s.data.length),
    }), `${now.quality_label} against ${names[cost]}. ${said}`);
  }

  curves() {
    const { rows, byId } = this.search;
    const goneOn = new Set(rows.filter((row) => row.before && row.curve.length).map((row) => row.before));
    const drawn = rows.filter((row) => row.curve.length && !goneOn.has(row.id));
    const live = (this.now?.running ?? []).filter((run) => run.curve.length && !run.full);
    if (!drawn.length && !live.length) return;
    const whole = (row) => [...(row.before && byId.has(row.before) && row.curve[0][0] > 1 ? byId.get(row.before).curve : []), ...row.curve];
    const rungs = [...new Set(drawn.map((row) => row.fidelity))].sort((a, b) => drawn.find((r) => r.fidelity === a).epochs - drawn.find((r) => r.fidelity === b).epochs);
    const winner = byId.get(this.now.winner);
    const values = [...drawn.map((row) => row.curve.at(-1)[1]), ...live.map((run) => run.curve.at(-1)[1])];
    const all = [...drawn.flatMap((row) => row.curve.map((p) => p[1])), ...live.flatMap((run) => run.curve.map((p) => p[1]))];
    const ends = values.length < 5 ? range(all, 1) : { ...range(values, 1) };
    ends.max = Math.max(ends.max, all.reduce((a, b) => Math.max(a, b), -Infinity));
    const last = Math.max(2, drawn.reduce((most, row) => Math.max(most, row.curve.at(-1)[0]), 0), ...live.map((run) => run.curve.at(-1)[0]));
    const said = `${drawn.length} curve${drawn.length === 1 ? "" : "s"}${rungs.length > 1 ? `, of ${rungs.length} rungs` : ""}${live.length ? `; ${live.length} of what runs now, dashed` : ""}.`;
    const chart = this.chart("curves", said);
    this.opens(chart);
    const stops = drawn.filter((row) => row.stop);
    const dots = drawn.filter((row) => whole(row).length === 1);
    const of = (c, k) => (rungs.length === 1 ? c.muted : [c.sky, c.purple, c.green, c.blue, c.muted][k % 5]);
    const line = (row) => ({ id: row.id, coords: whole(row), lineStyle: { opacity: this.isFaint(row) ? 0.05 : drawn.length > MANY ? 0.25 : 0.6 } });
    chart.set((c) => ({
      legend: legend(c), grid: grid(), tooltip: tip(c, (p) => (byId.has(p.data?.id) ? this.about(byId.get(p.data.id)) : p.data?.run ? { title: p.data.run, lines: [] } : null)),
      dataZoom: [{ type: "inside", filterMode: "none", zoomOnMouseWheel: "ctrl" }],
      xAxis: axis(c, "epoch", null, { min: 1, max: last, minInterval: 1 }), yAxis: axis(c, "", "accuracy", ends),
      series: [
        ...rungs.map((rung, k) => ({ type: "lines", coordinateSystem: "cartesian2d", polyline: true, clip: true, progressive: 400, name: rungs.length > 1 ? `to ${rung}` : "trial", data: drawn.filter((row) => row.fidelity === rung && whole(row).length > 1).map(line), lineStyle: { color: of(c, k), width: 1.2 }, itemStyle: { color: of(c, k) }, emphasis: { lineStyle: { width: 3, opacity: 1 } } })),
        { type: "scatter", name: "a single epoch", symbolSize: 5, data: dots.map((row) => ({ value: whole(row)[0], id: row.id })), itemStyle: { color: c.muted } },
        { type: "lines", coordinateSystem: "cartesian2d", polyline: true, clip: true, name: "running", data: live.map((run) => ({ coords: run.curve.length > 1 ? run.curve : [run.curve[0], run.curve[0]], run: `trial ${run.number}, running: epoch ${run.curve.length} of ${run.epochs}, ${percent(run.curve.at(-1)[1])}` })), lineStyle: { color: c.blue, width: 2, type: "dashed", opacity: 1 }, itemStyle: { color: c.blue } },
        { type: "lines", coordinateSystem: "cartesian2d", polyline: true, clip: true, name: "winner", data: winner && winner.curve.length > 1 ? [{ ...line(winner), lineStyle: { opacity: 1 } }] : [], lineStyle: { color: c.orange, width: 2.5, opacity: 1 }, itemStyle: { color: c.orange }, z: 4 },
        { type: "scatter", name: "stopped early", symbol: "path://M0,0L10,10M10,0L0,10", symbolSize: 7, data: stops.map((row) => ({ value: row.curve.at(-1), id: row.id })), itemStyle: { color: c.red, borderColor: c.red, borderWidth: 1.5 }, z: 3 },
      ].filter((s) => s.data.length),
    }), `Learning curves. ${said}`);
  }

  /** The decisions that are shown as axes: those that matter most first, then as the space has them. */
  axes() {
    const order = (this.search.parts.effects?.effects ?? []).map((effect) => effect.decision);
    const rank = (d) => (order.includes(d.name) ? order.indexOf(d.name) : order.length);
    const tried = this.told.decisions.map((d, k) => ({ ...d, index: k })).filter((d) => new Set(this.search.rows.map((row) => row.choices[d.index])).size > 1);
    return (tried.length > MOST_AXES ? [...tried].sort((a, b) => rank(a) - rank(b)) : tried).slice(0, MOST_AXES);
  }

  parallel() {
    const { rows } = this.search;
    const now = this.now;
    const shown = rows.filter((row) => now.quality in row.metrics && row.status !== "look");
    const some = shown.length ? shown : rows.filter((row) => now.quality in row.metrics);
    const axes = this.axes();
    if (some.length < 2 || !axes.length) return;
    const costs = ["n_params", "latency_s"].filter((m) => some.some((row) => row.metrics[m] > 0)).slice(0, 1);
    const values = some.map((row) => row.metrics[now.quality]);
    const ends = range(values, now.sign);
    const text = (d, row) => (row.choices[d.index] === null ? "–" : d.choices[d.values.indexOf(row.choices[d.index])]);
    const all = this.told.decisions.length;
    const said = `${some.length} trials${axes.length < all ? `; ${axes.length} of ${all} decisions, those that matter most or were tried` : ""}. The line's colour is its ${now.quality_label}.`;
    const chart = this.chart("parallel", said);
    chart.element.style.minWidth = `${90 * (axes.length + costs.length + 1)}px`;
    this.parallelRows = some;
    chart.onDrawn = (drawn) => this.rebrush(drawn);
    const clip = (v) => Math.min(ends.max, Math.max(ends.min, v));
    chart.set((c) => {
      const free = { showMinLabel: false, showMaxLabel: false };
      const look = { nameTextStyle: { color: c.ink, fontSize: 12, width: 84, overflow: "truncate" }, axisLabel: { color: c.muted, fontSize: 12, width: 74, overflow: "truncate" }, axisLine: { lineStyle: { color: c.muted } }, axisTick: { lineStyle: { color: c.faint } } };
      return {
        // Nothing is said at the pointer of a line: the axes are brushed there.
        parallel: { left: 60, right: 90, top: 46, bottom: 24, parallelAxisDefault: { ...look, areaSelectStyle: { width: 22, borderColor: c.blue, color: c.blue, opacity: 0.25 } } },
        parallelAxis: [
          ...axes.map((d, k) => ({ dim: k, id: `decision ${d.name}`, name: d.name, type: "category", data: [...(some.some((row) => row.choices[d.index] === null) ? ["–"] : []), ...d.choices], tooltip: { show: true } })),
          ...costs.map((m, k) => ({ dim: axes.length + k, id: m, name: now.metrics.find((known) => known.name === m)?.label ?? m, type: "log", min: Math.min(...some.map((row) => row.metrics[m] ?? Infinity)) / 1.05, max: Math.max(...some.map((row) => row.metrics[m] ?? 0)) * 1.05, axisLabel: { ...look.axisLabel, ...free, formatter: (v) => tick(m, v) } })),
          { dim: axes.length + costs.length, id: "quality", name: now.quality_label, ...ends, axisLabel: { ...look.axisLabel, ...free, formatter: (v) => tick(now.quality, v) } },
        ],
        visualMap: { show: false, dimension: axes.length + costs.length, ...ends, inRange: { color: now.sign > 0 ? [c.grid, c.sky, c.blue] : [c.blue, c.sky, c.grid] } },
        series: [{ type: "parallel", smooth: false, progressive: 500, lineStyle: { width: some.length > 500 ? 0.7 : 1.3, opacity: some.length > 500 ? 0.35 : 0.6 }, inactiveOpacity: 0.04, activeOpacity: some.length > 500 ? 0.5 : 0.9, data: some.map((row) => ({ value: [...axes.map((d) => text(d, row)), ...costs.map((m) => row.metrics[m] ?? "-"), clip(row.metrics[now.quality])], id: row.id })) }],
      };
    }, `Parallel coordinates. ${said} The same can be chosen with the form above, and is listed in the table below.`);
  }

  /** Take note of what is brushed along the axes, and of which trials pass there. */
  fromBrush() {
    const model = this.charts.parallel.chart.getModel();
    this.intervals = model.queryComponents({ mainType: "parallelAxis" }).filter((one) => one.activeIntervals?.length).map((one) => [one.id, one.activeIntervals]);
    const indices = new Set(model.getSeriesByIndex(0).getRawIndicesByActiveState("active"));
    this.axisIds = this.intervals.length ? new Set(this.parallelRows.filter((_, k) => indices.has(k)).map((row) => row.id)) : null;
    this.chosen();
  }

  /** A new drawing has no brushed intervals: put those of before onto its axes. */
  rebrush(drawn) {
    drawn.off("axisareaselected");
    const kept = this.intervals ?? [];
    for (const [parallelAxisId, intervals] of kept) drawn.dispatchAction({ type: "axisAreaSelect", parallelAxisId, intervals });
    drawn.on("axisareaselected", () => this.fromBrush());
    if (!kept.length) return;
    drawn.resize(); // an axis draws no brush for a selection that it is only told of
    this.fromBrush();
  }

  offerDecisions() {
    const select = $("#brush-decision");
    select.replaceChildren(...this.told.decisions.map((d) => make("option", { value: d.name }, d.name)));
    this.offer();
  }

  offer() {
    const decision = this.told.decisions.find((d) => d.name === $("#brush-decision").value);
    $("#brush-choice").replaceChildren(...(decision?.choices ?? []).map((choice) => make("option", { value: choice }, choice)));
  }

  filter(decision, choice) {
    this.filters.set(decision, new Set([...(this.filters.get(decision) ?? []), choice]));
    this.chosen();
  }

  letGo() {
    this.filters.clear();
    [this.intervals, this.axisIds] = [[], null];
    this.parallel();
    this.chosen();
  }

  /** Put together what is chosen along the axes and in the form. */
  chosen() {
    const decisions = this.told.decisions;
    const passes = (row) => [...this.filters].every(([name, choices]) => { const k = decisions.findIndex((d) => d.name === name); const value = row.choices[k]; return value !== null && choices.has(decisions[k].choices[decisions[k].values.indexOf(value)]); });
    const none = !this.filters.size && !this.axisIds;
    const ids = none ? null : new Set(this.search.rows.filter((row) => passes(row) && (!this.axisIds || this.axisIds.has(row.id))).map((row) => row.id));
    const said = [...[...this.filters].map(([name, choices]) => `${name} is ${[...choices].join(" or ")}`), ...(this.axisIds ? ["as chosen along the axes"] : [])].join("; ");
    this.brushed(ids, said);
    this.incumbent();
    this.costs();
    this.curves();
  }
}
