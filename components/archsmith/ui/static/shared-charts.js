// The training of shared weights, and how probable each option was after each of its epochs.
import { axis, grid, legend, series, tip } from "./charts.js";
import { $ } from "./dom.js";
import { duration, percent } from "./format.js";

export function shared(charts) {
  const { epochs, points } = charts.search.parts.shared;
  const lines = [["train_loss", "training loss"], ["val_loss", "validation loss"], ["val_accuracy", "accuracy of what is derived"], ["entropy", "entropy of the choices"], ["temperature", "temperature"], ["eigenvalue", "largest eigenvalue"]].filter(([key]) => epochs.some((e) => e[key] !== null));
  const last = epochs.at(-1);
  const said = `${epochs.length} of ${charts.now.epochs_to_share ?? epochs.length} epochs, in ${duration(last.seconds)}.`;
  charts.chart("shared", said).set((c) => ({
    legend: legend(c), grid: grid({ right: 12 }),
    tooltip: tip(c, (p) => ({ title: `epoch ${p.value[0]}`, lines: [`${p.seriesName} ${Number(p.value[1].toPrecision(4))}`] })),
    xAxis: axis(c, "epoch", null, { min: 1, max: Math.max(2, last.epoch), minInterval: 1 }),
    yAxis: [axis(c, "", "", { min: 0 }), axis(c, "", "", { splitLine: { show: false }, show: lines.some(([key]) => key === "eigenvalue" || key === "temperature") })],
    series: lines.map(([key, text], k) => ({ type: "line", name: text, symbolSize: 5, showSymbol: epochs.length < 60, yAxisIndex: key === "eigenvalue" || key === "temperature" ? 1 : 0, data: epochs.filter((e) => e[key] !== null).map((e) => [e.epoch, e[key]]), lineStyle: { color: series(c)[k], width: 2 }, itemStyle: { color: series(c)[k] } })),
  }), `Training of shared weights. ${said}`);
  if (Object.keys(points).length) {
    const slider = $("#epoch");
    const atEnd = slider.value === slider.max;
    slider.max = String(epochs.length);
    if (atEnd) slider.value = slider.max;
    heat(charts);
  }
}

export function heat(charts) {
  const { epochs, points } = charts.search.parts.shared;
  const k = Number($("#epoch").value) - 1;
  const names = Object.keys(points);
  const options = [...new Set(names.flatMap((point) => Object.keys(points[point])))];
  const cells = names.flatMap((point, y) => Object.entries(points[point]).filter(([, p]) => p[k] !== null && p[k] !== undefined).map(([option, p]) => [options.indexOf(option), names.length - 1 - y, p[k]]));
  const words = `epoch ${epochs[k].epoch} of ${epochs.length}`;
  $("#epoch-said").textContent = words;
  const surest = cells.reduce((a, b) => (b[2] > (a?.[2] ?? 0) ? b : a), null);
  const chart = charts.chart("heat", "");
  chart.element.style.height = `${Math.max(200, 120 + 24 * names.length)}px`;
  chart.set((c) => ({
    grid: grid({ top: 8, bottom: 60 }),
    tooltip: tip(c, (p) => ({ title: names[names.length - 1 - p.value[1]], lines: [`${options[p.value[0]]}: ${percent(p.value[2], 1)}`, words] })),
    xAxis: { type: "category", data: options, axisLabel: { color: c.muted, fontSize: 12, rotate: options.length > 4 ? 30 : 0, interval: 0, width: 110, overflow: "truncate" }, axisTick: { show: false }, axisLine: { lineStyle: { color: c.faint } } },
    yAxis: { type: "category", data: [...names].reverse(), axisLabel: { color: c.muted, fontSize: 12, interval: 0, width: 150, overflow: "truncate" }, axisTick: { show: false }, axisLine: { lineStyle: { color: c.faint } } },
    visualMap: { show: true, type: "continuous", min: 0, max: 1, calculable: false, orient: "horizontal", left: "center", bottom: 0, itemHeight: 140, itemWidth: 12, text: ["certain", "never"], textStyle: { color: c.muted, fontSize: 12 }, inRange: { color: [c.paper, c.sky, c.blue] } },
    series: [{ type: "heatmap", data: cells.map((cell) => ({ value: cell, label: { color: cell[2] > 0.55 ? c.paper : c.ink } })), itemStyle: { borderColor: c.grid, borderWidth: 1 }, label: { show: options.length <= 8, formatter: (p) => Math.round(100 * p.value[2]), fontSize: 12 } }],
  }), `Probability of each option at ${words}${surest ? `; the surest is ${options[surest[0]]} of ${names[names.length - 1 - surest[1]]}, ${percent(surest[2], 0)}` : ""}`);
  chart.chart?.resize();
}
