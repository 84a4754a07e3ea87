// What all charts share: colours of the page, letters of a size that can be read, and tips that hold text and a network's picture.
/* global echarts */
import { make, pictureUrl } from "./dom.js";
import { tick } from "./format.js";

/** The colours of the page as it is now. */
export function colours() {
  const style = getComputedStyle(document.documentElement);
  const names = ["ink", "muted", "faint", "grid", "paper", "blue", "orange", "green", "red", "purple", "sky", "ground"];
  return Object.fromEntries(names.map((name) => [name, style.getPropertyValue(`--${name}`).trim()]));
}

export const series = (c) => [c.blue, c.red, c.green, c.purple, c.orange, c.sky, c.muted, c.ink];

const alive = new Set();
window.addEventListener("theme", () => { for (const chart of alive) chart.draw(); });

/** Let go of the charts whose places have left the page. */
export function letGo() {
  for (const chart of alive) if (!chart.element.isConnected) chart.end();
}

/** A chart that draws itself anew when the theme changes, and fits the width that it has. */
export class Chart {
  constructor(element) {
    this.element = element;
    this.chart = null;
    this.made = null;
    this.sizes = new ResizeObserver(() => { if (this.chart && element.clientWidth) this.chart.resize(); });
    this.sizes.observe(element);
    alive.add(this);
  }

  end() {
    this.sizes.disconnect();
    this.chart?.dispose();
    alive.delete(this);
  }

  /** Draw what `option` returns for the colours of the page; `words` say it to those who do not see it. */
  set(option, words) {
    this.made = option;
    if (words) this.element.setAttribute("aria-label", words);
    this.draw();
  }

  draw() {
    if (!this.made || !this.element.clientWidth) return;
    this.chart ??= echarts.init(this.element, null, { renderer: "canvas" });
    const c = colours();
    const option = this.made(c);
    this.chart.setOption({ backgroundColor: "transparent", animation: false, textStyle: { color: c.muted, fontSize: 12 }, ...option }, { notMerge: true });
    this.onDrawn?.(this.chart);
  }
}

export const grid = (more = {}) => ({ left: 12, right: 18, top: 34, bottom: 34, containLabel: true, ...more });

export const legend = (c, more = {}) => ({ type: "scroll", top: 0, left: 0, icon: "circle", itemWidth: 10, itemHeight: 10, textStyle: { color: c.muted, fontSize: 12 }, pageIconColor: c.blue, pageTextStyle: { color: c.muted, fontSize: 12 }, ...more });

/** An axis of values in the unit of a metric. */
export function axis(c, name, metric, more = {}) {
  return {
    type: "value", scale: true, name, nameLocation: "middle", nameGap: 30,
    nameTextStyle: { color: c.muted, fontSize: 12 },
    axisLine: { lineStyle: { color: c.faint } }, splitLine: { lineStyle: { color: c.grid } }, axisTick: { show: false },
    axisLabel: { color: c.muted, fontSize: 12, hideOverlap: true, ...(more.min !== undefined && metric ? { showMinLabel: false, showMaxLabel: false } : {}), ...(metric ? { formatter: (v) => tick(metric, v) } : {}) },
    ...more,
  };
}

/** The tip of a trial: facts in lines, and its network. `lines(data)` returns text; a `trial` has a picture. */
export function tip(c, lines) {
  return {
    trigger: "item", confine: true, transitionDuration: 0, enterable: false, padding: 8,
    backgroundColor: c.paper, borderColor: c.faint, borderWidth: 1, textStyle: { color: c.ink, fontSize: 12 },
    formatter: (point) => {
      const found = lines(point);
      return found ? tipElement(found) : "";
    },
  };
}

export function tipElement({ title, lines = [], name, trial }) {
  const network = trial ? make("span", { class: "network" }, make("img", { src: pictureUrl(name, trial), alt: "" })) : null;
  return make("div", { class: "tip" }, make("b", {}, title), ...lines.map((line) => make("span", {}, line)), network);
}

/**
 * The range of an axis that shows the good values well; the worst may lie outside of it, as in the report.
 * `sign` is 1 where a larger value is better.
 */
export function range(values, sign) {
  const merits = values.filter(Number.isFinite).map((v) => sign * v).sort((a, b) => a - b);
  if (!merits.length) return {};
  const [lowest, best, middle] = [merits[0], merits.at(-1), merits[merits.length >> 1]];
  let worst = Math.max(lowest, best - 4 * (best - middle));
  if (merits.length < 5 || worst === best) worst = lowest;
  const room = 0.08 * (best - worst) || 0.05 * Math.abs(best) || 0.01;
  const [min, max] = [sign * (worst - room), sign * (best + room)].sort((a, b) => a - b);
  return { min, max };
}

/** Let the buttons of a chart choose what it is drawn against. */
export function modes(section, changed) {
  const buttons = [...section.querySelectorAll("button[data-mode]")];
  for (const button of buttons) {
    button.addEventListener("click", () => {
      for (const other of buttons) other.setAttribute("aria-pressed", String(other === button));
      changed(button.dataset.mode);
    });
  }
  return { buttons, get mode() { return buttons.find((b) => b.getAttribute("aria-pressed") === "true")?.dataset.mode; } };
}

/** Losses and accuracy over epochs: one network's, or the accuracy of several. */
export function curveChart(element, curves) {
  const one = curves.length === 1;
  const last = Math.max(2, ...curves.flatMap((curve) => curve.points.map((p) => p[0])));
  const line = (name, points, k, color, yAxisIndex = 0, more = {}) => ({
    type: "line", name, data: points.map((p) => [p[0], p[k]]), yAxisIndex, xAxisIndex: one ? yAxisIndex : 0, symbolSize: 5,
    showSymbol: points.length < 40, lineStyle: { color, width: 2, ...more }, itemStyle: { color },
  });
  const words = curves.map((curve) => `${curve.name}: ${curve.points.length} epochs, accuracy ${tick("accuracy", curve.points.at(-1)?.[3] ?? NaN)} in the end`).join("; ");
  new Chart(element).set((c) => ({
    legend: legend(c),
    tooltip: { trigger: "axis", confine: true, backgroundColor: c.paper, borderColor: c.faint, textStyle: { color: c.ink, fontSize: 12 }, formatter: (points) => tipElement({ title: `epoch ${points[0].value[0]}`, lines: points.map((p) => `${p.seriesName}: ${/accuracy/.test(p.seriesName) || !one ? tick("accuracy", p.value[1] ?? NaN) : Number(p.value[1] ?? NaN).toPrecision(4)}`) }) },
    axisPointer: { link: [{ xAxisIndex: "all" }], lineStyle: { color: c.faint } },
    grid: one ? [grid({ bottom: "54%" }), grid({ top: "54%" })] : grid(),
    xAxis: one ? [0, 1].map((k) => axis(c, k ? "epoch" : "", null, { gridIndex: k, min: 1, max: last, minInterval: 1 })) : axis(c, "epoch", null, { min: 1, max: last, minInterval: 1 }),
    yAxis: one ? [axis(c, "", "accuracy", { gridIndex: 0 }), axis(c, "", "", { gridIndex: 1 })] : axis(c, "", "accuracy"),
    series: one
      ? [line("validation accuracy", curves[0].points, 3, c.blue), line("training loss", curves[0].points, 1, c.orange, 1), line("validation loss", curves[0].points, 2, c.purple, 1, { type: "dashed" })]
      : curves.map((curve, k) => line(curve.name, curve.points, 3, series(c)[k % 8])),
  }), words);
}

/** The incumbents of several searches. */
export function coursesChart(section, courses) {
  const element = section.querySelector(".plot");
  const chart = new Chart(element);
  const draw = (by) => {
    const end = by === "trials" ? "last_trial" : "last_second";
    const metrics = new Set(courses.map((course) => course.metric));
    const metric = metrics.size === 1 ? courses[0].metric : "";
    chart.set((c) => ({
      legend: legend(c),
      tooltip: tip(c, (p) => ({ title: p.seriesName, lines: [tick(courses[p.seriesIndex].metric, p.value[1]), by === "trials" ? `by trial ${p.value[0]}` : `after ${Math.round(p.value[0])} s`] })),
      grid: grid(),
      xAxis: axis(c, by === "trials" ? "number of the trial" : "seconds of search", null, { min: 0 }),
      yAxis: axis(c, "", metric),
      series: courses.map((course, k) => ({ type: "line", name: course.name, step: "end", symbolSize: 7, data: course[by].length ? [...course[by], [course[end], course[by].at(-1)[1]]] : [], lineStyle: { color: series(c)[k % 8], type: k < 4 ? "solid" : "dashed" }, itemStyle: { color: series(c)[k % 8] } })),
    }), courses.map((course) => `${course.name}: ${tick(course.metric, course[by].at(-1)?.[1] ?? NaN)}`).join("; "));
  };
  const chosen = modes(section, draw);
  draw(chosen.mode);
}
