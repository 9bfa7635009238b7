// A chart that follows its data, its width and the theme.
import { useEffect, useRef } from "../vendor/preact-hooks.js";
import uPlot from "../vendor/uplot.js";
import { html } from "./parts.js";

const HEIGHT = 220;
const PADDING = 32; // both sides together, as in console.css

const DAY_S = 86_400;
const DAY_STEPS = [1, 2, 7, 14].map((days) => days * DAY_S);
const inDays = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", timeZone: "UTC" });
const onClock = new Intl.DateTimeFormat("en-GB", { timeStyle: "medium" });
const dayOf = (s) => inDays.format(s * 1000);
const clockOf = (s) => onClock.format(s * 1000);

/**
 * `series`: [{ label, color (a custom property), bars, dash }]; `data`: seconds since 1970, then numbers for each series.
 * `label` says in words what the picture shows.
 */
export function Chart({ label, series, data, theme, format, days = false }) {
  const place = useRef(), plot = useRef();
  useEffect(() => {
    const host = place.current;
    const look = getComputedStyle(host);
    const color = (name) => look.getPropertyValue(name).trim();
    const axis = { stroke: color("--muted"), grid: { stroke: color("--line"), width: 1 }, ticks: { show: false } };
    const drawn = new uPlot(
      {
        width: host.clientWidth - PADDING,
        height: HEIGHT,
        cursor: { drag: { x: false, y: false }, points: { size: 7 } },
        scales: {
          x: { range: days ? (_, min, max) => [min - DAY_S / 2, max + DAY_S / 2] : (_, min, max) => [Math.min(min, max - 60), max] },
          y: { range: (_, min, max) => [0, max > 0 ? max * 1.15 : 1] },
        },
        axes: [
          { ...axis, size: 34, space: 70, incrs: days ? DAY_STEPS : undefined, values: (_, times) => times.map(days ? dayOf : clockOf) },
          { ...axis, size: 56, values: (_, values) => values.map(format) },
        ],
        series: [
          { label: days ? "Day" : "Time", value: (_, s) => (s == null ? "–" : (days ? dayOf : clockOf)(s)) },
          ...series.map(({ label, color: name, bars, dash }) => ({
            label,
            stroke: color(name),
            width: 2,
            dash,
            fill: bars && color(name),
            paths: bars && uPlot.paths.bars({ size: [0.6, 40], radius: 0.15 }),
            points: { show: false },
            value: (_, value) => (value == null ? "–" : format(value)),
          })),
        ],
      },
      data,
      host,
    );
    plot.current = drawn;
    const widths = new ResizeObserver(() => drawn.setSize({ width: host.clientWidth - PADDING, height: HEIGHT }));
    widths.observe(host);
    return () => {
      widths.disconnect();
      drawn.destroy();
    };
  }, [theme, series.map((one) => one.label).join()]);
  useEffect(() => plot.current.setData(data), [data]);
  return html`<div class="chart" role="img" aria-label=${label} ref=${place}></div>`;
}
