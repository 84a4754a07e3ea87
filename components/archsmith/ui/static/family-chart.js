// Who has begun with whose weights: each trial at birth and in the end, and the winner's line.
import { axis, grid, legend, range, tip } from "./charts.js";

export function family(charts) {
  const { rows, byId } = charts.search;
  const children = rows.filter((row) => row.parent && "accuracy" in row.metrics && byId.has(row.parent) && !row.orphan);
  if (!children.length) return;
  const shown = rows.filter((row) => "accuracy" in row.metrics);
  const line = new Set();
  for (let row = byId.get(charts.now.winner); row && !line.has(row.id); row = byId.get(row.parent)) line.add(row.id);
  const at = (row) => [row.number, row.metrics.accuracy];
  const ends = range([...shown.map((row) => row.metrics.accuracy), ...children.map((row) => row.born ?? NaN)], 1);
  const clip = ([x, y]) => [x, Math.min(ends.max, Math.max(ends.min, y))];
  const link = (row) => ({ coords: [clip(at(byId.get(row.parent))), clip([row.number, row.born ?? row.metrics.accuracy])] });
  const rise = (row) => ({ coords: [clip([row.number, row.born ?? row.metrics.accuracy]), clip(at(row))] });
  const parents = children.filter((row) => "accuracy" in byId.get(row.parent).metrics);
  const said = `${children.length} of ${shown.length} trials began with the weights of another one${line.size > 1 ? `; the winner's line has ${line.size} generations` : ""}.`;
  const chart = charts.chart("family", said);
  charts.opens(chart);
  const lines = (name, data, color, width, more = {}) => ({ type: "lines", coordinateSystem: "cartesian2d", silent: true, name, data, lineStyle: { color, width, opacity: 0.8, ...more }, itemStyle: { color } });
  chart.set((c) => ({
    legend: legend(c), grid: grid(), tooltip: tip(c, (p) => (p.data?.id ? charts.about(byId.get(p.data.id)) : null)),
    xAxis: axis(c, "number of the trial", null, { min: -0.5, max: Math.max(...shown.map((row) => row.number)) + 0.5, minInterval: 1 }), yAxis: axis(c, "", "accuracy", ends),
    series: [
      lines("weights passed on", parents.filter((row) => !line.has(row.id)).map(link), c.faint, 1),
      lines("its own training", children.filter((row) => !line.has(row.id)).map(rise), c.sky, 1.5),
      lines("the winner's line", [...parents.filter((row) => line.has(row.id)).map(link), ...children.filter((row) => line.has(row.id)).map(rise)], c.orange, 2.5),
      { type: "scatter", name: "from scratch", symbolSize: 8, data: shown.filter((row) => !row.parent || row.orphan).map((row) => ({ value: clip(at(row)), id: row.id })), itemStyle: { color: c.faint, borderColor: c.muted, borderWidth: 1 }, z: 3 },
      { type: "scatter", name: "inherited", symbolSize: 8, data: children.map((row) => ({ value: clip(at(row)), id: row.id })), itemStyle: { color: c.blue }, z: 3 },
    ].filter((s) => s.data.length),
  }), `Family tree. ${said}`);
}
