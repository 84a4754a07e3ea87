// What each choice of a decision went along with: means, their errors, and what may be chance.
import { axis, grid, tip } from "./charts.js";
import { metric, percent, tick } from "./format.js";

const MOST_EFFECTS = 12; // decisions

export function effects(charts) {
  const { effects, fewest, metric: name } = charts.search.parts.effects;
  if (!effects.length) {
    if (charts.charts.effects) document.getElementById("effects").hidden = true;
    return;
  }
  const shown = effects.slice(0, MOST_EFFECTS);
  const rows = shown.flatMap((effect) => effect.choices.map((choice, k) => ({ effect, choice, first: k === 0, label: `${k ? "" : `${effect.decision}  `}${choice.choice} (${choice.n})` }))).reverse();
  const sure = effects.filter((e) => e.sure);
  const said = sure.length ? `${sure[0].decision} explains ${percent(sure[0].share, 0)} of the variance of ${name}${sure.length > 1 ? `, ${sure[1].decision} ${percent(sure[1].share, 0)}` : ""}.` : `No decision's effect can be told from chance, of at least ${fewest} trials.`;
  const chart = charts.chart("effects", said);
  chart.element.style.height = `${Math.max(330, 70 + 19 * rows.length)}px`;
  const low = (r) => r.choice.mean - (r.choice.error ?? 0);
  const high = (r) => r.choice.mean + (r.choice.error ?? 0);
  const all = [Math.min(...rows.map(low)), Math.max(...rows.map(high))];
  const room = 0.05 * (all[1] - all[0]) || 0.01;
  chart.set((c) => ({
    grid: grid({ top: 8 }),
    tooltip: tip(c, (p) => { const r = rows[p.data?.row ?? 0]; return { title: `${r.effect.decision}: ${r.choice.choice}`, lines: [`${r.choice.n} trial${r.choice.n > 1 ? "s" : ""}, mean ${metric(name, r.choice.mean)}${r.choice.error === null ? "" : ` ± ${tick(name, r.choice.error)}`}`, r.effect.sure ? `the decision explains ${percent(r.effect.share, 0)}` : "the decision's effect may be chance"] }; }),
    xAxis: axis(c, `mean ${name}`, name, { min: all[0] - room, max: all[1] + room }),
    yAxis: { type: "category", data: rows.map((r) => r.label), axisLine: { show: false }, axisTick: { show: false }, axisLabel: { color: c.muted, fontSize: 12, interval: 0, width: 200, overflow: "truncate" }, splitLine: { show: true, interval: (k) => rows[k]?.first ?? false, lineStyle: { color: c.grid } } },
    series: [
      { type: "custom", silent: true, data: rows.map((r, k) => [low(r), k, high(r)]), encode: { x: [0, 2], y: 1 }, renderItem: (_, api) => { const [a, b] = [api.coord([api.value(0), api.value(1)]), api.coord([api.value(2), api.value(1)])]; return { type: "line", shape: { x1: a[0], y1: a[1], x2: b[0], y2: b[1] }, style: { stroke: rows[api.value(1)].effect.sure ? c.blue : c.faint, lineWidth: 1.5 } }; } },
      { type: "scatter", symbolSize: 9, data: rows.map((r, k) => ({ value: [r.choice.mean, k], row: k, itemStyle: { color: r.effect.sure ? c.blue : c.faint } })) },
    ],
  }), `Effect of each decision. ${said}`);
  charts.chart("effects", said).chart?.resize();
}
